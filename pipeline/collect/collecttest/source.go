package collecttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect"
)

// Case is a source for the suite: its upstream holds a finite stream that always reads
// the same, long enough for at least three Emits.
type Case struct {
	// New returns a fresh source over the same upstream, as a new process would make it.
	New func(t testing.TB) pipeline.Source
	// Want is how often each key (platform/id) is to be on Kafka in the end.
	Want map[string]int
	// Refused is how many dead letters there are: malformed events between good ones.
	Refused int
	// Endless says that the source goes on after its last post until it is stopped.
	Endless bool
	// Stream of the posts; zero is the live one.
	Stream pipeline.Stream
}

// Source runs the suite.
func Source(t *testing.T, c Case) {
	t.Helper()
	if c.Stream.Topic == "" {
		c.Stream = pipeline.LiveStream()
	}
	t.Run("reads everything and refuses only what is malformed", c.readsAll)
	t.Run("goes on from every cursor", c.resumes)
	t.Run("makes the same batches from the same cursor", c.repeats)
	t.Run("loses nothing where Kafka fails before, in the midst of and after a write", c.survivesKafka)
	t.Run("a crash between acknowledgement and cursor", c.survivesCrash)
	t.Run("moves no cursor before the acknowledgement", c.ordersCursor)
	t.Run("returns the error of an Emit, with nothing emitted after it", c.returnsErrors)
	t.Run("stops when it is told to", c.stops)
	t.Run("shows signs of life", c.lives)
}

// emit is what a source handed to a session at once.
type emit struct {
	keys []string
	upTo string
}

// recorder is a session without a runner.
type recorder struct {
	mu      sync.Mutex
	emits   []emit
	refused int
	alive   int
	failAt  int // the Emit that fails; 0: none
	after   int // Emits after the failed one
	onEmit  func(n int)
	want    int // posts after which an endless source is stopped
	posts   int
	stop    func()
}

func (r *recorder) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	e := emit{upTo: string(upTo)}
	for i := range posts {
		e.keys = append(e.keys, string(posts[i].Key()))
	}
	if r.failAt > 0 && len(r.emits) >= r.failAt {
		r.after++
	}
	r.emits = append(r.emits, e)
	if r.onEmit != nil {
		r.onEmit(len(r.emits))
	}
	if len(r.emits) == r.failAt {
		return ErrInjected
	}
	r.posts += len(posts)
	if r.stop != nil && r.posts >= r.want {
		r.stop()
	}
	return nil
}

func (r *recorder) Refuse(_ context.Context, payload []byte, origin, reason string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if origin == "" || reason == "" {
		return fmt.Errorf("refused without origin or reason: %q", payload)
	}
	r.refused++
	return nil
}

func (r *recorder) Gap(time.Time, time.Time, string) {}

func (r *recorder) Limited(time.Time, string) { r.Alive() }

func (r *recorder) Alive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alive++
}

// total is how many posts the upstream holds.
func (c Case) total() int {
	n := 0
	for _, times := range c.Want {
		n += times
	}
	return n
}

// record runs a fresh source from a cursor to its end, without a runner.
func (c Case) record(t *testing.T, from pipeline.Cursor, r *recorder) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if c.Endless && r.stop == nil {
		r.stop = cancel
		if r.want == 0 {
			r.want = c.total()
		}
		if r.want <= 0 {
			return nil
		}
	}
	err := c.New(t).Run(ctx, from, r)
	if c.Endless && r.posts >= r.want && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (c Case) whole(t *testing.T) []emit {
	t.Helper()
	r := &recorder{}
	require.NoError(t, c.record(t, nil, r))
	require.GreaterOrEqual(t, len(r.emits), 3, "the upstream of a case must take at least three Emits")
	return r.emits
}

func count(emits []emit) map[string]int {
	all := map[string]int{}
	for _, e := range emits {
		for _, key := range e.keys {
			all[key]++
		}
	}
	return all
}

// run runs fresh sources through the real runner until the upstream is read, starting
// anew, as a process would, whenever a crash is reported.
func (c Case) run(t *testing.T, k *Kafka, crash pipeline.CrashHook) *Kafka {
	t.Helper()
	for range 10_000 {
		ctx, cancel := context.WithCancel(t.Context())
		crashed := false
		parts := collect.Parts{Publisher: k, Ends: k.Ends, Cursors: k, DeadLetters: k, Reporter: k,
			Collector: "test", Logger: zerolog.Nop(), Grace: time.Nanosecond,
			Backoff: collect.Backoff{Min: time.Millisecond, Max: 2 * time.Millisecond, Healthy: time.Hour},
			Again:   collect.Backoff{Min: time.Millisecond, Max: 2 * time.Millisecond}}
		if crash != nil {
			parts.Crash = func(p pipeline.CrashPoint) { crash(p) }
		}
		k.crash = func() { crashed = true; cancel() }
		if c.Endless {
			k.onGrown = func() {
				if c.complete(k) {
					cancel()
				}
			}
		}
		runner, err := collect.New(parts, []collect.Entry{{Name: "source", Platform: "test", Stream: c.Stream, Source: c.New(t)}})
		require.NoError(t, err)
		require.NoError(t, runner.Run(ctx))
		cancel()
		if !crashed || (c.Endless && c.complete(k)) { // nothing more would come
			return k
		}
	}
	require.Fail(t, "the source never came to its end")
	return nil
}

