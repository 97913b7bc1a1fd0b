// Package settings reads a YAML file strictly into tagged structs and describes those
// structs. It knows nothing of Earshot: a room writes a struct with DefaultX() and
// Validate(), and gets from here positions in errors, environment overrides, a JSON
// Schema, the reference in Markdown and the documented example file, all from the
// same tags:
//
//	Brokers []string `yaml:"brokers" doc:"addresses, host:port"`
//
// Tags: yaml (the key; ",inline" for an embedded struct, "-" to leave out), doc, enum
// (values, comma-separated), env (another name for the override). go.yaml.in/yaml/v3
// parses because it gives the tree with lines and columns; decoding that tree here is
// what allows to report every mistake of a file at once, each in its place.
package settings
