-- Measures that read the facts of mentions. They take the parameters of a scope, as those of 0060 do.
CREATE VIEW computed AS
SELECT max(generation) AS generation, max(computed_at) AS at
FROM computations
COMMENT 'The computation that counts, and up to when what boards say of answers, cascades, circles, topics and speakers is true';

CREATE VIEW scope_facts AS
SELECT *
FROM mention_facts
WHERE generation = (SELECT max(generation) FROM computations)
  AND label_set = {label_set:String} AND hour >= toStartOfHour({from:DateTime}) AND hour < {to:DateTime}
  AND (NOT arrayExists(x -> x != '', {brands:Array(String)}) OR brand IN {brands:Array(String)})
  AND (NOT arrayExists(x -> x != '', {platforms:Array(String)}) OR platform IN {platforms:Array(String)})
  AND (NOT arrayExists(x -> x != '', {langs:Array(String)}) OR lang IN {langs:Array(String)})
  AND (NOT arrayExists(x -> x != '', {countries:Array(String)}) OR country IN {countries:Array(String)})
  AND ((SELECT count() FROM tombstones WHERE scope = 'post' AND deleted_at > (SELECT max(computed_at) - INTERVAL 1 DAY FROM computations)) = 0
       OR post NOT IN (SELECT cityHash64(platform, id) FROM tombstones WHERE scope = 'post' AND deleted_at > (SELECT max(computed_at) - INTERVAL 1 DAY FROM computations)))
  AND ((SELECT count() FROM tombstones WHERE scope = 'account' AND deleted_at > (SELECT max(computed_at) - INTERVAL 1 DAY FROM computations)) = 0
       OR author NOT IN (SELECT cityHash64(platform, id) FROM tombstones WHERE scope = 'account' AND deleted_at > (SELECT max(computed_at) - INTERVAL 1 DAY FROM computations)))
COMMENT 'Facts of the mentions of a scope, one by one, whole hours, as last computed; what was deleted since is left out';

CREATE VIEW posts_heard AS
SELECT platform, sum(p.posts) AS posts
FROM posts_heard_hour AS p
WHERE generation = (SELECT max(generation) FROM computations)
  AND hour >= toStartOfHour({from:DateTime}) AND hour < {to:DateTime}
  AND (NOT arrayExists(x -> x != '', {platforms:Array(String)}) OR platform IN {platforms:Array(String)})
  AND (NOT arrayExists(x -> x != '', {langs:Array(String)}) OR lang IN {langs:Array(String)})
  AND (NOT arrayExists(x -> x != '', {countries:Array(String)}) OR country IN {countries:Array(String)})
GROUP BY platform
COMMENT 'Distinct posts heard, whether or not they name a brand: the denominator, from the ledger, as last computed';

CREATE VIEW word_of_mouth_share AS
SELECT
    brand,
    count() AS mentions,
    countIf(speaker = 'bot') AS by_bots,
    countIf(speaker = 'channel') AS by_channels,
    countIf(speaker = 'shop') AS by_shops,
    countIf(speaker = 'person') AS by_people,
    by_people / mentions AS share,
    mentions / uniqCombined(15)(author) AS passion
FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime})
GROUP BY brand
COMMENT 'Who speaks: people, not accounts marked as automated, owned channels, or shops (five mentions of the brand or more in all, four in five with a link); passion is mentions an author (distinct authors within 1 %)';

CREATE VIEW topics AS
SELECT
    topic,
    count() AS mentions,
    uniqCombined(12)(author) AS people,
    min(event_time) AS first_at,
    dateDiff('second', first_at, quantileExact(0.5)(event_time)) AS half_life_s,
    mentions * 3600 / greatest(1, dateDiff('second', first_at, max(event_time))) AS velocity,
    countIf(label = 'positive') / count() AS positive,
    countIf(label = 'negative') / count() AS negative
FROM
(
    SELECT author, event_time, label, arrayJoin(topics) AS topic
    FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime})
    WHERE notEmpty(topics)
)
GROUP BY topic
COMMENT 'Hashtags of the scope: velocity in mentions an hour over its span; half-life: seconds from the first mention to the one in the middle; people within 2 %';

CREATE VIEW post_half_life AS
SELECT platform, id, answers, half_life_s, velocity, first_answer_s
FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime})
WHERE answers > 0
  AND NOT arrayExists(b -> b < brand AND (NOT arrayExists(x -> x != '', {brands:Array(String)}) OR has({brands:Array(String)}, toString(b))), beside)
COMMENT 'Of each mention that was answered, reposted or quoted: seconds until half of its direct answers had come, and answers in the first hour (velocity)';

CREATE VIEW cascades AS
WITH
    (
        SELECT groupArray((brand, platform, id, size, depth, breadth, event_time, handle, hour))
        FROM (SELECT brand, platform, id, size, depth, breadth, event_time, handle, hour FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) WHERE size > 0 ORDER BY size DESC, depth DESC, post, brand LIMIT 100)
    ) AS foremost
