package weibo

import (
	"context"
	"errors"
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

func decodeAny(name string, payload []byte) (poll.Item, error) {
	if strings.HasPrefix(name, "comment") {
		return decodeComment(payload)
	}
	return decodeStatus(payload)
}

func TestGolden(t *testing.T) {
	collecttest.Golden(t, func(name string, payload []byte) ([]pipeline.Post, error) {
		item, err := decodeAny(name, payload)
		return item.Posts, err
	})
}

const entries = 220

func broken(n int) bool { return n%100 == 77 }

func entry(n int, day collecttest.Day) string {
	created := time.Date(2026, 1, 1, 0, 0, n, 0, time.FixedZone("", 8*3600))
	switch {
	case broken(n):
		return `{"id":` + strconv.Itoa(n) + `,"text":[]}`
	case day == collecttest.Lies && n == 11:
		created = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	case day == collecttest.Lies && n == 12:
		created = time.Date(2999, 1, 2, 0, 0, 0, 0, time.UTC)
	}
	return fmt.Sprintf(`{"id":%d,"mid":"%d","text":"话","created_at":%q,"user":{"id":1,"screen_name":"u"}}`, 5_000_000_000_000_000+n, 5_000_000_000_000_000+n, created.Format(time.RubyDate))
}

// server answers as documented.
type server struct {
	day collecttest.Day

	mu       sync.Mutex
	requests int
	failure  string // with 403
	paths    []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	request, failure := s.requests, s.failure
	s.paths = append(s.paths, r.URL.Path)
	s.mu.Unlock()
	if r.Header.Get("Authorization") != "OAuth2 canary-token" {
		failure = `{"error":"invalid_access_token","error_code":21332,"request":"/2/x.json"}`
	}
	switch {
	case s.day == collecttest.SlowDown:
		failure = `{"error":"User requests out of rate limit!","error_code":10023,"request":"/2/statuses/mentions.json"}`
	case s.day == collecttest.Dead:
		<-r.Context().Done()
		return
	case s.day == collecttest.Cut && request%3 == 0:
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, `{"statuses":[`)
		return
	case s.day == collecttest.Cut && request%4 == 0:
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if failure != "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, failure)
		return
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/2/account/rate_limit_status"):
		fmt.Fprint(w, `{"ip_limit":10000,"limit_time_unit":"HOURS","remaining_ip_hits":9990,"remaining_user_hits":142,"reset_time":"2026-01-01 01:00:00","reset_time_in_seconds":1800,"user_limit":150}`)
	case strings.HasPrefix(r.URL.Path, "/2/statuses/count"):
		fmt.Fprint(w, `[{"id":"5000000000000001","comments":"3","reposts":"4","attitudes":5}]`)
	default:
		s.list(w, r)
	}
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("count"))
	var all []string
	lowest := 0
	if s.day == collecttest.OldCursor {
		lowest = 100
	}
	for n := entries - (page-1)*size; n > lowest && len(all) < size; n-- {
		all = append(all, entry(n, s.day))
	}
	list := "statuses"
	if strings.Contains(r.URL.Path, "/comments/") {
		list, all = "comments", nil
	}
	fmt.Fprintf(w, `{%q:[%s],"previous_cursor":0,"next_cursor":0,"total_number":%d}`, list, strings.Join(all, ","), entries)
}

func open(t testing.TB, address string, change func(*Config)) *Source {
	t.Helper()
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond, hc.Timeout, hc.Retries = true, 1000, time.Second, 3
	c, err := client.New(hc, "test", client.WithBackoff(func(int) time.Duration { return 0 }))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := DefaultConfig()
	cfg.Endpoint, cfg.Token, cfg.Budget.Reads, cfg.Depth = address+"/2", "canary-token", 0, 10
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg, c)
	require.NoError(t, err)
	return s
}

func serve(t testing.TB, s *server) string {
	t.Helper()
	hs := httptest.NewServer(s)
	t.Cleanup(hs.Close)
	return hs.URL
}

