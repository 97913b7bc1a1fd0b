package x

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/poll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGolden(t *testing.T) {
	collecttest.Golden(t, func(name string, payload []byte) ([]pipeline.Post, error) {
		if strings.HasPrefix(name, "compliance-") {
			return complied(payload), nil
		}
		a, err := decode(payload)
		if err != nil {
			return nil, err
		}
		var data []post
		if one, err := decodePost(a.Data); err == nil {
			data = []post{one}
		} else if a.Data != nil {
			if err := json.Unmarshal(a.Data, &data); err != nil {
				return nil, err
			}
		}
		if strings.HasPrefix(name, "lookup-") {
			return a.changes(data, map[string]bool{}), nil
		}
		r := &run{Source: &Source{now: time.Now}, at: place{Mark: &poll.Mark{}, Watch: &poll.Watch{}}}
		return r.fresh(&a, data), nil
	})
}

const postCount = 300

func base() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func idOf(n int) string {
	return strconv.FormatUint(idAt(base().Add(time.Duration(n)*time.Second))+7, 10)
}

func broken(n int) bool { return n%100 == 77 }

func body(n int, day collecttest.Day) string {
	created := base().Add(time.Duration(n) * time.Second)
	switch {
	case broken(n) && day == "":
		return `{"id":5,"text":` + strconv.Itoa(n) + `}`
	case day == collecttest.Lies && n == 11:
		created = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	case day == collecttest.Lies && n == 12:
		created = time.Date(2999, 1, 2, 0, 0, 0, 0, time.UTC)
	case day == collecttest.Changes && n == 11:
		return fmt.Sprintf(`{"id":%q,"text":"better","author_id":"1","created_at":%q,"edit_history_tweet_ids":[%q,%q]}`, idOf(n), created.Format(time.RFC3339), idOf(5), idOf(n))
	}
	return fmt.Sprintf(`{"id":%q,"text":"post","author_id":"1","created_at":%q,"edit_history_tweet_ids":[%q]}`, idOf(n), created.Format(time.RFC3339), idOf(n))
}

// server is the API as documented, with a clock of its own: a second for each post.
type server struct {
	day  collecttest.Day
	live bool // posts are published while the stream is open

	mu        sync.Mutex
	published int
	have      []rule
	nextRule  int
	changes   []string // of rules, in their order
	reads     int      // posts given, by any endpoint
	refuse    string   // a rule that X does not take
	lookups   []string
}

func (s *server) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return base().Add(time.Duration(s.published)*time.Second + time.Second/2)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer canary-token" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}`)
		return
	}
	switch r.URL.Path {
	case rulesPath:
		s.rules(w, r)
	case "/2/tweets/search/stream":
		s.stream(w, r)
	case "/2/tweets/search/recent":
		s.recent(w, r)
	case "/2/tweets":
		s.lookup(w, r)
	case "/2/tweets/compliance/stream", "/2/users/compliance/stream":
		w.WriteHeader(http.StatusOK)
		if strings.HasPrefix(r.URL.Path, "/2/tweets") && r.URL.Query().Get("partition") == "2" {
			fmt.Fprintf(w, "{\"data\":{\"delete\":{\"tweet\":{\"id\":%q,\"author_id\":\"1\"},\"event_at\":\"2026-11-20T12:00:00Z\"}}}\r\n", idOf(6))
		}
		beat(w, r)
	case "/2/usage/tweets":
		fmt.Fprint(w, `{"data":{"cap_reset_day":8,"project_cap":"10000","project_id":"1","project_usage":"42"}}`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// beat keeps a stream open.
func beat(w http.ResponseWriter, r *http.Request) {
	for {
		fmt.Fprint(w, "\r\n")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *server) rules(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(map[string]any{"data": s.have, "meta": map[string]any{"sent": "2026-11-20T12:00:00Z", "result_count": len(s.have)}})
		return
	}
	b, _ := io.ReadAll(r.Body)
	var in struct {
		Add    []rule `json:"add"`
		Delete struct {
			IDs []string `json:"ids"`
		} `json:"delete"`
	}
	if json.Unmarshal(b, &in) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, a := range in.Add {
		if a.Value == s.refuse && s.refuse != "" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"errors":[{"value":%q,"details":["no viable alternative"],"title":"UnprocessableEntity","type":"https://api.x.com/2/problems/invalid-rules"}],"title":"Invalid Request"}`, a.Value)
			return
		}
		s.nextRule++
		a.ID = strconv.Itoa(s.nextRule)
		s.have = append(s.have, a)
		s.changes = append(s.changes, "add "+a.Value)
	}
	for _, id := range in.Delete.IDs {
		for i := range s.have {
			if s.have[i].ID == id {
				s.changes = append(s.changes, "delete "+s.have[i].Value)
				s.have = append(s.have[:i:i], s.have[i+1:]...)
				break
			}
		}
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, `{"meta":{"sent":"2026-11-20T12:00:00Z","summary":{"created":1,"not_created":0,"valid":1,"invalid":0}}}`)
}

// stream publishes thirty posts at each connection, breaks in the midst of one more, and
// publishes ten that nobody hears.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	if s.day == collecttest.SlowDown {
		w.Header().Set("x-rate-limit-limit", "50")
		w.Header().Set("x-rate-limit-remaining", "0")
		w.Header().Set("x-rate-limit-reset", strconv.FormatInt(time.Now().Add(2*time.Minute).Unix(), 10))
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"title":"ConnectionException","detail":"This stream is currently at the maximum allowed connection limit.","connection_issue":"TooManyConnections","type":"https://api.x.com/2/problems/streaming-connection"}`)
		return
	}
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	if s.day == collecttest.Dead {
		<-r.Context().Done()
		return
	}
	if !s.live {
		beat(w, r)
		return
	}
	for range 30 {
		s.mu.Lock()
		s.published++
		n := s.published
		s.reads++
		s.mu.Unlock()
		if n > postCount {
			break
		}
		fmt.Fprintf(w, "{\"data\":%s,\"matching_rules\":[{\"id\":\"1\",\"tag\":\"earshot\"}]}\r\n", body(n, s.day))
	}
	w.(http.Flusher).Flush()
	if s.day != collecttest.Cut {
		beat(w, r)
		return
	}
	time.Sleep(250 * time.Millisecond)
	fmt.Fprint(w, `{"data":{"id":"`)
	s.mu.Lock()
	s.published += 10
	s.mu.Unlock()
}

