package reddit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
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
	"earshot/pipeline/query"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGolden(t *testing.T) {
	collecttest.Golden(t, func(name string, payload []byte) ([]pipeline.Post, error) {
		if strings.HasPrefix(name, "info-") {
			l, err := decodeListing(payload)
			posts, _ := l.changes()
			return posts, err
		}
		it := item(payload)
		if it.Bad != nil {
			return nil, fmt.Errorf("refused: %s", it.Reason)
		}
		return it.Posts, nil
	})
}

const (
	postCount    = 250
	commentCount = 250
	beginning    = 1767225600 // 2026-01-01
)

// server speaks the protocol: tokens that end, listings with after, /api/info.
type server struct {
	day   collecttest.Day
	short bool // tokens end at once

	mu       sync.Mutex
	tokens   int
	valid    string
	requests int
	header   http.Header // of the last request of the API
	signIn   http.Header
	search   []string
}

func broken(kind string, n int) bool { return kind == "t1" && n%150 == 77 }

func thingOf(kind string, n int, day collecttest.Day) string {
	created := beginning + n
	switch {
	case broken(kind, n):
		return `{"kind":"t1","data":{"name":` + strconv.Itoa(n) + `}}`
	case day == collecttest.Lies && n == 11:
		created = 86400
	case day == collecttest.Lies && n == 12:
		created = 32472144000 // 2999
	}
	body := `"title":"post","selftext":"words","is_self":true`
	if kind == "t1" {
		body = `"body":"words","parent_id":"t3_1","link_id":"t3_1"`
	}
	return fmt.Sprintf(`{"kind":%q,"data":{"name":"%s_%d","author":"u","author_fullname":"t2_u","subreddit":"a","created_utc":%d.0,"edited":false,"score":1,%s}}`,
		kind, kind, n, created, body)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/api/v1/access_token" {
		s.signIn = r.Header.Clone()
		s.tokens++
		s.valid = "token-" + strconv.Itoa(s.tokens)
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":3600,"scope":"*"}`, s.valid)
		return
	}
	s.requests++
	s.header = r.Header.Clone()
	if r.Header.Get("Authorization") != "bearer "+s.valid || (s.short && s.requests%5 == 0) {
		s.valid = ""
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message": "Unauthorized", "error": 401}`)
		return
	}
	w.Header().Set("X-Ratelimit-Used", "3")
	w.Header().Set("X-Ratelimit-Remaining", "97.0")
	w.Header().Set("X-Ratelimit-Reset", "120")
	switch {
	case s.day == collecttest.SlowDown:
		w.Header().Set("X-Ratelimit-Remaining", "0.0")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case s.day == collecttest.Dead:
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
		return
	case s.day == collecttest.Cut && s.requests%3 == 0:
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, `{"kind": "Listing", "da`)
		return
	case s.day == collecttest.Cut && s.requests%4 == 0:
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if r.URL.Path == "/api/info" {
		s.info(w, r.URL.Query().Get("id"))
		return
	}
	s.list(w, r)
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	kind, n := "t3", postCount
	switch {
	case strings.HasSuffix(r.URL.Path, "/comments"):
		kind, n = "t1", commentCount
	case r.URL.Path == "/search":
		s.search = append(s.search, r.URL.Query().Get("q"))
		n = 1
	}
	if _, after, ok := strings.Cut(r.URL.Query().Get("after"), "_"); ok {
		n, _ = strconv.Atoi(after)
		n--
	}
	lowest := 0
	if s.day == collecttest.OldCursor {
		lowest = 100 // the listing reaches no further
	}
	var children []string
	for ; n > lowest && len(children) < 100; n-- {
		children = append(children, thingOf(kind, n, s.day))
	}
	after := "null"
	if n > lowest {
		after = fmt.Sprintf(`"%s_%d"`, kind, n+1)
	}
	fmt.Fprintf(w, `{"kind":"Listing","data":{"after":%s,"before":null,"children":[%s]}}`, after, strings.Join(children, ","))
}

func (s *server) info(w http.ResponseWriter, ids string) {
	var children []string
	for name := range strings.SplitSeq(ids, ",") {
		kind, number, _ := strings.Cut(name, "_")
		n, _ := strconv.Atoi(number)
		thing := thingOf(kind, n, "")
		switch n {
		case 5:
			thing = strings.Replace(thing, `"edited":false`, `"edited":1767300000.0`, 1)
		case 6:
			thing = strings.Replace(thing, `"words"`, `"[removed]"`, 1)
		case 7:
			continue // a closed subreddit
		}
		children = append(children, thing)
	}
	fmt.Fprintf(w, `{"kind":"Listing","data":{"after":null,"children":[%s]}}`, strings.Join(children, ","))
}

func serve(t testing.TB, s *server) string {
	t.Helper()
	hs := httptest.NewServer(s)
	t.Cleanup(hs.Close)
	return hs.URL
}

func open(t testing.TB, base string, change func(*Config)) *Source {
	t.Helper()
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond, hc.Timeout, hc.Retries = true, 1000, time.Second, 1
	c, err := client.New(hc, "test", client.WithBackoff(func(int) time.Duration { return 0 }))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := DefaultConfig()
	cfg.Endpoint, cfg.SignIn = base, base+"/api/v1/access_token"
	cfg.ClientID, cfg.Secret, cfg.Subreddits, cfg.Reread, cfg.Brands = "id", "canary-secret", []string{"aa", "bb"}, nil, false
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg, c)
	require.NoError(t, err)
	return s
}

