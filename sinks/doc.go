// Package sinks holds the contract that every sink passes. A sink lives in a room of its
// own (sinks/clickhouse) and calls Contract from a test.
package sinks
