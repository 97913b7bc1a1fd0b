package kafka

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff waits longer after each failure, with full jitter above half the delay, so
// that workers that failed together do not come back together.
type backoff struct {
	min, max time.Duration
	next     time.Duration
}

// retryBackoff is for requests to Kafka and to a sink.
func retryBackoff() backoff { return backoff{min: 100 * time.Millisecond, max: 5 * time.Second} }

// sleep waits for the next delay; the error is that of ctx if it ended before.
func (b *backoff) sleep(ctx context.Context) error {
	b.next = min(max(2*b.next, b.min), b.max)
	delay := b.next/2 + rand.N(b.next/2+1) //nolint:gosec // jitter needs no secret
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// reset begins anew after a success.
func (b *backoff) reset() { b.next = 0 }
