package collecttest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// Day is a bad day of a platform.
type Day string

// The bad days that every source of a platform must come through.
const (
	Cut       Day = "cut"        // the connection breaks again and again in the midst of the stream
	OldCursor Day = "old cursor" // the platform no longer holds what the cursor asks for
	SlowDown  Day = "slow down"  // the platform asks to wait for minutes
	Dead      Day = "dead"       // connections open and then nothing comes, not even a close
	Changes   Day = "changes"    // posts are edited and deleted
	Lies      Day = "lies"       // posts claim to be of 1970 and of 2999
)

// Platform is a source of a platform for the suite of bad days.
type Platform struct {
	// New returns a fresh source over an upstream that has that day. On the day Dead it
	// must notice within seconds. Sources of one day share their upstream.
	New func(t testing.TB, day Day) pipeline.Source
	// Want are the keys (platform/id) that the day Cut holds, each at least once.
	Want []string
	// Old is a cursor that the platform no longer serves.
	Old pipeline.Cursor
	// Edited and Deleted are the keys of what is edited and deleted on the day Changes.
	Edited, Deleted string
	// Without says why a day cannot come on this platform.
	Without map[Day]string
}

// dayLimit bounds a day, so that a source that never ends fails with a name. It is no
// measure of speed: a loaded machine needs many times what a quiet one does.
const dayLimit = 5 * time.Minute

// BadDays runs the suite.
func BadDays(t *testing.T, p Platform) {
	t.Helper()
	for _, day := range []struct {
		name string
		day  Day
		run  func(*testing.T)
	}{
		{"goes on after every cut, without loss or gap", Cut, p.cut},
		{"reports a gap where its cursor is too old", OldCursor, p.oldCursor},
		{"obeys an order to slow down", SlowDown, p.slowDown},
		{"notices a dead connection", Dead, p.dead},
		{"tells of edits and deletes", Changes, p.changes},
		{"keeps a lying clock as claimed", Lies, p.lies},
	} {
		t.Run(day.name, func(t *testing.T) {
			if why := p.Without[day.day]; why != "" {
				t.Skip(why)
			}
			day.run(t)
		})
	}
}

// journal is a session that writes everything down; stop is asked after each call.
type journal struct {
	mu      sync.Mutex
	posts   []pipeline.Post
	cursor  pipeline.Cursor
	gaps    []string
	limited []time.Time
	alive   int
	done    func(*journal) bool
	stop    context.CancelFunc
}

func (j *journal) check() {
	if j.done != nil && j.done(j) {
		j.stop()
	}
}

func (j *journal) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range posts {
		p := posts[i]
		p.Text = string([]byte(p.Text)) // a source may use its buffers again
		j.posts = append(j.posts, p)
	}
	if upTo != nil {
		j.cursor = append(pipeline.Cursor(nil), upTo...)
	}
	j.check()
	return nil
}

func (j *journal) Refuse(context.Context, []byte, string, string) error { return nil }

func (j *journal) Gap(from, to time.Time, reason string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if from.Before(to) && reason != "" {
		j.gaps = append(j.gaps, reason)
	}
	j.check()
}

func (j *journal) Limited(until time.Time, _ string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.limited = append(j.limited, until)
	j.check()
}

func (j *journal) Alive() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.alive++
}

func (j *journal) keys(op pipeline.Op) map[string]bool {
	all := map[string]bool{}
	for i := range j.posts {
		if op == "" || j.posts[i].Op == op || (op == pipeline.OpCreate && j.posts[i].Op == "") {
			all[string(j.posts[i].Key())] = true
		}
	}
	return all
}

// live runs fresh sources, as a runner would after each failure, until done.
func (p Platform) live(t *testing.T, day Day, from pipeline.Cursor, done func(*journal) bool) *journal {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), dayLimit)
	defer cancel()
	j := &journal{cursor: from, done: done, stop: cancel}
	for range 1000 {
		err := p.New(t, day).Run(ctx, j.cursor, j)
		if ctx.Err() != nil {
			require.NotErrorIs(t, ctx.Err(), context.DeadlineExceeded, "the day never came to its end")
			return j
		}
		if err == nil {
			return j
		}
	}
	require.Fail(t, "a thousand runs did not bring the day to its end")
	return j
}

func (p Platform) cut(t *testing.T) {
	j := p.live(t, Cut, nil, func(j *journal) bool {
		seen := j.keys("")
		for _, key := range p.Want {
			if !seen[key] {
				return false
			}
		}
		return true
	})
	seen := j.keys("")
	for _, key := range p.Want {
		require.Contains(t, seen, key)
	}
	assert.Empty(t, j.gaps, "nothing was missed")
}

func (p Platform) oldCursor(t *testing.T) {
	j := p.live(t, OldCursor, p.Old, func(j *journal) bool { return len(j.gaps) > 0 || len(j.posts) > 100 })
	assert.NotEmpty(t, j.gaps, "what was missed is a gap with begin, end and reason")
}

func (p Platform) slowDown(t *testing.T) {
	begin := time.Now()
	j := p.live(t, SlowDown, nil, func(j *journal) bool { return len(j.limited) > 0 })
	require.NotEmpty(t, j.limited, "the order is told to the runner, which waits")
	assert.Greater(t, j.limited[0].Sub(begin), 30*time.Second, "until when the platform said")
}

func (p Platform) dead(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), dayLimit)
	defer cancel()
	err := p.New(t, Dead).Run(ctx, nil, &journal{})
	require.NoError(t, ctx.Err(), "the source waits for ever")
	require.Error(t, err)
}

func (p Platform) changes(t *testing.T) {
	j := p.live(t, Changes, nil, func(j *journal) bool {
		return j.keys(pipeline.OpUpdate)[p.Edited] && j.keys(pipeline.OpDelete)[p.Deleted]
	})
	assert.Contains(t, j.keys(pipeline.OpUpdate), p.Edited)
	assert.Contains(t, j.keys(pipeline.OpDelete), p.Deleted)
}

func (p Platform) lies(t *testing.T) {
	years := func(j *journal) map[int]bool {
		all := map[int]bool{}
		for i := range j.posts {
			all[j.posts[i].CreatedAt.Time().Year()] = true
		}
		return all
	}
	j := p.live(t, Lies, nil, func(j *journal) bool { y := years(j); return y[1970] && y[2999] })
	assert.Contains(t, years(j), 1970)
	assert.Contains(t, years(j), 2999)
}