func TestContract(t *testing.T) {
	want, keys, refused := map[string]int{}, []string(nil), 0
	for kind, count := range map[string]int{"t3": postCount, "t1": commentCount} {
		for n := 1; n <= count; n++ {
			if broken(kind, n) {
				refused++
				continue
			}
			key := fmt.Sprintf("reddit/%s_%d", kind, n)
			want[key], keys = 1, append(keys, key)
		}
	}
	servers := map[collecttest.Day]string{}
	sources := func(tb testing.TB, day collecttest.Day) pipeline.Source {
		tb.Helper()
		if servers[day] == "" {
			servers[day] = serve(t, &server{day: day})
		}
		return open(tb, servers[day], func(c *Config) {
			if day == collecttest.Changes {
				c.Reread = []time.Duration{0}
			}
		})
	}
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
		New: func(tb testing.TB) pipeline.Source { return sources(tb, "") }})
	old := pipeline.Cursor(`{"targets":{"new aa+bb":{"ms":1767225500000,"seen":"x"}},"watch":""}`)
	collecttest.BadDays(t, collecttest.Platform{New: sources, Want: keys, Old: old, Edited: "reddit/t3_5", Deleted: "reddit/t3_6"})
}

func TestATokenThatEndsIsRenewed(t *testing.T) {
	s := &server{short: true}
	out := open(t, serve(t, s), nil)
	for range 12 {
		_, err := out.get(t.Context(), "/r/a/new", nil)
		require.NoError(t, err)
	}
	assert.Greater(t, s.tokens, 2)
	assert.Equal(t, "application/x-www-form-urlencoded", s.signIn.Get("Content-Type"))
	assert.True(t, strings.HasPrefix(s.header.Get("User-Agent"), "earshot/test"), "Reddit asks for a User-Agent of one's own")
}

func TestRefusedCredentialsSayHowToMend(t *testing.T) {
	refuse := func(code int, body string) string {
		hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(hs.Close)
		return hs.URL
	}
	for _, base := range []string{refuse(401, `{"message": "Unauthorized", "error": 401}`), refuse(403, `{}`), refuse(200, `{"error": "unsupported_grant_type"}`)} {
		_, err := open(t, base, nil).Check(t.Context())
		require.ErrorContains(t, err, "client_secret")
		assert.NotContains(t, err.Error(), "canary-secret")
	}
	_, err := open(t, serve(t, &server{}), func(c *Config) { c.Secret = "" }).Check(t.Context())
	require.ErrorContains(t, err, "register an application")
}

func TestCheckSaysWhatIsAllowed(t *testing.T) {
	said, err := open(t, serve(t, &server{}), nil).Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, said, `scope "*"`)
	assert.Contains(t, said, "97.0 requests")
}

func TestSubredditsAreReadTogether(t *testing.T) {
	s := open(t, "http://127.0.0.1:1", func(c *Config) {
		c.Subreddits = nil
		for n := range 120 {
			c.Subreddits = append(c.Subreddits, fmt.Sprintf("sub%03d", n))
		}
		c.Search = []string{"aurelia"}
	})
	targets, err := s.targets(t.Context())
	require.NoError(t, err)
	assert.Len(t, targets, 2*3+1)
}

func TestBrandsAreSearchedAndTheirChannelsFollowed(t *testing.T) {
	q, err := query.Parse(`"aurelia one" OR #aurelia`)
	require.NoError(t, err)
	list := []query.Brand{{Name: "Aurelia", Query: q, Channels: []string{"reddit/r/Aurelia", "reddit/AureliaHelp", "x/aurelia", "anybody"}}}
	s := &server{}
	src := open(t, serve(t, s), func(c *Config) { c.Brands, c.Search = true, []string{"self:yes kettle"} })
	src.Follow(func(context.Context) ([]query.Brand, string, error) { return list, "1", nil })
	names := func() (out []string) {
		targets, err := src.targets(t.Context())
		require.NoError(t, err)
		for _, target := range targets {
			out = append(out, target.Name)
		}
		return out
	}
	assert.Equal(t, []string{"new aa+bb", "comments aa+bb", "new aurelia", "comments aurelia", "account aureliahelp", "search self:yes kettle",
		`search "aurelia one" OR aureliaone OR aurelia`}, names())
	list = nil // the brand was removed: the next round asks for less
	assert.Equal(t, []string{"new aa+bb", "comments aa+bb", "search self:yes kettle"}, names())
}

func TestSettings(t *testing.T) {
	for mistake, change := range map[string]func(*Config){
		"subreddits[0]": func(c *Config) { c.Subreddits = []string{"r/a"} },
		"depth":         func(c *Config) { c.Depth = 11 },
		"reread":        func(c *Config) { c.Reread = []time.Duration{2, 1} },
		"every":         func(c *Config) { c.Every = 0 },
		"endpoint":      func(c *Config) { c.Endpoint = "reddit" },
		"watch":         func(c *Config) { c.Watch = -1 },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), mistake)
	}
	cfg := DefaultConfig()
	require.NoError(t, cfg.Validate())
	b, err := json.Marshal(Config{Secret: "canary"})
	require.NoError(t, err)
	assert.NotContains(t, string(b), "canary")
	assert.True(t, slices.IsSorted(cfg.Reread))
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
		it := item(data)
		require.NotEmpty(t, it.ID)
		for _, p := range it.Posts {
			require.NotEmpty(t, p.ID)
		}
		if l, err := decodeListing(data); err == nil {
			posts, _ := l.changes()
			require.LessOrEqual(t, len(posts), len(l.Data.Children))
		}
	})
}
