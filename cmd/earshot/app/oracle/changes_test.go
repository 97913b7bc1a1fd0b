package oracle

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// staleVar plants a fault: updates are stored as creates, so that a brand that an edit no
// longer names stays. The storm must then fail.
const staleVar = "EARSHOT_STORM_STALE"

// TestStormOfChanges is the storm with everything that changes what is stored already:
// edits, deletes of posts and accounts, requests to be forgotten, words that are erased,
// threads that come in any order, counts, brands that are added, changed and paused in
// mid-stream, and replays of the archive. A model computes every number of every view from what was fed.
func TestStormOfChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("a storm takes minutes")
	}
	t.Parallel()
	w := newWorld(seedOf(t))
	st := &storm{stage: newStage(t), tally: w.tally, feed: w.feed, chunk: number(t, chunkVar, 2_500)}
	changes := []event{
		{"brands change", func(s *storm) { s.changeBrands(w) }},
		{"the archive is replayed while posts flow", func(s *storm) { s.replayMeanwhile(w) }},
		{"words are erased", func(s *storm) { s.more(); s.pause(); s.eraseWords() }},
		{"somebody asks to be forgotten", func(s *storm) { s.forget(w) }},
		crashWorker(pipeline.CrashPendingCommitted), crashWorker(pipeline.CrashLedgerInserted), crashWorker(pipeline.CrashDerivedInserted),
		{"a collector is killed", killCollector},
		{"a worker sleeps past its session", sleeper},
		{"ClickHouse is killed", killClickHouse},
		{"a token is left without rows", lostRows},
	}
	st.play(st.plan(changes, number(t, eventsVar, len(changes))))
	st.verify()
	st.verifyWorld(w)
	st.verifyErased()
	st.verifyTotals()
	st.verifyWorld(w)
	st.verifyReplays(w)
	st.replay("again")
	again := w.replayed()
	agree(t, "a replay", again, st.pairs("SELECT concat(brand, ' ', id) AS k, text AS v FROM earshot.mentions_current WHERE label_set = 'again'"))
	assert.Equal(t, len(again), st.count("SELECT sum(mentions) AS n FROM earshot.mentions_hour WHERE label_set = 'again'"), "totals of the replay")
}

// stale makes creates of updates.
type stale struct{ pipeline.Sink }

func (s stale) Write(ctx context.Context, b *pipeline.Batch) ([]pipeline.Reject, error) {
	for i := range b.Records {
		if b.Records[i].Post.Op == pipeline.OpUpdate {
			b.Records[i].Post.Op = pipeline.OpCreate
		}
	}
	return s.Sink.Write(ctx, b)
}

// settings are those of the children, for commands beside them.
func (s *stage) settings() (*app.Config, *app.Console) {
	content, err := os.ReadFile(s.config())
	require.NoError(s.t, err)
	cfg, err := app.LoadConfig("storm", content, nil)
	require.NoError(s.t, err)
	console, err := app.NewConsole(cfg.Log, s.logs, s.logs)
	require.NoError(s.t, err)
	return cfg, console
}

// replay labels the archive anew, as the command does; what an outage stops goes on.
func (s *stage) replay(labels string) {
	cfg, console := s.settings()
	s.insist(func() error { return app.RunReplay(s.ctx, cfg, console, app.Replay{LabelSet: labels}) })
}

// replayMeanwhile replays the archive into a set of its own while posts flow, and keeps
// what it must find: all that was stored before it began.
func (s *storm) replayMeanwhile(w *world) {
	s.rest()
	set := fmt.Sprintf("meanwhile-%d", len(w.replays)+1)
	w.replays[set] = w.replayed()
	s.more()
	s.replay(set)
	s.more()
}

// insist tries until it works, as long as trying again may help.
func (s *stage) insist(try func() error) {
	s.t.Helper()
	err := try()
	for deadline := time.Now().Add(patience); err != nil && clickhouse.Retryable(err) && time.Now().Before(deadline); err = try() {
		time.Sleep(200 * time.Millisecond)
	}
	require.NoError(s.t, err)
}

// forget deletes an account by request, past Kafka, as `earshot forget` does.
func (s *storm) forget(w *world) {
	s.more()
	author := w.recent[w.rng.IntN(len(w.recent))].author
	w.gone[author] = true
	s.insist(func() error {
		return s.db.In(pipeline.LiveStream().Database).Forget(s.ctx, pipeline.ScopeAccount, "storm", author, pipeline.At(time.Now()))
	})
	s.more()
}

// changeBrands changes the brands one after another, as the command does, while posts
// flow. What the words concerned mean is not certain until all workers have taken the
// change up, so nobody says them meanwhile.
func (s *storm) changeBrands(w *world) {
	if _, done := w.brands["Fenwick"]; done {
		s.more()
		return
	}
	s.rest() // what was said before is judged by the brands of then
	changing, paused := brandNames[3], brandNames[2]
	w.between = true
	w.words = brandNames[:2]
	s.change(app.BrandChange{Verb: "add", Name: "Fenwick", Query: "fenwick"})
	s.change(app.BrandChange{Verb: "set", Name: changing, Query: strings.ToLower(changing) + " OR ostrix"})
	s.change(app.BrandChange{Verb: "pause", Name: paused})
	w.brands["Fenwick"] = says("fenwick")
	w.brands[changing] = says(strings.ToLower(changing), "ostrix")
	delete(w.brands, paused)
	w.words, w.between = []string{brandNames[0], "fenwick", "ostrix", paused, changing, brandNames[1]}, false
	s.more()
}

// change publishes one change and waits until every worker has taken it up.
func (s *storm) change(c app.BrandChange) {
	const taken = "brands have changed"
	before := make([]int, len(s.workers))
	for i := range s.workers {
		require.Eventually(s.t, func() bool { return strings.Contains(s.workers[i].out.String(), "earshot runs") }, patience, 50*time.Millisecond)
		before[i] = strings.Count(s.workers[i].out.String(), taken)
	}
	cfg, console := s.settings()
	require.NoError(s.t, app.ChangeBrand(s.ctx, cfg, console, c))
	s.give(s.feed(s.chunk/3), 0)
	for i, p := range s.workers {
		require.Eventually(s.t, func() bool { return strings.Count(p.out.String(), taken) > before[i] }, patience, 50*time.Millisecond,
			"worker %d has not heard that brands changed", i)
	}
}
