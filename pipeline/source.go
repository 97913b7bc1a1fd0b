package pipeline

import (
	"context"
	"time"
)

// Cursor is a source's place in its platform's stream; opaque to all but its source.
type Cursor []byte

// Source is a platform. It runs until ctx ends or the connection fails;
// reconnection, ownership and cursors are the runner's job. A nil error means that
// the source is exhausted (a file read to its end) and need not be run again.
type Source interface {
	Run(ctx context.Context, from Cursor, s Session) error
}

// Session is what a source tells the runner.
type Session interface {
	// Emit hands posts over and returns once Kafka has acknowledged them; then the
	// cursor moves to upTo. No posts means progress only. After an error nothing is
	// known of the posts: the source returns and is run again from the last cursor.
	Emit(ctx context.Context, posts []Post, upTo Cursor) error
	// Refuse hands over what is absurd or unreadable: it becomes a dead letter before
	// Refuse returns, and the stream goes on.
	Refuse(ctx context.Context, payload []byte, origin, reason string) error
	// Gap says that the source could not see what happened between from and to.
	Gap(from, to time.Time, reason string)
	// Limited says that the platform asked to wait until the given time.
	Limited(until time.Time, what string)
	// Alive is called whenever the platform showed a sign of life.
	Alive()
}

// Deterministic marks a source that, run again from the same cursor, emits the same
// posts in the same batches. The runner then never hands a post to Kafka twice, even
// after a crash between acknowledgement and cursor.
type Deterministic interface {
	Source
	Deterministic() bool
}
