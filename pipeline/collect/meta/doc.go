// Package meta reads Facebook Pages and Instagram professional accounts through the Graph
// API: it polls posts and comments, and takes webhooks, which alone tell of edits.
//
// Built from https://developers.facebook.com/docs (graph-api/reference/page/feed, post,
// comment; graph-api/results; graph-api/overview/rate-limiting; graph-api/guides/
// error-handling; graph-api/webhooks/reference/page and /instagram;
// instagram-platform/instagram-graph-api/reference ig-user/media, ig-user/tags,
// ig-hashtag/recent-media), read 2026-11-23.
//
//   - config.go     settings of both
//   - graph.go      requests, pages, limits, errors
//   - facebook.go   Pages: feed, comments, second readings
//   - instagram.go  accounts: media, tags, hashtags, comments
//   - hook.go       webhooks: verification, signature, events
//   - source.go     how they come together
package meta
