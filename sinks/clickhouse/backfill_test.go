package clickhouse

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBackfillGoesOnAfterAnyKill: a brand that is new and one that has another query look
// back, killed between any two steps, while the stream edits and deletes, first by workers
// that do not know of the change and then by those that do. In the end live is what a
// replay of everything gives.
func TestBackfillGoesOnAfterAnyKill(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	db := fresh(t)
	l := openLedger(t, db)
	before, now := words{"v1", []string{"Acme", "Bolt"}}, words{"v2", []string{"Acme", "Core"}}
	offset := write(t, l, rng, before, 0, 5)
	require.NoError(t, db.Exec(t.Context(), "ALTER TABLE mentions DELETE WHERE brand = 'Bolt' SETTINGS mutations_sync = 2")) // that brand is another story

	before.brands = before.brands[:1]
	kills, settled := 0, false
	r := &Replayer{DB: db, Chain: now, Version: now.Version(), Log: zerolog.Nop(), Rows: 40}
	r.between = func(step string) error {
		if step == "saved" && !settled && rng.IntN(3) == 0 {
			offset = write(t, l, rng, before, offset, 1) // by the old queries
		}
		if kills < 20 && rng.IntN(3) == 0 {
			kills++
			return errStopped
		}
		return nil
	}
	jobs := func() []*Replay {
		stored, err := db.Replays(t.Context())
		require.NoError(t, err)
		var out []*Replay
		for i := range stored {
			out = append(out, &stored[i])
		}
		if len(out) == 0 {
			for _, brand := range now.brands {
				out = append(out, &Replay{Name: "backfill/" + brand, Kind: KindBackfill, LabelSet: "live", Brand: brand, QueryVersion: "v2"})
			}
		}
		return Together(out)
	}
	for {
		back := &Backfill{Replayer: r, Jobs: jobs(), Settled: func(context.Context) error {
			settled = true
			return nil
		}}
		err := back.Run(t.Context())
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errStopped)
		offset = write(t, l, rng, now, offset, rng.IntN(2))
	}
	require.Positive(t, kills)
	require.True(t, settled)
	assert.Equal(t, "2\t1", answer(t, db, "SELECT count(), min(progress) FROM backfills WHERE state = 'done'"))
	write(t, l, rng, now, offset, 1)

	r.between = nil
	require.NoError(t, r.Run(t.Context(), &Replay{Name: "check", Kind: KindReplay, LabelSet: "check"}))
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
	same(t, standingIn(t, db, "check"), standingIn(t, db, "live"))
	assert.Equal(t, answer(t, db, rawHours), answer(t, db, rolledHours))
	assert.Equal(t, "v2", answer(t, db, "SELECT DISTINCT query_version FROM mentions_current"))
}
