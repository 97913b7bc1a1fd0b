package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"time"

	"earshot/pipeline"
)

// Facts computes what boards ask of single mentions: the tables of schemas/sql/0080. It
// replaces nothing that a reader may see: a computation writes partitions of its own, counts once its
// row stands in computations, and takes away what older ones left. So one that dies half-way leaves
// nothing that shows, and two at once cost work alone.
//
// Deletes, edits and corrections since are in the next computation; scope_facts leaves
// out what was deleted meanwhile.
type Facts struct{ db *DB }

// OpenFacts returns the facts of a database.
func OpenFacts(db *DB) *Facts { return &Facts{db: db} }

// generationBits are the random end of a generation, which begins with the milliseconds: two that begin at
// once have names of their own.
const generationBits = 20

// cascadeDepth bounds the steps that a cascade is followed; two posts that answer each other are a ring.
const cascadeDepth = 100

// factsSettings let a computation of many millions of mentions spill to the disk, and leave the other
// cores to readers. The bound counts for each of seven joins; all of them, and what cannot spill, have to leave
// room for inserts in a server of 2 GiB.
const factsSettings = " SETTINGS max_threads = 1, max_insert_threads = 1, join_algorithm = 'grace_hash', max_bytes_in_join = 100000000," +
	" max_bytes_before_external_group_by = 100000000, max_bytes_before_external_sort = 100000000, max_execution_time = 0"

// factsTables are those with a partition for each computation.
var factsTables = [...]string{"cascade_ties", "cascade_steps", "mention_facts", "account_facts", "posts_heard_hour", "crossing_answers"} //nolint:gochecknoglobals // a constant

// Compute reads all mentions, their answers and the graph, and returns of how many mentions
// there are facts now.
func (f *Facts) Compute(ctx context.Context) (mentions uint64, err error) {
	now := int64(pipeline.At(time.Now()))
	generation := strconv.FormatInt(now<<generationBits|rand.Int64N(1<<generationBits), 10) //nolint:gosec // a name, not a secret
	defer func() {
		if err != nil { // what it wrote shows nowhere; the next one takes it away if this cannot
			_ = f.drop(context.WithoutCancel(ctx), factsTables[:], "= "+generation)
		}
	}()
	if err := f.cascades(ctx, generation); err != nil {
		return 0, err
	}
	for _, statement := range []string{accountsStatement, factsStatement, heardStatement, crossingsStatement} {
		if err := f.put(ctx, statement, generation, nil); err != nil {
			return 0, err
		}
	}
	if mentions, err = f.count(ctx, "SELECT count() AS n FROM "+f.db.table("mention_facts")+" WHERE generation = "+generation); err != nil {
		return 0, err
	}
	done := "INSERT INTO computations SELECT {generation:UInt64}, fromUnixTimestamp64Milli({now:Int64}, 'UTC'), now64(3, 'UTC'), {mentions:UInt64}"
	values := map[string]string{"generation": generation, "now": strconv.FormatInt(now, 10), "mentions": strconv.FormatUint(mentions, 10)}
	if err := f.db.execWith(ctx, done, values); err != nil {
		return 0, err
	}
	if err := f.drop(ctx, factsTables[:2], "<= "+generation); err != nil {
		return 0, err
	}
	return mentions, f.drop(ctx, factsTables[:], "< "+generation)
}

// cascades follows the answers to each mention, step by step: a recursive query cannot be
// inserted, and would hold all of it in memory.
func (f *Facts) cascades(ctx context.Context, generation string) error {
	if err := f.put(ctx, tiesStatement, generation, nil); err != nil {
		return err
	}
	statement := rootsStatement
	for depth := range cascadeDepth {
		if err := f.put(ctx, statement, generation, map[string]string{"depth": strconv.Itoa(depth)}); err != nil {
			return err
		}
		n, err := f.count(ctx, fmt.Sprintf("SELECT count() AS n FROM %s WHERE generation = %s AND depth = %d", f.db.table("cascade_steps"), generation, depth))
		if err != nil || n == 0 {
			return err
		}
		statement = stepStatement
	}
	return nil
}

func (f *Facts) put(ctx context.Context, statement, generation string, parameters map[string]string) error {
	values := map[string]string{"generation": generation}
	maps.Copy(values, parameters)
	return f.db.execWith(ctx, statement+factsSettings, values)
}

func (f *Facts) count(ctx context.Context, query string) (uint64, error) {
	var rows []struct {
		N uint64 `ch:"n"`
	}
	if err := f.db.Select(ctx, &rows, query); err != nil {
		return 0, err
	}
	return rows[0].N, nil
}

