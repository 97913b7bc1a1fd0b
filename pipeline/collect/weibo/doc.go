// Package weibo reads what an authorised account of Sina Weibo can see: posts that name
// it, comments that it gets, its own posts, what its friends write; and with partner access
// searches.
//
// Built from https://open.weibo.com/wiki (statuses/mentions, statuses/user_timeline,
// statuses/home_timeline, statuses/count, comments/to_me, comments/mentions,
// account/rate_limit_status, search/statuses/limited, Error_code), read 2026-11-23.
//
//   - config.go  settings
//   - source.go  feeds, counts, the platform's errors
//   - post.go    statuses and comments to posts
package weibo
