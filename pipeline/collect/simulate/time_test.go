package simulate

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errEnough = errors.New("enough")

// realTime runs a simulation in real time for a while of fake time.
func realTime(t *testing.T, c Config, from []byte, d time.Duration) *recorder {
	t.Helper()
	s, err := New(c)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	out := &recorder{}
	require.ErrorIs(t, s.Run(ctx, from, out), context.DeadlineExceeded)
	return out
}

func TestRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := realTime(t, DefaultConfig(), nil, 10*time.Minute)
		for _, b := range out.batches {
			for i := range b.posts {
				late := b.at.Sub(b.posts[i].SeenAt.Time())
				require.GreaterOrEqual(t, late, time.Duration(0), "a post is emitted before it is seen")
				require.Less(t, late, 2*time.Second)
			}
		}
		w, err := newWorld(DefaultConfig(), out.posts[0].SeenAt.Time().UnixMilli())
		require.NoError(t, err)
		want := 600 * 50 * w.rhythm.at(w.begin)
		assert.InEpsilon(t, want, len(out.posts), 0.1, "rate")
		assert.Greater(t, out.alive, 500)
		assert.Empty(t, out.gaps)
	})
}

func TestSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := period(5, 2)
		c.Speed = 60
		began := time.Now()
		s, out := simulated(t, c)
		assert.NotNil(t, s)
		assert.InDelta(t, 120, time.Since(began).Seconds(), 2, "two hours at sixty times the speed")
		for _, b := range out.batches {
			for i := range b.posts {
				moment := b.posts[i].SeenAt.Time().Sub(c.From) / 60
				require.GreaterOrEqual(t, b.at.Sub(began)+time.Millisecond, moment)
			}
		}
	})
}

// A short stop is caught up with; a long one becomes a gap.
func TestCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := DefaultConfig()
		first := realTime(t, c, nil, time.Minute)
		cursor := first.batches[len(first.batches)-1].upTo
		time.Sleep(10 * time.Minute)
		short := realTime(t, c, cursor, time.Minute)
		assert.Empty(t, short.gaps)
		assert.Greater(t, len(short.posts), 5*len(first.posts))

		time.Sleep(3 * time.Hour)
		long := realTime(t, c, cursor, time.Minute)
		assert.Len(t, long.gaps, 1)
		assert.Less(t, len(long.posts), 3*len(first.posts))
		assert.Equal(t, short.batches[0].posts, long.batches[0].posts, "the batch of a cursor is the same for ever")
		for i := 1; i < len(long.batches); i++ {
			require.NotEqual(t, string(long.batches[i-1].upTo), string(long.batches[i].upTo))
		}
	})
}

// The begin of a new simulation is kept before its first post, or a crash would make
// other posts under the name of the same cursor.
func TestBeginIsPinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := realTime(t, DefaultConfig(), nil, 10*time.Second)
		require.NotEmpty(t, out.batches)
		assert.Empty(t, out.batches[0].posts)
		time.Sleep(5 * time.Second)
		again := realTime(t, DefaultConfig(), out.batches[0].upTo, 10*time.Second)
		assert.Equal(t, out.batches[1].posts, again.batches[0].posts)
	})
}

func TestCancelReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := DefaultConfig()
		c.Rate = 0.001 // the next post is a quarter of an hour away
		s, err := New(c)
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		out := &recorder{}
		go func() { done <- s.Run(ctx, nil, out) }()
		time.Sleep(30 * time.Second)
		before := time.Now()
		cancel(errEnough)
		require.ErrorIs(t, <-done, context.Canceled)
		assert.Equal(t, before, time.Now(), "no time passes between cancel and return")
		assert.GreaterOrEqual(t, out.alive, 5, "waiting is no silence")
	})
}
