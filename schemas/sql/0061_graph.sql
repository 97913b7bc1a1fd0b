-- Measures on who answers whom. The graph is computed once an hour, for the last 30 days, and
-- replaced as a whole, so that what was deleted leaves it too.
CREATE VIEW cascades AS
WITH RECURSIVE
    roots AS
    (
        SELECT brand, platform, id, any(event_time) AS began_at, any(author_handle) AS author, any(text) AS text, any(url) AS url
        FROM {{database}}.scope_mentions(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime})
        WHERE repost_of = ''
        GROUP BY brand, platform, id
    ),
    answered AS
    (
        SELECT platform, target_id, count() AS n
        FROM interactions_current
        WHERE target_id != '' AND target_id IN (SELECT id FROM roots)
        GROUP BY platform, target_id
    ),
    top AS
    (
        SELECT roots.platform AS platform, roots.id AS id
        FROM roots INNER JOIN answered ON answered.platform = roots.platform AND answered.target_id = roots.id
        GROUP BY platform, id
        ORDER BY any(n) DESC, platform, id
        LIMIT 100
    ),
    spread AS
    (
        SELECT platform, id AS root, id, toUInt32(0) AS depth FROM top
        UNION ALL
        SELECT s.platform, s.root, i.id, toUInt32(s.depth + 1)
        FROM spread AS s
        INNER JOIN
        (
            SELECT platform, id, target_id, author_id FROM interactions
            WHERE via != 'name' AND target_id IN (SELECT id FROM spread)
        ) AS i ON i.platform = s.platform AND i.target_id = s.id
        WHERE s.depth < 100
          AND (i.platform, i.id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
          AND (i.platform, i.author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
    ),
    shortest AS (SELECT platform, root, id, min(depth) AS depth FROM spread GROUP BY platform, root, id),
    levels AS (SELECT platform, root, depth, count() AS n FROM shortest GROUP BY platform, root, depth),
    shapes AS (SELECT platform, root, sum(n) AS size, max(levels.depth) AS depth, maxIf(n, levels.depth > 0) AS breadth FROM levels GROUP BY platform, root)
SELECT roots.brand AS brand, roots.platform AS platform, roots.id AS id, shapes.size AS size, shapes.depth AS depth, shapes.breadth AS breadth, roots.began_at AS began_at, roots.author AS author, roots.text AS text, roots.url AS url
FROM roots INNER JOIN shapes ON shapes.platform = roots.platform AND shapes.root = roots.id
COMMENT 'The hundred mentions of the scope with the most direct answers, with all that followed as far as it was observed: size in posts with the root, depth in steps, breadth as the most posts at one step';

CREATE VIEW post_half_life AS
SELECT
    m.platform AS platform,
    m.id AS id,
    count() AS answers,
    quantileExact(0.5)(greatest(0, dateDiff('millisecond', m.event_time, i.event_time) / 1000)) AS half_life_s,
    countIf(i.event_time < m.event_time + INTERVAL 1 HOUR) AS velocity,
    min(greatest(0, dateDiff('millisecond', m.event_time, i.event_time) / 1000)) AS first_answer_s
FROM
(
    SELECT platform, id, any(event_time) AS event_time
    FROM {{database}}.scope_mentions(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime})
    GROUP BY platform, id
) AS m
INNER JOIN interactions_current AS i ON i.platform = m.platform AND i.target_id = m.id
WHERE i.via != 'name'
GROUP BY platform, id
COMMENT 'Of each mention that was answered, reposted or quoted: seconds until half of its direct answers had come, and answers in the first hour (velocity)';

CREATE VIEW care AS
WITH
    own AS
    (
        SELECT DISTINCT brand, platform, author_id FROM mentions_current WHERE label_set = {label_set:String} AND via = 'channel' AND channel = author_id
    ),
    asked AS
    (
        SELECT brand, platform, id, any(m.event_time) AS event_time, any(author_handle) AS author, any(author_followers) AS followers, any(m.text) AS text, any(m.url) AS url, any(m.toward) AS toward, any(has(intents, 'complaint')) AS complaint
        FROM {{database}}.scope_mentions(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) AS m
        WHERE NOT author_bot AND via != 'channel'
          AND (has(intents, 'question') OR has(intents, 'complaint') OR position(m.text, '?') > 0 OR position(m.text, '？') > 0
               OR toward_label = 'negative' OR (toward_label = '' AND sentiment_label = 'negative'))
        GROUP BY brand, platform, id
    ),
    replies AS
    (
        SELECT platform, target_id, author_id, event_time FROM interactions_current WHERE via = 'reply' AND target_id IN (SELECT id FROM asked)
    )
SELECT
    a.brand AS brand, a.platform AS platform, a.id AS id, any(a.event_time) AS event_time, any(a.author) AS author,
    any(a.followers) AS followers, any(a.text) AS text, any(a.url) AS url, any(a.toward) AS toward, any(a.complaint) AS complaint,
    countIf(r.target_id != '') AS replies,
    minOrNullIf(dateDiff('second', a.event_time, r.event_time), r.target_id != '' AND r.event_time >= a.event_time) AS first_reply_s,
    minOrNullIf(dateDiff('second', a.event_time, r.event_time), r.target_id != '' AND r.event_time >= a.event_time AND (a.brand, a.platform, r.author_id) IN own) AS first_own_reply_s
FROM asked AS a
LEFT JOIN replies AS r ON r.platform = a.platform AND r.target_id = a.id
GROUP BY brand, platform, id
COMMENT 'Mentions by people that may need an answer (a question or something negative), with seconds to the first reply and to the first by an owned channel; NULL = none was seen';

CREATE TABLE influence
(
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `author_id` String COMMENT 'Account' CODEC(ZSTD(1)),
    `received` UInt64 COMMENT 'Weighted in-degree: replies, reposts and quotes of its posts by others' CODEC(T64, ZSTD(1)),
    `given` UInt64 COMMENT 'Weighted out-degree: its replies, reposts and quotes of posts of others' CODEC(T64, ZSTD(1)),
    `rank` Float64 COMMENT 'PageRank from who answers to who is answered, damping 0.85; 1 on the mean' CODEC(ZSTD(1)),
    `circle` String COMMENT 'Its circle, named after the account of it with the highest rank: platform:account' CODEC(ZSTD(1)),
    `circles` UInt32 COMMENT 'Circles in which its neighbours are' CODEC(T64, ZSTD(1)),
    `bridging` Float64 COMMENT 'Participation coefficient: 0 = all ties in one circle, near 1 = spread over many' CODEC(ZSTD(1)),
    `computed_at` DateTime64(3, 'UTC') COMMENT 'When the graph was read; older rows are taken away' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (platform, author_id)
COMMENT 'Accounts in the graph of who replied to, reposted or quoted whom in 30 days; computed once an hour: read influence_current';

CREATE VIEW influence_current AS
SELECT *
FROM influence FINAL
WHERE computed_at = (SELECT max(computed_at) FROM influence)
  AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
COMMENT 'Accounts of the last computation of the graph, without deleted ones';

CREATE VIEW influencers AS
SELECT
    m.platform AS platform, m.author_id AS author_id, any(m.author_handle) AS handle, any(m.author_name) AS name,
    max(m.author_followers) AS followers, count() AS mentions, sum(m.reach) AS reach, sum(m.engagement) AS engagement,
    engagement / greatest(1, followers) AS engagement_a_follower, avg(if(m.toward_label = '', m.sentiment, m.toward)) AS sentiment,
    any(i.rank) AS rank, any(i.received) AS received, any(i.circle) AS circle, any(i.bridging) AS bridging, max(m.author_bot) AS bot
FROM {{database}}.scope_mentions(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) AS m
LEFT JOIN influence_current AS i ON i.platform = m.platform AND i.author_id = m.author_id
WHERE m.author_id != ''
GROUP BY platform, author_id
COMMENT 'Who names the brands of the scope, and how much weight they have in the graph of who answers whom';

CREATE VIEW circles AS
SELECT
    i.circle AS circle, uniqExact(m.platform, m.author_id) AS people, count() AS mentions,
    avg(if(m.toward_label = '', m.sentiment, m.toward)) AS sentiment, min(m.event_time) AS reached_at
FROM {{database}}.scope_mentions(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) AS m
INNER JOIN influence_current AS i ON i.platform = m.platform AND i.author_id = m.author_id
GROUP BY circle
COMMENT 'Circles of people who answer one another, with their talk of the scope and when it reached them first';

CREATE VIEW crossings AS
SELECT f.circle AS from_circle, t.circle AS to_circle, count() AS answers, uniqExact(i.platform, i.author_id) AS people
FROM interactions_current AS i
INNER JOIN influence_current AS f ON f.platform = i.platform AND f.author_id = i.target_author
INNER JOIN influence_current AS t ON t.platform = i.platform AND t.author_id = i.author_id
WHERE i.via != 'name' AND f.circle != t.circle AND i.event_time >= {from:DateTime} AND i.event_time < {to:DateTime}
GROUP BY from_circle, to_circle
COMMENT 'Word of mouth that left its circle: answers of people in one circle to posts of another';
