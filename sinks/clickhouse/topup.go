package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"earshot/pipeline"
)

// missing asks the ledger which records of the batch it lacks, by index.
func (l *Ledger) missing(ctx context.Context, b *pipeline.Batch) (map[int]bool, error) {
	// A row stands on the day of seen_at, and a record that was dead then and is not now
	// (or the other way round) may stand on the day of its Kafka record.
	first, last := seenAt(&b.Records[0]), seenAt(&b.Records[0])
	for i := range b.Records {
		seen, written := seenAt(&b.Records[i]), b.Records[i].Position.Time
		first, last = min(first, seen, written), max(last, seen, written)
	}
	var rows []struct {
		Offset int64  `ch:"offset"`
		N      uint64 `ch:"n"`
	}
	query := "SELECT offset, count() AS n FROM " + l.db.table("posts") + " WHERE " + ofBatch + " AND offset <= {last:Int64}" +
		" AND seen_at BETWEEN fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND fromUnixTimestamp64Milli({to:Int64}, 'UTC') GROUP BY offset"
	args := append(batchParameters(b), Named("last", strconv.FormatInt(b.Last, 10)),
		Named("from", strconv.FormatInt(int64(clamp(first)), 10)), Named("to", strconv.FormatInt(int64(clamp(last)), 10)))
	if err := l.db.Select(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	stored := make(map[int64]uint64, len(rows))
	double := 0
	for _, row := range rows {
		stored[row.Offset] = row.N
		if row.N > 1 {
			double++
		}
	}
	if double > 0 {
		l.log.Error().Str("token", b.Token).Int("offsets", double).Msg("clickhouse: records stand twice in the ledger")
	}
	missing := map[int]bool{}
	for i := range b.Records {
		if stored[b.Records[i].Position.Offset] == 0 {
			missing[i] = true
		}
	}
	return missing, nil
}

// topUps bounds how often rows are inserted that the server acknowledged and lacks.
const topUps = 64

// topUp inserts exactly the missing records.
//
// They go a day at a time, because a day is one part, which the server stores whole or
// not at all: so everybody who asks finds of a day either all of these records missing or
// none, and an insert of the same records by somebody else, whom we cannot see, bears the
// same token. A token that is acknowledged while its rows are not there has lost them
// (the server died, or retention came between); the next attempt has another token.
func (l *Ledger) topUp(ctx context.Context, b *pipeline.Batch, missing map[int]bool, found *resolution, buffers *blocks) error {
	for attempt := range topUps {
		for _, part := range byDay(b.Records, missing) {
			token := topUpToken(b.Token, b.Records, part, attempt)
			if err := l.insertPosts(ctx, b, part, token, b.Pending, found, buffers); err != nil {
				return err
			}
		}
		var err error
		if missing, err = l.missing(ctx, b); err != nil || len(missing) == 0 {
			return err
		}
	}
	return fmt.Errorf("%w: %d of %d of %s", ErrIncomplete, len(missing), len(b.Records), b.Token)
}

// byDay parts records by the day of the ledger in which they stand.
func byDay(records []pipeline.Record, missing map[int]bool) []map[int]bool {
	const day = 24 * hour
	days := map[pipeline.Time]map[int]bool{}
	for i := range missing {
		at := clamp(seenAt(&records[i]))
		at -= ((at % day) + day) % day
		if days[at] == nil {
			days[at] = map[int]bool{}
		}
		days[at][i] = true
	}
	out := make([]map[int]bool, 0, len(days))
	for _, at := range slices.Sorted(maps.Keys(days)) {
		out = append(out, days[at])
	}
	return out
}

// topUpToken names an insert of exactly these missing records.
func topUpToken(token string, records []pipeline.Record, missing map[int]bool, attempt int) string {
	var b strings.Builder
	for i := range records {
		if missing[i] {
			b.WriteString(strconv.FormatInt(records[i].Position.Offset, 10) + ",")
		}
	}
	h := sha256.Sum256([]byte(b.String()))
	return token + "+" + hex.EncodeToString(h[:8]) + "." + strconv.Itoa(attempt)
}
