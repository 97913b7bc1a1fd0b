package clickhouse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// words is an enrichment for tests: a brand is named by its name in lower case.
type words struct {
	version string
	brands  []string
}

func (w words) Version() string { return w.version + " " + strings.Join(w.brands, ",") }

func (w words) Enrich(r *pipeline.Record) error {
	for _, b := range w.brands {
		if at := strings.Index(r.Post.Text, strings.ToLower(b)); at >= 0 {
			r.Mentions = append(r.Mentions, pipeline.Mention{
				Brand: b, QueryVersion: w.version, Via: pipeline.ViaText, Spans: []pipeline.Span{{Field: "text", Begin: at, End: at + len(b)}},
				Sentiment: pipeline.Sentiment{Label: pipeline.Positive, Score: float32(len(r.Post.Text)%7) / 7},
			})
		}
	}
	return nil
}

// spoken is a random record whose mentions are those of the chain.
func spoken(t *testing.T, rng *rand.Rand, chain pipeline.Enricher) pipeline.Record {
	t.Helper()
	r := randomRecord(rng)
	var text []string
	for _, m := range r.Mentions {
		text = append(text, strings.ToLower(m.Brand))
	}
	r.Language = pipeline.Language{}
	if r.Post.Scope != pipeline.ScopeAccount { // a post stays its author's
		r.Post.Author.ID = "a" + r.Post.ID[len(r.Post.ID)-1:]
	}
	r.Mentions, r.Post.Text = nil, strings.Join(append(text, strings.Repeat("x", rng.IntN(9))), " ")
	r.Post.Author.Handle, r.Post.Hashtags, r.Post.Metrics.Likes = "h", []string{"a", "b"}, rng.Int64N(9)
	claim := pipeline.Time(0)
	for _, c := range r.Post.ID { // a post claims one time for ever
		claim = claim*31 + pipeline.Time(c)
	}
	switch claim % 3 {
	case 0: // its event time is what it claims
		r.Post.CreatedAt = 1769990000000 + claim*977%1e8
	case 1: // nobody can believe this one
		r.Post.CreatedAt = 32472144000000 + claim%1e8
	}
	if r.Post.Op == pipeline.OpUpdate && r.Post.CreatedAt.Known() {
		r.Post.EditedAt = r.Post.CreatedAt + pipeline.Time(rng.IntN(1e6))
	}
	if r.Post.Op == pipeline.OpCreate || r.Post.Op == pipeline.OpUpdate {
		require.NoError(t, chain.Enrich(&r))
	}
	return r
}

// standingIn lists the mentions of a label set that count, with all that is known of them.
func standingIn(t *testing.T, db *DB, set string) string {
	t.Helper()
	return answer(t, db, "SELECT * EXCEPT (label_set) FROM mentions_current WHERE label_set = '"+set+"' ORDER BY brand, hour, platform, id")
}

func same(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		require.Equal(t, w[i], g[i], "row %d", i)
	}
	require.Len(t, g, len(w))
}

