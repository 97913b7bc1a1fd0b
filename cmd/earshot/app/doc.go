// Package app holds the use cases: run, import, sql, schema. It wires the rooms
// together and is the only place that knows all of them; the commands above it parse
// flags and print, the rooms below it do the work.
//
//	config.go     the configuration of everything, composed of the rooms' own
//	servers.go    the embedded broker and ClickHouse, or the configured ones
//	directory.go  the data directory: its lock, and where others find the servers
//	wiring.go     the table of sources and the chain of enrichment
//	line.go       the running parts and their ordered drain
//	run.go, import.go, sql.go, schema.go   one file a use case
package app
