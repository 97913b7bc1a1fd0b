// Package poll is what sources share that ask a platform again and again: listings that
// show the newest first, what of them was read, posts that are looked at again later, and
// events that somebody pushes in between.
//
//   - poll.go   Poller: the rounds, the cursor, hand-over
//   - mark.go   Mark: what was read of a listing
//   - watch.go  Watch: which posts are due to be read again
//   - fail.go   what the runner is told when a platform refuses
package poll
