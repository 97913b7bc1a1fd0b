// Package file is the source that reads posts from files: NDJSON of Posts, CSV, TSV and
// plain text, packed by gzip or zstd or not at all, once or for as long as it grows.
//
//   - config.go   settings
//   - source.go   Open and Run: records to batches, batches to the session
//   - follow.go   a file that grows and is rotated
//   - input.go    open, unpack, decode UTF-16, skip to a place
//   - frame.go    a stream of bytes to records, each with its place
//   - csv.go      a CSV record to fields
//   - decode.go   a record to a Post
//   - field.go    the fields of a Post that a column can fill
//   - moment.go   times in their many spellings, and those within tweet ids
//   - plan.go     which column fills which field: said, by header, or guessed (guess.go)
//   - cursor.go   the place in a file, and which file it is
//   - inspect.go  the first records: the header, the columns, the delimiter
//   - preset.go   exports of other tools: brandwatch.go, talkwalker.go, meltwater.go, fourcat.go; of
//     dumps of Reddit package reddit knows; address.go and names.go know addresses, countries, languages
//
// The source is deterministic: a batch ends after 1,000 records or 4 MiB, whatever the
// machine, so a batch handed over twice is told from a new one.
package file
