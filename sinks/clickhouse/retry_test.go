package clickhouse

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// history is a batch in which everything depends on what was before it.
func history(seen pipeline.Time) []pipeline.Record {
	claims := func(r pipeline.Record, created, seen pipeline.Time) pipeline.Record {
		r.Post.CreatedAt, r.Post.SeenAt = created, seen
		return r
	}
	account := says(pipeline.OpDelete, "author-of-p4")
	account.Post.Scope = pipeline.ScopeAccount
	return []pipeline.Record{
		says(pipeline.OpUpdate, "p1", "Bolt"), // takes One away
		says(pipeline.OpDelete, "p2"),
		account, // takes p4 away
		claims(says(pipeline.OpCreate, "p5", "Acme"), 1, seen+3*hour),
		claims(says(pipeline.OpCreate, "p5", "Acme"), 1, seen+5*hour), // seen again: its time is frozen
		says(pipeline.OpCreate, "p6", "Acme"),
		says(pipeline.OpUpdate, "p6", "Bolt"),
		says(pipeline.OpDelete, "p6"),
		says(pipeline.OpCreate, "p6", "Acme"),
		// Changed before it was seen first, then seen with an older time of ours.
		claims(says(pipeline.OpUpdate, "p7", "Acme"), 1, seen+9*hour),
		claims(says(pipeline.OpCreate, "p7"), seen-30*hour, seen+2*hour),
		claims(says(pipeline.OpUpdate, "p7", "Acme", "Core"), 1, seen+10*hour),
		claims(says(pipeline.OpUpdate, "p8", "Acme"), 1, seen+9*hour),
		claims(says(pipeline.OpCreate, "p8"), seen-30*hour, seen+2*hour),
		says(pipeline.OpUpdate, "p3", "it's \\ odd\n\t\x00"),
	}
}

// stories are what must not depend on how often a batch was tried.
var stories = []string{ //nolint:gochecknoglobals // constant
	"SELECT offset, id, event_time FROM posts ORDER BY offset",
	"SELECT brand, hour, id, event_time, version FROM mentions FINAL ORDER BY ALL",
	"SELECT brand, id, event_time FROM mentions_current ORDER BY ALL",
	rolledHours, rolledMinutes,
}

func tell(t *testing.T, db *DB) []string {
	t.Helper()
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
	assert.Equal(t, answer(t, db, rawHours), answer(t, db, rolledHours))
	assert.Equal(t, answer(t, db, rawMinutes), answer(t, db, rolledMinutes))
	out := make([]string, 0, len(stories))
	for _, q := range stories {
		out = append(out, answer(t, db, q))
	}
	return out
}

// TestRetryTellsTheSame breaks a batch off before each of its tables, lets totals and
// merges run in between, and retries it: all must be as if nothing had happened.
func TestRetryTellsTheSame(t *testing.T) {
	past := func() *pipeline.Batch {
		// Brands of their own: nothing else marks their hours.
		return script(0, says(pipeline.OpCreate, "p1", "One"), says(pipeline.OpCreate, "p2", "Two"), says(pipeline.OpCreate, "p3", "Three"), says(pipeline.OpCreate, "p4", "Four"))
	}
	seen := past().Records[0].Post.SeenAt
	reference := fresh(t)
	l := openLedger(t, reference)
	for _, b := range []*pipeline.Batch{past(), script(4, history(seen)...)} {
		_, err := l.Write(t.Context(), b)
		require.NoError(t, err)
	}
	want := tell(t, reference)
	assert.NotContains(t, want[2], "p4")
	assert.Equal(t, 1, strings.Count(want[2], "p5"))
	for _, table := range []string{"mentions", "tombstones", "interactions", "authors", "dirty"} {
		t.Run(table, func(t *testing.T) {
			db := fresh(t)
			l := openLedger(t, db)
			_, err := l.Write(t.Context(), past())
			require.NoError(t, err)
			require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
			b := script(4, history(seen)...)
			b.Records[0].Post.ParentID = "p0"                                // a row for interactions
			b.Records[0].Post.Author = pipeline.Author{ID: "a", Handle: "a"} // and one for authors
			for range 2 {
				require.NoError(t, db.Exec(t.Context(), "RENAME TABLE "+table+" TO away"))
				_, err = l.Write(t.Context(), b)
				require.Error(t, err)
				require.NoError(t, db.Exec(t.Context(), "RENAME TABLE away TO "+table))
				require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
				require.NoError(t, db.Exec(t.Context(), "OPTIMIZE TABLE mentions FINAL"))
				b.Retry = true
			}
			_, err = l.Write(t.Context(), b)
			require.NoError(t, err)
			assert.Equal(t, want, tell(t, db))
			// Offsets were reset: another cut over the same records changes nothing.
			all := script(0, append(past().Records, b.Records...)...)
			all.Replayed = true
			_, err = l.Write(t.Context(), all)
			require.NoError(t, err)
			assert.Equal(t, want, tell(t, db))
		})
	}
}

// TestClockSetBack: totals computed under a clock that was ahead must not hide newer ones.
func TestClockSetBack(t *testing.T) {
	db := fresh(t)
	l, r := openLedger(t, db), OpenRollups(db, zerolog.Nop())
	_, err := l.Write(t.Context(), script(0, says(pipeline.OpCreate, "p1", "Acme")))
	require.NoError(t, err)
	require.NoError(t, r.Drain(t.Context()))
	const ahead = "SELECT * REPLACE (0 AS mentions, computed + 2000000000 AS computed) FROM "
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO rollup_hour "+ahead+"rollup_hour"))
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO rollup_minute "+ahead+"rollup_minute"))
	_, err = l.Write(t.Context(), script(1, says(pipeline.OpCreate, "p2", "Acme")))
	require.NoError(t, err)
	require.NoError(t, r.Drain(t.Context()))
	assert.Equal(t, "2", answer(t, db, "SELECT sum(mentions) FROM mentions_hour"))
	assert.Equal(t, "2", answer(t, db, "SELECT sum(mentions) FROM mentions_minute"))
}
