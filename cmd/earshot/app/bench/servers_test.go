package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
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

// servers are the Kafka and the ClickHouse that both programs use.
type servers struct {
	kind   string // which Kafka it is
	broker string
	client *kafka.Client
	engine *clickhouse.Server
	db     *clickhouse.DB // without a database

	kafkaPID int
}

// start starts Apache Kafka, or the embedded broker if that is asked for or Apache Kafka
// is not there, and the embedded ClickHouse with both of its ports.
func start(tb testing.TB, embedded bool) *servers {
	tb.Helper()
	s := &servers{}
	log := zerolog.New(os.Stderr).Level(zerolog.WarnLevel)
	if why := kafkatest.Missing(); embedded || why != nil {
		s.kind, s.kafkaPID = "the embedded broker", os.Getpid()
		if why != nil {
			s.kind += " (" + why.Error() + ")"
		}
		broker, err := kafka.StartEmbedded(kafka.EmbeddedConfig{Dir: tb.TempDir(), Port: randomPort(), Logger: log})
		require.NoError(tb, err)
		tb.Cleanup(broker.Close)
		s.broker = broker.Addr()
	} else {
		broker := kafkatest.Start(tb, kafkatest.Options{})
		s.kind, s.broker, s.kafkaPID = "Apache Kafka "+kafkatest.Version, broker.Addr, broker.PID()
	}
	cfg := kafka.DefaultConfig()
	cfg.Brokers, cfg.RetentionBytes = []string{s.broker}, -1
	var err error
	s.client, err = kafka.Open(cfg)
	require.NoError(tb, err)
	tb.Cleanup(s.client.Close)
	_, err = s.client.EnsureTopics(tb.Context(), pipeline.LiveStream(), pipeline.SimulatedStream())
	require.NoError(tb, err)

	s.engine, err = clickhouse.Start(tb.Context(), clickhouse.ServerConfig{
		Dir: tb.TempDir(), HTTPPort: randomPort(), NativePort: randomPort(), Logger: log,
	})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = s.engine.Close(context.Background()) })
	s.db, err = clickhouse.Open(tb.Context(), s.store("default"))
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = s.db.Close() })
	return s
}

// store is the way to a database of the ClickHouse.
func (s *servers) store(database string) clickhouse.Config {
	cfg, users := clickhouse.DefaultConfig(), s.engine.Credentials()
	cfg.Addr, cfg.User, cfg.Password, cfg.Database = s.engine.Addr(), users.Writer, users.WriterPassword, database
	return cfg
}

func randomPort() int { return 20000 + rand.IntN(10000) }

// forget makes a consumer group begin anew. A broker that has just started may not yet
// know who looks after the group.
func (s *servers) forget(tb testing.TB, group string) {
	tb.Helper()
	c := &kafkago.Client{Addr: kafkago.TCP(s.broker), Timeout: 10 * time.Second}
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		res, err := c.DeleteGroups(tb.Context(), &kafkago.DeleteGroupsRequest{GroupIDs: []string{group}})
		if err == nil {
			err = res.Errors[group]
		}
		if err == nil || errors.Is(err, kafkago.GroupIdNotFound) {
			return
		}
		require.True(tb, time.Now().Before(deadline), "forget group %s: %v", group, err)
	}
}

// rewind puts the line's group at the begin of the topic as if it had been there since the
// topic was made, which is how a line runs. (A group that nobody remembers would first
// look up in the ledger what it may have stored before.)
func (s *servers) rewind(tb testing.TB) {
	tb.Helper()
	stream := pipeline.SimulatedStream()
	topic := s.client.Name(stream.Topic)
	epoch, err := s.client.TopicEpoch(tb.Context(), topic)
	require.NoError(tb, err)
	ends, err := s.client.Ends(tb.Context(), topic)
	require.NoError(tb, err)
	var begin []kafkago.OffsetCommit
	for partition := range ends {
		begin = append(begin, kafkago.OffsetCommit{Partition: int(partition), Metadata: fmt.Sprintf(`{"epoch":"%x"}`, epoch)})
	}
	c := &kafkago.Client{Addr: kafkago.TCP(s.broker), Timeout: 10 * time.Second}
	res, err := c.OffsetCommit(tb.Context(), &kafkago.OffsetCommitRequest{
		GroupID: s.client.Name(stream.Group), GenerationID: -1, Topics: map[string][]kafkago.OffsetCommit{topic: begin},
	})
	require.NoError(tb, err)
	require.Len(tb, res.Topics[topic], len(begin))
	for _, p := range res.Topics[topic] {
		require.NoError(tb, p.Error)
	}
}

// ask returns the one number that a query answers with.
func (s *servers) ask(tb testing.TB, query string) (uint64, error) {
	tb.Helper()
	var out bytes.Buffer
	if err := s.db.Query(tb.Context(), query, "TabSeparated", &out); err != nil {
		return 0, err
	}
	return strconv.ParseUint(string(bytes.TrimSpace(out.Bytes())), 10, 64)
}

// cpu is what the two servers have used so far.
func (s *servers) cpu() (kafkaCPU, clickhouseCPU time.Duration) {
	return processCPU(s.kafkaPID), processCPU(s.engine.PID())
}

// processCPU is the processor time of a process, by the kernel's count of ticks of 10 ms.
func processCPU(pid int) time.Duration {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // begins with field 3
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(string(f[11]), 10, 64) // the kernel writes numbers here
	system, _ := strconv.ParseInt(string(f[12]), 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// ownCPU is the processor time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
