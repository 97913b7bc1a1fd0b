package rss

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
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGolden(t *testing.T) {
	collecttest.Golden(t, func(_ string, payload []byte) ([]pipeline.Post, error) {
		doc, err := read("https://example.org/feed?key=hidden", payload)
		var posts []pipeline.Post
		for _, i := range doc.items {
			posts = append(posts, i.post)
		}
		return posts, err
	})
}

const (
	feedCount = 3
	perFeed   = 150 // more than one Emit
)

// blog is the upstream: some Atom feeds with conditional GET.
type blog struct {
	day   collecttest.Day
	mu    sync.Mutex
	asked map[string]int
	known int // requests answered by 304
}

func entry(feed, n int, day collecttest.Day, again bool) string {
	created, text := "2026-01-01T00:00:00Z", "post"
	switch {
	case n%60 == 17:
		return "<entry><updated>" + created + "</updated></entry>" // neither id nor words
	case day == collecttest.Lies && n == 11:
		created = "1970-01-02T00:00:00Z"
	case day == collecttest.Lies && n == 12:
		created = "2999-01-02T00:00:00Z"
	case day == collecttest.Changes && n == 5 && again:
		text = "edited"
	case day == collecttest.Changes && n == 6 && again:
		return fmt.Sprintf(`<at:deleted-entry ref="tag:test,2026:%d-%d" when=%q/>`, feed, n, created)
	}
	return fmt.Sprintf("<entry><id>tag:test,2026:%d-%d</id><title>%s</title><published>%s</published></entry>", feed, n, text, created)
}

func key(feed, n int) string { return fmt.Sprintf("blog/tag:test,2026:%d-%d", feed, n) }

func (b *blog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.asked[r.URL.Path]++
	times := b.asked[r.URL.Path]
	b.mu.Unlock()
	switch b.day {
	case collecttest.SlowDown:
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case collecttest.Dead:
		<-r.Context().Done()
		return
	}
	feed, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/f"))
	tag := fmt.Sprintf(`"v%v"`, b.day == collecttest.Changes && times > 1)
	if r.Header.Get("If-None-Match") == tag {
		b.mu.Lock()
		b.known++
		b.mu.Unlock()
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("ETag", tag)
	var doc strings.Builder
	doc.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"><title>t</title>`)
	for n := perFeed - 1; n >= 0; n-- {
		doc.WriteString(entry(feed, n, b.day, times > 1))
	}
	doc.WriteString("</feed>")
	text := doc.String()
	if b.day == collecttest.Cut && times%2 == 1 { // breaks in the midst of the answer
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		text = text[:len(text)/2]
	}
	_, _ = w.Write([]byte(text))
}

func serve(t testing.TB, day collecttest.Day) (*httptest.Server, *blog) {
	t.Helper()
	b := &blog{day: day, asked: map[string]int{}}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	return s, b
}

func newClient(t testing.TB) *client.Client {
	t.Helper()
	cfg := client.DefaultConfig()
	cfg.AllowPrivate, cfg.PerSecond, cfg.Retries, cfg.Timeout = true, 1000, 0, time.Second
	c, err := client.New(cfg, "test")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func open(t testing.TB, server *httptest.Server) *Source {
	t.Helper()
	cfg := DefaultConfig()
	for n := range feedCount {
		cfg.Feeds = append(cfg.Feeds, Address(server.URL+"/f"+strconv.Itoa(n)))
	}
	s, err := New(cfg, newClient(t))
	require.NoError(t, err)
	s.cfg.Poll = 10 * time.Millisecond
	return s
}

func TestContract(t *testing.T) {
	want, keys := map[string]int{}, []string(nil)
	for feed := range feedCount {
		for n := range perFeed {
			if n%60 != 17 {
				want[key(feed, n)], keys = 1, append(keys, key(feed, n))
			}
		}
	}
	servers := map[collecttest.Day]*httptest.Server{}
	sources := func(tb testing.TB, day collecttest.Day) pipeline.Source {
		tb.Helper()
		if servers[day] == nil {
			servers[day], _ = serve(t, day)
		}
		return open(tb, servers[day])
	}
	// The malformed entries of a feed are equal, so each feed has one dead letter of them.
	collecttest.Source(t, collecttest.Case{Want: want, Refused: feedCount, Endless: true,
		New: func(tb testing.TB) pipeline.Source { return sources(tb, "") }})

	servers[collecttest.OldCursor], _ = serve(t, collecttest.OldCursor)
	old := place{Feeds: map[string]*state{}}
	for n := range feedCount {
		st := old.of(servers[collecttest.OldCursor].URL + "/f" + strconv.Itoa(n))
		st.Read = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		st.Seen.add(1, 1, 10)
	}
	collecttest.BadDays(t, collecttest.Platform{New: sources, Want: keys, Old: old.encode(), Edited: key(0, 5), Deleted: key(0, 6)})
}

func TestAFeedThatIsUnchangedCostsNothing(t *testing.T) {
	server, b := serve(t, "")
	s := open(t, server)
	j := &journal{stopAt: feedCount * (perFeed - 3)}
	require.Error(t, j.run(t, s, nil))
	posts := len(j.posts)
	again := &journal{limit: 300 * time.Millisecond}
	require.Error(t, again.run(t, open(t, server), j.cursor))
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Positive(t, b.known, "asked by ETag")
	assert.Less(t, len(again.posts), posts/2, "only what was not handed over before the stop")
}

func TestAFeedThatIsGoneIsAskedNoMore(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusGone)
	}))
	t.Cleanup(server.Close)
	cfg := DefaultConfig()
	cfg.Feeds = []Address{Address(server.URL)}
	s, err := New(cfg, newClient(t))
	require.NoError(t, err)
	at := place{Feeds: map[string]*state{}}
	at.of(server.URL).Read = time.Now().Add(-time.Hour).UnixMilli()
	j := &journal{limit: 300 * time.Millisecond}
	require.Error(t, j.run(t, s, at.encode()))
	assert.Equal(t, 1, asked)
	assert.Len(t, j.gaps, 1)
	again, err := decode(j.cursor)
	require.NoError(t, err)
	assert.True(t, again.of(server.URL).Gone)
}

