package hackernews

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/poll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGolden(t *testing.T) {
	collecttest.Golden(t, func(_ string, payload []byte) ([]pipeline.Post, error) {
		i, err := decode(0, payload)
		if err != nil {
			return nil, err
		}
		return []pipeline.Post{i.post()}, nil
	})
}

const itemCount = 350

// news is the upstream: a story every fiftieth item, answers to it between.
type news struct {
	day    collecttest.Day
	mu     sync.Mutex
	asked  int
	rounds int            // how often the changes were asked for
	nulls  map[string]int // items of which nothing is shown the first times
}

func body(id int, day collecttest.Day, again bool) string {
	created, text := int64(1767225600), "post "+strconv.Itoa(id)
	switch {
	case id%200 == 77:
		return `{"id":`
	case id%50 == 0:
		return fmt.Sprintf(`{"by":"asker","id":%d,"score":%d,"time":%d,"title":%q,"type":"story"}`, id, id, created, text)
	case day == collecttest.Lies && id == 11:
		created = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
	case day == collecttest.Lies && id == 12:
		created = time.Date(2999, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
	case day == collecttest.Changes && id == 5 && again:
		text = "edited"
	case day == collecttest.Changes && id == 6 && again:
		return `{"deleted":true,"id":6,"type":"comment"}`
	}
	if id < 50 {
		return fmt.Sprintf(`{"by":"asker","id":%d,"time":%d,"title":%q,"type":"story"}`, id, created, text)
	}
	return fmt.Sprintf(`{"by":"u%d","id":%d,"parent":%d,"text":%q,"time":%d,"type":"comment"}`, id, id, id-id%50, text, created)
}

func key(id int) string { return "hackernews/" + strconv.Itoa(id) }

func (s *news) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	switch {
	case s.day == collecttest.SlowDown:
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case s.day == collecttest.Dead:
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
		return
	case s.day == collecttest.Cut && s.asked%40 == 0:
		w.Header().Set("Content-Length", "100") // breaks in the midst of the answer
		fmt.Fprint(w, "{")
		return
	case r.URL.Path == "/v0/maxitem.json":
		fmt.Fprintln(w, itemCount)
		return
	case r.URL.Path == "/v0/updates.json":
		if s.rounds++; s.day == collecttest.Changes {
			fmt.Fprint(w, `{"items":[5,6,100],"profiles":["u"]}`)
		} else {
			fmt.Fprint(w, `{"items":[],"profiles":[]}`)
		}
		return
	}
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/v0/item/"), ".json")
	if s.nulls[name] > 0 {
		s.nulls[name]--
		fmt.Fprint(w, "null")
		return
	}
	id, err := strconv.Atoi(name)
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	fmt.Fprint(w, body(id, s.day, s.rounds > 0))
}

func serve(t testing.TB, day collecttest.Day) (*httptest.Server, *news) {
	t.Helper()
	n := &news{day: day, nulls: map[string]int{}}
	s := httptest.NewServer(n)
	t.Cleanup(s.Close)
	return s, n
}

func open(t testing.TB, server *httptest.Server) *Source {
	t.Helper()
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond, hc.Retries, hc.Timeout = true, 1000, 0, time.Second
	c, err := client.New(hc, "test")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := DefaultConfig()
	cfg.Endpoint = server.URL + "/v0"
	s, err := New(cfg, c)
	require.NoError(t, err)
	s.cfg.Poll = 10 * time.Millisecond
	return s
}

func TestContract(t *testing.T) {
	want, keys, refused := map[string]int{}, []string(nil), 0
	for id := 1; id <= itemCount; id++ {
		if id%200 == 77 {
			refused++
			continue
		}
		want[key(id)], keys = 1, append(keys, key(id))
	}
	servers := map[collecttest.Day]*httptest.Server{}
	sources := func(tb testing.TB, day collecttest.Day) pipeline.Source {
		tb.Helper()
		if servers[day] == nil {
			servers[day], _ = serve(t, day)
		}
		return open(tb, servers[day])
	}
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
		New: func(tb testing.TB) pipeline.Source { return sources(tb, "") }})
	collecttest.BadDays(t, collecttest.Platform{New: sources, Want: keys, Edited: key(5), Deleted: key(6), Without: map[collecttest.Day]string{
		collecttest.OldCursor: "ids are dense and every item stays, so no cursor is ever too old"}})
}

