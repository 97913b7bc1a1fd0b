// Package recount reads the posts of brands again on platforms that bring posts by a
// stream: what is written about a post comes after it, and a stream of posts does not say.
//
//   - recount.go  Plan: what is read again, when, and at what pace
//   - session.go  the session between source and runner, which picks the posts
//   - cursor.go   where the posts that are watched stand in a source's cursor
package recount
