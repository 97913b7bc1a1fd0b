package mastodon

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestGolden reads payloads of events; the file's name begins with the event's, or with
// again for what is read again.
func TestGolden(t *testing.T) {
	collecttest.Golden(t, func(name string, payload []byte) ([]pipeline.Post, error) {
		var posts []pipeline.Post
		f := &follower{Source: &Source{names: names{"mastodon.social"}}, at: &place{}, put: func(i stream.Item) error {
			assert.Nil(t, i.Bad, i.Reason)
			posts = append(posts, i.Posts...)
			return nil
		}}
		event, _, _ := strings.Cut(name, "-")
		if event == "again" {
			return f.names.decodeAgain(payload)
		}
		return posts, f.event(strings.ReplaceAll(event, "_", "."), bytes.TrimSpace(payload))
	})
}

const (
	statusCount = 1300
	pageSize    = 40
)

// body of status n; every 400th is malformed.
func body(n int, day collecttest.Day, edited bool) string {
	created, text := "2026-01-01T00:00:00.000Z", "post "+strconv.Itoa(n)
	switch {
	case n%400 == 77:
		return fmt.Sprintf(`{"id":"","n":%d}`, n)
	case edited:
		text = "edited"
	case day == collecttest.Lies && n == 11:
		created = "1970-01-02T00:00:00.000Z"
	case day == collecttest.Lies && n == 12:
		created = "2999-01-02T00:00:00.000Z"
	}
	return fmt.Sprintf(`{"id":"%d","created_at":%q,"visibility":"public","content":"<p>%s</p>","account":{"id":"7","acct":"ana"}}`, n+1000, created, text)
}

// server speaks the API. A source that has read the timeline has seen all there is, so its
// stream brings nothing more.
type server struct {
	*httptest.Server
	day   collecttest.Day
	again bool // it gives single statuses too

	mu     sync.Mutex
	filled map[string]bool // by token
}

func (s *server) key(n int) string {
	return "mastodon/" + strings.TrimPrefix(s.URL, "http://") + "/" + strconv.Itoa(n+1000)
}

func serve(t testing.TB, day collecttest.Day) *server {
	t.Helper()
	s := &server{day: day, filled: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("Authorization")
	switch {
	case s.day == collecttest.SlowDown:
		w.Header().Set("X-RateLimit-Reset", time.Now().Add(2*time.Minute).UTC().Format(time.RFC3339Nano)) // no Retry-After
		w.WriteHeader(http.StatusTooManyRequests)
	case r.URL.Path == "/api/v2/instance":
		fmt.Fprintf(w, `{"title":"t","configuration":{"urls":{"streaming":"ws%s"}}}`, strings.TrimPrefix(s.URL, "http"))
	case r.URL.Path == "/api/v1/streaming/health":
		fmt.Fprint(w, "OK")
	case !strings.HasPrefix(token, "Bearer token"):
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"The access token is invalid"}`)
	case r.URL.Path == "/api/v1/timelines/public":
		s.timeline(w, r, token)
	case r.URL.Path == "/api/v1/streaming/public":
		s.sse(w, r, token)
	case r.URL.Path == "/api/v1/streaming":
		s.socket(w, r, token)
	case s.again && strings.HasPrefix(r.URL.Path, "/api/v1/statuses/"):
		fmt.Fprint(w, status3(strings.TrimPrefix(r.URL.Path, "/api/v1/statuses/")))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *server) timeline(w http.ResponseWriter, r *http.Request, token string) {
	behind, _ := strconv.Atoi(r.URL.Query().Get("min_id"))
	first := max(behind-1000+1, 0)
	last := min(first+pageSize, statusCount)
	if last == statusCount {
		s.mu.Lock()
		s.filled[token] = true
		s.mu.Unlock()
	}
	var list []string
	for n := last - 1; n >= first; n-- { // newest first
		list = append(list, body(n, s.day, false))
	}
	fmt.Fprintf(w, "[%s]", strings.Join(list, ","))
}

// events of the stream of one source.
func (s *server) events(token string, send func(event, data string) error) {
	s.mu.Lock()
	filled := s.filled[token]
	s.mu.Unlock()
	for n := 0; n < statusCount && !filled && s.day != collecttest.Dead; n++ {
		if send("update", body(n, s.day, false)) != nil {
			return
		}
		if s.day == collecttest.Cut && n == 600 {
			return
		}
		if n == 20 && s.day == collecttest.Changes {
			_ = send("filters_changed", "undefined")
			_ = send("status.update", body(5, s.day, true))
			_ = send("delete", "1006")
		}
	}
}

func (s *server) sse(w http.ResponseWriter, r *http.Request, token string) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, ":)\n")
	s.events(token, func(event, data string) error {
		_, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data)
		return err
	})
	if s.day == collecttest.Cut {
		return
	}
	fmt.Fprint(w, ":thump\n")
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	<-r.Context().Done()
}

func (s *server) socket(w http.ResponseWriter, r *http.Request, token string) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow() //nolint:errcheck // the end of a test
	ctx := conn.CloseRead(r.Context())
	s.events(token, func(event, data string) error {
		return conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"stream":["public"],"event":%q,"payload":%q}`, event, data))
	})
	if s.day != collecttest.Cut { // which ends without a close frame
		<-ctx.Done()
	}
}

var tokens atomic.Int64 //nolint:gochecknoglobals // of the tests alone