func TestAFeedSaysHowOftenItIsAsked(t *testing.T) {
	s := &Source{cfg: Config{Poll: 15 * time.Minute}}
	r := &run{Source: s}
	for header, want := range map[string]time.Duration{
		"":                          15 * time.Minute,
		"max-age=60":                15 * time.Minute,
		"private, max-age=3600":     time.Hour,
		"max-age=99999999":          24 * time.Hour,
		"no-cache, max-age=nothing": 15 * time.Minute,
	} {
		p := &pace{}
		r.plan(p, &state{}, http.Header{"Cache-Control": {header}}, 0)
		assert.WithinDuration(t, time.Now().Add(want), p.due, time.Minute, header)
	}
	p := &pace{}
	r.plan(p, &state{}, nil, 2*time.Hour)
	assert.WithinDuration(t, time.Now().Add(2*time.Hour), p.due, time.Minute)
	assert.Equal(t, 15*time.Minute, r.pause(1))
	assert.Equal(t, 24*time.Hour, r.pause(40))
}

func TestIDs(t *testing.T) {
	f := &reader{source: "https://example.org/feed"}
	assert.Equal(t, "https://example.org/a", f.id("https://example.org/a"))
	assert.Equal(t, "urn:uuid:60a76c80", f.id(" urn:uuid:60a76c80 "))
	assert.Equal(t, "https://example.org/feed#17", f.id("17"), "unique in its feed alone")
	assert.LessOrEqual(t, len(f.id("https://example.org/"+strings.Repeat("x", 600))), pipeline.MaxID)
}

func TestConfig(t *testing.T) {
	good := DefaultConfig()
	good.Feeds = []Address{"https://example.org/feed"}
	require.NoError(t, good.Validate())
	for problem, change := range map[string]func(*Config){
		"at least one":  func(c *Config) { c.Feeds = nil },
		"stands twice":  func(c *Config) { c.Feeds = append(c.Feeds, c.Feeds[0]) },
		"user":          func(c *Config) { c.Feeds[0] = "https://me:secret@example.org/feed" },
		"not an addres": func(c *Config) { c.Feeds[0] = "file:///etc/passwd" },
		"poll":          func(c *Config) { c.Poll = time.Second },
		"secret":        func(c *Config) { c.WebSub.Callback = "https://l.example/w"; c.WebSub.Secret = "short" },
		"listen": func(c *Config) {
			c.WebSub = WebSub{Callback: "https://l.example/w", Listen: "here", Secret: "0123456789abcdef"}
		},
	} {
		c := good
		c.Feeds = append([]Address(nil), good.Feeds...)
		change(&c)
		err := c.Validate()
		require.ErrorContains(t, err, problem)
		assert.NotContains(t, err.Error(), "me:secret")
	}
}

func TestTheKeyOfAFeedIsNotPrinted(t *testing.T) {
	a := Address("https://example.org/feed?key=hidden")
	for _, form := range []string{"%s", "%v", "%+v", "%#v", "%q"} {
		assert.NotContains(t, fmt.Sprintf(form, []Address{a}), "hidden", form)
	}
	text, err := a.MarshalText()
	require.NoError(t, err)
	assert.Equal(t, "https://example.org/feed?***", string(text))
	assert.Equal(t, "https://example.org/feed", Address("https://example.org/feed").String())
}

func TestCheck(t *testing.T) {
	server, _ := serve(t, "")
	said, err := open(t, server).Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, said, "3 feeds can be read")
	server.Close()
	_, err = open(t, server).Check(t.Context())
	require.ErrorContains(t, err, "3 of 3 feeds")
}

func FuzzRead(f *testing.F) {
	files, err := os.ReadDir("testdata/golden")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile("testdata/golden/" + file.Name())
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := read("https://example.org/feed", data)
		if err != nil {
			return
		}
		for _, i := range doc.items {
			if i.bad == nil {
				require.NotEmpty(t, i.post.ID)
				require.LessOrEqual(t, len(i.post.ID), pipeline.MaxID)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	var s seen
	s.add(7, 8, 10)
	text, _ := s.MarshalText()
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var s seen
		if s.UnmarshalText(text) != nil {
			return
		}
		again, err := s.MarshalText()
		require.NoError(t, err)
		var same seen
		require.NoError(t, same.UnmarshalText(again))
		require.Equal(t, s.hash, same.hash)
	})
}
