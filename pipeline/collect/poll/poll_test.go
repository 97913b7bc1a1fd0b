package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect/budget"
	"earshot/pipeline/collect/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notes is a session that writes down what it is told.
type notes struct {
	ids     []string
	cursor  pipeline.Cursor
	refused int
	gaps    []string
	limited []time.Time
	fail    error
	onEmit  func()
}

func (n *notes) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	if n.fail != nil {
		return n.fail
	}
	for i := range posts {
		n.ids = append(n.ids, posts[i].ID)
	}
	n.cursor = upTo
	if n.onEmit != nil {
		n.onEmit()
	}
	return ctx.Err()
}
func (n *notes) Refuse(context.Context, []byte, string, string) error { n.refused++; return nil }
func (n *notes) Gap(from, to time.Time, _ string) {
	n.gaps = append(n.gaps, from.UTC().Format(time.TimeOnly)+"-"+to.UTC().Format(time.TimeOnly))
}
func (n *notes) Limited(until time.Time, _ string) { n.limited = append(n.limited, until) }
func (n *notes) Alive()                            {}

// shelf is a listing of numbered posts, one a second, ten a page.
type shelf struct {
	newest int
	depth  int
	gone   map[int]bool
	pages  int
}

func start() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) } // of synctest

func (s *shelf) page(_ context.Context, after string, _ time.Time) ([]Item, string, error) {
	s.pages++
	first := s.newest
	if after != "" {
		first, _ = strconv.Atoi(after)
	}
	var items []Item
	n := first
	for ; n > 0 && len(items) < 10; n-- {
		if s.gone[n] {
			continue
		}
		id := strconv.Itoa(n)
		item := Item{ID: id, Millis: start().UnixMilli() - int64(10_000-n)*1000, Posts: []pipeline.Post{{Platform: "t", ID: id}}, Watch: id}
		if n%7 == 0 {
			item = Unreadable([]byte(id), errors.New("broken"))
		}
		items = append(items, item)
	}
	if n <= 0 {
		return items, "", nil
	}
	return items, strconv.Itoa(n), nil
}

func (s *shelf) poller() *Poller {
	return &Poller{Platform: "t", Every: time.Minute, Targets: func(context.Context) ([]Target, error) {
		return []Target{{Name: "all", Page: s.page, Depth: s.depth}}, nil
	}}
}

// once runs one round.
func once(t *testing.T, p *Poller, n *notes) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, p.Run(ctx, n.cursor, n), context.DeadlineExceeded)
}

func TestNothingIsReadTwiceAndNothingIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &shelf{newest: 250, depth: 100}, &notes{}
		once(t, s.poller(), n)
		assert.Len(t, n.ids, 250-250/7)
		assert.Equal(t, 250/7, n.refused)
		assert.True(t, slices.IsSortedFunc(n.ids, func(a, b string) int { return len(a)*1000 - len(b)*1000 + cmpString(a, b) }), "oldest first")
		s.pages = 0
		s.newest, s.gone = 275, map[int]bool{250: true, 249: true, 248: true}
		once(t, s.poller(), n)
		assert.Len(t, n.ids, 275-275/7)
		assert.Equal(t, 275/7, n.refused, "what is unreadable is refused once")
		assert.LessOrEqual(t, s.pages, 4, "reading stops where it meets what it knows")
		assert.Empty(t, n.gaps)
	})
}

func cmpString(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func TestAListingThatDoesNotReachBackIsAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &shelf{newest: 20, depth: 3}, &notes{}
		once(t, s.poller(), n)
		assert.Empty(t, n.gaps, "a first reading misses nothing that it was asked for")
		s.newest = 120
		once(t, s.poller(), n)
		assert.Len(t, n.gaps, 1)
	})
}

func TestAFailedEmitMovesNoCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &shelf{newest: 250, depth: 100}, &notes{}
		emits := 0
		n.onEmit = func() {
			if emits++; emits == 2 {
				n.fail = errors.New("kafka is away")
			}
		}
		require.ErrorContains(t, s.poller().Run(t.Context(), nil, n), "kafka is away")
		n.fail, n.onEmit = nil, nil
		once(t, s.poller(), n)
		assert.Len(t, n.ids, 250-250/7)
	})
}

func TestPostsAreReadAgainAtTheirAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &shelf{newest: 5, depth: 1}, &notes{}
		p := s.poller()
		p.Steps, p.Most, p.Batch = []time.Duration{time.Hour, 6 * time.Hour}, 4, 2
		var asked []string
		p.Reread = func(_ context.Context, ids []string) ([]pipeline.Post, map[string]bool, error) {
			asked = append(asked, fmt.Sprint(time.Since(start()).Truncate(time.Minute)))
			return nil, map[string]bool{"2": true}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Hour)
		defer cancel()
		require.ErrorIs(t, p.Run(ctx, nil, n), context.DeadlineExceeded)
		assert.Equal(t, []string{"1h0m0s", "1h0m0s", "6h0m0s", "6h0m0s"}, asked, "four of five are watched, two a request; one is gone after an hour")
	})
}

