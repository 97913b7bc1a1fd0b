package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// period is the configuration of most tests: part of a week that has passed.
func period(rate float64, hours int) Config {
	c := DefaultConfig()
	c.Rate = rate
	c.From = time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	c.To = c.From.Add(time.Duration(hours) * time.Hour)
	return c
}

// batch is one Emit.
type batch struct {
	posts []pipeline.Post
	upTo  pipeline.Cursor
	at    time.Time
}

// recorder is a session that keeps what it is told.
type recorder struct {
	batches []batch
	posts   []pipeline.Post
	gaps    []string
	alive   int
	each    func(n int) error // called with the number of batches so far
}

func (r *recorder) Emit(_ context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	r.batches = append(r.batches, batch{posts, upTo, time.Now()})
	r.posts = append(r.posts, posts...)
	if r.each != nil {
		return r.each(len(r.batches))
	}
	return nil
}

func (r *recorder) Refuse(context.Context, []byte, string, string) error {
	return fmt.Errorf("a simulated post must not be refused")
}
func (r *recorder) Gap(from, to time.Time, _ string) {
	r.gaps = append(r.gaps, fmt.Sprintf("%s to %s", from.Format(time.RFC3339), to.Format(time.RFC3339)))
}
func (r *recorder) Limited(time.Time, string) {}
func (r *recorder) Alive()                    { r.alive++ }

func simulated(t testing.TB, c Config) (*Source, *recorder) {
	t.Helper()
	s, err := New(c)
	require.NoError(t, err)
	out := &recorder{}
	require.NoError(t, s.Run(context.Background(), nil, out))
	return s, out
}

func asJSON(t testing.TB, posts []pipeline.Post) string {
	t.Helper()
	data, err := json.Marshal(posts)
	require.NoError(t, err)
	return string(data)
}

func TestSameSeedSamePosts(t *testing.T) {
	c := period(5, 1)
	_, a := simulated(t, c)
	_, b := simulated(t, c)
	require.NotEmpty(t, a.posts)
	assert.Equal(t, asJSON(t, a.posts), asJSON(t, b.posts))
	c.Seed++
	_, other := simulated(t, c)
	assert.NotEqual(t, asJSON(t, a.posts[:100]), asJSON(t, other.posts[:100]))
}

// Whatever cursor the stream is taken up from, the same batches follow.
func TestResume(t *testing.T) {
	for _, speed := range []float64{0, 1e5} { // batches are cut otherwise when paced
		c := period(5, 1)
		c.Speed, c.RumourEvery, c.BurstEvery = speed, 20*time.Minute, 15*time.Minute
		s, whole := simulated(t, c)
		require.Greater(t, len(whole.batches), 10)
		for i := 0; i < len(whole.batches); i += 1 + i/2 {
			again, err := New(c) // nothing of the first run is at hand
			require.NoError(t, err)
			rest := &recorder{}
			require.NoError(t, again.Run(context.Background(), whole.batches[i].upTo, rest))
			require.Len(t, rest.batches, len(whole.batches)-i-1)
			for j, b := range rest.batches {
				want := whole.batches[i+1+j]
				require.Equal(t, string(want.upTo), string(b.upTo))
				require.Equal(t, want.posts, b.posts)
			}
		}
		assert.True(t, s.Deterministic())
	}
}

// A cursor of other settings does not mix two simulations: a period begins anew.
func TestOtherSettings(t *testing.T) {
	c := period(5, 1)
	_, first := simulated(t, c)
	c.Seed = 77
	s, err := New(c)
	require.NoError(t, err)
	out := &recorder{}
	require.NoError(t, s.Run(context.Background(), first.batches[3].upTo, out))
	_, fresh := simulated(t, c)
	assert.Equal(t, fresh.posts, out.posts)
	ids := map[string]bool{}
	for i := range first.posts {
		ids[string(first.posts[i].Key())] = true
	}
	for i := range out.posts {
		if out.posts[i].Scope != pipeline.ScopeAccount {
			require.False(t, ids[string(out.posts[i].Key())], "ids of two simulations collide")
		}
	}
}

func TestLimit(t *testing.T) {
	c := period(50, 1)
	c.Limit = 2500
	_, out := simulated(t, c)
	assert.Len(t, out.posts, 2500)
	s, err := New(c)
	require.NoError(t, err)
	again := &recorder{}
	require.NoError(t, s.Run(context.Background(), out.batches[len(out.batches)-1].upTo, again))
	assert.Empty(t, again.posts, "nothing follows the limit")
}

func TestEmitFails(t *testing.T) {
	s, err := New(period(50, 1))
	require.NoError(t, err)
	out := &recorder{each: func(n int) error {
		if n == 3 {
			return context.Canceled
		}
		return nil
	}}
	require.ErrorIs(t, s.Run(context.Background(), nil, out), context.Canceled)
	assert.Len(t, out.batches, 3)
}

// The stream at its usual density, and at that of a load test.
func BenchmarkPosts(b *testing.B) {
	for name, rate := range map[string]float64{"rate=50": 50, "rate=100000": 100000} {
		b.Run(name, func(b *testing.B) {
			c := period(rate, 24)
			c.To, c.Limit = time.Time{}, int64(b.N)
			s, err := New(c)
			require.NoError(b, err)
			b.ReportAllocs()
			b.ResetTimer()
			require.NoError(b, s.Run(context.Background(), nil, &discard{}))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
		})
	}
}

type discard struct{ recorder }

func (d *discard) Emit(context.Context, []pipeline.Post, pipeline.Cursor) error { return nil }