// drop takes away the partitions of computations for which a condition holds.
func (f *Facts) drop(ctx context.Context, tables []string, condition string) error {
	for _, table := range tables {
		var old []struct {
			Generation uint64 `ch:"generation"`
		}
		if err := f.db.Select(ctx, &old, "SELECT DISTINCT generation FROM "+f.db.table(table)+" WHERE generation "+condition); err != nil {
			return err
		}
		for _, o := range old {
			if err := f.db.Exec(ctx, fmt.Sprintf("%sDROP PARTITION %d", f.db.change(table), o.Generation)); err != nil {
				return err
			}
		}
	}
	return nil
}

// tiesStatement notes who answers what, by the post that is answered.
const tiesStatement = `INSERT INTO cascade_ties (generation, platform, target_id, id)
SELECT {generation:UInt64}, platform, target_id, id FROM interactions_current WHERE via != 'name' AND target_id != '' AND target_id != id`

// rootsStatement begins a cascade at every mention that was answered. A textless repost
// begins none: what follows it follows the post that it repeats.
const rootsStatement = `INSERT INTO cascade_steps (generation, platform, root, id, depth)
SELECT DISTINCT {generation:UInt64}, platform, id AS root, id, toUInt32({depth:UInt32}) FROM mentions_alive
WHERE repost_of = '' AND (platform, id) IN (SELECT platform, target_id FROM cascade_ties WHERE generation = {generation:UInt64})`

// stepStatement adds what answers the posts of the step before.
const stepStatement = `INSERT INTO cascade_steps (generation, platform, root, id, depth)
SELECT DISTINCT {generation:UInt64}, s.platform, s.root, t.id, toUInt32({depth:UInt32})
FROM (SELECT platform, target_id, id FROM cascade_ties WHERE generation = {generation:UInt64}) AS t
INNER JOIN (SELECT platform, root, id FROM cascade_steps WHERE generation = {generation:UInt64} AND depth + 1 = {depth:UInt32}) AS s
    ON s.platform = t.platform AND s.id = t.target_id`

// accountsStatement puts the accounts that name a brand in the order of their weight.
const accountsStatement = `INSERT INTO account_facts (generation, standing, platform, author_id, handle, name, rank, received, bridging, circle)
SELECT {generation:UInt64}, toUInt32(rowNumberInAllBlocks() + 1), platform, author_id, handle, name, rank, received, bridging, circle
FROM
(
    SELECT a.platform AS platform, a.author_id AS author_id, a.handle AS handle, a.name AS name,
        i.rank AS rank, i.received AS received, i.bridging AS bridging, i.circle AS circle
    FROM
    (
        SELECT platform, author_id, sum(m.reach) AS reach, argMax((author_handle, author_name), (m.event_time, id)) AS called, called.1 AS handle, called.2 AS name
        FROM mentions_alive AS m
        WHERE author_id != ''
        GROUP BY platform, author_id
    ) AS a
    LEFT JOIN influence_current AS i ON i.platform = a.platform AND i.author_id = a.author_id
    ORDER BY i.rank DESC, a.reach DESC, a.platform, a.author_id
)`

