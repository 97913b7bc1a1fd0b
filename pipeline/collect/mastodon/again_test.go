package mastodon

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/query"
)

// later is a server that gives statuses again: those whose id ends in 7 were edited, those
// that begin with 9 are gone. An old one gives one at a time.
type later struct {
	old, limited bool

	mu    sync.Mutex
	asked []string
}

func (l *later) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.asked = append(l.asked, r.URL.RequestURI())
	l.mu.Unlock()
	single := strings.TrimPrefix(r.URL.Path, "/api/v1/statuses/")
	switch {
	case r.Header.Get("Authorization") != "Bearer t":
		w.WriteHeader(http.StatusUnauthorized)
	case l.limited:
		w.Header().Set("Retry-After", "300")
		w.WriteHeader(http.StatusTooManyRequests)
	case r.URL.Path == "/api/v1/statuses" && !l.old:
		var all []string
		for _, id := range r.URL.Query()["id[]"] {
			if id[0] != '9' {
				all = append(all, status3(id))
			}
		}
		fmt.Fprintf(w, "[%s]", strings.Join(all, ","))
	case single != r.URL.Path && single[0] != '9':
		fmt.Fprint(w, status3(single))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// status3 is a status with three likes.
func status3(id string) string {
	edited := "null"
	if strings.HasSuffix(id, "7") {
		edited = `"2026-01-02T00:00:00.000Z"`
	}
	return fmt.Sprintf(`{"id":%q,"created_at":"2026-01-01T00:00:00.000Z","edited_at":%s,"visibility":"public","content":"<p>now</p>","favourites_count":3,"account":{"id":"7","acct":"ana","followers_count":5}}`, id, edited)
}

func ask(t *testing.T, l *later) (*Source, names) {
	t.Helper()
	s := httptest.NewServer(l)
	t.Cleanup(s.Close)
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond = true, 1000
	c, err := client.New(hc, "test")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := DefaultConfig()
	cfg.Server, cfg.Token = s.URL, "t"
	source, err := New(cfg, c)
	require.NoError(t, err)
	return source, source.names
}

func TestCountsAndEditsAreReadAgain(t *testing.T) {
	l := &later{}
	source, n := ask(t, l)
	posts, err := source.again(t.Context(), []string{"1", "17", "91"})
	require.NoError(t, err)
	require.Len(t, posts, 2, "what does not come is not known to be deleted")
	author := n.host
	assert.Equal(t, pipeline.Post{Platform: platform, ID: n.post("1"), Op: pipeline.OpMetrics, Kind: pipeline.KindPost, Source: n.host, Metrics: pipeline.Metrics{Likes: 3},
		Author: pipeline.Author{ID: "ana@" + author, Handle: "ana@" + author, Followers: 5}}, posts[0])
	assert.Equal(t, pipeline.OpUpdate, posts[1].Op, "an edit that came while we were away")
	assert.Equal(t, "now", posts[1].Text)
	assert.True(t, posts[1].EditedAt.Known())
	assert.Equal(t, []string{"/api/v1/statuses?id%5B%5D=1&id%5B%5D=17&id%5B%5D=91"}, l.asked)
}

func TestAnOldServerIsAskedOneByOne(t *testing.T) {
	l := &later{old: true}
	source, n := ask(t, l)
	assert.Equal(t, again, source.plan().Batch())
	_, err := source.again(t.Context(), []string{"1", "2"})
	require.Error(t, err, "they stay due")
	assert.Equal(t, 1, source.plan().Batch())
	posts, err := source.again(t.Context(), []string{"1"})
	require.NoError(t, err)
	require.Len(t, posts, 1)
	assert.Equal(t, n.post("1"), posts[0].ID)
	posts, err = source.again(t.Context(), []string{"9"})
	require.NoError(t, err, "gone")
	assert.Empty(t, posts)
	assert.Equal(t, []string{"/api/v1/statuses?id%5B%5D=1&id%5B%5D=2", "/api/v1/statuses/1", "/api/v1/statuses/9"}, l.asked)
}

func TestReadingAgainOnBadDays(t *testing.T) {
	source, _ := ask(t, &later{limited: true})
	_, err := source.again(t.Context(), []string{"1"})
	var limited *client.LimitedError
	require.ErrorAs(t, err, &limited)
	source, _ = ask(t, &later{})
	source.cfg.Token = "ended"
	_, err = source.again(t.Context(), []string{"1"})
	require.Error(t, err)
	assert.Equal(t, again, source.plan().Batch(), "a token that has ended says nothing of what the server can do")
}

// hasty is a source that reads again without delay.
type hasty struct{ *Source }

func (h hasty) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	p := h.plan()
	p.Ages, p.Pause = []time.Duration{0}, time.Millisecond
	return p.Run(ctx, from, out, h.read)
}

func TestPostsOfBrandsAreReadAgainBesideTheStream(t *testing.T) {
	s := serve(t, "")
	source := open(t, s, "sse")
	q, err := query.Parse("post AND (1 OR 2)")
	require.NoError(t, err)
	source.Follow(func(context.Context) ([]query.Brand, string, error) {
		return []query.Brand{{Name: "B", Query: q}}, "1", nil
	})
	source.single.Store(true)
	s.again = true
	ids := map[string]bool{}
	collecttest.Until(t, hasty{source}, nil, func(posts []pipeline.Post) bool {
		for i := range posts {
			if posts[i].Op == pipeline.OpMetrics {
				ids[string(posts[i].Key())] = true
			}
		}
		return len(ids) == 2
	})
	assert.Equal(t, map[string]bool{s.key(1): true, s.key(2): true}, ids)
}

func FuzzAgain(f *testing.F) {
	f.Add([]byte("[" + status3("1") + "," + status3("7") + "]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		posts, err := names{"s"}.decodeAgain(data)
		for i := range posts {
			require.NoError(t, err)
			require.NotEmpty(t, posts[i].ID)
			assert.Contains(t, []pipeline.Op{pipeline.OpMetrics, pipeline.OpUpdate}, posts[i].Op)
		}
	})
}
