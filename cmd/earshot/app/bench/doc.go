// Package bench measures what the line costs: `make bench` runs it. It holds tests
// alone; the program never contains it.
//
// posts_test.go makes the posts, servers_test.go starts the servers that both sides
// share, parts_test.go measures the parts one by one, line_test.go the whole line (the
// real program, as a child process), floor_test.go is the plainest program that copies
// the same topic, and rounds_test.go runs the two in turn. What the figures mean, and what
// they were, stands in docs/performance.md.
package bench