func TestContract(t *testing.T) {
	want, keys, refused := map[string]int{}, []string(nil), 0
	for n := 1; n <= entries; n++ {
		if broken(n) {
			refused++
			continue
		}
		key := fmt.Sprintf("weibo/%d", 5_000_000_000_000_000+n)
		want[key], keys = 1, append(keys, key)
	}
	addresses := map[collecttest.Day]string{}
	sources := func(tb testing.TB, day collecttest.Day) pipeline.Source {
		tb.Helper()
		if addresses[day] == "" {
			addresses[day] = serve(t, &server{day: day})
		}
		return open(tb, addresses[day], nil)
	}
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
		New: func(tb testing.TB) pipeline.Source { return sources(tb, "") }})
	old := pipeline.Cursor(`{"targets":{"mentions":{"ms":1767110000000,"seen":"x"}},"watch":""}`)
	collecttest.BadDays(t, collecttest.Platform{New: sources, Want: keys, Old: old, Without: map[collecttest.Day]string{
		collecttest.Changes: "Weibo's API tells of no edits, and of deletes only where a repost shows one, which is among the golden payloads"}})
}

func TestTheErrorsOfThePlatform(t *testing.T) {
	s := &server{}
	address := serve(t, s)
	for _, e := range []struct{ failure, says string }{
		{`{"error":"expired_token","error_code":21327,"request":"/2/x.json"}`, "authorise the application anew"},
		{`{"error":"Insufficient app permissions!","error_code":10014,"request":"/2/x.json"}`, "lacks the permission"},
		{`{"error":"System error!","error_code":10001,"request":"/2/x.json"}`, "10001"},
	} {
		s.failure = e.failure
		_, err := open(t, address, nil).Check(t.Context())
		require.ErrorContains(t, err, e.says)
		assert.NotContains(t, err.Error(), "canary-token")
	}
	now := time.Date(2026, 1, 1, 0, 20, 0, 0, time.UTC)
	var limited *client.LimitedError
	require.ErrorAs(t, explain(&client.StatusError{Code: 403, Body: []byte(`{"error":"IP requests out of rate limit!","error_code":10022}`)}, now), &limited)
	assert.Equal(t, time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC), limited.Until)
	plain := errors.New("x")
	assert.Equal(t, plain, explain(plain, now))
	s.failure = ""
	_, err := open(t, address, func(c *Config) { c.Token = "wrong-canary" }).Check(t.Context())
	require.ErrorContains(t, err, "authorise")
	_, err = open(t, address, func(c *Config) { c.Token = "" }).Check(t.Context())
	require.ErrorContains(t, err, "token is missing")
	said, err := open(t, address, nil).Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, said, "142 requests are left")
}

func TestPathsOfTheBusinessInterface(t *testing.T) {
	s := &server{}
	w := open(t, serve(t, s), func(c *Config) { c.Business, c.Keywords = true, []string{"极光"} })
	targets, err := w.targets(t.Context())
	require.NoError(t, err)
	for _, target := range targets {
		_, _, err := target.Page(t.Context(), "", time.Time{})
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"/2/statuses/mentions/biz.json", "/2/comments/to_me/biz.json", "/2/search/statuses/limited/biz.json"}, s.paths)
}

func TestCounts(t *testing.T) {
	posts, _, err := open(t, serve(t, &server{}), nil).counts(context.Background(), []string{"5000000000000001"})
	require.NoError(t, err)
	assert.Equal(t, pipeline.Metrics{Replies: 3, Reposts: 4, Likes: 5}, posts[0].Metrics)
}

func TestSettings(t *testing.T) {
	for mistake, change := range map[string]func(*Config){
		"feeds[0]": func(c *Config) { c.Feeds = []string{"all"} }, "endpoint": func(c *Config) { c.Endpoint = "" },
		"every": func(c *Config) { c.Every = 0 }, "depth": func(c *Config) { c.Depth = 0 }, "watch": func(c *Config) { c.Watch = -1 },
		"reread": func(c *Config) { c.Reread = []time.Duration{2, 1} }, "budget.": func(c *Config) { c.Budget.Reads = -1 },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), mistake)
	}
	cfg := DefaultConfig()
	require.NoError(t, cfg.Validate())
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
		for _, name := range []string{"comment", "status"} {
			item, err := decodeAny(name, data)
			if err == nil {
				require.NotEmpty(t, item.ID)
			}
		}
	})
}

func TestAddressesAreThoseOfTheWeb(t *testing.T) {
	s := status{MID: "3491700092079471", User: user{ID: "1"}}
	assert.Equal(t, "https://weibo.com/1/yCtxn8IXR", s.address()) // open.weibo.com/wiki/2/statuses/querymid
	s.MID = "not a number"
	assert.Empty(t, s.address())
}