SELECT f.brand AS brand, f.platform AS platform, f.id AS id, f.size AS size, f.depth AS depth, f.breadth AS breadth, f.began_at AS began_at, f.author AS author, m.text AS text, m.url AS url
FROM (SELECT row.1 AS brand, row.2 AS platform, row.3 AS id, row.4 AS size, row.5 AS depth, row.6 AS breadth, row.7 AS began_at, row.8 AS author FROM (SELECT arrayJoin(foremost) AS row)) AS f
INNER JOIN
(
    SELECT brand, platform, id, text, url
    FROM mentions FINAL
    PREWHERE label_set = {label_set:String} AND (brand, hour, platform, id) IN (SELECT row.1, row.9, row.2, row.3 FROM (SELECT arrayJoin(foremost) AS row))
    WHERE is_deleted = 0
      AND (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
      AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
) AS m ON m.brand = f.brand AND m.platform = f.platform AND m.id = f.id
COMMENT 'The hundred mentions of the scope that most posts followed, as far as it was observed: size in posts with the root, depth in steps, breadth as the most posts at one step';

CREATE VIEW fast_posts AS
WITH
    (
        SELECT groupArray((event_time, brand, platform, id, handle, answers, velocity, half_life_s, first_answer_s, hour))
        FROM (SELECT event_time, brand, platform, id, handle, answers, velocity, half_life_s, first_answer_s, hour FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) WHERE answers > 0
              AND NOT arrayExists(b -> b < brand AND (NOT arrayExists(x -> x != '', {brands:Array(String)}) OR has({brands:Array(String)}, toString(b))), beside) ORDER BY velocity DESC, answers DESC, post, brand LIMIT 50)
    ) AS foremost
SELECT f.event_time AS event_time, f.brand AS brand, f.platform AS platform, f.id AS id, f.author AS author, f.answers AS answers, f.velocity AS velocity, f.half_life_s AS half_life_s, f.first_answer_s AS first_answer_s, m.text AS text, m.url AS url
FROM (SELECT row.1 AS event_time, row.2 AS brand, row.3 AS platform, row.4 AS id, row.5 AS author, row.6 AS answers, row.7 AS velocity, row.8 AS half_life_s, row.9 AS first_answer_s FROM (SELECT arrayJoin(foremost) AS row)) AS f
INNER JOIN
(
    SELECT brand, platform, id, text, url
    FROM mentions FINAL
    PREWHERE label_set = {label_set:String} AND (brand, hour, platform, id) IN (SELECT row.2, row.10, row.3, row.4 FROM (SELECT arrayJoin(foremost) AS row))
    WHERE is_deleted = 0
      AND (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
      AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
) AS m ON m.brand = f.brand AND m.platform = f.platform AND m.id = f.id
COMMENT 'The fifty posts of the scope that were answered, reposted or quoted most in their first hour (velocity), each once';

CREATE VIEW care AS
SELECT brand, platform, id, hour, event_time, author_id, followers, score AS toward, complaint, replies, first_reply_s, first_own_reply_s
FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime})
WHERE asks
COMMENT 'Mentions by people that may need an answer (a question or something negative), with seconds to the first reply and to the first by an owned channel; NULL = none was seen';

CREATE VIEW influencers AS
WITH
    (
        SELECT if(length(places) >= 200, places[200], 0)
        FROM (SELECT arraySort(groupUniqArray(standing)) AS places FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) WHERE standing BETWEEN 1 AND 20000)
    ) AS near,
    if(near > 0, near, (SELECT bitmapMax(bitmapSubsetLimit(groupBitmapState(standing), 1, 200)) FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) WHERE near = 0)) AS last
SELECT
    a.platform AS platform, a.author_id AS author_id, a.handle AS handle, a.name AS name, f.followers AS followers, f.mentions AS mentions,
    f.reach AS reach, f.engagement AS engagement, engagement / greatest(1, followers) AS engagement_a_follower, f.sentiment AS sentiment,
    a.rank AS rank, a.received AS received, a.circle AS circle, a.bridging AS bridging, f.bot AS bot
FROM
(
    SELECT standing, max(followers) AS followers, count() AS mentions, sum(reach) AS reach, sum(engagement) AS engagement, avg(score) AS sentiment, max(speaker = 'bot') AS bot
    FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime})
    WHERE standing BETWEEN 1 AND last
    GROUP BY standing
) AS f
INNER JOIN
(
    SELECT * FROM account_facts WHERE generation = (SELECT max(generation) FROM computations) AND standing BETWEEN 1 AND last
) AS a ON a.standing = f.standing
COMMENT 'The two hundred accounts with the highest standing that name the brands of the scope, and how much weight they have in the graph of who answers whom';

CREATE VIEW circles AS
WITH
    (
        SELECT groupArray(circle) FROM (SELECT circle FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) WHERE circle != 0 GROUP BY circle ORDER BY count() DESC, circle LIMIT 100)
    ) AS largest,
    (
        SELECT groupArray((standing, people, mentions, sentiment, reached_at))
        FROM
        (
            SELECT min(f.standing) AS standing, uniqCombined(12)(author) AS people, count() AS mentions, avg(score) AS sentiment, min(event_time) AS reached_at
            FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) AS f
            WHERE circle IN (SELECT arrayJoin(largest))
            GROUP BY circle
        )
    ) AS list
