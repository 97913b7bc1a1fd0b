package oracle

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// workersAlive is how many workers share the partitions.
const workersAlive = 3

// storm is one run: the stage, the model, and the events in their order.
type storm struct {
	*stage
	*tally
	feed  func(n int) []pipeline.Post // the model's
	chunk int
}

// TestStorm feeds posts through collectors and workers that are killed and frozen all
// the time, and then asks whether everything is stored once.
func TestStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("a storm takes minutes")
	}
	t.Parallel() // the two storms spend their time waiting, not computing
	m := newModel(seedOf(t))
	st := &storm{stage: newStage(t), tally: m.tally, feed: m.feed, chunk: number(t, chunkVar, 10_500)}
	st.play(st.plan(blows(), number(t, eventsVar, 20)))
	st.verify()
	st.verifyMentions(m)
}

// seedOf says how the storm can be repeated.
func seedOf(t *testing.T) uint64 {
	seed := number(t, seedVar, int(time.Now().UnixNano()%1e6))
	t.Logf("seed %d: repeat it with %s=%d", seed, seedVar, seed)
	return uint64(seed)
}

// play runs the events one after another.
func (s *storm) play(events []event) {
	s.t.Cleanup(func() {
		if s.t.Failed() {
			b, _ := os.ReadFile(s.logs.Name())
			s.t.Logf("the children said at last:\n%s", b[max(0, len(b)-8000):])
		}
	})
	s.begin()
	for i, e := range events {
		s.t.Logf("event %d of %d: %s", i+1, len(events), e.name)
		e.run(s)
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

func (s *storm) begin() {
	s.reader = s.start("collect")
	for range workersAlive {
		s.workers = append(s.workers, s.start("enrich"))
	}
	s.more()
	s.eventually(s.sent, "SELECT count() AS n FROM earshot.posts", "the first posts are stored before the storm begins")
}

// more feeds a chunk of posts, a few broken records among them.
func (s *storm) more() {
	broken := 1 + s.rng.IntN(5)
	s.give(s.feed(s.chunk), broken)
	s.sent += broken
	s.broken += broken
}

// event is one blow.
type event struct {
	name string
	run  func(s *storm)
}

// blows are all kinds of blow: each crash point, and what befalls processes.
func blows() []event {
	all := []event{
		crashWorker(pipeline.CrashFetched), crashWorker(pipeline.CrashPendingCommitted),
		crashWorker(pipeline.CrashLedgerInserted), crashWorker(pipeline.CrashDerivedInserted),
		crashWorker(pipeline.CrashDeadLetterAcked), crashWorker(pipeline.CrashCommitted),
		{"a collector crashes at cursor-saved", crashCollector},
		{"a collector is killed", killCollector},
		{"a worker sleeps past its session", sleeper},
		{"ClickHouse is killed", killClickHouse},
		{"a token is left without rows", lostRows},
		{"a worker is killed", killWorker},
	}
	if os.Getenv(unfencedVar) != "" { // nobody passes these points then
		all = slices.DeleteFunc(all, func(e event) bool { return strings.Contains(e.name, "pending") || strings.Contains(e.name, "token") })
	}
	return all
}

// plan draws n events: each of the given at least once, the rest by chance, in an order
// by chance.
func (s *storm) plan(all []event, n int) []event {
	events := slices.Clone(all)
	for len(events) < n {
		events = append(events, all[s.rng.IntN(len(all))])
	}
	s.rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}

func crashWorker(point pipeline.CrashPoint) event {
	return event{fmt.Sprintf("a worker crashes at %s", point), func(s *storm) {
		i := s.rng.IntN(len(s.workers))
		s.arm(s.workers[i], point)
		s.more()
		for deadline := time.Now().Add(patience); s.workers[i].alive() && time.Now().Before(deadline); {
			select { // the point may lie on the way of another worker: go on feeding
			case <-s.workers[i].dead:
			case <-time.After(5 * time.Second):
				s.more()
			}
		}
		s.awaitDeath(s.workers[i], "armed at "+string(point))
		s.workers[i] = s.start("enrich")
	}}
}

func crashCollector(s *storm) {
	s.arm(s.reader, pipeline.CrashCursorSaved)
	s.more()
	s.awaitDeath(s.reader, "armed at cursor-saved")
	s.reader = s.start("collect")
}

// pause waits a moment of chance, so that a blow falls in the middle of the work.
func (s *storm) pause() { time.Sleep(time.Duration(s.rng.IntN(700)) * time.Millisecond) }

func killCollector(s *storm) {
	s.more()
	s.pause()
	s.kill(s.reader)
	s.reader = s.start("collect")
}

func killWorker(s *storm) {
	s.more()
	s.pause()
	i := s.rng.IntN(len(s.workers))
	s.kill(s.workers[i])
	s.workers[i] = s.start("enrich")
}

// sleeper freezes a worker until others have taken its partitions, then wakes it.
func sleeper(s *storm) {
	s.more()
	s.pause()
	w := s.workers[s.rng.IntN(len(s.workers))]
	w.signal(syscall.SIGSTOP)
	s.more()
	time.Sleep(childSession + 4*time.Second)
	w.signal(syscall.SIGCONT)
}

func killClickHouse(s *storm) {
	s.more()
	s.pause()
	s.count("SELECT toUInt64(1) AS n") // it may still be coming back from the blow before
	require.NoError(s.t, syscall.Kill(s.server.PID(), syscall.SIGKILL))
	s.more()
}

// lostRows plays the crash of ClickHouse between the deduplication log and the rename
// of a part: the token stands, its rows do not. One worker is alone, dies after its
// insert, and the rows of all pending ranges are taken away.
func lostRows(s *storm) {
	for _, w := range s.workers[1:] {
		w.signal(syscall.SIGTERM)
	}
	for _, w := range s.workers[1:] {
		s.awaitDeath(w, "SIGTERM")
	}
	s.arm(s.workers[0], pipeline.CrashLedgerInserted)
	s.more()
	s.awaitDeath(s.workers[0], "armed at ledger-inserted")
	for partition, span := range s.pendingRanges() {
		require.NoError(s.t, s.db.Exec(s.ctx, fmt.Sprintf(
			"ALTER TABLE earshot.posts DELETE WHERE partition = %d AND offset BETWEEN %d AND %d SETTINGS mutations_sync = 2",
			partition, span[0], span[1])))
	}
	for i := range s.workers {
		s.workers[i] = s.start("enrich")
	}
}
