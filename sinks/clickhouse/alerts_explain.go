package clickhouse

import (
	"context"
	"strconv"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"earshot/pipeline"
)

const (
	explainDays  = 14 // before, whose same time of day is what is expected
	explainParts = 5  // values of a field that are shown
	explainPosts = 5
	copiesFrom   = 3 // authors who publish the same words: from here on they are copies
)

// sameTime are the mentions of a brand within a stretch of at most a day, and of the same
// time of day before: back is how many days before.
const sameTime = `SELECT *, intDiv({to:Int64} - toUnixTimestamp64Milli(event_time), 86400000) AS back,
    (platform, if(author_id = '', id, author_id)) AS person,
    if(toward_label != '', toward_label, sentiment_label) AS mood,
    if(views > 0, views, author_followers) AS seen_by, likes + mentions_current.reposts + replies + quotes AS acts,
    if(kind = 'repost' OR text = '', 0, cityHash64(replaceRegexpAll(lowerUTF8(text), 'https?://[^ ]+|[^\\p{L}\\p{N}]+', ' '))) AS words
FROM $mentions_current
WHERE label_set = 'live' AND brand = {brand:String} AND hour >= toDateTime(intDiv({to:Int64}, 1000) - 86400 * ({days:Int64} + 1), 'UTC')
    AND event_time <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND modulo({to:Int64} - toUnixTimestamp64Milli(event_time), 86400000) <= {length:Int64}
    AND back <= {days:Int64}`

// Explain says what the mentions of a brand within a stretch of time are made of, beside
// the same time of day in the two weeks before (as far as there is history).
func (c *Counts) Explain(ctx context.Context, brand string, from, to time.Time) (pipeline.Explanation, error) {
	var x pipeline.Explanation
	days, err := c.daysBefore(ctx, brand, from)
	if err != nil {
		return x, err
	}
	length := min(to.Sub(from), 24*time.Hour-time.Millisecond)
	values := driver.Parameters{"brand": brand, "to": strconv.FormatInt(to.UnixMilli(), 10), "length": strconv.FormatInt(length.Milliseconds(), 10),
		"days": strconv.Itoa(days)}
	if err := c.explainPeople(ctx, &x, values); err != nil {
		return x, err
	}
	if err := c.explainParts(ctx, &x, values); err != nil {
		return x, err
	}
	if err := c.explainPosts(ctx, &x, values); err != nil {
		return x, err
	}
	return x, c.explainBlind(ctx, &x, from, to)
}

// daysBefore is how many whole days of history there are, at most explainDays.
func (c *Counts) daysBefore(ctx context.Context, brand string, from time.Time) (int, error) {
	var rows []struct {
		Days int64 `ch:"days"`
	}
	err := c.ask(ctx, &rows, `SELECT intDiv({from:Int64} - toInt64(toUnixTimestamp(min(hour))), 86400) AS days FROM $mentions_hour
WHERE label_set = 'live' AND brand = {brand:String} AND hour >= toDateTime({from:Int64} - 86400 * 15, 'UTC')`,
		driver.Parameters{"brand": brand, "from": seconds64(from)})
	if err != nil || len(rows) == 0 {
		return 1, err
	}
	return int(min(max(rows[0].Days, 1), explainDays)), nil
}

// explainPeople counts mentions, voices, bots and copies.
func (c *Counts) explainPeople(ctx context.Context, x *pipeline.Explanation, values driver.Parameters) error {
	var rows []struct {
		Now      float64 `ch:"now"`
		Before   float64 `ch:"before"`
		Voices   float64 `ch:"voices"`
		Usual    float64 `ch:"usual"`
		Angry    float64 `ch:"angry"`
		Angrily  float64 `ch:"angrily"`
		Bots     float64 `ch:"bots"`
		Copies   float64 `ch:"copies"`
		MostLoud float64 `ch:"loudest"`
	}
	err := c.ask(ctx, &rows, `WITH base AS (`+sameTime+`),
counted AS
(
    SELECT *, words != 0 AND (back, words) IN
        (SELECT back, words FROM base WHERE words != 0 AND back = 0 GROUP BY back, words HAVING uniqExact(person) >= `+strconv.Itoa(copiesFrom)+`) AS copied
    FROM base
)
SELECT toFloat64(countIf(back = 0)) AS now, countIf(back > 0) / {days:Int64} AS before,
    toFloat64(uniqExactIf(person, back = 0 AND NOT author_bot AND NOT copied) + uniqExactIf(words, back = 0 AND NOT author_bot AND copied)) AS voices,
    uniqExactIf((back, person), back > 0 AND NOT author_bot) / {days:Int64} AS usual,
    toFloat64(uniqExactIf(person, back = 0 AND NOT author_bot AND NOT copied AND mood = 'negative')
        + uniqExactIf(words, back = 0 AND NOT author_bot AND copied AND mood = 'negative')) AS angry,
    uniqExactIf((back, person), back > 0 AND NOT author_bot AND mood = 'negative') / {days:Int64} AS angrily,
    toFloat64(countIf(back = 0 AND author_bot)) AS bots, toFloat64(countIf(back = 0 AND copied)) AS copies,
    toFloat64((SELECT max(n) FROM (SELECT count() AS n FROM base WHERE back = 0 GROUP BY person))) AS loudest
FROM counted`, values)
	if err != nil || len(rows) == 0 {
		return err
	}
	r := rows[0]
	x.Mentions, x.Expected, x.Voices, x.VoicesExpected = r.Now, r.Before, r.Voices, r.Usual
	x.Negative, x.NegativeExpected = r.Angry, r.Angrily
	if all := max(r.Now, 1); true {
		x.Bots, x.Duplicates, x.Loudest = r.Bots/all, r.Copies/all, r.MostLoud/all
	}
	return nil
}