func TestThreads(t *testing.T) {
	items := map[string]string{
		"/v0/maxitem.json":  "4",
		"/v0/updates.json":  `{"items":[],"profiles":[]}`,
		"/v0/item/1.json":   `{"by":"a","id":1,"type":"story","title":"t","time":1}`,
		"/v0/item/2.json":   `{"by":"b","id":2,"type":"comment","parent":1,"text":"x","time":2}`,
		"/v0/item/3.json":   `{"by":"c","id":3,"type":"comment","parent":2,"text":"y","time":3}`,
		"/v0/item/4.json":   `{"by":"d","id":4,"type":"comment","parent":3,"text":"z","time":4}`,
		"/v0/item/404.json": "null",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, items[r.URL.Path]) }))
	t.Cleanup(server.Close)
	s := open(t, server)
	r := &run{Source: s}
	p := pipeline.Post{}
	r.climb(t.Context(), &item{ID: 4, Parent: 3, By: "d"}, &p)
	assert.Equal(t, pipeline.Post{ParentAuthor: "c", RootID: "1", RootAuthor: "a"}, p)
	server.Close() // all of the way up is known now
	p = pipeline.Post{}
	r.climb(t.Context(), &item{ID: 5, Parent: 2, By: "e"}, &p)
	assert.Equal(t, pipeline.Post{ParentAuthor: "b", RootID: "1", RootAuthor: "a"}, p)
	p = pipeline.Post{}
	r.climb(t.Context(), &item{ID: 6, Parent: 404, By: "e"}, &p)
	assert.Equal(t, pipeline.Post{}, p, "without its thread, but not lost")
}

func TestWhatIsShownLateIsRead(t *testing.T) {
	server, n := serve(t, "")
	n.nulls["349"] = 3
	seen := collecttest.Until(t, open(t, server), nil, func(p []pipeline.Post) bool {
		for i := range p {
			if p[i].ID == "349" {
				return true
			}
		}
		return false
	})
	assert.Equal(t, "349", seen[len(seen)-1].ID)
}

func TestOnlyWhatIsNewIsTold(t *testing.T) {
	r := &run{Source: &Source{prints: map[int64]uint64{}, threads: threads{}}, at: place{Late: map[int64]int64{}}}
	r.at.Watch = &poll.Watch{Steps: poll.DefaultAges(), Most: 10}
	story := &item{ID: 1, Type: "story", By: "a", Title: "t", Time: 1, Score: 1}
	p, ok := r.news(t.Context(), story, true)
	require.True(t, ok)
	assert.Equal(t, pipeline.OpCreate, p.Op)
	assert.Equal(t, 1, r.at.Watch.Len())
	story.Score = 9
	p, _ = r.news(t.Context(), story, false)
	assert.Equal(t, pipeline.OpMetrics, p.Op)
	assert.Equal(t, int64(9), p.Metrics.Likes)
	story.Title = "other"
	p, _ = r.news(t.Context(), story, false)
	assert.Equal(t, pipeline.OpUpdate, p.Op)
	story.Dead = true
	p, _ = r.news(t.Context(), story, false)
	assert.Equal(t, pipeline.OpDelete, p.Op)
	_, ok = r.news(t.Context(), &item{ID: 2, Dead: true, Type: "comment"}, true)
	assert.False(t, ok, "what was never shown leaves no tombstone")
}

func TestCheckAndConfig(t *testing.T) {
	server, _ := serve(t, "")
	said, err := open(t, server).Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, said, "newest item is 350")
	c := DefaultConfig()
	require.NoError(t, c.Validate())
	c.Poll = time.Second
	require.ErrorContains(t, c.Validate(), "poll")
	c = DefaultConfig()
	c.Endpoint = "here"
	require.ErrorContains(t, c.Validate(), "endpoint")
	c = DefaultConfig()
	c.Backfill = -1
	require.ErrorContains(t, c.Validate(), "backfill")
}

func FuzzDecode(f *testing.F) {
	files, err := os.ReadDir("testdata/golden")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile("testdata/golden/" + file.Name())
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := decode(0, data)
		if err != nil || i == nil {
			return
		}
		require.NotEmpty(t, i.post().ID)
	})
}
