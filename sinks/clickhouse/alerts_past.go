package clickhouse

import (
	"context"
	"strconv"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"earshot/pipeline"
)

// The past of what Topics, Cascades and Sources say of the present: so that alerts can be
// judged on history, minute by minute.

type actRow struct {
	At      time.Time `ch:"at"`
	Subject string    `ch:"subject"`
	Person  uint64    `ch:"person"`
	Bot     bool      `ch:"bot"`
}

func (c *Counts) acts(ctx context.Context, query string, values driver.Parameters) ([]pipeline.Act, error) {
	var rows []actRow
	err := c.ask(ctx, &rows, query, values)
	out := make([]pipeline.Act, len(rows))
	for i, r := range rows {
		out[i] = pipeline.Act{At: pipeline.At(r.At), Subject: r.Subject, Person: r.Person, Bot: r.Bot}
	}
	return out, err
}

// Hashtags lists who used which hashtag in mentions of a brand, oldest first, of those that at
// least so many people used since a moment.
func (c *Counts) Hashtags(ctx context.Context, brand string, from, since, to time.Time, least int) ([]pipeline.Act, error) {
	return c.acts(ctx, `WITH used AS
(
    SELECT toStartOfMinute(toDateTime(event_time, 'UTC')) AS at, arrayJoin(arrayDistinct(arrayMap(h -> lowerUTF8(h), hashtags))) AS subject,
        cityHash64(platform, if(author_id = '', id, author_id)) AS person, author_bot AS bot
    FROM $mentions_current
    WHERE label_set = 'live' AND brand = {brand:String} AND hour >= toDateTime({from:Int64}, 'UTC') AND hour < toDateTime({to:Int64}, 'UTC')
)
SELECT at, subject, person, bot FROM used
WHERE subject IN (SELECT subject FROM used WHERE at >= toDateTime({since:Int64}, 'UTC') GROUP BY subject HAVING uniqExactIf(person, NOT bot) >= {least:UInt64})
ORDER BY at, subject, person`, driver.Parameters{"brand": brand, "from": seconds64(from), "since": seconds64(since), "to": seconds64(to), "least": strconv.Itoa(least)})
}

// PassedOn lists who answered, reposted or quoted which post of a brand while it was young,
// oldest first, of those posts that at least so many people passed on.
func (c *Counts) PassedOn(ctx context.Context, brand string, from, to time.Time, least int) ([]pipeline.Act, error) {
	return c.acts(ctx, `WITH roots AS
(
    SELECT platform, id, min(hour) AS born FROM $mentions_current
    WHERE label_set = 'live' AND brand = {brand:String} AND hour >= toDateTime({from:Int64}, 'UTC') - INTERVAL 4 HOUR AND hour < toDateTime({to:Int64}, 'UTC')
    GROUP BY platform, id
),
passed AS
(
    SELECT platform, root_id, author_id, event_time FROM $interactions_current
    WHERE (platform, root_id) IN (SELECT platform, id FROM roots) AND via != 'name'
        AND event_time >= toDateTime64({from:Int64}, 3, 'UTC') AND event_time < toDateTime64({to:Int64}, 3, 'UTC')
)
SELECT toStartOfMinute(toDateTime(p.event_time, 'UTC')) AS at, concat(p.platform, '/', p.root_id) AS subject, cityHash64(p.author_id) AS person, false AS bot
FROM passed AS p
INNER JOIN roots ON roots.platform = p.platform AND roots.id = p.root_id
WHERE roots.born >= toStartOfHour(toDateTime(p.event_time, 'UTC') - INTERVAL {young:UInt32} SECOND)
    AND (p.platform, p.root_id) IN (SELECT platform, root_id FROM passed GROUP BY platform, root_id HAVING uniqExact(author_id) >= {least:UInt64})
ORDER BY at, subject, person`, driver.Parameters{"brand": brand, "from": seconds64(from), "to": seconds64(to), "least": strconv.Itoa(least),
		"young": strconv.Itoa(int((rootAge + 30*time.Minute) / time.Second))})
}

// Unseen lists the minutes in which a source told that it was blind, that it had read all there
// was, or nothing although others did, oldest first. In a minute in which nobody told anything Earshot did not
// run, and nobody would have been called.
func (c *Counts) Unseen(ctx context.Context, from, to time.Time) ([]pipeline.Unseen, error) {
	var rows []struct {
		Source string    `ch:"source"`
		Minute time.Time `ch:"minute"`
		Done   bool      `ch:"done"`
	}
	err := c.ask(ctx, &rows, `WITH spine AS
(
    SELECT source, minute, state, is_gap FROM $coverage_spine
    WHERE minute >= toDateTime({from:Int64}, 'UTC') AND minute < toDateTime({to:Int64}, 'UTC') - INTERVAL 2 MINUTE
)
SELECT source, minute, state = 'done' AS done FROM spine
WHERE state IN ('gap', 'down', 'done') AND minute IN (SELECT minute FROM spine WHERE NOT is_gap)
ORDER BY source, minute`, driver.Parameters{"from": seconds64(from), "to": seconds64(to)})
	out := make([]pipeline.Unseen, len(rows))
	for i, r := range rows {
		out[i] = pipeline.Unseen{Source: r.Source, Minute: pipeline.At(r.Minute), Done: r.Done}
	}
	return out, err
}
