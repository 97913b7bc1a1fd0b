// Package clickhouse is where Earshot keeps what it hears: the ledger of every Kafka
// record, the mentions and other rows derived from it, their migration, the rollups,
// and a real ClickHouse server that runs as a child process when none is configured.
//
// The order of reading: server.go (the embedded server), client.go (connections),
// migrate.go (tables; the SQL lives in schemas/sql), ledger.go (exactly once),
// resolve.go (what one record cannot know alone), rollup.go (hourly and minutely
// totals), retention.go.
//
// The ledger is exact, everything else folds by key: whoever adds a table here makes
// it fold, so that writing a batch again changes nothing.
package clickhouse
