package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// rawHours and rolledHours must always be equal once nothing is dirty.
const (
	rawHours = `SELECT label_set, brand, hour, platform, kind, label, count() AS n, sum(reach) AS r, sum(engagement) AS e, uniqExact(author_id) AS a
		FROM (SELECT *, if(toward_label != '', toward_label, sentiment_label) AS label FROM mentions_current)
		GROUP BY ALL ORDER BY ALL`
	rolledHours = `SELECT label_set, brand, hour, platform, kind, label, sum(mentions) AS n, sum(h.reach) AS r, sum(h.engagement) AS e, uniqCombinedMerge(12)(authors) AS a
		FROM mentions_hour AS h GROUP BY label_set, brand, hour, platform, kind, label ORDER BY ALL`
	rawMinutes    = "SELECT brand, toStartOfMinute(toDateTime(event_time, 'UTC')) AS minute, count() FROM mentions_current GROUP BY ALL ORDER BY ALL"
	rolledMinutes = "SELECT brand, minute, sum(mentions) FROM mentions_minute GROUP BY ALL ORDER BY ALL"
)

var errStopped = errors.New("stopped by the test")

// TestRollupsEqualRawRows writes, changes and deletes at random while two owners total
// at once and are stopped between their steps.
func TestRollupsEqualRawRows(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 1))

	ctx, cancel := context.WithCancel(t.Context())
	var owners sync.WaitGroup
	for n := range 2 {
		own := rand.New(rand.NewPCG(seed, uint64(n)+2))
		r := OpenRollups(db, zerolog.Nop())
		r.between = func(string) error {
			if own.IntN(6) == 0 {
				return errStopped
			}
			return nil
		}
		owners.Go(func() {
			for ctx.Err() == nil {
				if err := r.Drain(ctx); err != nil && ctx.Err() == nil {
					assert.ErrorIs(t, err, errStopped)
				}
			}
		})
	}
	offset := int64(0)
	for range 15 {
		var records []pipeline.Record
		for range 10 + rng.IntN(40) {
			records = append(records, randomRecord(rng))
		}
		b := script(offset, records...)
		_, err := l.Write(ctx, b)
		require.NoError(t, err)
		if rng.IntN(3) == 0 {
			b.Retry = true
			_, err = l.Write(ctx, b)
			require.NoError(t, err)
		}
		offset += int64(len(records))
	}
	cancel()
	owners.Wait()

	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
	require.NotEmpty(t, answer(t, db, rawHours))
	assert.Equal(t, answer(t, db, rawHours), answer(t, db, rolledHours))
	assert.Equal(t, answer(t, db, rawMinutes), answer(t, db, rolledMinutes))
	assert.Equal(t, "0", answer(t, db, "SELECT count() FROM dirty FINAL WHERE done = 0"))
	assert.NotEqual(t, "0", answer(t, db, "SELECT count() FROM rollup_hour FINAL WHERE mentions = 0"), "some combination should have vanished")
	assert.Equal(t, answer(t, db, "SELECT count() FROM mentions_current"), answer(t, db, "SELECT uniqExact(label_set, brand, platform, id) FROM mentions_current"))
}

// TestAnEmptyBucketIsSeenToBeComputed: one owner reads the only mention of an hour, is slow,
// and writes; another one meanwhile found the hour empty. The first must see that, although
// there was nothing for the second to write.
func TestAnEmptyBucketIsSeenToBeComputed(t *testing.T) {
	db := fresh(t)
	slow, quick := OpenRollups(db, zerolog.Nop()), OpenRollups(db, zerolog.Nop())
	read, err := slow.serverTime(t.Context())
	require.NoError(t, err)
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO dirty (label_set, brand, hour, mark) VALUES ('live', 'Acme', 1577836800, 1)"))
	require.NoError(t, quick.Drain(t.Context()))
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO rollup_hour (label_set, brand, hour, platform, mentions, computed) VALUES ('live', 'Acme', 1577836800, 'blog', 1, "+
		strconv.FormatUint(read, 10)+")"))
	assert.Equal(t, "1", answer(t, db, "SELECT sum(mentions) FROM mentions_hour"))

	mine := mark{LabelSet: "live", Brand: "Acme", Hour: time.Unix(1577836800, 0)}
	require.NoError(t, slow.lookAgain(t.Context(), map[string]string{"buckets": keysOf([]mark{mine}), "version": strconv.FormatUint(read, 10)}))
	require.NoError(t, slow.Drain(t.Context()))
	assert.Equal(t, "0", answer(t, db, "SELECT count() FROM mentions_hour"))
}

// randomRecord is one of a few posts by few authors, so that updates and deletes hit.
func randomRecord(rng *rand.Rand) pipeline.Record {
	id := fmt.Sprintf("p%d", rng.IntN(200))
	brands := []string{"Acme", "Bolt", "Core"}
	var named []string
	for _, b := range brands {
		if rng.IntN(2) == 0 {
			named = append(named, b)
		}
	}
	r := says(pipeline.OpCreate, id, named...)
	r.Post.Author.ID = fmt.Sprintf("a%d", rng.IntN(20))
	r.Post.Author.Followers = rng.Int64N(100)
	r.Language.Code = fmt.Sprintf("l%d", rng.IntN(40))
	switch rng.IntN(10) {
	case 0:
		r = says(pipeline.OpDelete, id)
	case 1:
		if rng.IntN(10) == 0 {
			r = says(pipeline.OpDelete, r.Post.Author.ID)
			r.Post.Scope = pipeline.ScopeAccount
		}
	case 2, 3, 4:
		r.Post.Op = pipeline.OpUpdate
	case 5:
		r = says(pipeline.OpMetrics, id)
		r.Post.Metrics.Likes = rng.Int64N(50)
	}
	for i := range r.Mentions {
		r.Mentions[i].Sentiment.Label = []pipeline.Polarity{pipeline.Negative, pipeline.Neutral, pipeline.Positive, ""}[rng.IntN(4)]
	}
	return r
}

func TestWatermark(t *testing.T) {
	db := fresh(t)
	l, r := openLedger(t, db), OpenRollups(db, zerolog.Nop())
	before, err := r.Watermark(t.Context())
	require.NoError(t, err)
	_, err = l.Write(t.Context(), script(0, says(pipeline.OpCreate, "p1", "Acme")))
	require.NoError(t, err)
	held, err := r.Watermark(t.Context())
	require.NoError(t, err)
	assert.False(t, held.Before(before))
	again, err := r.Watermark(t.Context())
	require.NoError(t, err)
	assert.Equal(t, held, again, "an open mark holds the watermark")
	require.NoError(t, r.Drain(t.Context()))
	after, err := r.Watermark(t.Context())
	require.NoError(t, err)
	assert.True(t, after.After(held))
}