func (s *server) recent(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	most, _ := strconv.Atoi(q.Get("max_results"))
	since, until := number(q.Get("since_id")), number(q.Get("until_id"))
	var data []string
	more := false
	for n := min(s.published, postCount); n > 0; n-- {
		id := number(idOf(n))
		if id <= since || id >= until {
			continue
		}
		if len(data) == most {
			more = true
			break
		}
		data = append(data, body(n, s.day))
		s.reads++
	}
	next := ""
	if more {
		next = `,"next_token":"b26v89c19zqg8o3fo7gesq314yb9l2l4ptqy"`
	}
	list := ""
	if len(data) > 0 {
		list = `"data":[` + strings.Join(data, ",") + "],"
	}
	fmt.Fprintf(w, `{%s"meta":{"result_count":%d%s}}`, list, len(data), next)
}

func (s *server) lookup(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := r.URL.Query().Get("ids")
	s.lookups = append(s.lookups, ids)
	var data, errs []string
	for id := range strings.SplitSeq(ids, ",") {
		if id == idOf(3) {
			errs = append(errs, fmt.Sprintf(`{"value":%q,"detail":"Could not find tweet with ids: [%s].","title":"Not Found Error","resource_type":"tweet","parameter":"ids","resource_id":%q,"type":"https://api.x.com/2/problems/resource-not-found"}`, id, id, id))
			continue
		}
		data = append(data, fmt.Sprintf(`{"id":%q,"text":"post","author_id":"1","edit_history_tweet_ids":[%q],"public_metrics":{"like_count":9}}`, id, id))
		s.reads++
	}
	fmt.Fprintf(w, `{"data":[%s],"errors":[%s]}`, strings.Join(data, ","), strings.Join(errs, ","))
}

func serve(t testing.TB, s *server) string {
	t.Helper()
	hs := httptest.NewServer(s)
	t.Cleanup(hs.Close)
	return hs.URL
}

func open(t testing.TB, address string, s *server, change func(*Config)) *Source {
	t.Helper()
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond, hc.Timeout, hc.Retries = true, 1000, time.Second, 1
	c, err := client.New(hc, "test", client.WithBackoff(func(int) time.Duration { return 0 }))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := DefaultConfig()
	cfg.Endpoint, cfg.Token, cfg.Rules, cfg.History, cfg.Brands = address, "canary-token", []string{"aurelia"}, 24*time.Hour, false
	cfg.Budget.Reads = 1_000_000
	if change != nil {
		change(&cfg)
	}
	x, err := New(cfg, c)
	require.NoError(t, err)
	x.now, x.indexed, x.chores = s.clock, 0, 3*time.Millisecond
	return x
}

func key(n int) string { return "x/" + idOf(n) }

func TestContract(t *testing.T) {
	want, keys, refused := map[string]int{}, []string(nil), 0
	for n := 1; n <= postCount; n++ {
		keys = append(keys, key(n))
		if broken(n) {
			refused++
			continue
		}
		want[key(n)] = 1
	}
	servers, addresses := map[collecttest.Day]*server{}, map[collecttest.Day]string{}
	sources := func(tb testing.TB, day collecttest.Day) pipeline.Source {
		tb.Helper()
		if servers[day] == nil {
			servers[day] = &server{day: day, live: day != "", published: postCount}
			if day != "" {
				servers[day].published = 0
			}
			addresses[day] = serve(t, servers[day])
		}
		return open(tb, addresses[day], servers[day], func(c *Config) {
			c.Compliance = day == collecttest.Changes
			if day == collecttest.Dead {
				c.Deadline = 100 * time.Millisecond
			}
			if day != "" {
				c.History = 0
			}
		})
	}
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
		New: func(tb testing.TB) pipeline.Source { return sources(tb, "") }})
	old := pipeline.Cursor(fmt.Sprintf(`{"newest":%d,"mark":{},"account":{"period":"2026-11","spent":0,"held":0},"watch":""}`, idAt(base().Add(-10*24*time.Hour))))
	collecttest.BadDays(t, collecttest.Platform{New: sources, Want: keys[:290], Old: old, Edited: key(5), Deleted: key(6)})
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
		for _, p := range complied(data) {
			require.NotEmpty(t, p.ID)
		}
		a, err := decode(data)
		if err != nil || a.Data == nil {
			return
		}
		if p, err := decodePost(a.Data); err == nil {
			require.NotEmpty(t, a.Includes.post(&p).ID)
			a.changes([]post{p}, map[string]bool{})
		}
	})
}