SELECT a.circle AS circle, if(a.handle = '', a.circle, concat(a.platform, ' @', a.handle)) AS around, c.2 AS people, c.3 AS mentions, c.4 AS sentiment, c.5 AS reached_at
FROM (SELECT arrayJoin(list) AS c) AS l
INNER JOIN
(
    SELECT standing, circle, platform, handle FROM account_facts
    WHERE generation = (SELECT max(generation) FROM computations) AND standing IN (SELECT (arrayJoin(list) AS row).1)
) AS a ON a.standing = l.c.1
COMMENT 'The hundred circles of people who answer one another with the most talk of the scope, each named after the foremost of its accounts that talk there (around), and when it reached them first; people within 2 %';

CREATE VIEW crossings AS
WITH
    (
        SELECT groupArray((from_circle, to_circle, answers, people))
        FROM
        (
            SELECT toString(from_circle) AS from_circle, toString(to_circle) AS to_circle, count() AS answers, uniqExact(person) AS people
            FROM crossing_answers
            WHERE generation = (SELECT max(generation) FROM computations) AND hour >= toStartOfHour({from:DateTime}) AND hour < {to:DateTime}
            GROUP BY from_circle, to_circle
        )
    ) AS list,
    (
        SELECT mapFromArrays(groupArray(circle), groupArray(around))
        FROM
        (
            SELECT circle, argMin(concat(platform, ' @', handle), standing) AS around
            FROM account_facts
            PREWHERE circle IN (SELECT arrayJoin(arrayConcat(list.1, list.2)))
            WHERE generation = (SELECT max(generation) FROM computations) AND handle != ''
              AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
            GROUP BY circle
        )
    ) AS names
SELECT
    row.1 AS from_circle, row.2 AS to_circle, if(mapContains(names, from_circle), names[from_circle], from_circle) AS from_around,
    if(mapContains(names, to_circle), names[to_circle], to_circle) AS to_around, row.3 AS answers, row.4 AS people
FROM (SELECT arrayJoin(list) AS row)
COMMENT 'Word of mouth that left its circle: answers of people in one circle to posts of another, each named after the foremost of its accounts that name a brand (around), of the thousand pairs with the most answers in all';

CREATE VIEW strongest AS
WITH
    (
        SELECT groupArray((event_time, brand, platform, id, lang, handle, followers, label, engagement, hour))
        FROM (SELECT event_time, brand, platform, id, lang, handle, followers, label, engagement, hour FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) ORDER BY engagement DESC, event_time DESC, post, brand LIMIT 50)
    ) AS foremost
SELECT f.event_time AS event_time, f.brand AS brand, f.platform AS platform, f.id AS id, f.lang AS lang, f.author AS author, f.followers AS followers, f.sentiment AS sentiment, f.engagement AS engagement, m.text AS text, m.url AS url
FROM (SELECT row.1 AS event_time, row.2 AS brand, row.3 AS platform, row.4 AS id, row.5 AS lang, row.6 AS author, row.7 AS followers, row.8 AS sentiment, row.9 AS engagement FROM (SELECT arrayJoin(foremost) AS row)) AS f
INNER JOIN
(
    SELECT brand, platform, id, text, url
    FROM mentions FINAL
    PREWHERE label_set = {label_set:String} AND (brand, hour, platform, id) IN (SELECT row.2, row.10, row.3, row.4 FROM (SELECT arrayJoin(foremost) AS row))
    WHERE is_deleted = 0
      AND (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
      AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
) AS m ON m.brand = f.brand AND m.platform = f.platform AND m.id = f.id
COMMENT 'The fifty mentions of the scope with the most engagement';

CREATE VIEW waiting AS
WITH
    (
        SELECT groupArray((event_time, brand, platform, id, handle, followers, score, replies, hour))
        FROM (SELECT event_time, brand, platform, id, handle, followers, score, replies, hour FROM {{database}}.scope_facts(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime}) WHERE asks AND first_own_reply_s IS NULL ORDER BY followers DESC, event_time, post, brand LIMIT 100)
    ) AS foremost
SELECT f.event_time AS event_time, f.brand AS brand, f.platform AS platform, f.id AS id, f.author AS author, f.followers AS followers, f.toward AS toward, f.replies AS replies, m.text AS text, m.url AS url
FROM (SELECT row.1 AS event_time, row.2 AS brand, row.3 AS platform, row.4 AS id, row.5 AS author, row.6 AS followers, row.7 AS toward, row.8 AS replies FROM (SELECT arrayJoin(foremost) AS row)) AS f
INNER JOIN
(
    SELECT brand, platform, id, text, url
    FROM mentions FINAL
    PREWHERE label_set = {label_set:String} AND (brand, hour, platform, id) IN (SELECT row.2, row.9, row.3, row.4 FROM (SELECT arrayJoin(foremost) AS row))
    WHERE is_deleted = 0
      AND (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
      AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
) AS m ON m.brand = f.brand AND m.platform = f.platform AND m.id = f.id
COMMENT 'The hundred mentions of the scope that may need an answer, have none by an owned channel, and come from those with the most followers'
