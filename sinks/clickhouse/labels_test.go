package clickhouse

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// said stores posts with these texts as the chain labels them; a text that begins with an
// id and a colon is an update of that post.
func said(t *testing.T, l *Ledger, chain pipeline.Enricher, first int64, op pipeline.Op, texts map[string]string) {
	t.Helper()
	var records []pipeline.Record
	for id, text := range texts {
		r := says(op, id)
		r.Post.Text = text
		require.NoError(t, chain.Enrich(&r))
		records = append(records, r)
	}
	_, err := l.Write(t.Context(), script(first, records...))
	require.NoError(t, err)
}

func TestDiffOfLabelSets(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	old, next := words{"v1", []string{"Acme", "Bolt"}}, words{"v2", []string{"Acme", "Core"}}
	said(t, l, old, 0, pipeline.OpCreate, map[string]string{"p1": "acme", "p2": "bolt core", "p3": "core acme"})
	require.NoError(t, (&Replayer{DB: db, Chain: next, Log: zerolog.Nop()}).Run(t.Context(), &Replay{Name: "next", Kind: KindReplay, LabelSet: "next"}))
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO mentions SELECT * REPLACE('fr' AS lang) FROM mentions FINAL WHERE label_set = 'next' AND id = 'p1'"))

	all, err := db.Diff(t.Context(), "live", "next", nil, 2)
	require.NoError(t, err)
	require.Len(t, all, 3)
	assert.Equal(t, BrandDiff{Brand: "Acme", Before: 2, After: 2, Changed: 1, Examples: []DiffExample{
		{Brand: "Acme", What: "changed", Platform: "test", ID: "p1", From: "positive -", To: "positive fr", Text: "acme"},
	}}, all[0])
	assert.Equal(t, []any{"Bolt", uint64(1), uint64(0), uint64(1)}, []any{all[1].Brand, all[1].Went, all[1].Came, all[1].Before})
	assert.Equal(t, "went", all[1].Examples[0].What)
	assert.Equal(t, []any{"Core", uint64(2), uint64(0), uint64(2)}, []any{all[2].Brand, all[2].Came, all[2].Went, all[2].After})
	some, err := db.Diff(t.Context(), "live", "next", []string{"Acme"}, 0)
	require.NoError(t, err)
	assert.Len(t, some, 1)
	_, err = db.Diff(t.Context(), "live", "nothing", nil, 0)
	require.ErrorIs(t, err, ErrLabelSet)

	sets, err := db.LabelSets(t.Context())
	require.NoError(t, err)
	require.Len(t, sets, 2)
	assert.Equal(t, []any{"live", uint64(3), "", "next", uint64(4), "done"},
		[]any{sets[0].Name, sets[0].Mentions, sets[0].State, sets[1].Name, sets[1].Mentions, sets[1].State})
}

func TestDropLabels(t *testing.T) {
	db := fresh(t)
	l, chain := openLedger(t, db), words{"v1", []string{"Acme"}}
	said(t, l, chain, 0, pipeline.OpCreate, map[string]string{"p1": "acme", "p2": "acme"})
	job := func() *Replay { return &Replay{Name: "again", Kind: KindReplay, LabelSet: "again"} }
	require.NoError(t, (&Replayer{DB: db, Chain: chain, Log: zerolog.Nop()}).Run(t.Context(), job()))
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
	require.Equal(t, "4", answer(t, db, "SELECT sum(mentions) FROM mentions_hour"))

	require.ErrorIs(t, db.DropLabels(t.Context(), "live"), ErrLabelSet)
	for range 2 {
		require.NoError(t, db.DropLabels(t.Context(), "again"))
		require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
		for _, table := range []string{"mentions", "rollup_hour", "rollup_minute", "dirty"} {
			assert.Equal(t, "0", answer(t, db, "SELECT count() FROM "+table+" WHERE label_set = 'again'"), table)
		}
	}
	assert.Equal(t, "2", answer(t, db, "SELECT sum(mentions) FROM mentions_hour"))
	// The name is free again, also for other labels.
	other := words{"v2", []string{"Acme"}}
	require.NoError(t, (&Replayer{DB: db, Chain: other, Log: zerolog.Nop()}).Run(t.Context(), job()))
	assert.Equal(t, "2", answer(t, db, "SELECT count() FROM mentions_current WHERE label_set = 'again' AND query_version = 'v2'"))
}

