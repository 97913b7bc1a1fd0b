package clickhouse

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/sinks"
)

func openLedger(t testing.TB, db *DB) *Ledger {
	t.Helper()
	l, err := OpenLedger(t.Context(), db, zerolog.Nop(), nil)
	require.NoError(t, err)
	return l
}

func storedOffsets(t *testing.T, db *DB) []int64 {
	t.Helper()
	var rows []struct {
		Offset int64 `ch:"offset"`
	}
	require.NoError(t, db.Select(t.Context(), &rows, "SELECT offset FROM "+db.table("posts")))
	out := make([]int64, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.Offset)
	}
	return out
}

// TestContract runs the suite of all sinks on the ledger.
func TestContract(t *testing.T) {
	sinks.Contract(t, func(t *testing.T) sinks.Subject {
		db := fresh(t)
		return sinks.Subject{
			Sink:   openLedger(t, db),
			Stored: func(t *testing.T) []int64 { return storedOffsets(t, db) },
			Lose: func(t *testing.T, offsets ...int64) {
				list := strings.Trim(strings.ReplaceAll(fmt.Sprint(offsets), " ", ","), "[]")
				require.NoError(t, db.Exec(t.Context(), "ALTER TABLE posts DELETE WHERE offset IN ("+list+") SETTINGS mutations_sync = 2"))
			},
		}
	})
}

// answer returns the answer of a query in the database as TSV.
func answer(t testing.TB, db *DB, query string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, db.Query(t.Context(), query, "TSV", &b))
	return strings.TrimSpace(b.String())
}

// script makes one batch out of posts, at offsets from first.
func script(first int64, records ...pipeline.Record) *pipeline.Batch {
	b := sinks.NewBatch(first, first+int64(len(records))-1)
	for i := range records {
		records[i].Position = b.Records[i].Position
		if !records[i].Post.SeenAt.Known() {
			records[i].Post.SeenAt = b.Records[i].Post.SeenAt
		}
		b.Records[i] = records[i]
	}
	return b
}

func says(op pipeline.Op, id string, brands ...string) pipeline.Record {
	r := pipeline.Record{Post: pipeline.Post{V: 1, Op: op, Platform: "test", ID: id, Kind: pipeline.KindPost, Text: "x", Author: pipeline.Author{ID: "author-of-" + id}}}
	for _, b := range brands {
		r.Mentions = append(r.Mentions, pipeline.Mention{Brand: b, Via: pipeline.ViaText})
	}
	return r
}

// again is the batch as a worker writes it after a crash.
func again(b *pipeline.Batch) *pipeline.Batch {
	b.Retry = true
	return b
}
