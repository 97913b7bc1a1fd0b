// Package bluesky reads Bluesky's Jetstream, versions 1 and 2: JSON over a WebSocket,
// without credentials.
//
// The protocol is that of https://github.com/bluesky-social/jetstream: version 1 after its
// README at commit b5b059c, version 2 after lexicons/network/bsky/jetstream at commit
// c5c5b38. The records are those of the lexicons app.bsky.feed.post and
// app.bsky.feed.repost (https://docs.bsky.app/docs/advanced-guides/posts).
//
//   - config.go      settings
//   - event.go       events and records to posts; messages of version 1
//   - frame.go       messages of version 2
//   - dictionary.go  compressed messages of version 2
//   - source.go      connection, cursor, gaps
//   - profiles.go    who the authors are, and how many follow them
//   - again.go       the counts of posts, later on
package bluesky