// factsStatement joins each mention with all that is known about it. Mentions that were answered are
// told by hashes, which take a tenth of the memory; the join takes out those that only look so.
const factsStatement = `INSERT INTO mention_facts (generation, label_set, brand, hour, platform, id, post, event_time, lang, country, author_id, author, handle, speaker, label, score,
    followers, reach, engagement, topics, sites, beside, asks, complaint, replies, first_reply_s, first_own_reply_s,
    answers, velocity, first_answer_s, half_life_s, size, depth, breadth, standing, circle)
WITH
    shops AS
    (
        SELECT label_set, brand, platform, author_id FROM mentions_alive
        GROUP BY label_set, brand, platform, author_id
        HAVING count() >= 5 AND countIf(notEmpty(links)) >= 0.8 * count()
    ),
    own AS
    (
        SELECT DISTINCT label_set, brand, platform, author_id FROM mentions_alive WHERE via = 'channel' AND channel = author_id
    ),
    answered AS
    (
        SELECT m.label_set AS label_set, m.brand AS brand, m.platform AS platform, m.id AS id, count() AS answers,
            countIf(i.event_time < m.event_time + INTERVAL 1 HOUR) AS velocity,
            min(greatest(0, dateDiff('millisecond', m.event_time, i.event_time) / 1000)) AS first_answer_s,
            quantileExact(0.5)(greatest(0, dateDiff('millisecond', m.event_time, i.event_time) / 1000)) AS half_life_s,
            countIf(i.via = 'reply') AS replies,
            minOrNullIf(dateDiff('second', m.event_time, i.event_time), i.via = 'reply' AND i.event_time >= m.event_time) AS first_reply_s,
            minOrNullIf(dateDiff('second', m.event_time, i.event_time), i.via = 'reply' AND i.event_time >= m.event_time
                AND (m.label_set, m.brand, m.platform, i.author_id) IN own) AS first_own_reply_s
        FROM (SELECT platform, target_id, author_id, via, event_time FROM interactions_current WHERE via != 'name' AND target_id != '') AS i
        INNER JOIN
        (
            SELECT label_set, brand, platform, id, event_time FROM mentions_alive
            WHERE cityHash64(platform, id) IN (SELECT cityHash64(platform, target_id) FROM interactions WHERE via != 'name' AND target_id != '')
        ) AS m ON m.platform = i.platform AND m.id = i.target_id
        GROUP BY label_set, brand, platform, id
    ),
    shapes AS
    (
        SELECT platform, root, sum(n) AS size, max(l.depth) AS depth, maxIf(n, l.depth > 0) AS breadth
        FROM
        (
            SELECT platform, root, s.depth AS depth, count() AS n
            FROM (SELECT platform, root, id, min(cascade_steps.depth) AS depth FROM cascade_steps WHERE generation = {generation:UInt64} GROUP BY platform, root, id) AS s
            GROUP BY platform, root, depth
        ) AS l
        GROUP BY platform, root
    ),
    several AS
    (
        SELECT label_set, platform, id, groupUniqArray(brand) AS brands FROM mentions_alive GROUP BY label_set, platform, id HAVING count() > 1
    )
SELECT {generation:UInt64}, m.label_set, m.brand, m.hour, m.platform, m.id, cityHash64(m.platform, m.id), m.event_time, m.lang, m.country, m.author_id, cityHash64(m.platform, m.author_id), m.author_handle,
    multiIf(m.author_bot, 'bot', m.via = 'channel', 'channel', (m.label_set, m.brand, m.platform, m.author_id) IN shops, 'shop', 'person'),
    if(m.toward_label != '', m.toward_label, m.sentiment_label), if(m.toward_label != '', m.toward, m.sentiment),
    m.author_followers, m.reach, m.engagement, arrayDistinct(arrayMap(x -> '#' || lowerUTF8(x), m.hashtags)), arrayMap(x -> domain(x), m.links), arrayFilter(b -> b != m.brand, several.brands),
    NOT m.author_bot AND m.via != 'channel'
        AND (has(m.intents, 'question') OR has(m.intents, 'complaint') OR position(m.text, '?') > 0 OR position(m.text, '？') > 0
             OR m.toward_label = 'negative' OR (m.toward_label = '' AND m.sentiment_label = 'negative')),
    has(m.intents, 'complaint'), answered.replies, answered.first_reply_s, answered.first_own_reply_s,
    answered.answers, answered.velocity, answered.first_answer_s, answered.half_life_s,
    if(m.repost_of = '', shapes.size, 0), if(m.repost_of = '', shapes.depth, 0), if(m.repost_of = '', shapes.breadth, 0),
    accounts.standing, accounts.hash
FROM mentions_current AS m
LEFT JOIN answered ON answered.platform = m.platform AND answered.id = m.id AND answered.brand = m.brand AND answered.label_set = m.label_set
LEFT JOIN shapes ON shapes.platform = m.platform AND shapes.root = m.id
LEFT JOIN (SELECT platform, author_id, standing, if(circle = '', 0, cityHash64(circle)) AS hash FROM account_facts WHERE generation = {generation:UInt64}) AS accounts
    ON accounts.platform = m.platform AND accounts.author_id = m.author_id
LEFT JOIN several ON several.platform = m.platform AND several.id = m.id AND several.label_set = m.label_set`

// heardStatement counts the distinct posts of every hour, each where it was first seen to stand.
const heardStatement = `INSERT INTO posts_heard_hour (generation, hour, platform, lang, country, posts)
SELECT {generation:UInt64}, h.hour, h.platform, h.spoken, h.place, count()
FROM
(
    SELECT platform, id, toStartOfHour(any(event_time)) AS hour, any(lang) AS spoken, any(country) AS place
    FROM posts
    WHERE op IN ('create', 'update')
      AND (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
      AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
    GROUP BY platform, id
) AS h
GROUP BY h.hour, h.platform, h.spoken, h.place`

// crossingsStatement keeps the answers from circle to circle of the thousand pairs with the most.
const crossingsStatement = `INSERT INTO crossing_answers (generation, hour, from_circle, to_circle, person)
SELECT {generation:UInt64}, each.1, from_circle, to_circle, each.2
FROM
(
    SELECT f.circle AS from_circle, t.circle AS to_circle, groupArray((toStartOfHour(i.event_time), cityHash64(i.platform, i.author_id))) AS list
    FROM (SELECT platform, author_id, target_author, event_time FROM interactions_current WHERE via != 'name') AS i
    INNER JOIN influence_current AS f ON f.platform = i.platform AND f.author_id = i.target_author
    INNER JOIN influence_current AS t ON t.platform = i.platform AND t.author_id = i.author_id
    WHERE f.circle != t.circle
    GROUP BY from_circle, to_circle
    ORDER BY length(list) DESC, from_circle, to_circle
    LIMIT 1000
)
ARRAY JOIN list AS each`
