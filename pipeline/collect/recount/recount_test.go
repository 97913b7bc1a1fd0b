package recount

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/poll"
	"earshot/pipeline/query"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = errors.New("away")

// world is the runner and the platform's answers in one.
type world struct {
	collecttest.Quiet

	mu      sync.Mutex
	begun   time.Time
	posts   []pipeline.Post
	cursors []pipeline.Cursor
	failing error                    // of the next hand-over
	asked   []string                 // age and ids of each request
	answer  func(ids []string) error // nil: all is well
	brands  []query.Brand
	edition string
	unknown error // of the brands
}

func (w *world) Emit(_ context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing != nil {
		return w.failing
	}
	w.posts = append(w.posts, posts...)
	if upTo != nil {
		w.cursors = append(w.cursors, upTo)
	}
	return nil
}

func (w *world) last() pipeline.Cursor {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.cursors) == 0 {
		return nil
	}
	return w.cursors[len(w.cursors)-1]
}

// counted are the posts that were counted, in order.
func (w *world) counted() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, p := range w.posts {
		if p.Op == pipeline.OpMetrics {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

func (w *world) read(_ context.Context, ids []string) ([]pipeline.Post, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, fmt.Sprint(time.Since(w.begun).Round(time.Minute), " ", strings.Join(ids, " ")))
	if w.answer != nil {
		if err := w.answer(ids); err != nil {
			return nil, err
		}
	}
	var posts []pipeline.Post
	for _, id := range ids {
		if !strings.HasPrefix(id, "gone") {
			posts = append(posts, pipeline.Post{Platform: "p", ID: id, Op: pipeline.OpMetrics, Metrics: pipeline.Metrics{Likes: 1}})
		}
	}
	return posts, nil
}

func (w *world) plan() Plan {
	return Plan{Ages: []time.Duration{time.Hour, 6 * time.Hour}, Most: 100, Batch: func() int { return 3 }, Pause: time.Second,
		ID: func(p *pipeline.Post) string { return p.ID }, Read: w.read,
		Brands: func(context.Context) ([]query.Brand, string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.brands, w.edition, w.unknown
		}}
}

func begin(t *testing.T) *world {
	t.Helper()
	q, err := query.Parse("aurelia")
	require.NoError(t, err)
	return &world{begun: time.Now(), edition: "1", brands: []query.Brand{{Name: "Aurelia", Query: q, Channels: []string{"p/aurelia_help"}}}}
}

func post(id, text string) pipeline.Post {
	return pipeline.Post{Platform: "p", ID: id, Op: pipeline.OpCreate, Kind: pipeline.KindPost, Text: text}
}

func cursor(n int) pipeline.Cursor { return fmt.Appendf(nil, `{"n":%d}`, n) }

// talk emits posts and goes on until it is stopped.
func talk(posts ...pipeline.Post) func(context.Context, pipeline.Cursor, pipeline.Session) error {
	return func(ctx context.Context, _ pipeline.Cursor, out pipeline.Session) error {
		if len(posts) > 0 {
			if err := out.Emit(ctx, posts, cursor(1)); err != nil {
				return err
			}
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

// live runs a plan for a while.
func live(t *testing.T, p Plan, from pipeline.Cursor, w *world, d time.Duration, source func(context.Context, pipeline.Cursor, pipeline.Session) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	require.ErrorIs(t, p.Run(ctx, from, w, source), context.DeadlineExceeded)
}

func TestPostsOfBrandsAreCountedAgainAtEachAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t)
		own := post("own", "hello")
		own.Author.Handle = "aurelia_help"
		repost, edit := post("repost", "aurelia"), post("edit", "aurelia")
		repost.Kind, edit.Op = pipeline.KindRepost, pipeline.OpUpdate
		live(t, w.plan(), nil, w, 24*time.Hour, talk(post("a", "my aurelia"), post("other", "weather"), own, repost, edit, post("two words", "aurelia")))
		assert.Equal(t, []string{"1h0m0s a own", "6h0m0s a own"}, w.asked)
		assert.Equal(t, []string{"a", "own", "a", "own"}, w.counted())
		assert.JSONEq(t, `{"n":1}`, string(w.last()), "what is counted for the last time leaves the cursor as it was")
	})
}

func TestABatchAtATimeAtTheGivenPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t)
		p := w.plan()
		p.Pause = 5 * time.Minute
		live(t, p, nil, w, 2*time.Hour, talk(post("a", "aurelia"), post("b", "aurelia"), post("gone", "aurelia"), post("d", "aurelia"), post("a", "aurelia")))
		assert.Equal(t, []string{"1h0m0s a b gone", "1h5m0s d"}, w.asked, "each once")
		for _, p := range w.posts {
			assert.NotEqual(t, pipeline.OpDelete, p.Op, "what does not come is not known to be deleted")
		}
	})
}

func TestARestartKeepsTheAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t)
		live(t, w.plan(), cursor(0), w, 2*time.Hour, talk(post("a", "aurelia")))
		require.Equal(t, []string{"1h0m0s a"}, w.asked)
		from := w.last()
		var at struct{ N int }
		require.NoError(t, json.Unmarshal(from, &at), "the source reads its own cursor")
		assert.Equal(t, 1, at.N)
		live(t, w.plan(), from, w, 24*time.Hour, talk())
		assert.Equal(t, []string{"1h0m0s a", "6h0m0s a"}, w.asked)
	})
}

func TestRefusalsAreWaitedOutBesideTheStream(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"an error":                {errAway, []string{"1h1m0s a", "1h2m0s a", "1h3m0s a"}},
		"a request that is wrong": {&client.StatusError{Code: 400}, []string{"1h1m0s a", "1h2m0s a", "1h3m0s a"}},
		"slow down":               {&client.LimitedError{Until: time.Date(2000, 1, 1, 1, 30, 0, 0, time.UTC)}, []string{"1h1m0s a", "1h30m0s a", "1h31m0s a"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := begin(t)
				refused := 0
				w.answer = func([]string) error {
					if refused++; refused <= 2 {
						return c.err
					}
					return nil
				}
				live(t, w.plan(), nil, w, 2*time.Hour+time.Millisecond, func(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
					for n := range 120 {
						said := []pipeline.Post{post(fmt.Sprint(n), "weather")}
						if n == 1 {
							said = append(said, post("a", "aurelia"))
						}
						if err := out.Emit(ctx, said, cursor(n)); err != nil {
							return err
						}
						time.Sleep(time.Minute)
					}
					return talk()(ctx, from, out)
				})
				assert.Equal(t, c.want, w.asked)
				assert.Equal(t, 120+2, len(w.posts), "the stream went on") //nolint:testifylint // which would print them all
			})
		})
	}
}

func TestAWrongRequestDoesNotKeepOthersWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t)
		w.answer = func(ids []string) error {
			if slices.Contains(ids, "bad") {
				return &client.StatusError{Code: 400}
			}
			return nil
		}
		p := w.plan()
		p.Ages = p.Ages[:1]
		live(t, p, nil, w, 2*time.Hour, talk(post("a", "aurelia"), post("bad", "aurelia"), post("c", "aurelia"), post("d", "aurelia")))
		assert.Equal(t, []string{"1h0m0s a bad c", "1h1m0s a bad c", "1h2m0s a bad c", "1h3m0s d"}, w.asked)
	})
}

func TestBrandsChangeWhileTheStreamRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t)
		w.unknown = errAway
		live(t, w.plan(), nil, w, 3*time.Hour, func(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
			for n, change := range []func(){
				func() {},
				func() { w.unknown = nil },
				func() { w.brands = nil }, // of the same edition, so nobody looks
				func() { w.edition = "2" },
				func() { w.unknown = errAway },
			} {
				w.mu.Lock()
				change()
				w.mu.Unlock()
				time.Sleep(time.Minute)
				if err := out.Emit(ctx, []pipeline.Post{post(fmt.Sprint(n), "aurelia")}, cursor(n)); err != nil {
					return err
				}
			}
			return talk()(ctx, from, out)
		})
		assert.Equal(t, []string{"1", "2"}, w.counted())
	})
}

func TestAFailedHandOverEndsTheRunAndSavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t)
		err := w.plan().Run(t.Context(), nil, w, func(ctx context.Context, _ pipeline.Cursor, out pipeline.Session) error {
			w.mu.Lock()
			w.failing = errAway
			w.mu.Unlock()
			err := out.Emit(ctx, []pipeline.Post{post("a", "aurelia")}, cursor(1))
			w.mu.Lock()
			w.failing = nil
			w.mu.Unlock()
			return err
		})
		require.ErrorIs(t, err, errAway)
		assert.Empty(t, w.cursors)
		assert.Empty(t, w.posts)
	})
}

func TestABigCursorMovesSeldomAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t)
		p := w.plan()
		p.Most, p.Ages = 2000, []time.Duration{100 * time.Hour}
		source := func(ctx context.Context, _ pipeline.Cursor, out pipeline.Session) error {
			for n := range 1500 {
				var batch []pipeline.Post
				for i := range 2 {
					batch = append(batch, post(fmt.Sprintf("did:plc:abcdefghijklmnopqrstuvwx/%d-%d", n, i), "aurelia"))
				}
				if err := out.Emit(ctx, batch, cursor(n)); err != nil {
					return err
				}
				time.Sleep(200 * time.Millisecond)
			}
			return errAway // the connection ends
		}
		require.ErrorIs(t, p.Run(t.Context(), nil, w, source), errAway)
		bytes := 0
		for _, c := range w.cursors {
			bytes += len(c)
		}
		assert.Less(t, bytes, 5*60*perSecond+2*len(w.last()), "of five minutes")
		assert.Greater(t, len(w.cursors), 30)
		assert.Len(t, w.posts, 3000, "posts do not wait for it")
		var at struct {
			N     int
			Again poll.Watch
		}
		require.NoError(t, json.Unmarshal(w.last(), &at))
		assert.Equal(t, 1499, at.N, "the end of a connection saves where it is")
		assert.Equal(t, 2000, at.Again.Len(), "of more, an even sample")
	})
}

func TestNothingIsSavedAfterAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t)
		p := w.plan()
		p.Most = 1000
		ctx, stop := context.WithCancel(t.Context())
		err := p.Run(ctx, nil, w, func(ctx context.Context, _ pipeline.Cursor, out pipeline.Session) error {
			for n := range 1000 {
				if err := out.Emit(ctx, []pipeline.Post{post(fmt.Sprint("post", n), "aurelia")}, cursor(n)); err != nil {
					return err
				}
			}
			stop()
			return ctx.Err()
		})
		require.ErrorIs(t, err, context.Canceled)
		assert.Len(t, w.posts, 1000)
		assert.Less(t, len(w.cursors), 1000, "another process may have the source by now")
		assert.Greater(t, len(w.cursors), 100, "a short cursor moves with each batch")
	})
}

func TestAPanicComesOutOfRun(t *testing.T) {
	for _, where := range []string{"the reader", "the source"} {
		w := begin(t)
		p := w.plan()
		p.Ages, p.Pause = []time.Duration{0}, time.Millisecond
		p.Read = func(context.Context, []string) ([]pipeline.Post, error) { panic("the reader") }
		assert.PanicsWithValue(t, where, func() {
			_ = p.Run(t.Context(), nil, w, func(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
				if where == "the source" {
					panic(where)
				}
				return talk(post("a", "aurelia"))(ctx, from, out)
			})
		})
	}
}

func TestWithoutBrandsOrAgesASourceRunsAsItIs(t *testing.T) {
	w := begin(t)
	for name, change := range map[string]func(*Plan){
		"nobody's brands": func(p *Plan) { p.Brands = nil },
		"no ages":         func(p *Plan) { p.Ages = nil },
		"none watched":    func(p *Plan) { p.Most = 0 },
	} {
		p := w.plan()
		change(&p)
		err := p.Run(t.Context(), nil, w, func(_ context.Context, _ pipeline.Cursor, out pipeline.Session) error {
			assert.Same(t, w, out, name)
			return errAway
		})
		require.ErrorIs(t, err, errAway)
	}
}

func TestCursorsOfOthersAreLeftAlone(t *testing.T) {
	var w poll.Watch
	w.Steps, w.Most = []time.Duration{time.Hour}, 10
	assert.JSONEq(t, `{"n":1}`, string(join(cursor(1), &w)))
	w.Add("a", time.Unix(100, 0))
	assert.JSONEq(t, `{"n":1,"again":"a,0,2s"}`, string(join(cursor(1), &w)))
	assert.JSONEq(t, `{"again":"a,0,2s"}`, string(join(pipeline.Cursor("{}"), &w)))
	assert.Equal(t, "17", string(join(pipeline.Cursor("17"), &w)), "which is no object")
	require.ErrorContains(t, split(pipeline.Cursor(`{"again":"a"}`), &w), "no watched post")
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"n":1,"again":"a,0,2s b,1,3"}`))
	f.Add([]byte(` {} `))
	f.Fuzz(func(t *testing.T, data []byte) {
		var w poll.Watch
		if split(data, &w) != nil || !json.Valid(data) {
			return
		}
		joined := join(data, &w)
		require.True(t, json.Valid(joined))
		if w.Len() == 0 {
			assert.Equal(t, data, []byte(joined))
		}
	})
}
