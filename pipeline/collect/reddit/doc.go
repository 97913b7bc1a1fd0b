// Package reddit reads new posts and comments of subreddits, and searches, through
// Reddit's Data API with an application's own sign-in.
//
// The listings are those of https://www.reddit.com/dev/api (after, limit, about 1,000
// deep), the sign-in is "Application Only OAuth" of
// https://github.com/reddit-archive/reddit/wiki/OAuth2, the objects are those of
// https://github.com/reddit-archive/reddit/wiki/JSON (all read 2026-11-23).
//
//   - config.go  settings
//   - source.go  sign-in, listings, searches, reading again
//   - post.go    things (t1, t3) to posts
package reddit
