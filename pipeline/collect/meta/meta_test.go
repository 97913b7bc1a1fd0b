package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	"earshot/pipeline/collect/inbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGolden(t *testing.T) {
	collecttest.Golden(t, func(name string, payload []byte) ([]pipeline.Post, error) {
		switch {
		case strings.HasPrefix(name, "webhook-"):
			var posts []pipeline.Post
			platform := strings.Split(name, "-")[1]
			for _, p := range notifications(platform, payload) {
				for _, i := range p.Items {
					if i.Bad != nil {
						return nil, errors.New(i.Reason)
					}
					posts = append(posts, i.Posts...)
				}
			}
			return posts, nil
		case strings.HasPrefix(name, "hashtag-"):
			var list page
			if err := json.Unmarshal(payload, &list); err != nil {
				return nil, err
			}
			m, err := decodeMedia(list.Data[0])
			return []pipeline.Post{m.post("")}, err
		case strings.HasPrefix(name, "facebook-"):
			f, err := decodeFacebook(payload)
			root := ""
			if strings.Contains(name, "comment") {
				root = "105501234567890_122100000000001"
			}
			return []pipeline.Post{f.post("aurelia", root)}, err
		case strings.Contains(name, "comment"):
			var c igComment
			err := json.Unmarshal(payload, &c)
			return []pipeline.Post{c.post("17895695668004550", "aurelia")}, err
		}
		m, err := decodeMedia(payload)
		return []pipeline.Post{m.post("aurelia")}, err
	})
}

const entries = 230

func broken(n int) bool { return n%100 == 77 }