// TestOfTooManyAnEvenSampleGrowsOld feeds ten times as many posts within the first age as are watched.
func TestOfTooManyAnEvenSampleGrowsOld(t *testing.T) {
	const most, posts = 200, 2000
	w := Watch{Steps: []time.Duration{time.Hour}, Most: most}
	for n := range posts {
		w.Add(strconv.Itoa(n), start().Add(time.Duration(n)*time.Second))
	}
	data, err := json.Marshal(&w)
	require.NoError(t, err)
	again := Watch{Steps: w.Steps, Most: most}
	require.NoError(t, json.Unmarshal(data, &again))
	for n := range posts { // as many once more, after a restart
		again.Add(strconv.Itoa(posts+n), start().Add(time.Duration(posts+n)*time.Second))
	}
	due := again.Due(start().Add(3*time.Hour), posts)
	require.Len(t, due, most)
	var tenths [10]int
	for _, id := range due {
		n, err := strconv.Atoi(id)
		require.NoError(t, err)
		tenths[n*10/(2*posts)]++
	}
	for i, n := range tenths {
		assert.InDelta(t, most/10, n, 15, "of the %d. tenth", i+1)
	}
}

func TestWhatIsPushedIsHandedOverOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &shelf{newest: 5, depth: 1}, &notes{}
		p := s.poller()
		pushed := make(chan Pushed)
		p.Pushed = pushed
		done := make(chan error, 1)
		go func() {
			for range 2 {
				pushed <- Pushed{Target: "all", Items: []Item{{ID: "9", Posts: []pipeline.Post{{ID: "9"}}}}, Origin: "webhook", Done: done}
				assert.NoError(t, <-done)
			}
		}()
		once(t, p, n)
		assert.Equal(t, []string{"1", "2", "3", "4", "5", "9"}, n.ids)
	})
}

func TestTargetsMayChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, n := &shelf{newest: 3, depth: 1}, &shelf{newest: 2, depth: 1}, &notes{}
		round := 0
		p := a.poller()
		p.Targets = func(context.Context) ([]Target, error) {
			if round++; round == 1 {
				return []Target{{Name: "a", Page: a.page, Depth: 1}}, nil
			}
			return []Target{{Name: "b", Page: b.page, Depth: 1}}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		require.ErrorIs(t, p.Run(ctx, nil, n), context.DeadlineExceeded)
		assert.Equal(t, []string{"1", "2", "3", "1", "2"}, n.ids)
	})
}

func TestFailedTellsOfLimitsAndMends(t *testing.T) {
	n := &notes{}
	until := time.Now().Add(time.Hour)
	err := Failed(t.Context(), "t", "renew the token", &client.LimitedError{Until: until}, n)
	require.Error(t, err)
	assert.Equal(t, []time.Time{until}, n.limited)
	err = Failed(t.Context(), "t", "renew the token", &client.StatusError{Code: http.StatusForbidden}, n)
	require.ErrorContains(t, err, "renew the token")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Failed(ctx, "t", "", errors.New("x"), n), context.Canceled)
}

func TestNothingToReadIsAnError(t *testing.T) {
	p := &Poller{Platform: "t", Every: time.Minute, Targets: func(context.Context) ([]Target, error) { return nil, nil }}
	require.ErrorContains(t, p.Run(t.Context(), nil, &notes{}), "nothing to read")
}

func TestABrokenCursorIsAnError(t *testing.T) {
	s := &shelf{newest: 1, depth: 1}
	require.ErrorContains(t, s.poller().Run(t.Context(), pipeline.Cursor("{"), &notes{}), "cursor")
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"targets":{"a":{"ms":5,"seen":"x y"}},"watch":"t3_a,0,s44we8 t1_b,2,5"}`))
	f.Add([]byte(`{"targets":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		at := place{Targets: map[string]*Mark{}, Watch: &Watch{Steps: []time.Duration{time.Hour}, Most: 10}}
		if json.Unmarshal(data, &at) != nil {
			return
		}
		once, err := json.Marshal(&at)
		require.NoError(t, err)
		again := place{Targets: map[string]*Mark{}, Watch: &Watch{}}
		require.NoError(t, json.Unmarshal(once, &again))
		twice, err := json.Marshal(&again)
		require.NoError(t, err)
		assert.Equal(t, string(once), string(twice))
	})
}

func TestMarkForgetsTheOldest(t *testing.T) {
	var m Mark
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := range 3 * remembered {
		m.Add(strconv.Itoa(n), now.Add(time.Hour).UnixMilli(), now)
	}
	assert.Zero(t, m.Newest, "a time in the future says nothing")
	assert.False(t, m.Has("0"))
	assert.True(t, m.Has(strconv.Itoa(3*remembered-1)))
	b, err := json.Marshal(&m)
	require.NoError(t, err)
	assert.Less(t, len(b), 10<<10)
}

func TestABudgetOfRequestsIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &shelf{newest: 5, depth: 1}, &notes{}
		p := s.poller()
		p.Budget = &budget.Config{Reads: 10, Period: budget.Day}
		for range 3 { // restarts
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			err := p.Run(ctx, n.cursor, n)
			cancel()
			require.Error(t, err)
		}
		assert.LessOrEqual(t, s.pages, 10)
		assert.Greater(t, s.pages, 7)
		require.NotEmpty(t, n.limited)
		assert.Equal(t, start().AddDate(0, 0, 1), n.limited[0].UTC())
		time.Sleep(24 * time.Hour)
		once(t, p, n)
		assert.Greater(t, s.pages, 8, "the next day it goes on")
	})
}
