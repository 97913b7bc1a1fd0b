package oracle

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/pipeline/kafka/kafkatest"
	"earshot/sinks/clickhouse"
)

const (
	outageVar   = "EARSHOT_OUTAGE" // how long each server is gone, such as 60s
	outageRate  = 2000             // posts a second that are fed all the while
	memoryBound = 64 << 20         // bytes of anonymous memory over the quiet level
)

// outage is a program under load whose servers go away.
type outage struct {
	*program
	broker *kafkatest.Broker
	server *clickhouse.Server
	config clickhouse.ServerConfig
	run    *outcome
	peak   atomic.Int64 // bytes of anonymous memory, as sampled
	sent   int
	feed   *os.File
}

// TestOutage takes ClickHouse away under load, then Kafka: each hangs for half of the time
// and is dead for the other half. Nothing may be lost, and memory stays in its bounds.
func TestOutage(t *testing.T) {
	length, err := time.ParseDuration(otherwise(os.Getenv(outageVar), "10s"))
	require.NoError(t, err, outageVar)
	o := newOutage(t)
	o.start(2000)
	quiet := o.quiet()
	t.Logf("quiet level: %d MB of anonymous memory", quiet>>20)

	o.load(3 * time.Second)
	loaded := o.peak.Load()
	o.withoutClickHouse(length)
	o.load(3 * time.Second)
	first := o.peak.Load()
	o.withoutKafka(length)
	o.load(3 * time.Second)
	o.settled()
	over := o.peak.Load() - quiet
	t.Logf("%d posts; over the quiet level: %d MB under load, %d MB without ClickHouse, %d MB at most",
		o.sent, (loaded-quiet)>>20, (first-quiet)>>20, over>>20)
	assert.LessOrEqual(t, over, int64(memoryBound), "bytes of anonymous memory over the quiet level")
	assert.True(t, o.run.running(), "it came through: %s", &o.run.errs)
	o.run.signal(syscall.SIGTERM)
	assert.Zero(t, o.run.code(t), &o.run.errs)
}

func otherwise(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	o := &outage{program: newProgram(t, ""), broker: kafkatest.Start(t, kafkatest.Options{})}
	o.server, o.config = newServer(t)
	var err error
	o.feed, err = os.Create(o.path("feed.ndjson"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.feed.Close()) })
	users := o.server.Credentials()
	o.configure(realKafka(o.broker) +
		fmt.Sprintf("clickhouse: {addr: '%s', user: %s, password: '%s'}\n", o.server.Addr(), users.Writer, users.WriterPassword.Reveal()) +
		"brands: [{name: Zubrola, query: zubrola}, {name: Kwentix, query: kwentix}]\nsimulate: off\nlanguage: {engine: none}\n" +
		fmt.Sprintf("sources: [{name: feed, type: file, path: '%s', format: ndjson, follow: true, poll: 50ms}]\n", o.feed.Name()))
	return o
}

// start runs the program and feeds it the first posts.
func (o *outage) start(posts int) {
	o.run = o.program.start("run")
	o.eventually("earshot runs", o.run, func() bool { return strings.Contains(o.run.errs.String(), "earshot runs") })
	o.give(posts)
	o.settled()
}

// give appends posts of common size; every fourth names a brand, in one of two languages.
func (o *outage) give(posts int) {
	w := bufio.NewWriter(o.feed)
	for range posts {
		o.sent++
		p := pipeline.Post{
			V: 1, Op: pipeline.OpCreate, Kind: pipeline.KindPost, Platform: "outage", ID: strconv.Itoa(o.sent),
			Text:   strings.Repeat("Nobody knows what tomorrow brings, and yet we talk about it. ", 3+o.sent%9),
			Author: pipeline.Author{ID: strconv.Itoa(o.sent % 1000), Handle: "somebody", Name: "Some Body", Followers: 12},
			Links:  []string{"https://example.org/" + strconv.Itoa(o.sent)},
		}
		if o.sent%4 == 0 {
			p.Text += "Das neue Gerät von Zubrola ist wirklich großartig!"
		}
		_, err := w.Write(append(p.AppendJSON(nil), '\n'))
		require.NoError(o.t, err)
	}
	require.NoError(o.t, w.Flush())
}

// load feeds at the steady rate for a while, and samples the memory.
func (o *outage) load(span time.Duration) {
	const step = 50 * time.Millisecond
	for range span / step {
		o.give(outageRate * int(step) / int(time.Second))
		time.Sleep(step)
		o.sample()
	}
}

// sample reads the anonymous memory of the program: what it has allocated, without the
// pages of its binary that the kernel may drop at any time.
func (o *outage) sample() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.run.cmd.Process.Pid))
	require.NoError(o.t, err)
	_, rest, found := strings.Cut(string(b), "RssAnon:")
	require.True(o.t, found, "the program runs: %s", &o.run.errs)
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	require.NoError(o.t, err)
	if bytes := kb << 10; bytes > o.peak.Load() {
		o.peak.Store(bytes)
	}
	return kb << 10
}

// quiet is the memory of the program at rest, with all that it needs to work loaded.
func (o *outage) quiet() int64 {
	time.Sleep(2 * time.Second)
	level := o.sample()
	o.peak.Store(level)
	return level
}

// withoutClickHouse freezes the server, kills it, keeps it down, and starts it again.
func (o *outage) withoutClickHouse(span time.Duration) {
	require.NoError(o.t, syscall.Kill(o.server.PID(), syscall.SIGSTOP))
	o.load(span / 2)
	now, cancel := context.WithCancel(o.t.Context())
	cancel()
	require.ErrorContains(o.t, o.server.Close(now), "was killed")
	o.load(span / 2)
	var err error
	o.server, err = clickhouse.Start(o.t.Context(), o.config)
	require.NoError(o.t, err)
	server := o.server
	o.t.Cleanup(func() { require.NoError(o.t, server.Close(context.Background())) })
}

// withoutKafka does the same to the broker.
func (o *outage) withoutKafka(span time.Duration) {
	o.broker.Pause()
	o.load(span / 2)
	o.broker.Kill()
	o.load(span / 2)
	o.broker.Restart()
}

// settled waits until all that was fed is stored and committed, once.
func (o *outage) settled() {
	client, err := kafka.Open(kafka.Config{Brokers: []string{o.broker.Addr}, Partitions: 4, Retention: time.Hour, RetentionBytes: -1})
	require.NoError(o.t, err)
	defer client.Close()
	o.eventually("the lag is cleared", o.run, func() bool {
		o.sample()
		stored, ends, err := client.Progress(o.t.Context(), pipeline.LiveStream())
		held, done := int64(0), int64(0)
		for p, end := range ends {
			held += end
			done += stored[p]
		}
		return err == nil && held == int64(o.sent) && done == held
	})
	n := strconv.Itoa(o.sent)
	assert.Equal(o.t, strings.Join([]string{n, n, n}, "\t"), o.ask("SELECT count(), uniqExact(epoch, topic, partition, offset), uniqExact(id) FROM posts"))
	assert.Equal(o.t, strconv.Itoa(o.sent/4), o.ask("SELECT count() FROM mentions_current"))
}
