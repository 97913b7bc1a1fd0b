package rss

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/inbound"
)

// journal writes down what a source says, and stops it.
type journal struct {
	stopAt int           // posts
	limit  time.Duration // of the run; 0: ten seconds
	onPost func()

	mu     sync.Mutex
	posts  []pipeline.Post
	bad    []string
	gaps   []string
	cursor pipeline.Cursor
	stop   context.CancelFunc
}

func (j *journal) run(t *testing.T, s *Source, from pipeline.Cursor) error {
	t.Helper()
	if j.limit == 0 {
		j.limit = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), j.limit)
	defer cancel()
	j.stop = cancel
	return s.Run(ctx, from, j)
}

func (j *journal) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.posts = append(j.posts, posts...)
	j.cursor = upTo
	if j.stopAt > 0 && len(j.posts) >= j.stopAt {
		j.stop()
	}
	if j.onPost != nil && len(posts) > 0 {
		go j.onPost()
	}
	return ctx.Err()
}

func (j *journal) Refuse(_ context.Context, _ []byte, _, why string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.bad = append(j.bad, why)
	return nil
}

func (j *journal) Gap(_, _ time.Time, why string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gaps = append(j.gaps, why)
}
func (j *journal) Limited(time.Time, string) {}
func (j *journal) Alive()                    {}

// hub speaks the hub's side of WebSub: it verifies, then delivers.
type hub struct {
	t        *testing.T
	topic    string
	delivery string
	answered chan string // what became of each step
}

func (h *hub) subscribe(w http.ResponseWriter, r *http.Request) {
	assert.NoError(h.t, r.ParseForm())
	assert.Equal(h.t, "subscribe", r.Form.Get("hub.mode"))
	assert.Equal(h.t, h.topic, r.Form.Get("hub.topic"))
	w.WriteHeader(http.StatusAccepted)
	go h.work(r.Form.Get("hub.callback"), r.Form.Get("hub.secret"))
}

func (h *hub) work(callback, secret string) {
	verify := func(q url.Values) string {
		resp, err := http.Get(callback + "?" + q.Encode()) //nolint:noctx // the test's own server
		if err != nil {
			h.t.Error(err)
			return ""
		}
		defer resp.Body.Close() //nolint:errcheck // read to its end
		body, _ := io.ReadAll(resp.Body)
		return resp.Status[:3] + " " + string(body)
	}
	post := func(address, signature string) string {
		req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(h.delivery)) //nolint:noctx // as above
		if err != nil {
			h.t.Error(err)
			return ""
		}
		req.Header.Set("X-Hub-Signature", signature)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			h.t.Error(err)
			return ""
		}
		_ = resp.Body.Close()
		return resp.Status[:3]
	}
	good := "sha256=" + inbound.Sign(secret, []byte(h.delivery))
	h.answered <- verify(url.Values{"hub.mode": {"subscribe"}, "hub.topic": {"https://other.example/"}, "hub.challenge": {"c1"}})
	h.answered <- verify(url.Values{"hub.mode": {"unsubscribe"}, "hub.topic": {h.topic}, "hub.challenge": {"c2"}})
	h.answered <- verify(url.Values{"hub.mode": {"subscribe"}, "hub.topic": {h.topic}, "hub.challenge": {"c3"}, "hub.lease_seconds": {"86400"}})
	h.answered <- post(callback+"x", good)
	h.answered <- post(callback, "sha256="+inbound.Sign("another secret", []byte(h.delivery)))
	h.answered <- post(callback, good)
	http.DefaultClient.CloseIdleConnections()
}

func TestWebSub(t *testing.T) {
	h := &hub{t: t, answered: make(chan string, 6)}
	var hubURL string
	mux := http.NewServeMux()
	mux.HandleFunc("/feed", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Link", `<`+h.topic+`>; rel="self", <`+hubURL+`>; rel="hub"`)
		_, _ = io.WriteString(w, `<rss version="2.0"><channel><title>t</title><item><guid>https://b.example/1</guid><title>one</title></item></channel></rss>`)
	})
	mux.HandleFunc("/hub", h.subscribe)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	hubURL, h.topic = server.URL+"/hub", server.URL+"/feed"
	h.delivery = `<rss version="2.0"><channel><title>t</title><item><guid>https://b.example/2</guid><title>two</title></item></channel></rss>`

	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listen := free.Addr().String()
	require.NoError(t, free.Close())
	cfg := DefaultConfig()
	cfg.Feeds = []Address{Address(h.topic)}
	cfg.WebSub = WebSub{Callback: "http://" + listen + "/websub", Listen: listen, Secret: "a secret of the operator"}
	s, err := New(cfg, newClient(t))
	require.NoError(t, err)
	var answers []string
	j := &journal{}
	done := make(chan error, 1)
	go func() { done <- j.run(t, s, nil) }()
	for range 6 {
		answers = append(answers, <-h.answered)
	}
	j.stop()
	require.Error(t, <-done)
	assert.Equal(t, []string{"404 ", "404 ", "200 c3", "410", "202", "204"}, answers,
		"another topic, an unsubscribe that we never asked for, the challenge, an unknown callback, a wrong signature, a delivery")
	require.Len(t, j.posts, 2, "what was signed wrongly is ignored")
	assert.Equal(t, "https://b.example/2", j.posts[1].ID)
	assert.Empty(t, j.bad)
}

func TestSecretsAreNotSentInTheOpen(t *testing.T) {
	assert.True(t, protected("https://hub.example", "https://b.example/feed"))
	assert.False(t, protected("http://hub.example", "https://b.example/feed"))
	assert.True(t, protected("http://hub.example", "http://b.example/feed"), "no easier to overhear than the feed")
}

func TestLeasesAreRenewed(t *testing.T) {
	h := &hubs{cfg: WebSub{Secret: "a secret of the operator"}, subs: map[string]*subscription{}}
	assert.True(t, h.wanted("t"))
	assert.False(t, h.wanted("t"), "asked just now")
	s := h.subs[h.key("t")]
	s.asked = time.Now().Add(-time.Hour)
	assert.True(t, h.wanted("t"), "the hub never answered")
	s.asked, s.renew, s.until = time.Now().Add(-time.Hour), time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	assert.False(t, h.wanted("t"), "the lease is fresh")
	assert.True(t, h.active("t"))
	s.renew = time.Now().Add(-time.Minute)
	assert.True(t, h.wanted("t"), "the lease ends soon")
	s.denied, s.asked = true, time.Time{}
	assert.False(t, h.wanted("t"), "it was denied")
	assert.NotEqual(t, h.secret("t"), h.secret("u"))
}
