// Package rss reads blogs and news: RSS, Atom and JSON Feed, asked again and again by
// conditional GET, or told by a WebSub hub.
//
// The formats are those of https://www.rssboard.org/rss-specification (2.0.11), RFC 4287
// with the tombstones of RFC 6721, and https://www.jsonfeed.org/version/1.1/; the
// subscriber is that of https://www.w3.org/TR/websub/ (Recommendation of 2018-01-23).
//
//   - config.go  settings
//   - feed.go    a document to entries, an entry to a post
//   - state.go   the cursor: what of each feed was read
//   - source.go  the rounds, the pace of each feed, gaps
//   - websub.go  subscriptions, their verification, and what hubs deliver
package rss
