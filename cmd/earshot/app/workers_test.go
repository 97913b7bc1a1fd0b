package app

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect"
	"earshot/pipeline/collect/budget"
	"earshot/pipeline/collect/poll"
	"earshot/pipeline/kafka"
)

// meter is a platform that bills every request, and knows who sent it.
type meter struct {
	mu      sync.Mutex
	billed  int
	workers map[string]int
	busy    int
	clashes int
}

func (m *meter) page(worker string) []poll.Item {
	m.mu.Lock()
	if m.busy++; m.busy > 1 {
		m.clashes++
	}
	m.billed++
	m.workers[worker]++
	id := strconv.Itoa(m.billed)
	m.mu.Unlock()
	time.Sleep(5 * time.Millisecond) // so that a second worker would be met
	m.mu.Lock()
	m.busy--
	m.mu.Unlock()
	return []poll.Item{{ID: id, Posts: []pipeline.Post{{Platform: "paid", ID: id, Text: "bought"}}}}
}

func (m *meter) snapshot() (billed int, workers map[string]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.billed, maps.Clone(m.workers)
}

// paidWorker is a process that shares a paid source with others.
type paidWorker struct {
	runner *collect.Runner
	stop   func()
}

func startPaidWorker(t *testing.T, brokers []string, name string, m *meter, limit int64) *paidWorker {
	t.Helper()
	cfg := kafka.DefaultConfig()
	cfg.Brokers = brokers
	stream := pipeline.LiveStream()
	client, err := openKafka(t.Context(), cfg, zerolog.Nop(), stream)
	require.NoError(t, err)
	producer := kafka.NewProducer(client)
	source := &poll.Poller{Platform: "paid", Every: 10 * time.Millisecond, Budget: &budget.Config{Reads: limit, Period: budget.Month},
		Targets: func(context.Context) ([]poll.Target, error) {
			return []poll.Target{{Name: "all", Depth: 1, Whole: true, Page: func(context.Context, string, time.Time) ([]poll.Item, string, error) {
				return m.page(name), "", nil
			}}}, nil
		}}
	runner, err := collect.New(collect.Parts{Publisher: producer,
		Ends: func(ctx context.Context, s pipeline.Stream) (pipeline.Ends, error) {
			return client.Ends(ctx, client.Name(s.Topic))
		},
		Cursors: savedCursors{kafka.NewCursors(producer)}, DeadLetters: kafka.NewDeadLetters(producer), Reporter: kafka.NewCoverage(producer),
		Owners: &kafka.Owners{Client: client, Group: kafka.SourceGroup, Log: zerolog.Nop(), Session: 6 * time.Second}, Collector: name, Logger: zerolog.Nop()},
		[]collect.Entry{{Name: "paid", Platform: "paid", Stream: stream, Source: source}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
		client.Close()
	})
	t.Cleanup(stop)
	return &paidWorker{runner: runner, stop: stop}
}

// TestTwoWorkersNeverPayTwice shares a paid source between two workers, ends the one that
// has it, and holds what the platform has billed against the budget.
func TestTwoWorkersNeverPayTwice(t *testing.T) {
	broker, err := kafka.StartEmbedded(kafka.EmbeddedConfig{Dir: t.TempDir(), Port: 22500, Logger: zerolog.Nop()})
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	const limit = 400
	m := &meter{workers: map[string]int{}}
	workers := map[string]*paidWorker{}
	for _, name := range []string{"one", "two"} {
		workers[name] = startPaidWorker(t, []string{broker.Addr()}, name, m, limit)
	}
	const patience, look = 5 * time.Minute, 20 * time.Millisecond
	require.Eventually(t, func() bool { billed, _ := m.snapshot(); return billed >= 20 }, patience, look)
	_, who := m.snapshot()
	require.Len(t, who, 1, "the source has one owner")
	var first, second string
	for name := range workers {
		if who[name] > 0 {
			first = name
		} else {
			second = name
		}
	}
	workers[first].stop()
	before, _ := m.snapshot()
	require.Less(t, before, limit, "the first worker has left some of the budget")
	require.Eventually(t, func() bool { return workers[second].runner.Status()[0].State == "limited" }, patience, look, "the second worker goes on and finds the end of the budget")
	billed, who := m.snapshot()
	assert.Positive(t, who[second])
	assert.LessOrEqual(t, billed, limit)
	assert.GreaterOrEqual(t, billed, limit-2, "no more is given up than what was held at a change of owners")
	assert.Zero(t, m.clashes, "never both at once")
}
