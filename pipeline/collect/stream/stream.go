// Package stream gathers the events of a live stream into Emits. A source reads and
// decodes in one goroutine while the posts before are handed over in another; the channel
// between them is short, so a slow Kafka slows the reader, not the heap.
package stream

import (
	"context"
	"errors"
	"time"

	"earshot/pipeline"
)

const (
	most    = 500                    // posts of one Emit
	longest = 200 * time.Millisecond // that a post waits for others
	ahead   = 256                    // events that may wait
)

// Item is what one event came to: posts, or something that could not be read, or mere
// progress.
type Item struct {
	Posts  []pipeline.Post
	UpTo   pipeline.Cursor // place behind this event
	Bad    []byte          // what could not be read; nil: nothing
	Origin string          // of Bad
	Reason string          // of Bad
}

// Pump hands over what read puts, in order. When read ends, the rest is handed over before
// its error is returned; when ctx ends or a hand-over fails, read is stopped.
func Pump(ctx context.Context, out pipeline.Session, read func(ctx context.Context, put func(Item) error) error) error {
	inner, cancel := context.WithCancel(ctx)
	items := make(chan Item, ahead)
	done := make(chan error, 1)
	var broken any
	go func() {
		defer close(items)
		var err error
		broken = Guard(func() {
			err = read(inner, func(i Item) error {
				select {
				case items <- i:
					return nil
				case <-inner.Done():
					return inner.Err()
				}
			})
		})
		done <- err
	}()
	err := gather(ctx, out, items)
	cancel()
	for range items {
		continue // until the reader has ended
	}
	if broken != nil {
		panic(broken)
	}
	if err == nil {
		err = <-done
	}
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return ctx.Err()
	}
	return err
}

// Guard runs what a source does in a goroutine of its own, and returns what it panicked
// with. The source is to panic with it in its Run, where the runner catches it: elsewhere a
// panic would end the process and every other source with it.
func Guard(do func()) (broken any) {
	defer func() { broken = recover() }()
	do()
	return nil
}

// batch is what waits for the next Emit.
type batch struct {
	posts []pipeline.Post
	upTo  pipeline.Cursor
}

func (b *batch) emit(ctx context.Context, out pipeline.Session) error {
	if b.upTo == nil {
		return nil
	}
	err := out.Emit(ctx, b.posts, b.upTo)
	b.posts, b.upTo = nil, nil // the session may keep the posts
	return err
}

// gather emits full batches at once and others when they have waited.
func gather(ctx context.Context, out pipeline.Session, items <-chan Item) error {
	var b batch
	tick := time.NewTicker(longest)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if err := b.emit(ctx, out); err != nil {
				return err
			}
		case item, open := <-items:
			if !open {
				return b.emit(ctx, out)
			}
			if item.Bad != nil {
				if err := out.Refuse(ctx, item.Bad, item.Origin, item.Reason); err != nil {
					return err
				}
			}
			b.posts = append(b.posts, item.Posts...)
			b.upTo = item.UpTo
			if len(b.posts) >= most {
				if err := b.emit(ctx, out); err != nil {
					return err
				}
			}
		}
	}
}
