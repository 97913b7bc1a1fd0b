package bluesky

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
)

// floor is the oldest sequence that the server of the day OldCursor has.
const floor = 1000

// second is a server of version 2: it replays from a sequence or a time, inclusively.
type second struct {
	t          testing.TB
	day        collecttest.Day
	dictionary []byte
	mu         sync.Mutex
	asked      []string
}

// trained is the dictionary of all tests: training takes a while.
var trained struct { //nolint:gochecknoglobals // of the tests alone
	once sync.Once
	d    []byte
}

// dictionary trains one from the events that will be sent.
func dictionary(t testing.TB) []byte {
	t.Helper()
	trained.once.Do(func() { trained.d = train(t) })
	return trained.d
}

func train(t testing.TB) []byte {
	t.Helper()
	var samples [][]byte
	for n := range 200 {
		samples = append(samples, []byte(frameText(n, "")))
	}
	d, err := zstd.BuildDict(zstd.BuildDictOptions{ID: 4711, Contents: samples, History: []byte(frameText(1, "")), Offsets: [3]int{1, 4, 8}})
	require.NoError(t, err)
	return d
}

// frameText is message n as version 2 sends it.
func frameText(n int, day collecttest.Day) string {
	one := message(n, day)
	at := time.UnixMicro(int64(beginUS + n*oneUS)).UTC().Format("2006-01-02T15:04:05.000000Z")
	var e struct {
		DID    string         `json:"did"`
		Kind   string         `json:"kind"`
		Commit map[string]any `json:"commit"`
	}
	if json.Unmarshal([]byte(one), &e) != nil {
		return `{"$type":"message","payload":{"$type":`
	}
	payload := map[string]any{"$type": v2Prefix + e.Kind, "seq": n + 1, "did": e.DID, "time": at, "witnessedAt": at}
	maps.Copy(payload, e.Commit)
	b, _ := json.Marshal(map[string]any{"$type": "message", "payload": payload})
	return string(b)
}

