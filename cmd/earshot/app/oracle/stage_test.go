package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/pipeline/kafka/kafkatest"
	"earshot/sinks/clickhouse"
)

const patience = 5 * time.Minute

// stage is where the storm plays: real Kafka, real ClickHouse, and the children.
type stage struct {
	t       *testing.T
	ctx     context.Context //nolint:containedctx // of the one test that plays here
	dir     string
	broker  *kafkatest.Broker
	server  *clickhouse.Server
	db      *clickhouse.DB
	client  *kafka.Client
	feed    *os.File
	logs    *os.File
	env     []string
	workers []*process
	reader  *process // the collector
}

func newStage(t *testing.T, env ...string) *stage {
	t.Helper()
	s := &stage{t: t, ctx: t.Context(), dir: t.TempDir(), env: env}
	s.broker = kafkatest.Start(t, kafkatest.Options{})
	var err error
	s.server, err = clickhouse.Start(s.ctx, clickhouse.ServerConfig{
		Dir: filepath.Join(s.dir, "clickhouse"), HTTPPort: 20000 + rand.IntN(8000),
		Logger: zerolog.New(io.Discard),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.server.Close(context.Background())) })
	users := s.server.Credentials()
	cfg := clickhouse.DefaultConfig()
	cfg.Addr, cfg.User, cfg.Password = s.server.Addr(), users.Writer, users.WriterPassword
	s.db, err = clickhouse.Open(s.ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.db.Close()) })
	require.NoError(t, clickhouse.Migrate(s.ctx, s.db, pipeline.LiveStream().Database))
	s.client, err = kafka.Open(kafka.Config{Brokers: []string{s.broker.Addr}, Partitions: 6, Retention: time.Hour, RetentionBytes: -1})
	require.NoError(t, err)
	t.Cleanup(s.client.Close)
	_, err = s.client.EnsureTopics(s.ctx, pipeline.LiveStream())
	require.NoError(t, err)
	s.feed, err = os.Create(filepath.Join(s.dir, "storm.ndjson"))
	require.NoError(t, err)
	s.logs, err = os.Create(filepath.Join(s.dir, "children.log"))
	require.NoError(t, err)
	s.configure(cfg)
	return s
}

func (s *stage) configure(ch clickhouse.Config) {
	var b strings.Builder
	fmt.Fprintf(&b, "data: %s\nsimulate: off\nlog: {level: info, format: json}\nlanguage: {engine: none}\n", s.dir)
	fmt.Fprintf(&b, "kafka: {brokers: [%q], partitions: 6}\n", s.broker.Addr)
	fmt.Fprintf(&b, "clickhouse: {addr: %q, user: %q, password: %q}\nbrands:\n", ch.Addr, ch.User, ch.Password.Reveal())
	for _, name := range brandNames {
		fmt.Fprintf(&b, "- {name: %s, query: %s}\n", name, strings.ToLower(name))
	}
	fmt.Fprintf(&b, "sources:\n- {name: storm, type: file, path: %q, format: ndjson, follow: true, poll: 50ms}\n", s.feed.Name())
	require.NoError(s.t, os.WriteFile(s.config(), []byte(b.String()), 0o600))
}

func (s *stage) config() string { return filepath.Join(s.dir, "earshot.yaml") }

// process is a child.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  said // what it has said
	dead chan struct{}
}

func (s *stage) start(role string) *process {
	self, err := os.Executable()
	require.NoError(s.t, err)
	cmd := exec.CommandContext(context.Background(), self)
	cmd.Env = append(append(os.Environ(), childVar+"="+role, configVar+"="+s.config()), s.env...)
	p := &process{cmd: cmd, dead: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = s.logs, io.MultiWriter(s.logs, &p.out)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.in, err = cmd.StdinPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, cmd.Start())
	go func() {
		_ = cmd.Wait()
		close(p.dead)
	}()
	s.t.Cleanup(func() { p.signal(syscall.SIGKILL); <-p.dead })
	return p
}

