package wikipedia

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
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
	s := &Source{}
	collecttest.Golden(t, func(_ string, payload []byte) ([]pipeline.Post, error) {
		e, err := decode(payload)
		if err != nil || !s.wanted(&e) {
			return nil, err
		}
		return e.posts()
	})
}

const (
	eventCount = 1600
	perSecond  = 20
)

func begin() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// message n: every 400th is malformed, every tenth a canary.
func message(n int, day collecttest.Day) string {
	at := begin().Add(time.Duration(n/perSecond) * time.Second)
	claimed, domain := at, "en.wikipedia.org"
	switch {
	case n%400 == 77:
		return `{"meta":{"id":` + strconv.Itoa(n)
	case n%10 == 3:
		domain = "canary"
	case day == collecttest.Lies && n == 11:
		claimed = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	case day == collecttest.Lies && n == 12:
		claimed = time.Date(2999, 1, 2, 0, 0, 0, 0, time.UTC)
	}
	return fmt.Sprintf(`{"meta":{"id":"id-%d","dt":%q,"domain":%q},"type":"edit","title":"T","comment":"c","timestamp":%d,"user":"u","wiki":"enwiki","server_name":"en.wikipedia.org","revision":{"new":%d}}`,
		n, at.Format(time.RFC3339), domain, claimed.Unix(), n+1)
}

func key(n int) string { return "wikipedia/enwiki:" + strconv.Itoa(n+1) }

// eventStreams replays from `since` and then stays silent.
func eventStreams(t testing.TB, day collecttest.Day) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if day == collecttest.SlowDown {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, ":ok\n\n")
		first := 0
		if since, err := time.Parse(time.RFC3339, r.URL.Query().Get("since")); err == nil {
			first = max(int(since.Sub(begin()).Seconds())*perSecond, 0)
		}
		for n := first; n < eventCount && day != collecttest.Dead; n++ {
			if _, err := fmt.Fprintf(w, "event: message\nid: [{\"topic\":\"t\",\"partition\":0,\"offset\":-1}]\ndata: %s\n\n", message(n, day)); err != nil {
				return
			}
			if day == collecttest.Cut && n-first > 350 {
				return // without a word
			}
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	return s
}

func open(t testing.TB, server *httptest.Server, day collecttest.Day) *Source {
	t.Helper()
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond = true, 1000
	c, err := client.New(hc, "test")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := DefaultConfig()
	cfg.Endpoint = server.URL + "/v2/stream/recentchange"
	if day == collecttest.Dead {
		cfg.Deadline = 100 * time.Millisecond
	}
	s, err := New(cfg, c)
	require.NoError(t, err)
	return s
}

func TestContract(t *testing.T) {
	want, keys, refused := map[string]int{}, []string(nil), 0
	for n := range eventCount {
		switch {
		case n%400 == 77:
			refused++
		case n%10 != 3:
			want[key(n)], keys = 1, append(keys, key(n))
		}
	}
	servers := map[collecttest.Day]*httptest.Server{}
	sources := func(tb testing.TB, day collecttest.Day) pipeline.Source {
		tb.Helper()
		if servers[day] == nil {
			servers[day] = eventStreams(t, day)
		}
		return open(tb, servers[day], day)
	}
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
		New: func(tb testing.TB) pipeline.Source { return sources(tb, "") }})
	old := place{Millis: begin().Add(-time.Hour).UnixMilli()}
	collecttest.BadDays(t, collecttest.Platform{New: sources, Want: keys, Old: old.encode(), Without: map[collecttest.Day]string{
		collecttest.Changes: "a revision never changes; hidden revisions are among the golden events"}})
}

func TestCursorStaysSmall(t *testing.T) {
	var p place
	for n := range 100_000 {
		p.add(strconv.Itoa(n), int64(n))
	}
	assert.LessOrEqual(t, len(p.Seen), remembered+50)
	assert.Less(t, len(p.encode()), 100<<10)
}

func TestCursorReadsBackWhole(t *testing.T) {
	var p place
	for n := range 3 * remembered {
		p.add(strconv.Itoa(n), int64(n))
		if n%997 != 0 {
			continue
		}
		back, err := decodePlace(p.encode())
		require.NoError(t, err)
		assert.Equal(t, p.Seen, back.Seen)
		assert.Equal(t, p.Millis, back.Millis)
		assert.Len(t, p.order, len(p.Seen))
		assert.JSONEq(t, string(p.encode()), string(back.encode()))
	}
	back, err := decodePlace((&place{Millis: 5}).encode())
	require.NoError(t, err)
	assert.Equal(t, place{Millis: 5}, back)
	_, err = decodePlace(pipeline.Cursor("no JSON"))
	require.ErrorContains(t, err, "wikipedia: cursor")
}

func TestCheck(t *testing.T) {
	said, err := open(t, eventStreams(t, ""), "").Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, said, "open")
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
		e, err := decode(data)
		if err != nil {
			return
		}
		posts, _ := e.posts()
		for _, p := range posts {
			require.NotEmpty(t, p.ID)
		}
	})
}
