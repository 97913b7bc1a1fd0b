package clickhouse

import (
	"context"
	"strconv"
	"strings"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"earshot/pipeline"
)

// Counts answers what detectors ask: how much is said of whom, minute by minute, of the
// live labels. What was deleted does not count.
type Counts struct{ db *DB }

// OpenCounts returns the counts of a database.
func OpenCounts(db *DB) *Counts { return &Counts{db} }

// list writes strings as the value of an Array(String).
func list(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func seconds64(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// with binds parameters of a question that is asked over the reader's own connection.
func (c *Counts) ask(ctx context.Context, dest any, query string, values driver.Parameters) error {
	return c.db.Select(driver.Context(ctx, driver.WithParameters(values), driver.WithSettings(driver.Settings{"max_threads": 1})), dest,
		strings.ReplaceAll(query, "$", "`"+c.db.database+"`."))
}

// Moved lists the buckets from an hour on that were marked as changed since a moment, done
// or not.
func (c *Counts) Moved(ctx context.Context, since, hours time.Time) ([]pipeline.BrandHour, error) {
	var rows []struct {
		Brand string    `ch:"brand"`
		Hour  time.Time `ch:"hour"`
	}
	err := c.ask(ctx, &rows, `SELECT DISTINCT brand, hour FROM $dirty
WHERE label_set = 'live' AND hour >= toDateTime({hours:Int64}, 'UTC') AND at >= toDateTime64({since:Int64}, 3, 'UTC')`,
		driver.Parameters{"hours": seconds64(hours), "since": seconds64(since)})
	out := make([]pipeline.BrandHour, len(rows))
	for i, r := range rows {
		out[i] = pipeline.BrandHour{Brand: r.Brand, Hour: pipeline.At(r.Hour)}
	}
	return out, err
}

// Rewritten tells of brands (none named: of all) whose past between two hours was marked as
// changed since a moment, or is being labelled or totalled anew now. A bucket that was
// marked while it was young changed no past.
func (c *Counts) Rewritten(ctx context.Context, brands []string, since, from, to time.Time) ([]pipeline.Rewriting, error) {
	var rows []struct {
		Brand     string  `ch:"brand"`
		Changed   float64 `ch:"changed"`
		Waiting   float64 `ch:"waiting"`
		LooksBack bool    `ch:"looks_back"`
	}
	err := c.ask(ctx, &rows, `SELECT brand, toFloat64(sum(late)) AS changed, toFloat64(sum(open)) AS waiting, max(running) AS looks_back FROM
(
    SELECT toString(brand) AS brand, uniqExactIf(hour, at >= toDateTime64({since:Int64}, 3, 'UTC') AND at >= hour + INTERVAL {late:UInt32} SECOND) AS late,
        uniqExactIf(hour, done = 0) AS open, false AS running
    FROM $dirty FINAL
    WHERE label_set = 'live' AND (empty({brands:Array(String)}) OR brand IN {brands:Array(String)})
        AND hour >= toDateTime({from:Int64}, 'UTC') AND hour < toDateTime({to:Int64}, 'UTC')
    GROUP BY brand
    UNION ALL
    SELECT DISTINCT toString(brand) AS brand, 0 AS late, 0 AS open, true AS running FROM $backfills
    WHERE state = 'running' AND (empty({brands:Array(String)}) OR brand IN {brands:Array(String)})
)
GROUP BY brand`, driver.Parameters{"brands": list(brands), "since": seconds64(since), "from": seconds64(from), "to": seconds64(to),
		"late": strconv.Itoa(int(pipeline.LateAfter / time.Second))})
	out := make([]pipeline.Rewriting, len(rows))
	for i, r := range rows {
		out[i] = pipeline.Rewriting(r)
	}
	return out, err
}

// minuteRow is a pipeline.BrandMinute as it is read.
type minuteRow struct {
	Brand    string    `ch:"brand"`
	Minute   time.Time `ch:"minute"`
	Mentions uint64    `ch:"mentions"`
	Negative uint64    `ch:"negative"`
	Reach    int64     `ch:"reach"`
}

func minutesOf(rows []minuteRow, err error) ([]pipeline.BrandMinute, error) {
	out := make([]pipeline.BrandMinute, len(rows))
	for i, r := range rows {
		out[i] = pipeline.BrandMinute{Brand: r.Brand, Minute: pipeline.At(r.Minute), Mentions: float64(r.Mentions), Negative: float64(r.Negative), Reach: float64(r.Reach)}
	}
	return out, err
}

// bucketsAtOnce bounds the buckets of one question, for the size of its parameter.
const bucketsAtOnce = 500

// Minutes counts buckets from the mentions themselves, as people corrected them, without
// waiting for the rollups.
func (c *Counts) Minutes(ctx context.Context, buckets []pipeline.BrandHour) ([]pipeline.BrandMinute, error) {
	var rows []minuteRow
	for len(buckets) > 0 {
		n := min(len(buckets), bucketsAtOnce)
		keys := make([]string, n)
		for i, b := range buckets[:n] {
			keys[i] = "('live'," + quote(b.Brand) + "," + seconds64(b.Hour.Time()) + ")"
		}
		buckets = buckets[n:]
		var some []minuteRow
		err := c.ask(ctx, &some, `SELECT brand, toStartOfMinute(toDateTime(event_time, 'UTC')) AS minute, count() AS mentions,
    countIf(if(toward_label != '', toward_label, sentiment_label) = 'negative') AS negative, sum(mentions_current.reach) AS reach
FROM $mentions_current
WHERE (label_set, brand, hour) IN `+bucketList+`
GROUP BY brand, minute`, driver.Parameters{"buckets": "[" + strings.Join(keys, ",") + "]"})
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return minutesOf(rows, nil)
}

// Recent are the minutely totals of all brands.
func (c *Counts) Recent(ctx context.Context, from time.Time) ([]pipeline.BrandMinute, error) {
	var rows []minuteRow
	err := c.ask(ctx, &rows, `SELECT brand, minute, sum(mentions) AS mentions, sum(negative) AS negative, toInt64(0) AS reach FROM $mentions_minute
WHERE label_set = 'live' AND minute >= toDateTime({from:Int64}, 'UTC') GROUP BY brand, minute`, driver.Parameters{"from": seconds64(from)})
	return minutesOf(rows, err)
}

// History are the minutely totals of a brand. Reach is known by the hour alone: all of it
// stands in the last minute.
func (c *Counts) History(ctx context.Context, brand string, from, to time.Time) ([]pipeline.BrandMinute, error) {
	var rows []minuteRow
	err := c.ask(ctx, &rows, `SELECT {brand:String} AS brand, at AS minute, sum(m) AS mentions, sum(n) AS negative, sum(r) AS reach FROM
(
    SELECT minute AS at, mentions AS m, negative AS n, toInt64(0) AS r FROM $mentions_minute
    WHERE label_set = 'live' AND mentions_minute.brand = {brand:String} AND minute >= toDateTime({from:Int64}, 'UTC') AND minute < toDateTime({to:Int64}, 'UTC')
    UNION ALL
    SELECT hour + INTERVAL 59 MINUTE AS at, 0 AS m, 0 AS n, reach AS r FROM $mentions_hour
    WHERE label_set = 'live' AND mentions_hour.brand = {brand:String} AND hour >= toDateTime({from:Int64}, 'UTC') AND hour < toDateTime({to:Int64}, 'UTC')
)
GROUP BY at ORDER BY at`, driver.Parameters{"brand": brand, "from": seconds64(from), "to": seconds64(to)})
	return minutesOf(rows, err)
}

// Busy lists the brands with at least so many mentions since a moment.
func (c *Counts) Busy(ctx context.Context, from time.Time, least float64) ([]string, error) {
	var rows []struct {
		Brand string `ch:"brand"`
	}
	err := c.ask(ctx, &rows, `SELECT brand FROM $mentions_hour WHERE label_set = 'live' AND hour >= toDateTime({from:Int64}, 'UTC')
GROUP BY brand HAVING sum(mentions) >= {least:Float64}`,
		driver.Parameters{"from": seconds64(from), "least": strconv.FormatFloat(least, 'f', -1, 64)})
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.Brand
	}
	return out, err
}

// Rivals names for each brand the brands that call it a competitor.
func (c *Counts) Rivals(ctx context.Context) (map[string][]string, error) {
	var rows []struct {
		Competitor string   `ch:"competitor"`
		Brands     []string `ch:"brands"`
	}
	err := c.ask(ctx, &rows, `SELECT competitor, arraySort(groupUniqArray(toString(brand))) AS brands
FROM $brand_profiles FINAL ARRAY JOIN competitors AS competitor WHERE state = 'active' GROUP BY competitor`, nil)
	out := make(map[string][]string, len(rows))
	for _, r := range rows {
		out[r.Competitor] = r.Brands
	}
	return out, err
}

// Brands lists all brands that were named since a moment.
func (c *Counts) Brands(ctx context.Context, from time.Time) ([]string, error) {
	return c.Busy(ctx, from, 1)
}

// Sources are those that should run now.
func (c *Counts) Sources(ctx context.Context, now time.Time) ([]pipeline.SourceState, error) {
	var rows []struct {
		Source string    `ch:"source"`
		From   time.Time `ch:"since"`
		OK     time.Time `ch:"ok"`
		Lag    int64     `ch:"lag"`
		Last   string    `ch:"last"`
	}
	err := c.ask(ctx, &rows, `SELECT s.source AS source, s.since AS since, v.ok AS ok, v.lag AS lag, v.last AS last FROM
(
    SELECT source, max(expected_from) AS since FROM $sources FINAL
    WHERE expected_from <= toDateTime64({now:Int64}, 3, 'UTC') AND (toUnixTimestamp(expected_to) = 0 OR expected_to > toDateTime64({now:Int64}, 3, 'UTC'))
    GROUP BY source
) AS s
LEFT JOIN
(
    SELECT source, maxIf(minute, state IN ('ok', 'limited')) AS ok, toString(argMax(state, (minute, at))) AS last,
        argMaxIf(if(posts > 0, lag_ms, 0), (minute, at), state IN ('ok', 'limited')) AS lag
    FROM $coverage FINAL
    WHERE minute > toDateTime({now:Int64}, 'UTC') - INTERVAL 2 DAY
    GROUP BY source
) AS v ON v.source = s.source`, driver.Parameters{"now": seconds64(now)})
	out := make([]pipeline.SourceState, len(rows))
	for i, r := range rows {
		out[i] = pipeline.SourceState{Source: r.Source, From: pipeline.At(r.From), Lag: pipeline.Time(max(0, r.Lag)), Done: r.Last == "done"}
		if r.OK.Unix() > 0 {
			out[i].OK = pipeline.At(r.OK)
		}
	}
	return out, err
}

// Blind lists the minutes in which a source could not see that brings at least a fiftieth of
// all posts. Minutes in which nobody reported (Earshot itself did not run) count as well.
func (c *Counts) Blind(ctx context.Context, from, to time.Time) ([]time.Time, error) {
	var rows []struct {
		Minute time.Time `ch:"minute"`
	}
	err := c.ask(ctx, &rows, `WITH weights AS
(
    SELECT source, sum(posts) AS n FROM $coverage FINAL WHERE minute > toDateTime({to:Int64}, 'UTC') - INTERVAL 15 DAY GROUP BY source
)
SELECT DISTINCT minute FROM $coverage_spine
WHERE minute >= toDateTime({from:Int64}, 'UTC') AND minute < toDateTime({to:Int64}, 'UTC') - INTERVAL 2 MINUTE AND state IN ('gap', 'down')
    AND source IN (SELECT source FROM weights WHERE n >= 0.02 * (SELECT sum(n) FROM weights))`,
		driver.Parameters{"from": seconds64(from), "to": seconds64(to)})
	out := make([]time.Time, len(rows))
	for i, r := range rows {
		out[i] = r.Minute
	}
	return out, err
}

// topicsEach bounds the hashtags of a brand that are looked at.
const topicsEach = 20

// Topics counts the people who used each hashtag of brands since a moment, with at least
// so many of them, and how often it stood in the history before.
func (c *Counts) Topics(ctx context.Context, brands []string, from, history time.Time, least float64) ([]pipeline.TopicCount, error) {
	var rows []struct {
		Brand    string  `ch:"brand"`
		Topic    string  `ch:"topic"`
		Voices   float64 `ch:"voices"`
		Mentions float64 `ch:"n"`
		Of       float64 `ch:"total"`
		Before   float64 `ch:"past"`
		Known    float64 `ch:"known"`
	}
	err := c.ask(ctx, &rows, `WITH
lately AS
(
    SELECT brand, platform, id, author_id, author_bot, arrayDistinct(arrayMap(h -> lowerUTF8(h), hashtags)) AS tags FROM $mentions_current
    WHERE label_set = 'live' AND brand IN {brands:Array(String)} AND hour >= toStartOfHour(toDateTime({from:Int64}, 'UTC'))
        AND event_time >= toDateTime64({from:Int64}, 3, 'UTC')
),
rising AS
(
    SELECT brand, topic, toFloat64(uniqExactIf((platform, if(author_id = '', id, author_id)), NOT author_bot)) AS voices, toFloat64(count()) AS n
    FROM lately ARRAY JOIN tags AS topic
    GROUP BY brand, topic HAVING voices >= {least:Float64} ORDER BY brand, voices DESC LIMIT `+strconv.Itoa(topicsEach)+` BY brand
)
SELECT r.brand AS brand, r.topic AS topic, r.voices AS voices, r.n AS n, t.total AS total, toFloat64(p.past) AS past, k.known AS known
FROM rising AS r
INNER JOIN (SELECT brand, toFloat64(count()) AS total FROM lately GROUP BY brand) AS t ON t.brand = r.brand
LEFT JOIN
(
    SELECT brand, greatest({from:Int64} - toInt64(toUnixTimestamp(min(hour))), 0) / 86400. AS known FROM $mentions_hour
    WHERE label_set = 'live' AND brand IN {brands:Array(String)} AND hour >= toDateTime({history:Int64}, 'UTC') AND mentions > 0 GROUP BY brand
) AS k ON k.brand = r.brand
LEFT JOIN
(
    SELECT brand, topic, count() AS past FROM
    (
        SELECT brand, arrayJoin(arrayDistinct(arrayMap(h -> lowerUTF8(h), hashtags))) AS topic FROM $mentions_current
        WHERE label_set = 'live' AND brand IN (SELECT brand FROM rising) AND hour >= toDateTime({history:Int64}, 'UTC')
            AND event_time < toDateTime64({from:Int64}, 3, 'UTC') AND hasAny(arrayMap(h -> lowerUTF8(h), hashtags), (SELECT groupArray(topic) FROM rising))
    )
    GROUP BY brand, topic
) AS p ON p.brand = r.brand AND p.topic = r.topic`, driver.Parameters{"brands": list(brands), "from": seconds64(from), "history": seconds64(history),
		"least": strconv.FormatFloat(least, 'f', -1, 64)})
	out := make([]pipeline.TopicCount, len(rows))
	for i, r := range rows {
		out[i] = pipeline.TopicCount(r)
	}
	return out, err
}

// rootAge is how old a post may be whose cascade is looked for: a fast one is young.
const rootAge = 3 * time.Hour

// Cascades counts the people who answered, reposted or quoted a post of brands since a
// moment, with at least so many of them.
func (c *Counts) Cascades(ctx context.Context, brands []string, from time.Time, least float64) ([]pipeline.CascadeCount, error) {
	var rows []struct {
		Brand  string  `ch:"brand"`
		Post   string  `ch:"post"`
		Voices float64 `ch:"voices"`
	}
	err := c.ask(ctx, &rows, `WITH roots AS
(
    SELECT brand, platform, id FROM $mentions_current
    WHERE label_set = 'live' AND brand IN {brands:Array(String)} AND hour >= toStartOfHour(toDateTime({roots:Int64}, 'UTC'))
)
SELECT roots.brand AS brand, concat(i.platform, '/', i.root_id) AS post, toFloat64(i.people) AS voices FROM
(
    SELECT platform, root_id, uniqExact(author_id) AS people FROM $interactions_current
    WHERE (platform, root_id) IN (SELECT platform, id FROM roots) AND via != 'name' AND event_time >= toDateTime64({from:Int64}, 3, 'UTC')
    GROUP BY platform, root_id HAVING people >= {least:Float64}
) AS i
INNER JOIN roots ON roots.platform = i.platform AND roots.id = i.root_id`, driver.Parameters{"brands": list(brands), "from": seconds64(from),
		"roots": seconds64(from.Add(-rootAge)), "least": strconv.FormatFloat(least, 'f', -1, 64)})
	out := make([]pipeline.CascadeCount, len(rows))
	for i, r := range rows {
		out[i] = pipeline.CascadeCount(r)
	}
	return out, err
}
