// Package sql holds the numbered ClickHouse migrations: data only. A file that has been
// released is never edited; a change is a new file with the next number.
package sql

import "embed"

// Files holds NNNN_name.sql; statements end with a semicolon at the end of a line.
//
//go:embed *.sql
var Files embed.FS