func open(t testing.TB, s *server, transport string) *Source {
	t.Helper()
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond, hc.Retries = true, 1000, 0
	c, err := client.New(hc, "test")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := DefaultConfig()
	cfg.Server, cfg.Transport = s.URL, transport
	cfg.Token = pipeline.Secret("token" + strconv.FormatInt(tokens.Add(1), 10))
	switch s.day {
	case collecttest.Dead:
		cfg.Deadline = 100 * time.Millisecond
	case collecttest.OldCursor:
		cfg.Backfill = 2
	}
	source, err := New(cfg, c)
	require.NoError(t, err)
	return source
}

func TestContract(t *testing.T) {
	for _, transport := range []string{"sse", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			s := serve(t, "")
			want, refused := map[string]int{}, 0
			for n := range statusCount {
				if n%400 == 77 {
					refused++
				} else {
					want[s.key(n)] = 1
				}
			}
			if transport == "sse" { // a WebSocket differs by its frames alone, which the bad days read
				collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
					New: func(tb testing.TB) pipeline.Source { return open(tb, s, transport) }})
			}
			servers := map[collecttest.Day]*server{}
			on := func(day collecttest.Day) *server {
				if servers[day] == nil {
					servers[day] = serve(t, day)
				}
				return servers[day]
			}
			var keys []string
			for n := range statusCount {
				if n%400 != 77 {
					keys = append(keys, on(collecttest.Cut).key(n))
				}
			}
			old := &place{Last: []string{"1000"}, At: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()}
			collecttest.BadDays(t, collecttest.Platform{Want: keys, Old: old.encode(),
				Edited: on(collecttest.Changes).key(5), Deleted: on(collecttest.Changes).key(6),
				New: func(tb testing.TB, day collecttest.Day) pipeline.Source { return open(tb, on(day), transport) }})
		})
	}
}

func TestATimelineThatIsClosedIsAGap(t *testing.T) {
	gaps := 0
	f := &follower{Source: open(t, serve(t, ""), "sse"), at: &place{Last: []string{"1"}, At: 1}, out: &gapCounter{n: &gaps}}
	f.cfg.Stream, f.cfg.Hashtag = "hashtag", "closed" // the test's server does not have it: 404
	require.NoError(t, f.backfill(t.Context()))
	assert.Equal(t, 1, gaps)
	assert.Empty(t, f.at.Last)
}

type gapCounter struct {
	pipeline.Session
	n *int
}

func (g *gapCounter) Gap(time.Time, time.Time, string) { *g.n++ }
func (g *gapCounter) Alive()                           {}

func TestTheTokenIsNotSentInTheOpen(t *testing.T) {
	named := func(address string) []byte {
		return []byte(`{"configuration":{"urls":{"streaming":"` + address + `"}}}`)
	}
	_, err := streamingOf("https://s.example", named("ws://elsewhere.example"))
	require.ErrorContains(t, err, "without TLS")
	address, err := streamingOf("https://s.example", named("wss://streaming.s.example/"))
	require.NoError(t, err)
	assert.Equal(t, "https://streaming.s.example", address)
	address, err = streamingOf("https://s.example", []byte(`{"error":"not here"}`))
	require.NoError(t, err)
	assert.Equal(t, "https://s.example", address)
}

func TestCheck(t *testing.T) {
	s := serve(t, "")
	said, err := open(t, s, "sse").Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, said, "the token reads the timeline")
	bad := open(t, s, "sse")
	bad.cfg.Token = "another"
	_, err = bad.Check(t.Context())
	require.ErrorContains(t, err, "read:statuses")
	assert.NotContains(t, err.Error(), "another")
}

func TestConfig(t *testing.T) {
	good := DefaultConfig()
	good.Server, good.Token = "https://mastodon.social", "t"
	require.NoError(t, good.Validate())
	for word, change := range map[string]func(*Config){
		"server:":   func(c *Config) { c.Server = "mastodon.social" },
		"token:":    func(c *Config) { c.Token = "" },
		"hashtag:":  func(c *Config) { c.Hashtag = "x" },
		"word":      func(c *Config) { c.Stream, c.Hashtag = "hashtag", "a/b" },
		"backfill:": func(c *Config) { c.Backfill = 0 },
		"deadline:": func(c *Config) { c.Deadline = 0 },
		"watch:":    func(c *Config) { c.Watch = -1 },
		"reread:":   func(c *Config) { c.Reread = []time.Duration{2, 1} },
	} {
		c := good
		change(&c)
		require.ErrorContains(t, c.Validate(), word)
	}
	c := good
	c.Stream = "public:local"
	path, q := c.timeline()
	assert.Equal(t, "/api/v1/timelines/public?limit=40&local=true", path+"?"+q.Encode())
	c.Stream, c.Hashtag = "hashtag", "größe"
	path, _ = c.timeline()
	assert.Equal(t, "/api/v1/timelines/tag/gr%C3%B6%C3%9Fe", path)
}

func FuzzEvent(f *testing.F) {
	files, err := os.ReadDir("testdata/golden")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile("testdata/golden/" + file.Name())
		require.NoError(f, err)
		f.Add("update", b)
	}
	f.Add("delete", []byte(`"1"`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		w := &follower{Source: &Source{names: names{"s"}}, at: &place{}, put: func(i stream.Item) error {
			for _, p := range i.Posts {
				require.NotEmpty(t, p.ID)
			}
			return context.Canceled
		}}
		_ = w.event(name, data)
	})
}