func refuse(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"error":%q,"message":"the floor is %d"}`, name, floor)
}

func (s *second) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.RawQuery)
	s.mu.Unlock()
	q := r.URL.Query()
	switch {
	case strings.HasSuffix(r.URL.Path, "getZstdDictionary"):
		_, _ = w.Write(s.dictionary)
		return
	case s.day == collecttest.SlowDown:
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case q.Has("wantedCollections"):
		refuse(w, "InvalidRequest")
		return
	case q.Has("zstdDictionary") && q.Get("zstdDictionary") != "4711":
		refuse(w, "UnknownZstdDictionary")
		return
	}
	first, notice := 0, ""
	if cursor, err := strconv.ParseInt(q.Get("cursor"), 10, 64); err == nil {
		if first = int(cursor) - 1; cursor >= 1e15 {
			first = int(max(cursor-beginUS+oneUS-1, 0) / oneUS)
		}
		if s.day == collecttest.OldCursor && first < floor {
			if cursor < 1e15 {
				refuse(w, "CursorTooOld")
				return
			}
			first, notice = floor, "OutdatedCursor"
		}
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"xrpc.v1.json"}})
	if err != nil {
		return
	}
	defer conn.CloseNow() //nolint:errcheck // the end of a test
	s.stream(conn.CloseRead(r.Context()), conn, first, notice, q.Has("zstdDictionary"))
}

func (s *second) stream(ctx context.Context, conn *websocket.Conn, first int, notice string, packed bool) {
	send := func(text string) error { return conn.Write(ctx, websocket.MessageText, []byte(text)) }
	if packed {
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderDict(s.dictionary), zstd.WithEncoderConcurrency(1))
		if err != nil {
			s.t.Error(err)
			return
		}
		defer encoder.Close() //nolint:errcheck // it writes nowhere
		send = func(text string) error {
			return conn.Write(ctx, websocket.MessageBinary, encoder.EncodeAll([]byte(text), nil))
		}
	}
	if notice != "" && send(`{"$type":"message","payload":{"$type":"`+v2Prefix+`info","name":"`+notice+`"}}`) != nil {
		return
	}
	for n, sent := first, 0; n < eventCount && s.day != collecttest.Dead; n++ {
		if send(frameText(n, s.day)) != nil {
			return
		}
		if sent++; s.day == collecttest.Cut && n%300 == 0 && sent > 1 {
			_ = send(`{"$type":"error","error":"ConsumerTooSlow","message":"read faster"}`)
			_ = conn.Close(websocket.StatusPolicyViolation, "slow")
			return
		}
	}
	<-ctx.Done()
}

func serveSecond(t testing.TB, day collecttest.Day) (*httptest.Server, *second) {
	t.Helper()
	h := &second{t: t, day: day, dictionary: dictionary(t)}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s, h
}

func openSecond(t testing.TB, server *httptest.Server, day collecttest.Day, packed bool) *Source {
	t.Helper()
	s := open(t, server, day)
	s.cfg.Endpoint = strings.TrimSuffix(s.cfg.Endpoint, "/subscribe") + v2Path
	s.cfg.Compress = packed
	require.NoError(t, s.cfg.Validate())
	return s
}

func TestContractOfVersion2(t *testing.T) {
	want, keys, refused := map[string]int{}, []string(nil), 0
	for n := range eventCount {
		switch {
		case n%400 == 77:
			refused = 1 // all of them read the same, so they are one dead letter
		case n%10 != 3:
			want[key(n)], keys = 1, append(keys, key(n))
		}
	}
	for _, packed := range []bool{false, true} {
		t.Run(fmt.Sprintf("zstd %v", packed), func(t *testing.T) {
			servers := map[collecttest.Day]*httptest.Server{}
			sources := func(tb testing.TB, day collecttest.Day) pipeline.Source {
				tb.Helper()
				if servers[day] == nil {
					servers[day], _ = serveSecond(t, day)
				}
				return openSecond(tb, servers[day], day, packed)
			}
			if packed && !testing.Short() { // plain frames differ by the unpacking alone
				collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
					New: func(tb testing.TB) pipeline.Source { return sources(tb, "") }})
			}
			s, ok := sources(t, collecttest.OldCursor).(*Source)
			require.True(t, ok)
			old := place{Endpoint: s.cfg.Endpoint, TimeUS: beginUS, Seq: 1}
			collecttest.BadDays(t, collecttest.Platform{New: sources, Want: keys, Old: old.encode(), Edited: key(5), Deleted: key(6)})
		})
	}
}

func TestASequenceThatIsTooOldIsResumedByTime(t *testing.T) {
	server, h := serveSecond(t, collecttest.OldCursor)
	s := openSecond(t, server, "", false)
	old := place{Endpoint: s.cfg.Endpoint, TimeUS: beginUS + 500*oneUS, Seq: 500}
	posts := collecttest.Until(t, s, old.encode(), func(p []pipeline.Post) bool { return len(p) > 0 })
	assert.Equal(t, key(floor), string(posts[0].Key()))
	require.Len(t, h.asked, 2)
	assert.Contains(t, h.asked[0], "cursor=500")
	assert.Contains(t, h.asked[1], "cursor="+strconv.Itoa(beginUS+500*oneUS-2_000_000))
}

func TestAnotherArchiveIsNotConfused(t *testing.T) {
	f := &follower{Source: &Source{}, at: place{TimeUS: beginUS, Seq: 5000}, resumed: true}
	f.notice("FutureCursor")
	assert.Zero(t, f.at.Seq, "its sequences are not ours, so they fold by time")
	assert.True(t, f.outdated)
	assert.False(t, f.at.read(&event{TimeUS: beginUS + 1, Cursor: 3}))
}

func TestDictionary(t *testing.T) {
	_, err := newUnpacker([]byte("<html>not found</html>"))
	require.ErrorContains(t, err, "not a zstd dictionary")
	d := dictionary(t)
	u, err := newUnpacker(d)
	require.NoError(t, err)
	defer u.close()
	assert.Equal(t, uint32(4711), u.id)
	plain, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer plain.Close() //nolint:errcheck // it writes nowhere
	_, err = u.unpack(plain.EncodeAll(make([]byte, 2*maxFrame), nil))
	require.Error(t, err, "a bomb")
	c := DefaultConfig()
	c.Compress = true
	require.ErrorContains(t, c.Validate(), "version 2")
}

func FuzzUnpack(f *testing.F) {
	d := dictionary(f)
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderDict(d))
	require.NoError(f, err)
	f.Add(encoder.EncodeAll([]byte(frameText(1, "")), nil))
	f.Add([]byte("no frame"))
	u, err := newUnpacker(d)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := u.unpack(data)
		if err == nil {
			require.LessOrEqual(t, len(out), maxFrame)
		}
	})
}