// complete reports whether all that the upstream holds has come; a source that is not
// deterministic may have brought some of it twice.
func (c Case) complete(k *Kafka) bool {
	count := k.Count()
	for key, times := range c.Want {
		if count[key] < times {
			return false
		}
	}
	return len(k.Letters()) >= c.Refused
}

func (c Case) readsAll(t *testing.T) {
	k := c.run(t, &Kafka{}, nil)
	assert.Equal(t, c.Want, k.Count())
	assert.Len(t, k.Letters(), c.Refused)
	for _, r := range k.Records() {
		require.Equal(t, c.Stream.Simulated, r.Post.Simulated)
		require.True(t, r.Post.SeenAt.Known())
	}
}

func (c Case) resumes(t *testing.T) {
	emits := c.whole(t)
	step := max(len(emits)/20, 1) // some twenty places are enough
	for i := 0; i < len(emits); i += step {
		before := 0
		for _, e := range emits[:i+1] {
			before += len(e.keys)
		}
		r := &recorder{want: c.total() - before}
		if c.Endless && r.want == 0 {
			continue
		}
		require.NoError(t, c.record(t, pipeline.Cursor(emits[i].upTo), r))
		all := append(append([]emit(nil), emits[:i+1]...), r.emits...)
		require.Equal(t, c.Want, count(all), "resumed after Emit %d", i)
	}
}

func (c Case) repeats(t *testing.T) {
	d, ok := c.New(t).(pipeline.Deterministic)
	if !ok || !d.Deterministic() {
		return // makes no such promise
	}
	emits := c.whole(t)
	assert.Equal(t, emits, c.whole(t))
	middle := len(emits) / 2
	r := &recorder{}
	for _, e := range emits[middle:] {
		r.want += len(e.keys)
	}
	require.NoError(t, c.record(t, pipeline.Cursor(emits[middle-1].upTo), r))
	assert.Equal(t, emits[middle:], r.emits)
}

// equal compares what is on Kafka with the upstream: exactly, if the source promises to be
// deterministic, else at least once.
func (c Case) equal(t *testing.T, k *Kafka) {
	t.Helper()
	if d, ok := c.New(t).(pipeline.Deterministic); ok && d.Deterministic() {
		assert.Equal(t, c.Want, k.Count())
	} else {
		got := k.Count()
		for key, times := range c.Want {
			assert.GreaterOrEqual(t, got[key], times, key)
		}
	}
	assert.Len(t, k.Letters(), c.Refused)
}

func (c Case) survivesKafka(t *testing.T) {
	calls := 0
	k := &Kafka{OnPublish: func(_ context.Context, n int) (int, error) {
		calls++
		switch calls % 5 {
		case 1:
			return 0, ErrInjected
		case 2:
			return n / 2, ErrInjected
		case 4:
			return n, ErrInjected
		}
		return n, nil
	}}
	c.equal(t, c.run(t, k, nil))
}

func (c Case) survivesCrash(t *testing.T) {
	calls, died := 0, 0
	k := &Kafka{}
	k.OnPublish = func(_ context.Context, n int) (int, error) {
		calls++
		if calls%3 == 1 { // a process that dies in the midst of a write
			k.crash()
			return n / 3, ErrInjected
		}
		return n, nil
	}
	k.OnSave = func(pipeline.Cursor) (bool, error) {
		if calls%3 == 2 && died != calls { // or before its cursor; once, since some save without posts
			died = calls
			k.crash()
			return false, ErrInjected
		}
		return true, nil
	}
	saves := 0
	hook := func(p pipeline.CrashPoint) {
		if saves++; p == pipeline.CrashCursorSaved && saves%2 == 0 { // or just after
			k.crash()
		}
	}
	c.equal(t, c.run(t, k, hook))
}

func (c Case) ordersCursor(t *testing.T) {
	upTo := map[string]int{} // posts that a cursor speaks for
	n := 0
	for _, e := range c.whole(t) {
		n += len(e.keys)
		if _, known := upTo[e.upTo]; !known {
			upTo[e.upTo] = n
		}
	}
	k := &Kafka{}
	k.OnSave = func(cursor pipeline.Cursor) (bool, error) {
		if posts, known := upTo[string(cursor)]; known {
			assert.GreaterOrEqual(t, len(k.Records()), posts, "a cursor speaks for posts that are not on Kafka")
		}
		return true, nil
	}
	c.run(t, k, nil)
}

func (c Case) returnsErrors(t *testing.T) {
	r := &recorder{failAt: 2}
	err := c.record(t, nil, r)
	require.ErrorIs(t, err, ErrInjected, "a failed Emit ends Run with its error")
	assert.Zero(t, r.after, "Emits after one that failed would skip its posts")
}

func (c Case) stops(t *testing.T) {
	for _, at := range []int{1, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		r := &recorder{onEmit: func(n int) {
			if n == at {
				cancel()
			}
		}}
		err := c.New(t).Run(ctx, nil, r) // a source that does not return hangs here
		cancel()
		require.ErrorIs(t, err, context.Canceled)
		assert.LessOrEqual(t, len(r.emits), at, "no Emit succeeds after the stop")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.New(t).Run(ctx, nil, &recorder{}), context.Canceled)
}

func (c Case) lives(t *testing.T) {
	r := &recorder{}
	require.NoError(t, c.record(t, nil, r))
	assert.Positive(t, r.alive+len(r.emits), "the runner takes a source for dead that shows no life")
	assert.Positive(t, r.alive, "Alive says that the connection stands before the first post comes")
}
