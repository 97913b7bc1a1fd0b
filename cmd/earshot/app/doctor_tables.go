package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// schema reports whether the tables are those of this program.
func (d *doctor) schema(ctx context.Context, db *clickhouse.DB) bool {
	all, err := clickhouse.Migrations()
	if err != nil {
		d.fail("schema", "", "%v", err)
		return false
	}
	pending, err := clickhouse.Pending(ctx, db)
	if answer, ok := errors.AsType[*clickhouse.Error](err); ok && answer.Mend != "" && !answer.Retryable {
		d.ok("schema", "%s has no tables yet; `%s run` makes them", db.Database(), d.cfg.Invocation)
		return false
	}
	switch {
	case err != nil:
		d.fail("schema", "use the program that made these tables, or its successor", "%v", err)
		return false
	case len(pending) > 0:
		d.fail("schema", d.cfg.Invocation+" schema apply", "%s lacks %d of %d migrations, the first is %s", db.Database(), len(pending), len(all), pending[0].Name)
		return false
	}
	d.ok("schema", "%s is at migration %s, the newest", db.Database(), all[len(all)-1].Name)
	return true
}

// erasure says by when words of deleted posts are gone, and looks for some that are late.
func (d *doctor) erasure(ctx context.Context, db *clickhouse.DB) {
	// The schedule runs four times within the time; what came late has until the next run.
	late, err := countOf(ctx, db, "SELECT sum(remaining) FROM ("+db.Overdue(d.cfg.Erase*5/4)+")")
	switch {
	case err != nil:
		d.warn("erasure", "", "words of deleted posts cannot be asked for in %s: %v", db.Database(), err)
	case late > 0:
		d.fail("erasure", "see that a process with the role enrich runs, and what it logs; `"+d.cfg.Invocation+" forget` erases at once",
			"%s rows of %s hold words of posts that were deleted more than %s ago", count(int64(late)), db.Database(), d.cfg.Erase)
	default:
		d.ok("erasure", "%s: words of deleted posts leave the tables within %s, and Kafka within %s", db.Database(), d.cfg.Erase, d.cfg.Kafka.KeptAtMost())
	}
}

// lateFiles is how long files may stay that ClickHouse has replaced, after which an erasure
// is not over: it keeps them for 8 minutes (old_parts_lifetime), and a table at rest looks
// for what to remove at least every 10.
const lateFiles = 30 * time.Minute

// lateTotals is how long a total may wait: a board promises a minute.
const lateTotals = 5 * time.Minute

// contents asks the tables what went wrong lately.
func (d *doctor) contents(ctx context.Context, db *clickhouse.DB, s pipeline.Stream) {
	ask := d.cfg.Invocation + " sql"
	if s.Simulated {
		ask += " --simulated"
	}
	for _, check := range []struct{ query, area, bad, mend string }{
		{"SELECT count() FROM dead_letters FINAL WHERE at > now() - INTERVAL 1 DAY", "dead", "dead letters of the last day in " + db.Database(),
			d.cfg.Invocation + " dead list"},
		{"SELECT count() FROM dirty FINAL WHERE done = 0 AND at < now() - INTERVAL " + seconds(lateTotals) + " SECOND", "totals",
			"totals that wait for more than five minutes in " + db.Database(), "see that a process with the role enrich runs, and what it logs"},
		{"SELECT count() FROM gaps FINAL WHERE at > now() - INTERVAL 1 DAY", "gaps", "gaps that sources reported within a day in " + db.Database(),
			ask + ` "SELECT source, gap_from, gap_to, reason FROM gaps FINAL ORDER BY at DESC LIMIT 20"`},
		{"SELECT count() FROM (SELECT source FROM coverage FINAL WHERE minute > now() - INTERVAL 10 MINUTE GROUP BY source" +
			" HAVING argMax(state, minute) IN ('down', 'limited'))", "sources", "sources that are down or told to wait in " + db.Database(),
			ask + ` "SELECT source, minute, state, reason FROM coverage FINAL ORDER BY minute DESC LIMIT 20"`},
		{"SELECT count() FROM system.parts WHERE database = currentDatabase() AND NOT active AND remove_time < now() - INTERVAL " + seconds(lateFiles) + " SECOND", "erasure",
			"replaced files, which may hold erased words, that ClickHouse keeps for more than half an hour in " + db.Database(),
			"see what still reads them (system.processes) and what the server logs; a restart of ClickHouse removes them"},
		{"SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done AND latest_fail_reason != ''", "clickhouse",
			"mutations that fail in " + db.Database(), ask + ` "SELECT table, command, latest_fail_reason FROM system.mutations WHERE NOT is_done"`},
	} {
		n, err := countOf(ctx, db, check.query)
		switch {
		case err != nil:
			d.warn(check.area, "", "%s cannot be asked: %v", check.bad, err)
		case n > 0:
			d.warn(check.area, check.mend, "%s %s", count(int64(n)), check.bad)
		}
	}
}

// countOf is the answer of a query with one number.
func countOf(ctx context.Context, db *clickhouse.DB, query string) (uint64, error) {
	var answer strings.Builder
	if err := db.Query(ctx, query, "TSV", &answer); err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(answer.String()), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("clickhouse: a count has the answer %q: %w", answer.String(), err)
	}
	return n, nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }
