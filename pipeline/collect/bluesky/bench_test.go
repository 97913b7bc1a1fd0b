package bluesky

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect"
	"earshot/pipeline/collect/client"
)

var soak = flag.Duration("soak", 20*time.Second, "how long BenchmarkSoak reads")

// upstreamVar makes a child process the server, so that its work is not measured: its
// value is the events a second, 0 for as many as go.
const upstreamVar = "EARSHOT_TEST_JETSTREAM"

// TestUpstream is the server of the benchmarks; alone it does nothing.
func TestUpstream(t *testing.T) {
	rate, err := strconv.Atoi(os.Getenv(upstreamVar))
	if err != nil {
		return
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow() //nolint:errcheck // the end of a benchmark
		pour(conn.CloseRead(r.Context()), conn, rate)
	}))
	defer server.Close()
	fmt.Println("listening", server.URL)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until the parent closes it
}

// pour sends events for ever: of ten, six posts, two reposts, a delete and an identity.
func pour(ctx context.Context, conn *websocket.Conn, rate int) {
	var buf []byte
	begin := time.Now()
	for n := 0; ; n++ {
		buf = append(buf[:0], `{"did":"did:plc:u5cwb2mwiv2bfq53cjufe6yn","time_us":`...)
		buf = strconv.AppendInt(buf, int64(beginUS+n), 10)
		key := strconv.Itoa(n)
		switch n % 10 {
		case 0:
			buf = append(buf, `,"kind":"identity","identity":{"did":"did:plc:u5cwb2mwiv2bfq53cjufe6yn","handle":"atproto.com","seq":1409752997,"time":"2024-09-05T06:11:04.870Z"}}`...)
		case 1:
			buf = append(buf, `,"kind":"commit","commit":{"rev":"3l3qo2vutsw2b","operation":"delete","collection":"app.bsky.feed.post","rkey":"`+key+`"}}`...)
		case 2, 3:
			buf = append(buf, `,"kind":"commit","commit":{"rev":"3l3qo2vutsw2b","operation":"create","collection":"app.bsky.feed.repost","rkey":"`+key+
				`","record":{"$type":"app.bsky.feed.repost","createdAt":"2024-09-09T19:46:02.102Z","subject":{"cid":"bafyreidc6sydkkbchcyg62v77wbhzvb2mvytlmsychqgwf2xojjtirmzj4","uri":"at://did:plc:wa7b35aakoll7hugkrjtf3xf/app.bsky.feed.post/3l3pte3p2e325"}},"cid":"bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi"}}`...)
		default:
			buf = append(buf, `,"kind":"commit","commit":{"rev":"3k4duaz5vfs2b","operation":"create","collection":"app.bsky.feed.post","rkey":"`+key+
				`","cid":"bafyreibjifzpqj6o6wcq3hejh7y4z4z2vmiklkvykc57tw3pcbx3kxifpm","record":{"$type":"app.bsky.feed.post","text":"\u2728 example mentioning @atproto.com to share the URL \ud83d\udc68\u200d\u2764\ufe0f\u200d\ud83d\udc68 https://en.wikipedia.org/wiki/CBOR.","createdAt":"2023-08-08T01:03:41.157302Z","langs":["en"],"facets":[{"index":{"byteStart":23,"byteEnd":35},"features":[{"$type":"app.bsky.richtext.facet#mention","did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz"}]},{"index":{"byteStart":74,"byteEnd":108},"features":[{"$type":"app.bsky.richtext.facet#link","uri":"https://en.wikipedia.org/wiki/CBOR"}]}],"reply":{"root":{"uri":"at://did:plc:u5cwb2mwiv2bfq53cjufe6yn/app.bsky.feed.post/3k43tv4rft22g","cid":"bafyreig2fjxi3rptqdgylg7e5hmjl6mcke7rn2b6cugzlqq3i4zu6rq52q"},"parent":{"uri":"at://did:plc:u5cwb2mwiv2bfq53cjufe6yn/app.bsky.feed.post/3k43tv4rft22g","cid":"bafyreig2fjxi3rptqdgylg7e5hmjl6mcke7rn2b6cugzlqq3i4zu6rq52q"}}}}}`...)
		}
		if conn.Write(ctx, websocket.MessageText, buf) != nil {
			return
		}
		if rate > 0 && n%100 == 99 {
			time.Sleep(time.Until(begin.Add(time.Duration(n+1) * time.Second / time.Duration(rate))))
		}
	}
}

// upstream starts the server in a process of its own.
func upstream(b *testing.B, rate int) (address string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestUpstream$")
	cmd.Env = append(os.Environ(), upstreamVar+"="+strconv.Itoa(rate))
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return strings.TrimSpace(strings.TrimPrefix(line, "listening "))
}