// TestPromoteLosesAndDoublesNothing: a set of other queries becomes live while the stream
// stores, edits and deletes. In the end live is what the set's queries give for everything
// that was said, each mention once, and totals agree; who reads meanwhile sees the old
// labels or the new ones, never a mixture.
func TestPromoteLosesAndDoublesNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	db := fresh(t)
	l := openLedger(t, db)
	old, next := words{"v1", []string{"Acme", "Bolt"}}, words{"v2", []string{"Acme", "Core"}}
	offset := write(t, l, rng, old, 0, 6)
	r := &Replayer{DB: db, Chain: next, Version: next.Version(), Log: zerolog.Nop()}
	set := &Replay{Name: "next", Kind: KindReplay, LabelSet: "next"}
	require.NoError(t, r.Run(t.Context(), set))
	offset = write(t, l, rng, old, offset, 2) // the set does not know these yet

	p := &Promotion{Replayer: r, Set: set, Brands: []string{"Acme", "Core"}}
	crash := errStopped
	r.between = func(string) error { return crash }
	require.ErrorIs(t, p.Prepare(t.Context()), errStopped)
	r.between = nil
	stored, known, err := db.FindReplay(t.Context(), "next")
	require.NoError(t, err)
	require.True(t, known)
	p.Set = &stored
	require.NoError(t, p.Prepare(t.Context()))
	offset = write(t, l, rng, old, offset, 2) // between the last look and the switch, as the old queries label

	versions := "SELECT arrayStringConcat(arraySort(groupUniqArray(query_version)), ' ') FROM mentions_current WHERE label_set = 'live' AND brand = 'Acme' AND offset < 100"
	require.Equal(t, "v1", answer(t, db, versions))
	seen, stop := map[string]bool{}, make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			seen[answer(t, db, versions)] = true
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	require.NoError(t, p.Switch(t.Context()))
	close(stop)
	reader.Wait()
	for labels := range seen {
		assert.Contains(t, []string{"v1", "v2"}, labels)
	}
	assert.Equal(t, "v2", answer(t, db, versions))
	assert.Equal(t, answer(t, db, "SELECT 0"), answer(t, db, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE 'promotion_%'"))

	offset = write(t, l, rng, old, offset, 1)  // a worker that has not heard of it
	offset = write(t, l, rng, next, offset, 2) // and one that has
	require.NoError(t, p.Settle(t.Context(), map[string]string{"Acme": "v2", "Core": "v2"}))
	write(t, l, rng, next, offset, 2)
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))

	check := &Replayer{DB: db, Chain: next, Log: zerolog.Nop()}
	require.NoError(t, check.Run(t.Context(), &Replay{Name: "check", Kind: KindReplay, LabelSet: "check"}))
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
	ours := "SELECT brand, hour, platform, id, event_time, text, query_version FROM mentions_current WHERE label_set = '%s' AND brand IN ('Acme', 'Core') ORDER BY ALL"
	same(t, answer(t, db, fmt.Sprintf(ours, "check")), answer(t, db, fmt.Sprintf(ours, "live")))
	assert.Equal(t, answer(t, db, rawHours), answer(t, db, rolledHours))
	assert.Equal(t, answer(t, db, "SELECT count() FROM mentions_current"), answer(t, db, "SELECT uniqExact(label_set, brand, hour, platform, id) FROM mentions_current"))
	assert.NotEqual(t, "0", answer(t, db, "SELECT count() FROM mentions_current WHERE label_set = 'live' AND brand = 'Bolt'"), "brands that the set does not know stay")
	assert.Equal(t, ReplayPromoted, p.Set.State)
}