// TestReplayEqualsTheStream: whatever the stream has stored (edits, deletes, repeated
// posts, times that nobody can believe), the same brands over the archive give the same
// mentions and totals.
func TestReplayEqualsTheStream(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	db := fresh(t)
	l, chain := openLedger(t, db), words{"v1", []string{"Acme", "Bolt", "Core"}}
	write(t, l, rng, chain, 0, 10)
	r := &Replayer{DB: db, Chain: chain, Log: zerolog.Nop(), Parallel: 2, Rows: 37}
	job := &Replay{Name: "again", Kind: KindReplay, LabelSet: "again"}
	require.NoError(t, r.Run(t.Context(), job))
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))

	want := standingIn(t, db, "live")
	require.NotEmpty(t, want)
	same(t, want, standingIn(t, db, "again"))
	totals := "SELECT * EXCEPT (label_set, authors), uniqCombinedMerge(12)(authors) FROM mentions_hour WHERE label_set = '%s' GROUP BY ALL ORDER BY ALL"
	assert.Equal(t, answer(t, db, fmt.Sprintf(totals, "live")), answer(t, db, fmt.Sprintf(totals, "again")))
	assert.Equal(t, ReplayDone, job.State)
	assert.Equal(t, lastPass, job.Pass)

	// A range holds what was said within it, and nothing else.
	var middle []struct {
		At uint64 `ch:"at"`
	}
	require.NoError(t, db.Select(t.Context(), &middle, "SELECT toUInt64(toUnixTimestamp64Milli(quantileExact(0.5)(event_time))) AS at FROM "+db.table("mentions_current")))
	at := pipeline.Time(middle[0].At)
	require.NoError(t, r.Run(t.Context(), &Replay{Name: "early", Kind: KindReplay, LabelSet: "early", To: at}))
	require.NoError(t, r.Run(t.Context(), &Replay{Name: "late", Kind: KindReplay, LabelSet: "late", From: at}))
	assert.Equal(t, answer(t, db, "SELECT count() FROM mentions_current WHERE label_set = 'live'"), answer(t, db, "SELECT count() FROM mentions_current WHERE label_set IN ('early', 'late')"))
	assert.Equal(t, "0", answer(t, db, fmt.Sprintf("SELECT count() FROM mentions_current WHERE (label_set = 'early') = (event_time >= fromUnixTimestamp64Milli(%d)) AND label_set IN ('early', 'late')", at)))
}

// write lets the stream store batches of random records.
func write(t *testing.T, l *Ledger, rng *rand.Rand, chain pipeline.Enricher, offset int64, batches int) int64 {
	t.Helper()
	for range batches {
		var records []pipeline.Record
		for range 10 + rng.IntN(40) {
			records = append(records, spoken(t, rng, chain))
		}
		_, err := l.Write(t.Context(), script(offset, records...))
		require.NoError(t, err)
		offset += int64(len(records))
	}
	return offset
}

// TestReplayGoesOnAfterAnyKill: killed between any two steps and begun again, while the
// stream edits and deletes, it ends with the same rows as the stream itself.
func TestReplayGoesOnAfterAnyKill(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	db := fresh(t)
	l, chain := openLedger(t, db), words{"v1", []string{"Acme", "Bolt", "Core"}}
	next := write(t, l, rng, chain, 0, 5)
	kills, caught := 0, 0
	r := &Replayer{DB: db, Chain: chain, Log: zerolog.Nop(), Rows: 40}
	r.between = func(step string) error {
		if step == "saved" && caught == 0 && rng.IntN(3) == 0 { // the stream goes on between two pages
			next = write(t, l, rng, chain, next, 1)
		}
		if kills < 20 && rng.IntN(3) == 0 {
			kills++
			return errStopped
		}
		return nil
	}
	r.Catch = func(context.Context) error {
		caught++
		return nil
	}
	var job *Replay
	for {
		job = &Replay{Name: "killed", Kind: KindReplay, LabelSet: "killed"}
		err := r.Run(t.Context(), job)
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errStopped)
	}
	require.Positive(t, kills)
	require.Positive(t, caught)
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
	same(t, standingIn(t, db, "live"), standingIn(t, db, "killed"))
	assert.Equal(t, answer(t, db, rawHours), answer(t, db, rolledHours))

	// A set that is done stays as it is; other brands cannot be mixed into it.
	before := standingIn(t, db, "killed")
	next = write(t, l, rng, chain, next, 3)
	require.NoError(t, r.Run(t.Context(), &Replay{Name: "killed", Kind: KindReplay, LabelSet: "killed"}))
	after := strings.Split(standingIn(t, db, "killed"), "\n")
	assert.Subset(t, strings.Split(before, "\n"), after, "only deletes reach it")
	other := &Replayer{DB: db, Chain: words{"v2", []string{"Acme"}}, Log: zerolog.Nop()}
	require.ErrorIs(t, other.Run(t.Context(), &Replay{Name: "killed", Kind: KindReplay, LabelSet: "killed"}), ErrOtherLabels)
}
