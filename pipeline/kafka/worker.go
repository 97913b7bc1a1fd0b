package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// Letterbox takes dead letters; nil means that Kafka has it.
type Letterbox interface {
	Put(ctx context.Context, letter pipeline.DeadLetter) error
}

// Reporter takes coverage events; nil means that Kafka has it.
type Reporter interface {
	Report(ctx context.Context, event pipeline.CoverageEvent) error
}

// Worker carries a stream from Kafka into a Sink, each record exactly once, however
// many workers share the stream and however they die. Fill its fields and call Run.
type Worker struct {
	Client *Client
	Stream pipeline.Stream
	// Chain returns the enrichment as it stands now; it is asked once a batch, and what
	// it returns must not change.
	Chain func() pipeline.Enricher
	// Sink stores the batches. It must wait for b.Pending before it sends a row, and must
	// not hold b.Records after Write has returned.
	Sink        pipeline.Sink
	DeadLetters Letterbox
	Losses      Reporter // hears of records that retention took before they were stored
	Crash       pipeline.CrashHook
	Log         zerolog.Logger
	Limits      Limits        // zero fields take their defaults
	Session     time.Duration // silence after which another worker takes over; zero is DefaultSession

	stats counters
}

// Run carries until ctx ends; then the batches in hand are stored and committed, within
// 10 s, and Run returns. Outages are waited out. An error is a mistake in the wiring.
func (w *Worker) Run(ctx context.Context) error {
	if w.Client == nil || w.Chain == nil || w.Sink == nil || w.DeadLetters == nil || w.Losses == nil {
		return errors.New("kafka: worker: client, chain, sink, dead letters and losses are needed")
	}
	m := &membership{
		client: w.Client, group: w.group(), topics: []string{w.Client.Name(w.Stream.Topic)}, session: w.Session, log: w.Log,
	}
	memory := newBudget(w.limits().Memory)
	return m.run(ctx, func(ctx context.Context, a *assignment) error {
		defer w.stats.leave(a.partition)
		p := &partition{w: w, a: a, budget: memory, log: w.Log.With().Str("topic", a.topic).Int("partition", a.partition).Logger()}
		return p.run(ctx)
	})
}

// Stats returns what this worker has done since it was started.
func (w *Worker) Stats() Stats { return w.stats.snapshot() }

func (w *Worker) group() string { return w.Client.Name(w.Stream.Group) }

func (w *Worker) limits() Limits {
	l, d := w.Limits, DefaultLimits()
	if l.Records == 0 {
		l.Records = d.Records
	}
	if l.Bytes == 0 {
		l.Bytes = d.Bytes
	}
	if l.Wait == 0 {
		l.Wait = d.Wait
	}
	if l.Days == 0 {
		l.Days = d.Days
	}
	if l.Memory == 0 {
		l.Memory = d.Memory
	}
	return l
}
