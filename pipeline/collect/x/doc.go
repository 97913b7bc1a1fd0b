// Package x reads posts of X (Twitter) through version 2 of its API: the filtered stream
// as it happens, and recent search for what was missed. Reads cost money, so every one of
// them comes out of a budget (package budget).
//
// Built from https://docs.x.com/x-api (sources: github.com/xdevplatform/docs), read
// 2026-11-23: posts/filtered-stream (introduction, build-a-rule, operators), posts/search,
// fundamentals (data-dictionary, expansions, edit-posts, consuming-streaming-data,
// recovery-and-redundancy, rate-limits), compliance/streams.
//
//   - config.go      settings
//   - source.go      the stream: connection, batches, cursor
//   - missed.go      windows of time that recent search fills
//   - again.go       posts that are looked up again
//   - rules.go       the rules that the platform filters by
//   - compliance.go  deletes of posts and accounts, for Enterprise access
//   - post.go        payloads to posts
package x
