package collect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// Publisher puts posts on a stream's topic and knows what is there.
type Publisher interface {
	// PublishRest writes the posts whose index is not in have. It returns once Kafka has
	// acknowledged them, with the next offsets of the partitions that it wrote. After an
	// error any part of them may be there.
	PublishRest(ctx context.Context, stream pipeline.Stream, posts []pipeline.Post, h pipeline.Handover, have map[int]bool) (pipeline.Ends, error)
	// Published says which posts of a hand-over, by index, stand at or after since, and
	// up to which offsets it looked.
	Published(ctx context.Context, stream pipeline.Stream, h pipeline.Handover, since pipeline.Ends) (map[int]bool, pipeline.Ends, error)
}

// Cursors keeps the place of each source. A source never seen has no cursor and no ends.
type Cursors interface {
	Load(ctx context.Context, source string) (pipeline.Cursor, pipeline.Ends, error)
	Save(ctx context.Context, source string, cursor pipeline.Cursor, ends pipeline.Ends) error
}

// DeadLetters keeps what could not be a post.
type DeadLetters interface {
	Put(ctx context.Context, letter pipeline.DeadLetter) error
}

// Reporter takes coverage.
type Reporter interface {
	Report(ctx context.Context, event pipeline.CoverageEvent) error
}

// Owners shares sources among collectors: start runs for as long as this process owns
// the name; its context ends when ownership moves on.
type Owners interface {
	Run(ctx context.Context, names []string, start func(ctx context.Context, name string)) error
}

// Entry is one source in the wiring table.
type Entry struct {
	Name     string // unique for ever: cursor, coverage and dead letters go by it
	Platform string
	Stream   pipeline.Stream
	Source   pipeline.Source
	Deadline time.Duration // silence after which the source is taken for dead; 0: never
}

// Parts is what a Runner is made of. Owners may be nil: then this process owns all.
type Parts struct {
	Publisher   Publisher
	Ends        func(ctx context.Context, stream pipeline.Stream) (pipeline.Ends, error) // next offset of each partition
	Cursors     Cursors
	DeadLetters DeadLetters
	Reporter    Reporter
	Owners      Owners
	Collector   string // names this process in coverage
	Crash       pipeline.CrashHook
	Logger      zerolog.Logger
	Now         func() time.Time // our clock; nil: time.Now
	Backoff     Backoff          // between connections; zero: DefaultBackoff
	Again       Backoff          // between attempts at our own servers; zero: a quarter of a second, ten at most
	Grace       time.Duration    // how long a hand-over may go on after a stop; zero: 5 s
}

func (p Parts) check(entries []Entry) error {
	switch {
	case p.Publisher == nil:
		return errors.New("collect: no publisher")
	case p.Ends == nil:
		return errors.New("collect: no ends of topics")
	case p.Cursors == nil:
		return errors.New("collect: no cursors")
	case p.DeadLetters == nil:
		return errors.New("collect: no dead letters")
	case p.Reporter == nil:
		return errors.New("collect: no reporter")
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		switch {
		case e.Name == "":
			return errors.New("collect: a source has no name")
		case seen[e.Name]:
			return fmt.Errorf("collect: two sources are named %q", e.Name)
		case e.Source == nil:
			return fmt.Errorf("collect: source %q is nil", e.Name)
		case e.Stream.Topic == "":
			return fmt.Errorf("collect: source %q has no stream", e.Name)
		}
		seen[e.Name] = true
	}
	return nil
}
