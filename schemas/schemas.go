// Package schemas holds data only: the JSON Schemas of the records and of the
// configuration, and in sql/ the versioned statements that build the tables. The
// schemas of the records are generated from the structs in package pipeline, whose
// tests fail when the two differ; `go test ./pipeline -run TestSchemas -update` writes
// them anew.
package schemas

import "embed"

// JSON holds the JSON Schemas (draft 2020-12), named such as post.schema.json.
//
//go:embed *.schema.json
var JSON embed.FS
