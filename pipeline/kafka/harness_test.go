package kafka

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"earshot/pipeline"
)

// freePort returns a port below the ephemeral range.
func freePort(t testing.TB) int {
	t.Helper()
	for range 200 {
		port := 20000 + rand.IntN(12000)
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// fake starts a broker in memory and returns its address.
func fake(t testing.TB, opts ...kfake.Opt) string {
	t.Helper()
	port := freePort(t)
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.Ports(port), kfake.GroupMinSessionTimeout(time.Second)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// open returns a client of the broker with topics of its own, by a random prefix.
func open(t testing.TB, addr string, change func(*Config)) *Client {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Brokers = []string{addr}
	cfg.TopicPrefix = fmt.Sprintf("t%d-", rand.Uint32())
	if change != nil {
		change(&cfg)
	}
	c, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// ready is open with the topics created.
func ready(t testing.TB, addr string, change func(*Config)) *Client {
	t.Helper()
	c := open(t, addr, change)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := c.EnsureTopics(ctx, pipeline.LiveStream(), pipeline.SimulatedStream())
	require.NoError(t, err)
	return c
}

// post returns the n-th post of a test.
func post(n int) pipeline.Post {
	now := pipeline.At(time.Now())
	return pipeline.Post{
		V: 1, Op: pipeline.OpCreate, Kind: pipeline.KindPost, Platform: "bluesky", ID: fmt.Sprintf("p%06d", n),
		Text: fmt.Sprintf("post number %d about sony", n), CreatedAt: now, SeenAt: now,
	}
}

func posts(from, n int) []pipeline.Post {
	out := make([]pipeline.Post, n)
	for i := range out {
		out[i] = post(from + i)
	}
	return out
}

// chain is an enrichment for tests: one mention each, and what hook says.
type chain struct{ hook func(*pipeline.Record) error }

func (c chain) Enrich(r *pipeline.Record) error {
	r.Language = pipeline.Language{Code: "en", Confidence: 1}
	r.Mentions = []pipeline.Mention{{Brand: "Sony", Via: pipeline.ViaText}}
	if c.hook != nil {
		return c.hook(r)
	}
	return nil
}

func (chain) Version() string { return "test" }

// ledger is a sink in memory with the semantics of the real one: a token is taken once,
// and only a Retry or a Replayed asks which offsets are there.
type ledger struct {
	mu     sync.Mutex
	rows   map[pipeline.Position]int // times stored
	dead   int
	ids    map[string]int
	tokens map[string]bool
	fail   func(*pipeline.Batch) error // before anything is stored
	after  func(*pipeline.Batch) error // after it is stored
	reject func(*pipeline.Record) bool
	log    []string // tokens in the order in which they came, with ! for a retry
}

func newLedger() *ledger {
	return &ledger{rows: map[pipeline.Position]int{}, ids: map[string]int{}, tokens: map[string]bool{}}
}

func (l *ledger) Write(ctx context.Context, b *pipeline.Batch) ([]pipeline.Reject, error) {
	if l.fail != nil {
		if err := l.fail(b); err != nil {
			return nil, err
		}
	}
	if err := b.Pending(ctx); err != nil {
		return nil, fmt.Errorf("pending: %w", err)
	}
	rejected := l.store(b)
	if l.after != nil {
		if err := l.after(b); err != nil {
			return nil, err
		}
	}
	return rejected, nil
}

func (l *ledger) store(b *pipeline.Batch) []pipeline.Reject {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := b.Token
	if b.Retry {
		name += "!"
	}
	l.log = append(l.log, name)
	ask := b.Retry || b.Replayed
	if l.tokens[b.Token] && !ask {
		return nil // the store knows the token and drops the insert
	}
	l.tokens[b.Token] = true
	var rejected []pipeline.Reject
	for i := range b.Records {
		r := &b.Records[i]
		at := r.Position
		at.Time = 0
		if ask && l.rows[at] > 0 {
			continue
		}
		l.rows[at]++
		switch {
		case r.Dead != nil:
			l.dead++
		case l.reject != nil && l.reject(r):
			rejected = append(rejected, pipeline.Reject{Position: r.Position, Stage: "store", Reason: "refused by the test"})
		default:
			l.ids[string(r.Post.Key())]++
		}
	}
	return rejected
}

// count returns rows stored, rows stored more than once, and distinct posts.
func (l *ledger) count() (rows, doubled, ids int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.rows {
		rows += n
		if n > 1 {
			doubled++
		}
	}
	return rows, doubled, len(l.ids)
}

// box keeps dead letters and coverage events.
type box struct {
	mu      sync.Mutex
	letters []pipeline.DeadLetter
	events  []pipeline.CoverageEvent
}

func (b *box) Put(_ context.Context, l pipeline.DeadLetter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, l)
	return nil
}

func (b *box) Report(_ context.Context, e pipeline.CoverageEvent) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
	return nil
}

func (b *box) all() ([]pipeline.DeadLetter, []pipeline.CoverageEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]pipeline.DeadLetter(nil), b.letters...), append([]pipeline.CoverageEvent(nil), b.events...)
}

func testLog(t testing.TB) zerolog.Logger {
	if !testing.Verbose() {
		return zerolog.New(io.Discard)
	}
	return zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.InfoLevel)
}

// worker returns a worker of the live stream with small batches.
func worker(t testing.TB, c *Client, sink pipeline.Sink, b *box) *Worker {
	return &Worker{
		Client: c, Stream: pipeline.LiveStream(), Chain: func() pipeline.Enricher { return chain{} },
		Sink: sink, DeadLetters: b, Losses: b, Log: testLog(t), Session: testSession,
		Limits: Limits{Records: 500, Wait: 20 * time.Millisecond},
	}
}

// background runs fn until the returned stop is called, which waits for it.
func background(t testing.TB, fn func(ctx context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(stop)
	return stop
}

func publish(t testing.TB, c *Client, list []pipeline.Post) pipeline.Ends {
	t.Helper()
	ends, err := NewProducer(c).Publish(t.Context(), pipeline.LiveStream(), list, pipeline.Handover{})
	require.NoError(t, err)
	return ends
}

// publishRaw writes values that need not be posts to partition 0.
func publishRaw(t testing.TB, c *Client, s pipeline.Stream, values ...string) {
	t.Helper()
	var list []outgoing
	for i, v := range values {
		list = append(list, outgoing{key: fmt.Appendf(nil, "raw/%d", i), value: []byte(v)})
	}
	_, err := NewProducer(c).write(t.Context(), c.Name(s.Topic), 0, list)
	require.NoError(t, err)
}

const (
	patience = 5 * time.Minute
	// testSession is short, so that a dead worker is soon replaced.
	testSession = 2 * time.Second
)

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, patience, 20*time.Millisecond, what)
}