// alive reports whether the child still runs.
func (p *process) alive() bool {
	select {
	case <-p.dead:
		return false
	default:
		return true
	}
}

func (p *process) signal(sig syscall.Signal) { _ = p.cmd.Process.Signal(sig) }

// arm makes the child kill itself at the next pass of a crash point.
func (s *stage) arm(p *process, point pipeline.CrashPoint) {
	_, err := io.WriteString(p.in, string(point)+"\n")
	require.NoError(s.t, err)
}

// awaitDeath waits until a child has ended.
func (s *stage) awaitDeath(p *process, why string) {
	select {
	case <-p.dead:
	case <-time.After(patience):
		require.FailNow(s.t, "a child lives on", why)
	}
}

// kill kills a child and waits for its end.
func (s *stage) kill(p *process) {
	p.signal(syscall.SIGKILL)
	s.awaitDeath(p, "SIGKILL")
}

// give appends posts to the file that the collector follows, and broken records
// straight to Kafka.
func (s *stage) give(posts []pipeline.Post, broken int) {
	var b []byte
	for i := range posts {
		b = append(posts[i].AppendJSON(b), '\n')
	}
	_, err := s.feed.Write(b)
	require.NoError(s.t, err)
	if broken == 0 {
		return
	}
	var records []kafkago.Record
	for i := range broken {
		records = append(records, kafkago.Record{Value: kafkago.NewBytes(fmt.Appendf(nil, `{"platform":"storm","id":"broken-%d`, i))})
	}
	out := &kafkago.Client{Addr: kafkago.TCP(s.broker.Addr)}
	res, err := out.Produce(s.ctx, &kafkago.ProduceRequest{
		Topic: pipeline.LiveStream().Topic, Partition: broken % 6, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(records...),
	})
	require.NoError(s.t, err)
	require.NoError(s.t, res.Error)
}

// pendingRanges are the offsets, by partition, that are committed as pending now.
func (s *stage) pendingRanges() map[int][2]int64 {
	stream := pipeline.LiveStream()
	asked := map[string][]int{stream.Topic: {0, 1, 2, 3, 4, 5}}
	res, err := (&kafkago.Client{Addr: kafkago.TCP(s.broker.Addr)}).OffsetFetch(s.ctx, &kafkago.OffsetFetchRequest{GroupID: stream.Group, Topics: asked})
	require.NoError(s.t, err)
	out := map[int][2]int64{}
	for _, p := range res.Topics[stream.Topic] {
		var mark struct{ Pending *int64 }
		if json.Unmarshal([]byte(p.Metadata), &mark) == nil && mark.Pending != nil {
			out[p.Partition] = [2]int64{p.CommittedOffset, *mark.Pending}
		}
	}
	return out
}

// count is the single number that a query answers.
func (s *stage) count(query string) int {
	var rows []struct {
		N uint64 `ch:"n"`
	}
	deadline := time.Now().Add(patience)
	for {
		err := s.db.Select(s.ctx, &rows, query)
		if err == nil {
			break
		}
		require.True(s.t, clickhouse.Retryable(err) && time.Now().Before(deadline), "%s: %v", query, err)
		time.Sleep(200 * time.Millisecond)
	}
	require.Len(s.t, rows, 1)
	return int(rows[0].N)
}

// eventually asks until a query answers the wanted number.
func (s *stage) eventually(want int, query, what string) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	got := s.count(query)
	for got != want && time.Now().Before(deadline) {
		time.Sleep(200 * time.Millisecond)
		got = s.count(query)
	}
	require.Equal(s.t, want, got, what)
}

// logged counts the lines of the children that hold a text.
func (s *stage) logged(text string) int {
	b, err := os.ReadFile(s.logs.Name())
	require.NoError(s.t, err)
	return strings.Count(string(b), text)
}