// server is the Graph API for one Page or account.
type server struct {
	day collecttest.Day

	mu       sync.Mutex
	requests int
	failure  string
	usage    string
	gone     string
	queries  []url.Values
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	request, failure := s.requests, s.failure
	s.queries = append(s.queries, r.URL.Query())
	s.mu.Unlock()
	if r.URL.Query().Get("access_token") != "canary-token" {
		failure = `{"error":{"message":"Invalid OAuth access token canary-echo.","type":"OAuthException","code":190,"fbtrace_id":"x"}}`
	}
	switch {
	case s.day == collecttest.SlowDown:
		w.Header().Set("X-Business-Use-Case-Usage", `{"105501234567890":[{"type":"pages","call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":19}]}`)
		failure = `{"error":{"message":"(#32) Page request limit reached","type":"OAuthException","code":32,"fbtrace_id":"x"}}`
	case s.day == collecttest.Dead:
		<-r.Context().Done()
		return
	case s.day == collecttest.Cut && request%3 == 0:
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, `{"data":[`)
		return
	case s.day == collecttest.Cut && request%4 == 0:
		w.WriteHeader(http.StatusServiceUnavailable)
		w.Header().Set("Retry-After", "0")
		return
	}
	if s.usage != "" {
		w.Header().Set("X-App-Usage", s.usage)
	}
	if failure != "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, failure)
		return
	}
	s.answer(w, r)
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v25.0/")
	fields := r.URL.Query().Get("fields")
	switch {
	case strings.Contains(fields, "comments.since") || strings.Contains(fields, "comments.limit(50)"):
		fmt.Fprint(w, `{"data":[{"id":"1_1","username":"aurelia","comments":{"data":[]}}]}`)
	case strings.HasSuffix(path, "/feed") || strings.HasSuffix(path, "/media") || strings.HasSuffix(path, "/recent_media"):
		s.list(w, r)
	case strings.HasSuffix(path, "/tags"):
		fmt.Fprint(w, `{"data":[]}`)
	case path == "ig_hashtag_search":
		fmt.Fprint(w, `{"data":[{"id":"17843857450040591"}]}`)
	case path == s.gone && path != "":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"message":"Unsupported get request. Object with ID '1' does not exist","type":"GraphMethodException","code":100,"error_subcode":33,"fbtrace_id":"x"}}`)
	case strings.Contains(fields, "followers_count"):
		fmt.Fprint(w, `{"id":"105501234567890","name":"Aurelia","username":"aurelia","followers_count":321}`)
	default:
		fmt.Fprintf(w, `{"id":%q,"like_count":3,"reactions":{"data":[],"summary":{"total_count":7}}}`, path)
	}
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("after"))
	size, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	if n == 0 {
		n = entries
	}
	lowest := 0
	if s.day == collecttest.OldCursor {
		lowest = 150
	}
	var all []string
	for ; n > lowest && len(all) < size; n-- {
		all = append(all, entry(n, s.day))
	}
	next := ""
	if n > lowest {
		next = `,"next":"https://graph.facebook.com/v25.0/x?access_token=canary-token"`
	}
	fmt.Fprintf(w, `{"data":[%s],"paging":{"cursors":{"before":"b","after":"%d"}%s}}`, strings.Join(all, ","), n, next)
}

func entry(n int, day collecttest.Day) string {
	at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)
	switch {
	case broken(n):
		return `{"id":` + strconv.Itoa(n) + `}`
	case day == collecttest.Lies && n == 11:
		at = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	case day == collecttest.Lies && n == 12:
		at = time.Date(2999, 1, 2, 0, 0, 0, 0, time.UTC)
	}
	stamp := at.Format("2006-01-02T15:04:05-0700")
	return fmt.Sprintf(`{"id":"1_%d","message":"post","caption":"post","created_time":%q,"timestamp":%q}`, n, stamp, stamp)
}

func serve(t testing.TB, s *server) string {
	t.Helper()
	hs := httptest.NewServer(s)
	t.Cleanup(hs.Close)
	return hs.URL
}

// open makes a source of either platform.
func open(t testing.TB, platform, address string, change func(*Common)) *Source {
	t.Helper()
	return opened(t, platform, address, 3, change)
}

// opened is open with so many repetitions of a request.
func opened(t testing.TB, platform, address string, retries int, change func(*Common)) *Source {
	t.Helper()
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond, hc.Timeout, hc.Retries = true, 1000, time.Second, retries
	c, err := client.New(hc, "test", client.WithBackoff(func(int) time.Duration { return 0 }))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	base := common()
	base.Endpoint, base.Token, base.AppSecret, base.Reread = address+"/v25.0", "canary-token", "canary-secret", nil
	if change != nil {
		change(&base)
	}
	var s *Source
	if platform == facebook {
		s, err = NewFacebook(Facebook{Common: base, Pages: []string{"105501234567890"}}, c)
	} else {
		s, err = NewInstagram(Instagram{Common: base, Account: "17841405309211844", Tags: true}, c)
	}
	require.NoError(t, err)
	return s
}

func contract(t *testing.T, platform, feed string) {
	want, keys, refused := map[string]int{}, []string(nil), 0
	for n := 1; n <= entries; n++ {
		if broken(n) {
			refused++
			continue
		}
		key := fmt.Sprintf("%s/1_%d", platform, n)
		want[key], keys = 1, append(keys, key)
	}
	addresses := map[collecttest.Day]string{}
	sources := func(tb testing.TB, day collecttest.Day) pipeline.Source {
		tb.Helper()
		if addresses[day] == "" {
			addresses[day] = serve(t, &server{day: day, gone: "1_6"})
		}
		retries := 3
		if day == collecttest.Dead {
			retries = 0 // each would wait as long as the first
		}
		s := opened(tb, platform, addresses[day], retries, func(c *Common) {
			if day == collecttest.Changes {
				c.Listen, c.Verify, c.Reread = "127.0.0.1:0", "v", []time.Duration{0}
			}
		})
		if day == collecttest.Changes {
			s.ready = func(at net.Addr) { go edit(t, at) }
		}
		return s
	}
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
		New: func(tb testing.TB) pipeline.Source { return sources(tb, "") }})
	old := pipeline.Cursor(fmt.Sprintf(`{"targets":{%q:{"ms":1767110000000,"seen":"x"}},"watch":""}`, feed))
	without := map[collecttest.Day]string{}
	if platform == instagram {
		without[collecttest.Changes] = "Instagram tells of no edits; deletes by a second reading have a test of their own"
	}
	collecttest.BadDays(t, collecttest.Platform{New: sources, Want: keys, Old: old, Edited: platform + "/1_5", Deleted: platform + "/1_6", Without: without})
}

// edit sends the webhook of an edit, as Meta does until it is answered.
func edit(t testing.TB, at net.Addr) {
	body := []byte(`{"object":"page","entry":[{"id":"105501234567890","time":1,"changes":[{"field":"feed","value":{"item":"status","verb":"edited","post_id":"1_5","message":"better","created_time":1767225605}}]}]}`)
	for range 50 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at.String()+"/", bytes.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("X-Hub-Signature-256", "sha256="+inbound.Sign("canary-secret", body))
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
}

func TestFacebookContract(t *testing.T)  { contract(t, facebook, "feed 105501234567890") }
func TestInstagramContract(t *testing.T) { contract(t, instagram, "media") }

func TestDeletesAreNoticedAgain(t *testing.T) {
	for _, platform := range []string{facebook, instagram} {
		s := open(t, platform, serve(t, &server{gone: "1_6"}), nil)
		posts, gone, err := s.reread(t.Context(), []string{"1_5", "1_6"})
		require.NoError(t, err)
		assert.Equal(t, map[string]bool{"1_5": false, "1_6": true}, gone)
		assert.Equal(t, pipeline.OpMetrics, posts[0].Op)
		assert.Equal(t, pipeline.OpDelete, posts[1].Op)
		assert.Positive(t, posts[0].Metrics.Likes)
	}
}

func TestWebhooksAreVerifiedAndSigned(t *testing.T) {
	s := open(t, facebook, serve(t, &server{}), func(c *Common) { c.Listen, c.Verify = "127.0.0.1:0", "canary-verify" })
	hook := s.hook(nil)
	ask := func(method, query, signature string, body []byte) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "/?"+query, bytes.NewReader(body))
		r.Header.Set("X-Hub-Signature-256", signature)
		w := httptest.NewRecorder()
		hook.ServeHTTP(w, r)
		return w
	}
	w := ask(http.MethodGet, "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=canary-verify", "", nil)
	assert.Equal(t, "1158201444", w.Body.String())
	assert.Equal(t, http.StatusForbidden, ask(http.MethodGet, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=guess", "", nil).Code)
	body := []byte(`{"object":"page","entry":[]}`)
	assert.Equal(t, http.StatusUnauthorized, ask(http.MethodPost, "", "sha256="+inbound.Sign("guess", body), body).Code)
	assert.Equal(t, http.StatusUnauthorized, ask(http.MethodPost, "", "", body).Code)
	assert.Equal(t, http.StatusOK, ask(http.MethodPost, "", "sha256="+inbound.Sign("canary-secret", body), body).Code)
	assert.Equal(t, http.StatusRequestEntityTooLarge, ask(http.MethodPost, "", "", make([]byte, maxBody+1)).Code)
	assert.Equal(t, http.StatusMethodNotAllowed, ask(http.MethodPut, "", "", nil).Code)
	bad := notifications(facebook, []byte("{"))
	require.Len(t, bad, 1)
	assert.NotEmpty(t, bad[0].Items[0].Reason, "signed but unreadable: a dead letter")
}

func TestLimitsAndErrorsOfTheAPI(t *testing.T) {
	s := &server{}
	address := serve(t, s)
	for _, e := range []struct{ failure, says string }{
		{`{"error":{"message":"secret canary-echo","type":"OAuthException","code":190}}`, "renew the access token"},
		{`{"error":{"message":"x","type":"OAuthException","code":200}}`, "a permission is missing"},
		{`{"error":{"message":"x","type":"OAuthException","code":10}}`, "a permission is missing"},
		{`{"error":{"message":"x","type":"FacebookApiException","code":1}}`, "error 1/0"},
	} {
		s.failure = e.failure
		for _, platform := range []string{facebook, instagram} {
			_, err := open(t, platform, address, nil).Check(t.Context())
			require.ErrorContains(t, err, e.says)
			assert.NotContains(t, err.Error(), "canary")
		}
	}
	s.failure = ""
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var limited *client.LimitedError
	require.ErrorAs(t, explain(&client.StatusError{Code: 400, Header: http.Header{}, Body: []byte(`{"error":{"code":4}}`)}, now), &limited)
	assert.Equal(t, now.Add(time.Hour), limited.Until)
	s.usage = `{"call_count":96,"total_time":5,"total_cputime":5}`
	busy := open(t, facebook, address, nil)
	_, err := busy.Check(t.Context())
	require.ErrorAs(t, err, &limited, "nearly used up: the next request waits")
	s.usage = ""
	for _, platform := range []string{facebook, instagram} {
		said, err := open(t, platform, address, nil).Check(t.Context())
		require.NoError(t, err)
		assert.Contains(t, said, "321 followers")
		_, err = open(t, platform, address, func(c *Common) { c.Token = "" }).Check(t.Context())
		require.ErrorContains(t, err, "token is missing")
	}
	assert.Equal(t, inbound.Sign("canary-secret", []byte("canary-token")), s.queries[0].Get("appsecret_proof"))
}

func TestHashtags(t *testing.T) {
	s := &server{}
	src := open(t, instagram, serve(t, s), nil)
	a, ok := src.api.(*accounts)
	require.True(t, ok)
	for range 2 {
		items, _, err := a.hashtag(t.Context(), "aurelia", "")
		require.NoError(t, err)
		assert.Len(t, items, mostMedia)
	}
	assert.Equal(t, 3, s.requests, "the id of a hashtag is asked for once")
}

func TestSettings(t *testing.T) {
	for mistake, change := range map[string]func(*Common){
		"endpoint": func(c *Common) { c.Endpoint = "" }, "every": func(c *Common) { c.Every = 0 }, "depth": func(c *Common) { c.Depth = 0 },
		"watch": func(c *Common) { c.Watch = -1 }, "reread": func(c *Common) { c.Reread = []time.Duration{2, 1} },
		"app_secret": func(c *Common) { c.Listen = "127.0.0.1:1" },
	} {
		f, i := DefaultFacebook(), DefaultInstagram()
		change(&f.Common)
		change(&i.Common)
		require.ErrorContains(t, f.Validate(), mistake)
		require.ErrorContains(t, i.Validate(), mistake)
	}
	f, i := DefaultFacebook(), DefaultInstagram()
	require.NoError(t, f.Validate())
	require.NoError(t, i.Validate())
	f.Pages = []string{"../x"}
	require.ErrorContains(t, f.Validate(), "pages[0]")
	i.Account = "x"
	require.ErrorContains(t, i.Validate(), "account")
	i.Account, i.Hashtags = "", []string{"#x"}
	require.ErrorContains(t, i.Validate(), "hashtags[0]")
	i.Hashtags = make([]string, 31)
	require.ErrorContains(t, i.Validate(), "30 in seven days")
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
		for _, platform := range []string{facebook, instagram} {
			for _, p := range notifications(platform, data) {
				require.NotEmpty(t, p.Target)
				require.Len(t, p.Items, 1)
				require.NotEmpty(t, p.Items[0].ID)
			}
		}
		if p, err := decodeFacebook(data); err == nil {
			require.NotEmpty(t, p.post("a", "b").ID)
		}
		if m, err := decodeMedia(data); err == nil {
			require.NotEmpty(t, m.post("").ID)
		}
	})
}