// topic takes posts as a producer does, encoded, and keeps none: what Kafka itself costs
// is measured by the benchmark of the line.
type topic struct {
	posts atomic.Int64
	buf   []byte
}

func (k *topic) PublishRest(_ context.Context, _ pipeline.Stream, posts []pipeline.Post, _ pipeline.Handover, _ map[int]bool) (pipeline.Ends, error) {
	for i := range posts {
		k.buf = posts[i].AppendJSON(k.buf[:0])
	}
	return pipeline.Ends{0: k.posts.Add(int64(len(posts)))}, nil
}

func (k *topic) Published(context.Context, pipeline.Stream, pipeline.Handover, pipeline.Ends) (map[int]bool, pipeline.Ends, error) {
	return nil, nil, nil
}
func (k *topic) Ends(context.Context, pipeline.Stream) (pipeline.Ends, error) { return nil, nil }
func (k *topic) Load(context.Context, string) (pipeline.Cursor, pipeline.Ends, error) {
	return nil, nil, nil
}
func (k *topic) Save(context.Context, string, pipeline.Cursor, pipeline.Ends) error { return nil }
func (k *topic) Put(context.Context, pipeline.DeadLetter) error                     { return nil }
func (k *topic) Report(context.Context, pipeline.CoverageEvent) error               { return nil }

// collector runs the source through the runner until stop.
func collector(b *testing.B, address string, version2 bool) (k *topic, stop func()) {
	b.Helper()
	hc := client.DefaultConfig()
	hc.AllowPrivate = true
	c, err := client.New(hc, "bench")
	require.NoError(b, err)
	cfg := DefaultConfig()
	cfg.Profiles = "" // the stream alone is measured
	cfg.Endpoint = strings.Replace(address, "http", "ws", 1) + "/subscribe"
	if version2 {
		cfg.Endpoint = strings.TrimSuffix(cfg.Endpoint, "/subscribe") + v2Path
	}
	s, err := New(cfg, c)
	require.NoError(b, err)
	k = &topic{}
	parts := collect.Parts{Publisher: k, Ends: k.Ends, Cursors: k, DeadLetters: k, Reporter: k, Collector: "bench", Logger: zerolog.Nop()}
	runner, err := collect.New(parts, []collect.Entry{{Name: "bluesky", Platform: platform, Stream: pipeline.LiveStream(), Source: s, Deadline: time.Minute}})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	return k, func() {
		cancel()
		require.NoError(b, <-done)
		c.Close()
	}
}

// cpu is what this process has used, user and system.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCollector is the cost of an event on one core, from the socket to the encoded
// post: `go test ./pipeline/collect/bluesky -run ^$ -bench Collector -benchtime 500000x`.
// An operation is one event; nine of ten are posts for us.
func BenchmarkCollector(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	address := upstream(b, 0)
	k, stop := collector(b, address, false)
	for k.posts.Load() < 5000 { // warm
		time.Sleep(time.Millisecond)
	}
	b.ResetTimer()
	from, used, begin := k.posts.Load(), cpu(b), time.Now()
	for k.posts.Load() < from+int64(b.N)*9/10 {
		time.Sleep(time.Millisecond)
	}
	events := float64(k.posts.Load()-from) * 10 / 9
	b.ReportMetric(events/time.Since(begin).Seconds(), "events/s")
	b.ReportMetric(float64((cpu(b)-used).Nanoseconds())/1000/events, "cpu-µs/event")
	b.StopTimer()
	stop()
}

// resident is what the process occupies, in MB.
func resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	require.NoError(b, err)
	pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	require.NoError(b, err)
	return pages * float64(os.Getpagesize()) / 1e6
}

// BenchmarkSoak reads 2,000 events a second for -soak and prints how memory grows, by the
// line of least squares through the second half: `make soak-jetstream`.
func BenchmarkSoak(b *testing.B) {
	address := upstream(b, 2000)
	k, stop := collector(b, address, false)
	begin := time.Now()
	var hours, rss, live []float64
	for time.Since(begin) < *soak {
		time.Sleep(time.Second)
		if time.Since(begin) < *soak/2 {
			continue
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		hours, rss, live = append(hours, time.Since(begin).Hours()), append(rss, resident(b)), append(live, float64(m.HeapAlloc)/1e6)
	}
	b.ReportMetric(float64(k.posts.Load())*10/9/time.Since(begin).Seconds(), "events/s")
	b.ReportMetric(slope(hours, rss), "rss-MB/h")
	b.ReportMetric(slope(hours, live), "live-MB/h")
	b.ReportMetric(rss[len(rss)-1], "rss-MB")
	stop()
}

// slope of the line of least squares.
func slope(x, y []float64) float64 {
	var mx, my, xy, xx float64
	for i := range x {
		mx, my = mx+x[i]/float64(len(x)), my+y[i]/float64(len(x))
	}
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
	}
	return xy / xx
}
