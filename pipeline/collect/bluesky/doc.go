// Package bluesky reads Bluesky's Jetstream, version 1: JSON over a WebSocket, without
// credentials.
//
// The protocol is that of https://github.com/bluesky-social/jetstream (README, read at
// commit b5b059c), the records those of the lexicons app.bsky.feed.post and
// app.bsky.feed.repost (https://docs.bsky.app/docs/advanced-guides/posts).
//
//   - config.go  settings
//   - event.go   events and records to posts
//   - source.go  connection, cursor, gaps
package bluesky