// explainParts finds the values of each field that rose most.
func (c *Counts) explainParts(ctx context.Context, x *pipeline.Explanation, values driver.Parameters) error {
	var rows []struct {
		Field  string  `ch:"field"`
		Name   string  `ch:"name"`
		Now    float64 `ch:"now"`
		Before float64 `ch:"before"`
	}
	err := c.ask(ctx, &rows, `WITH base AS (`+sameTime+`)
SELECT part.1 AS field, part.2 AS name, toFloat64(countIf(back = 0)) AS now, countIf(back > 0) / {days:Int64} AS before
FROM base
ARRAY JOIN arrayConcat(
    [('platform', toString(platform)), ('language', toString(lang)), ('country', toString(country)), ('author', if(author_handle != '', author_handle, author_id))],
    arrayMap(h -> ('topic', lowerUTF8(h)), arrayDistinct(arrayConcat(hashtags, phrases)))) AS part
WHERE name != ''
GROUP BY field, name HAVING now > 0
ORDER BY field, now - before DESC, name LIMIT `+strconv.Itoa(explainParts)+` BY field`, values)
	if err != nil {
		return err
	}
	into := map[string]*[]pipeline.Part{"platform": &x.Platforms, "language": &x.Languages, "country": &x.Countries, "author": &x.Authors, "topic": &x.Topics}
	for _, r := range rows {
		if list := into[r.Field]; list != nil {
			*list = append(*list, pipeline.Part{Name: r.Name, Mentions: r.Now, Expected: r.Before})
		}
	}
	return nil
}

// explainPosts finds the posts that carry it.
func (c *Counts) explainPosts(ctx context.Context, x *pipeline.Explanation, values driver.Parameters) error {
	var rows []struct {
		Platform   string  `ch:"platform"`
		ID         string  `ch:"id"`
		Author     string  `ch:"author"`
		Text       string  `ch:"words_of"`
		URL        string  `ch:"url"`
		Reach      int64   `ch:"seen_by"`
		Engagement int64   `ch:"acts"`
		Sentiment  float64 `ch:"tone"`
	}
	err := c.ask(ctx, &rows, `WITH base AS (`+sameTime+`)
SELECT toString(platform) AS platform, id, if(author_handle != '', author_handle, author_id) AS author, substringUTF8(concat(title, if(title = '', '', ': '), text), 1, 280) AS words_of,
    url, seen_by, acts, toFloat64(if(toward_label != '', toward, sentiment)) AS tone
FROM base WHERE back = 0 ORDER BY acts DESC, seen_by DESC, event_time LIMIT `+strconv.Itoa(explainPosts), values)
	for _, r := range rows {
		x.Posts = append(x.Posts, pipeline.Carrier(r))
	}
	return err
}

// explainBlind names the sources that could not see for a part of the time.
func (c *Counts) explainBlind(ctx context.Context, x *pipeline.Explanation, from, to time.Time) error {
	var rows []struct {
		Source string `ch:"source"`
	}
	err := c.ask(ctx, &rows, `SELECT DISTINCT source FROM $coverage_spine
WHERE minute >= toDateTime({from:Int64}, 'UTC') AND minute < toDateTime({to:Int64}, 'UTC') - INTERVAL 2 MINUTE AND state IN ('gap', 'down') ORDER BY source`,
		driver.Parameters{"from": seconds64(from), "to": seconds64(to)})
	for _, r := range rows {
		x.Blind = append(x.Blind, r.Source)
	}
	return err
}
