-- What people read. Every view honours tombstones of posts and of accounts.
CREATE VIEW posts_current AS
SELECT *
FROM posts
WHERE op IN ('create', 'update')
  AND (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
  AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
ORDER BY platform, id, greatest(if(toUnixTimestamp64Milli(edited_at) = 0, created_at, edited_at), toDateTime64(0, 3, 'UTC')) DESC, seen_at DESC, offset DESC
LIMIT 1 BY platform, id
COMMENT 'Each post once, as last known: the higher platform revision wins, then the later seen_at, then the later record';

CREATE VIEW mentions_current AS
SELECT *, reach, engagement
FROM mentions FINAL
WHERE is_deleted = 0
  AND (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
  AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
COMMENT 'Each mention once, as last known, without what was deleted';

CREATE VIEW mentions_hour AS
SELECT * EXCEPT (computed)
FROM rollup_hour FINAL
WHERE mentions > 0
COMMENT 'Hourly totals of mentions_current';

CREATE VIEW mentions_minute AS
SELECT * EXCEPT (computed)
FROM rollup_minute FINAL
WHERE mentions > 0
COMMENT 'Minutely totals of mentions_current';

CREATE VIEW metrics_current AS
SELECT
    platform,
    id,
    max(seen_at) AS observed_at,
    argMax(likes, (metrics_observed.seen_at, offset)) AS likes,
    argMax(reposts, (metrics_observed.seen_at, offset)) AS reposts,
    argMax(replies, (metrics_observed.seen_at, offset)) AS replies,
    argMax(quotes, (metrics_observed.seen_at, offset)) AS quotes,
    argMax(views, (metrics_observed.seen_at, offset)) AS views
FROM metrics_observed
WHERE (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
  AND (platform, id) NOT IN
  (
      SELECT platform, id
      FROM posts
      WHERE author_id != '' AND (platform, author_id) IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
  )
GROUP BY platform, id
COMMENT 'The latest counts of each post';

CREATE VIEW interactions_current AS
SELECT *
FROM interactions FINAL
WHERE (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
  AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
COMMENT 'Each interaction once, without what was deleted';

CREATE VIEW authors_current AS
SELECT *
FROM authors FINAL
WHERE (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
COMMENT 'Each account as last seen, without deleted ones';

CREATE VIEW word_of_mouth AS
WITH RECURSIVE reach AS
(
    SELECT label_set, brand, platform, id AS root, id, toString(via) AS how, toUInt32(0) AS depth
    FROM mentions_current
    UNION ALL
    SELECT r.label_set, r.brand, r.platform, r.root, i.id, toString(i.via), toUInt32(r.depth + 1)
    FROM reach AS r
    INNER JOIN interactions_current AS i ON i.platform = r.platform AND i.target_id = r.id
    WHERE i.via != 'name' AND r.depth < 100
)
SELECT label_set, brand, platform, id, argMin(how, (depth, how, root)) AS via, min(depth) AS steps, argMin(root, (depth, how, root)) AS origin
FROM reach
GROUP BY label_set, brand, platform, id
COMMENT 'Each post that carries a brand on: it names it (steps = 0), or it answers, reposts or quotes, at any depth, a post that does; joined when it is asked, so the order of arrival does not matter';

CREATE VIEW coverage_spine AS
WITH spine AS
(
    SELECT
        source,
        platform,
        toDateTime(arrayJoin(range(
            toUInt32(greatest(toUnixTimestamp(toStartOfMinute(expected_from)), toUnixTimestamp(toStartOfMinute(now() - INTERVAL 31 DAY)))),
            toUInt32(least(if(toUnixTimestamp(expected_to) = 0, toUnixTimestamp(now()), toUnixTimestamp(expected_to)), toUnixTimestamp(now()))),
            60)), 'UTC') AS minute
    FROM sources FINAL
),
seen AS
(
    SELECT
        source,
        minute,
        count() AS reports,
        argMin(state, transform(toString(state), ['ok', 'done', 'limited', 'down'], [0, 1, 2, 3], 4)) AS state,
        sum(posts) AS posts,
        sum(refused) AS refused,
        sum(errors) AS errors,
        min(lag_ms) AS lag_ms
    FROM coverage FINAL
    WHERE minute >= now() - INTERVAL 32 DAY
    GROUP BY source, minute
)
SELECT DISTINCT
    spine.source AS source,
    spine.platform AS platform,
    spine.minute AS minute,
    seen.reports = 0 AS is_gap,
    if(seen.reports = 0, 'gap', seen.state) AS state,
    seen.posts AS posts,
    seen.refused AS refused,
    seen.errors AS errors,
    seen.lag_ms AS lag_ms
FROM spine
LEFT JOIN seen ON spine.source = seen.source AND spine.minute = seen.minute
COMMENT 'Each expected minute of each source in the last 31 days; is_gap = 1 where nothing was reported';
