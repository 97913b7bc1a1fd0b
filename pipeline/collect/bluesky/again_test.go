package bluesky

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/query"
)

// counting answers getPosts: rkeys that begin with gone do not exist. It counts requests.
func counting(t *testing.T, answer func(http.ResponseWriter) bool) (string, *atomic.Int64) {
	t.Helper()
	asked := &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		uris := r.URL.Query()["uris"]
		if len(uris) > countsAtOnce || r.URL.Path != "/xrpc/app.bsky.feed.getPosts" || r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if answer != nil && !answer(w) {
			return
		}
		all := []string{`{"uri":"at://did:plc:a/app.bsky.feed.post/unasked","likeCount":9}`}
		for _, uri := range uris {
			if !strings.Contains(uri, "/gone") {
				all = append(all, fmt.Sprintf(`{"uri":%q,"cid":"c","author":{"did":"did:plc:a"},"replyCount":1,"repostCount":2,"likeCount":3,"quoteCount":4,"indexedAt":"2026-01-01T00:00:00Z"}`, uri))
			}
		}
		fmt.Fprintf(w, `{"posts":[%s]}`, strings.Join(all, ","))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/", asked
}

func following(t *testing.T, words string) func(context.Context) ([]query.Brand, string, error) {
	t.Helper()
	q, err := query.Parse(words)
	require.NoError(t, err)
	return func(context.Context) ([]query.Brand, string, error) {
		return []query.Brand{{Name: "B", Query: q}}, "1", nil
	}
}

func TestPostsOfBrandsAreCountedAgain(t *testing.T) {
	source := open(t, jetstream(t, ""), "")
	source.cfg.Profiles, _ = counting(t, nil)
	source.cfg.Reread = []time.Duration{0} // as soon as it may ask
	source.Follow(following(t, "post AND (1 OR 2)"))
	counted := func(posts []pipeline.Post) (out []pipeline.Post) {
		for i := range posts {
			if posts[i].Op == pipeline.OpMetrics {
				out = append(out, posts[i])
			}
		}
		return out
	}
	posts := counted(collecttest.Until(t, source, nil, func(posts []pipeline.Post) bool { return len(counted(posts)) == 2 }))
	metrics := pipeline.Metrics{Likes: 3, Reposts: 2, Replies: 1, Quotes: 4}
	assert.Equal(t, []pipeline.Post{
		{Platform: platform, ID: "at://did:plc:a/app.bsky.feed.post/k1", Op: pipeline.OpMetrics, Kind: pipeline.KindPost, Metrics: metrics},
		{Platform: platform, ID: "at://did:plc:a/app.bsky.feed.post/k2", Op: pipeline.OpMetrics, Kind: pipeline.KindPost, Metrics: metrics},
	}, posts, "and nothing that was not asked for")
}

// TestContractWithWatchedPosts holds the cursor that carries watched posts to the contract.
func TestContractWithWatchedPosts(t *testing.T) {
	want, refused := map[string]int{}, 0
	for n := range eventCount {
		switch {
		case n%400 == 77:
			refused++
		case n%10 != 3:
			want[key(n)] = 1
		}
	}
	server := jetstream(t, "")
	address, _ := counting(t, nil)
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true, New: func(tb testing.TB) pipeline.Source {
		tb.Helper()
		s := open(tb, server, "")
		s.cfg.Profiles = address
		s.Follow(following(t, "post AND (1 OR 2 OR 5 OR 300 OR 900)"))
		return s
	}})
}

func TestNobodyIsAskedWithoutProfiles(t *testing.T) {
	source := open(t, jetstream(t, ""), "")
	source.Follow(following(t, "post"))
	assert.Empty(t, source.plan().Ages)
	source.cfg.Profiles = "https://public.api.bsky.app"
	assert.Equal(t, DefaultConfig().Reread, source.plan().Ages)
}

func TestWhatIsReadAgainIsChecked(t *testing.T) {
	for word, change := range map[string]func(*Config){
		"watch: is -1":   func(c *Config) { c.Watch = -1 },
		"ages must grow": func(c *Config) { c.Reread = []time.Duration{2, 1} },
	} {
		c := DefaultConfig()
		require.NoError(t, c.Validate())
		change(&c)
		require.ErrorContains(t, c.Validate(), word)
	}
}

func TestWatchedPosts(t *testing.T) {
	p := pipeline.Post{ID: "at://did:web:a.example/app.bsky.feed.post/3k"}
	assert.Equal(t, "did:web:a.example/3k", watchID(&p))
	assert.Equal(t, p.ID, addressOf(watchID(&p)))
	p.ID = "at://did:web:a.example/app.bsky.feed.repost/3k"
	assert.Empty(t, watchID(&p))
}

func TestCountsOnBadDays(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter) bool
		check  func(*testing.T, error)
	}{
		"an error": {func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); return false }, func(t *testing.T, err error) {
			t.Helper()
			require.Error(t, err)
		}},
		"no JSON": {func(w http.ResponseWriter) bool { fmt.Fprint(w, "<html>"); return false }, func(t *testing.T, err error) {
			t.Helper()
			require.ErrorContains(t, err, "decode counts")
		}},
		"slow down": {func(w http.ResponseWriter) bool {
			w.Header().Set("Retry-After", "300")
			w.WriteHeader(http.StatusTooManyRequests)
			return false
		}, func(t *testing.T, err error) {
			t.Helper()
			var limited *client.LimitedError
			require.ErrorAs(t, err, &limited)
			assert.True(t, limited.Until.After(time.Now().Add(4*time.Minute)))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			source := open(t, jetstream(t, ""), "")
			address, asked := counting(t, c.answer)
			source.cfg.Profiles = address
			posts, err := source.counts(t.Context(), []string{"did:plc:a/k1"})
			c.check(t, err)
			assert.Empty(t, posts)
			assert.EqualValues(t, 1, asked.Load(), "once: the next look comes by itself")
		})
	}
	source := open(t, jetstream(t, ""), "")
	source.cfg.Profiles, _ = counting(t, nil)
	posts, err := source.counts(t.Context(), []string{"did:plc:a/gone"})
	require.NoError(t, err)
	assert.Empty(t, posts, "a post that does not come may be hidden for a while")
}

func FuzzCounts(f *testing.F) {
	f.Add([]byte(`{"posts":[{"uri":"at://did:plc:a/app.bsky.feed.post/k","likeCount":-1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		posts, err := decodeCounts(data)
		for _, p := range posts {
			require.NoError(t, err)
			assert.GreaterOrEqual(t, p.Metrics.Likes, int64(0))
		}
	})
}
