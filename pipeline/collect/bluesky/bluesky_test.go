package bluesky

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/collecttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGolden(t *testing.T) {
	collecttest.Golden(t, func(name string, payload []byte) ([]pipeline.Post, error) {
		decode := decode
		if strings.HasPrefix(name, "v2-") {
			decode = decodeFrame
		}
		e, err := decode(payload)
		if _, ended := errors.AsType[*endError](err); ended || errors.Is(err, errNotice) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return e.posts()
	})
}

const (
	eventCount = 1600
	beginUS    = 1767225600000000
	oneUS      = 100_000 // between events
)

// message n of the upstream; every 400th is malformed, every tenth a handle's change.
func message(n int, day collecttest.Day) string {
	created, op, rkey := "2026-01-01T00:00:00Z", "create", "k"+strconv.Itoa(n)
	switch {
	case n%400 == 77:
		return fmt.Sprintf(`{"did":"did:plc:a","time_us":%d,"kind":"commit","commit":{`, beginUS+n*oneUS)
	case n%10 == 3:
		return fmt.Sprintf(`{"did":"did:plc:a","time_us":%d,"kind":"identity","identity":{}}`, beginUS+n*oneUS)
	case day == collecttest.Changes && n == 11:
		op, rkey = "update", "k5"
	case day == collecttest.Changes && n == 12:
		op, rkey = "delete", "k6"
	case day == collecttest.Lies && n == 11:
		created = "1970-01-02T00:00:00Z"
	case day == collecttest.Lies && n == 12:
		created = "2999-01-02T00:00:00Z"
	}
	return fmt.Sprintf(`{"did":"did:plc:a","time_us":%d,"kind":"commit","commit":{"operation":%q,"collection":%q,"rkey":%q,"record":{"createdAt":%q,"text":"post %d"}}}`,
		beginUS+n*oneUS, op, postType, rkey, created, n)
}

func key(n int) string { return "bluesky/at://did:plc:a/" + postType + "/k" + strconv.Itoa(n) }

// jetstream is the server: it replays from the cursor and then stays silent.
func jetstream(t testing.TB, day collecttest.Day) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if day == collecttest.SlowDown {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow() //nolint:errcheck // the end of a test
		ctx := conn.CloseRead(r.Context())
		first := 0
		if c, err := strconv.ParseInt(r.URL.Query().Get("cursor"), 10, 64); err == nil {
			first = int(max(c-beginUS+oneUS-1, 0) / oneUS)
		}
		for n, sent := first, 0; n < eventCount && day != collecttest.Dead; n++ {
			if conn.Write(ctx, websocket.MessageText, []byte(message(n, day))) != nil {
				return
			}
			if sent++; day == collecttest.Cut && n%300 == 0 && sent > 40 { // beyond what a resume repeats
				_ = conn.Close(websocket.StatusGoingAway, "restart")
				return
			}
		}
		<-ctx.Done()
	}))
	t.Cleanup(s.Close)
	return s
}

// over makes sources over one server a day.
func over(t *testing.T) func(testing.TB, collecttest.Day) pipeline.Source {
	t.Helper()
	servers := map[collecttest.Day]*httptest.Server{}
	return func(tb testing.TB, day collecttest.Day) pipeline.Source {
		tb.Helper()
		if servers[day] == nil {
			servers[day] = jetstream(t, day)
		}
		return open(tb, servers[day], day)
	}
}

func open(t testing.TB, server *httptest.Server, day collecttest.Day) *Source {
	t.Helper()
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond = true, 1000
	c, err := client.New(hc, "test")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := DefaultConfig()
	cfg.Profiles = ""
	cfg.Endpoint = strings.Replace(server.URL, "http", "ws", 1) + "/subscribe"
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
	sources := over(t)
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
		New: func(tb testing.TB) pipeline.Source { return sources(tb, "") }})

	old := place{Endpoint: strings.Replace(jetstreamURL(t, sources), "http", "ws", 1), TimeUS: beginUS - 3600e6}
	collecttest.BadDays(t, collecttest.Platform{New: sources, Want: keys, Old: old.encode(), Edited: key(5), Deleted: key(6)})
}

func jetstreamURL(t *testing.T, sources func(testing.TB, collecttest.Day) pipeline.Source) string {
	t.Helper()
	s, ok := sources(t, collecttest.OldCursor).(*Source)
	require.True(t, ok)
	return s.cfg.Endpoint
}

func TestSequencesOfAVersion2ServerCount(t *testing.T) {
	at := place{Endpoint: "x", TimeUS: 100, Seq: 7}
	assert.True(t, at.read(&event{TimeUS: 200, Cursor: 7}))
	assert.False(t, at.read(&event{TimeUS: 50, Cursor: 8}), "imported times may run backward; the sequence does not")
	s := &Source{cfg: Config{Endpoint: "wss://x"}}
	assert.Contains(t, s.address(at), "cursor=7&")
}

func TestCheck(t *testing.T) {
	said, err := open(t, jetstream(t, ""), "").Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, said, "open")
	_, err = open(t, jetstream(t, collecttest.Dead), collecttest.Dead).Check(t.Context())
	require.ErrorIs(t, err, client.ErrSilent)
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
		for _, decode := range []func([]byte) (event, error){decode, decodeFrame} {
			e, err := decode(data)
			if err != nil {
				continue
			}
			posts, err := e.posts()
			require.LessOrEqual(t, len(posts), 1)
			if err == nil && len(posts) == 1 {
				require.NotEmpty(t, posts[0].ID)
				require.NotEmpty(t, posts[0].Author.ID)
			}
		}
	})
}

// BenchmarkDecode is the cost of one event of a post, without socket and hand-over.
func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile("testdata/golden/post-facets.json")
	require.NoError(b, err)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		e, err := decode(data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.posts(); err != nil {
			b.Fatal(err)
		}
	}
}
