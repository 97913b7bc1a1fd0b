package clickhouse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// Rollups keeps the totals true: it recomputes every bucket (a brand's hour) that the
// ledger marked dirty from deduplicated mentions without what was deleted.
//
// Why this is right although nobody holds a lock: a mark is written after the mentions
// that it speaks of, and a computation is versioned by the server's time taken before it
// reads, so whichever computation of a bucket wins has read everything that was marked
// before. Two owners at once can leave a stale combination only if neither saw the
// other's rows; each looks again after it has written, and one of them finds the other's.
type Rollups struct {
	db    *DB
	log   zerolog.Logger
	every time.Duration
	// between is called between the steps of a pass; tests stop a pass there.
	between func(step string) error
}

// OpenRollups returns the rollups of a database.
func OpenRollups(db *DB, log zerolog.Logger) *Rollups {
	return &Rollups{db: db, log: log, every: 5 * time.Second, between: func(string) error { return nil }}
}

// Run totals dirty buckets every five seconds until ctx ends. One owner at a time is
// cheaper, more are harmless. Failures are logged and tried again.
func (r *Rollups) Run(ctx context.Context) error {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		if err := r.Drain(ctx); err != nil && ctx.Err() == nil {
			r.log.Error().Err(err).Msg("rollups: could not be brought up to date, will try again")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Drain works until no bucket is dirty.
func (r *Rollups) Drain(ctx context.Context) error {
	for {
		n, err := r.pass(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// Watermark is the moment up to which the rollups are true: every mention stored
// before it is in them.
func (r *Rollups) Watermark(ctx context.Context) (time.Time, error) {
	var rows []struct {
		At time.Time `ch:"at"`
	}
	query := "SELECT if(count() = 0, now64(3), min(d.at)) AS at FROM (SELECT at FROM " + r.db.table("dirty") + " FINAL WHERE done = 0) AS d"
	if err := r.db.Select(ctx, &rows, query); err != nil {
		return time.Time{}, err
	}
	return rows[0].At.UTC(), nil
}

// mark is one unprocessed row of dirty.
type mark struct {
	LabelSet string    `ch:"label_set"`
	Brand    string    `ch:"brand"`
	Hour     time.Time `ch:"hour"`
	Mark     uint64    `ch:"mark"`
}

// key is the mark's bucket as an element of an Array(Tuple(String, String, DateTime)).
func (m mark) key() string {
	return fmt.Sprintf("(%s,%s,%d)", quote(m.LabelSet), quote(m.Brand), m.Hour.Unix())
}

// marksAPass bounds the marks of one pass, for the size of its statements.
const marksAPass = 500

// pass recomputes the buckets of the oldest marks and returns how many marks it did.
func (r *Rollups) pass(ctx context.Context) (int, error) {
	var marks []mark
	query := fmt.Sprintf("SELECT label_set, brand, hour, mark FROM %s FINAL WHERE done = 0 ORDER BY label_set, brand, hour LIMIT %d",
		r.db.table("dirty"), marksAPass)
	if err := r.db.Select(ctx, &marks, query); err != nil || len(marks) == 0 {
		return 0, err
	}
	if err := r.between("marks read"); err != nil {
		return 0, err
	}
	buckets := keysOf(marks)
	version, err := r.serverTime(ctx)
	if err != nil {
		return 0, err
	}
	parameters := map[string]string{"buckets": buckets, "version": strconv.FormatUint(version, 10)}
	for _, statement := range []string{hourStatement, minuteStatement} {
		if err := r.db.execWith(ctx, statement, parameters); err != nil {
			return 0, err
		}
		if err := r.between("totals written"); err != nil {
			return 0, err
		}
	}
	if err := r.lookAgain(ctx, parameters); err != nil {
		return 0, err
	}
	if err := r.between("looked again"); err != nil {
		return 0, err
	}
	return len(marks), r.done(ctx, marks)
}

// keysOf lists the distinct buckets of marks, as the value of a bound array.
func keysOf(marks []mark) string {
	seen := map[string]bool{}
	keys := make([]string, 0, len(marks))
	for _, m := range marks {
		if key := m.key(); !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return "[" + strings.Join(keys, ",") + "]"
}

// serverTime is the version of a computation: taken before its mentions are read.
func (r *Rollups) serverTime(ctx context.Context) (uint64, error) {
	var rows []struct {
		At uint64 `ch:"at"`
	}
	if err := r.db.Select(ctx, &rows, "SELECT toUInt64(toUnixTimestamp64Nano(now64(9))) AS at"); err != nil {
		return 0, err
	}
	return rows[0].At, nil
}

// lookAgain marks buckets again in which another owner wrote at the same time.
func (r *Rollups) lookAgain(ctx context.Context, parameters driver.Parameters) error {
	// A zero of a younger computation counts too: it would hide what we have just written
	// (the clock of the server was set back).
	const where = " AND computed != {version:UInt64} AND (mentions > 0 OR computed > {version:UInt64})"
	query := "SELECT DISTINCT label_set, brand, hour, toUInt64(0) AS mark FROM (" +
		"SELECT label_set, brand, hour FROM " + r.db.table("rollup_hour") + " FINAL WHERE (label_set, brand, hour) IN " + bucketList + where +
		" UNION ALL SELECT label_set, brand, toStartOfHour(minute) AS hour FROM " + r.db.table("rollup_minute") +
		" FINAL WHERE (label_set, brand, toStartOfHour(minute)) IN " + bucketList + where + ")"
	var others []mark
	if err := r.db.Select(driver.Context(ctx, driver.WithParameters(parameters)), &others, query); err != nil || len(others) == 0 {
		return err
	}
	b := newDirtyBlock()
	name := rand.Uint64() //nolint:gosec // a name, not a secret
	for _, m := range others {
		b.append(m.LabelSet, m.Brand, pipeline.At(m.Hour), name)
	}
	return r.db.insert(ctx, &b.block)
}

// done records marks as done; a mark that came meanwhile has another name and stays.
func (r *Rollups) done(ctx context.Context, marks []mark) error {
	b := newDirtyBlock()
	flag := b.uint8("done")
	for _, m := range marks {
		b.append(m.LabelSet, m.Brand, pipeline.At(m.Hour), m.Mark)
		flag.Append(1)
	}
	return r.db.insert(ctx, &b.block)
}

// bucketList is the bound array of the buckets of a pass.
const bucketList = "{buckets:Array(Tuple(String, String, DateTime))}"

// aliveMentions are the mentions that count in the touched buckets, as people corrected them.
const aliveMentions = `
    FROM mentions_current
    WHERE (label_set, brand, hour) IN ` + bucketList

// hourStatement replaces the hourly totals of buckets: what the mentions say, and a zero
// for each combination that stood there and is gone.
const hourStatement = `INSERT INTO rollup_hour
(label_set, brand, hour, platform, lang, country, kind, label, mentions, sentiment_sum, labelled, reach, engagement, bots, authors, computed)
SELECT label_set, brand, hour, platform, lang, country, kind, label, sum(n), sum(score), sum(scored), sum(people), sum(acts), sum(robots),
    uniqCombinedIfState(12)(author, n > 0), {version:UInt64}
FROM
(
    SELECT label_set, brand, hour, platform, lang, country, kind,
        if(toward_label != '', toward_label, sentiment_label) AS label, author_id AS author,
        toUInt64(1) AS n,
        toFloat64(multiIf(toward_label != '', toward, sentiment_label != '', sentiment, 0)) AS score,
        toUInt64(toward_label != '' OR sentiment_label != '') AS scored,
        reach AS people, engagement AS acts, toUInt64(author_bot) AS robots` + aliveMentions + `
    UNION ALL
    SELECT label_set, brand, hour, platform, lang, country, kind, label, '', 0, 0, 0, 0, 0, 0
    FROM rollup_hour WHERE (label_set, brand, hour) IN ` + bucketList + `
)
GROUP BY label_set, brand, hour, platform, lang, country, kind, label`

// minuteStatement does the same for the minutes of the buckets, and adds a zero without a
// platform for the bucket itself: so another owner sees that it was computed even if nothing
// was in it.
const minuteStatement = `INSERT INTO rollup_minute
(label_set, brand, minute, platform, mentions, negative, positive, authors, computed)
SELECT label_set, brand, minute, platform, sum(n), sum(bad), sum(good), uniqCombinedIfState(12)(author, n > 0), {version:UInt64}
FROM
(
    SELECT label_set, brand, toStartOfMinute(toDateTime(event_time, 'UTC')) AS minute, platform, author_id AS author, toUInt64(1) AS n,
        toUInt64(if(toward_label != '', toward_label, sentiment_label) = 'negative') AS bad,
        toUInt64(if(toward_label != '', toward_label, sentiment_label) = 'positive') AS good` + aliveMentions + `
    UNION ALL
    SELECT label_set, brand, minute, platform, '', 0, 0, 0
    FROM rollup_minute WHERE (label_set, brand, toStartOfHour(minute)) IN ` + bucketList + `
    UNION ALL
    SELECT bucket.1, bucket.2, bucket.3, '', '', 0, 0, 0 FROM (SELECT arrayJoin(` + bucketList + `) AS bucket)
)
GROUP BY label_set, brand, minute, platform`

// quote writes a string as an element of an array that is bound to a parameter.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\n", `\n`, "\t", `\t`).Replace(s) + "'"
}
