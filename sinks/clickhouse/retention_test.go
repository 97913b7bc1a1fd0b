package clickhouse

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// TestDaysOfTheArchive: a shorter archive.days takes the words of rows that were stored
// under a longer one; ids, kinds and times stay for edge_days; then the day goes.
func TestDaysOfTheArchive(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	require.NoError(t, ApplyArchive(t.Context(), db, Archive{Days: 5000, EdgeDays: 10000}))
	chain := words{"v1", []string{"Acme", "Bolt"}}
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var records []pipeline.Record
	for i, id := range []string{"d0", "d1", "d2", "d3"} {
		r := says(pipeline.OpCreate, id)
		r.Post.Text, r.Post.SeenAt = "acme bolt", pipeline.At(begin.AddDate(0, 0, i))
		require.NoError(t, chain.Enrich(&r))
		records = append(records, r)
	}
	_, err := l.Write(t.Context(), script(0, records...))
	require.NoError(t, err)

	now := begin.AddDate(0, 0, 3).Add(time.Hour)
	const having = "SELECT arrayStringConcat(arraySort(groupArray(concat(id, ':', text))), ' ') FROM posts"
	for _, c := range []struct {
		archive Archive
		touched []string
		left    string
	}{
		{Archive{Days: 3, EdgeDays: 10}, nil, "d0:acme bolt d1:acme bolt d2:acme bolt d3:acme bolt"}, // the first day's last row is 2.5 days old
		{Archive{Days: 2, EdgeDays: 10}, []string{"20260301"}, "d0: d1:acme bolt d2:acme bolt d3:acme bolt"},
		{Archive{Days: 1, EdgeDays: 2}, []string{"20260301", "20260302"}, "d1: d2:acme bolt d3:acme bolt"},
		{Archive{Days: 1, EdgeDays: 2}, nil, "d1: d2:acme bolt d3:acme bolt"},
	} {
		touched, err := EnforceDays(t.Context(), db, c.archive, now, zerolog.Nop())
		require.NoError(t, err)
		assert.Equal(t, c.touched, touched)
		assert.Equal(t, c.left, answer(t, db, having))
	}

	// What has lost its words keeps the labels that it has: a brand that looks back, a
	// replay and a promotion leave it alone.
	r := &Replayer{DB: db, Chain: words{"v2", []string{"Bolt"}}, Version: "v2", Log: zerolog.Nop()}
	set := &Replay{Name: "next", Kind: KindReplay, LabelSet: "next"}
	require.NoError(t, r.Run(t.Context(), set))
	assert.Equal(t, "d2 d3", answer(t, db, "SELECT arrayStringConcat(arraySort(groupArray(id)), ' ') FROM mentions_current WHERE label_set = 'next'"))
	p := &Promotion{Replayer: r, Set: set, Brands: []string{"Acme", "Bolt"}} // of Acme the set has nothing
	require.NoError(t, p.Prepare(t.Context()))
	require.NoError(t, p.Switch(t.Context()))
	require.NoError(t, p.Settle(t.Context(), map[string]string{"Bolt": "v2"}))
	const live = "SELECT arrayStringConcat(arraySort(groupArray(concat(id, ':', brand, ':', query_version))), ' ') FROM mentions_current WHERE label_set = 'live'"
	want := "d0:Acme:v1 d0:Bolt:v1 d1:Acme:v1 d1:Bolt:v1 d2:Bolt:v2 d3:Bolt:v2"
	assert.Equal(t, want, answer(t, db, live))
	back := &Backfill{
		Replayer: &Replayer{DB: db, Chain: words{"v3", []string{"Bolt"}}, Version: "v3", Log: zerolog.Nop()},
		Jobs:     []*Replay{{Name: "b", Kind: KindBackfill, LabelSet: "live", Brand: "Bolt", QueryVersion: "v3"}},
	}
	require.NoError(t, back.Run(t.Context()))
	assert.Equal(t, strings.ReplaceAll(want, "v2", "v3"), answer(t, db, live))
}
