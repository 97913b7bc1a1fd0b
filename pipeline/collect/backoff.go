package collect

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait between attempts: Min, doubled each time up to Max, of
// which a random half is taken off so that collectors do not return all at once. After
// a stretch of Healthy it starts again at Min.
type Backoff struct {
	Min, Max, Healthy time.Duration
}

// DefaultBackoff is kind to platforms: a second at first, five minutes at most.
func DefaultBackoff() Backoff {
	return Backoff{Min: time.Second, Max: 5 * time.Minute, Healthy: time.Minute}
}

// kafkaBackoff is for our own servers, which may be asked more often.
func kafkaBackoff() Backoff {
	return Backoff{Min: 250 * time.Millisecond, Max: 10 * time.Second}
}

// delay before attempt n (0 is the first repetition), between a half and the whole of
// min(Max, Min * 2^n).
func (b Backoff) delay(n int) time.Duration {
	d := b.Min
	for ; n > 0 && d < b.Max; n-- {
		d *= 2
	}
	d = max(min(d, b.Max), 2)
	return d/2 + rand.N(d/2) //nolint:gosec // jitter, not a secret
}

// sleep waits and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
