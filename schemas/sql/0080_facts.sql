-- What boards ask of single mentions, computed on a schedule: every fold, join and correction is done once for all readers, so a board
-- over ten million mentions reads a few narrow columns. Each computation writes a partition of its own and then names itself in
-- computations; readers see the last one that was finished, whole, and older ones are dropped.
CREATE TABLE computations
(
    `generation` UInt64 COMMENT 'Names the computation: our clock when it began (ms), then 20 random bits',
    `computed_at` DateTime64(3, 'UTC') COMMENT 'What was stored by then is in it',
    `finished_at` DateTime64(3, 'UTC') COMMENT 'When it was finished; it counts from then on',
    `mentions` UInt64 COMMENT 'Mentions in it, of all label sets'
)
ENGINE = ReplacingMergeTree
ORDER BY (generation)
TTL toDateTime(finished_at) + INTERVAL 30 DAY DELETE
COMMENT 'Computations of mention_facts, account_facts, posts_heard_hour and crossing_answers that were finished; the last one counts';

CREATE TABLE mention_facts
(
    `generation` UInt64 COMMENT 'Computation that wrote it' CODEC(ZSTD(1)),
    `label_set` LowCardinality(String) COMMENT 'live, or the name of a replay',
    `brand` LowCardinality(String) COMMENT 'Brand named',
    `hour` DateTime('UTC') COMMENT 'Hour of event_time' CODEC(Delta, ZSTD(1)),
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `id` String COMMENT 'The platform''s id of the post' CODEC(ZSTD(1)),
    `post` UInt64 COMMENT 'Hash of platform and id' CODEC(LZ4),
    `event_time` DateTime64(3, 'UTC') COMMENT 'When it was said, as in mentions' CODEC(Delta, ZSTD(1)),
    `lang` LowCardinality(String) COMMENT 'Language, as corrected',
    `country` LowCardinality(String) COMMENT 'Country stated by the platform',
    `author_id` String COMMENT 'The platform''s id of the account' CODEC(ZSTD(1)),
    `author` UInt64 COMMENT 'Hash of platform and author_id' CODEC(LZ4),
    `handle` String COMMENT 'Handle of the author, without @' CODEC(ZSTD(1)),
    `speaker` LowCardinality(String) COMMENT 'Who speaks: bot (marked as automated), channel (owned), shop (five mentions of the brand or more, four in five with a link), else person',
    `label` LowCardinality(String) COMMENT 'Sentiment label: toward the brand where known, else of the post',
    `score` Float32 COMMENT 'Sentiment score, as label' CODEC(LZ4),
    `followers` Int64 COMMENT 'Followers of the author at seen_at' CODEC(T64, LZ4),
    `reach` Int64 COMMENT 'Reach at seen_at' CODEC(T64, LZ4),
    `engagement` Int64 COMMENT 'Engagement at seen_at' CODEC(T64, LZ4),
    `topics` Array(LowCardinality(String)) COMMENT 'Its hashtags, lower case, with #',
    `sites` Array(LowCardinality(String)) COMMENT 'Hosts of its links, one for each link',
    `beside` Array(LowCardinality(String)) COMMENT 'Other brands that the same post names, in this label set',
    `asks` Bool COMMENT 'May need an answer: by a person, a question, a complaint or negative',
    `complaint` Bool COMMENT 'Among its intents is complaint',
    `replies` UInt32 COMMENT 'Replies to it' CODEC(T64, LZ4),
    `first_reply_s` Nullable(Int64) COMMENT 'Seconds to the first reply; NULL = none was seen' CODEC(LZ4),
    `first_own_reply_s` Nullable(Int64) COMMENT 'Seconds to the first reply by an owned channel of the brand; NULL = none was seen' CODEC(LZ4),
    `answers` UInt32 COMMENT 'Replies, reposts and quotes of it' CODEC(T64, LZ4),
    `velocity` UInt32 COMMENT 'Of these, in its first hour' CODEC(T64, LZ4),
    `first_answer_s` Float64 COMMENT 'Seconds to the first of these' CODEC(LZ4),
    `half_life_s` Float64 COMMENT 'Seconds until half of these had come' CODEC(LZ4),
    `size` UInt32 COMMENT 'Posts in its cascade, with itself; 0 = nobody answered, or it is a repost' CODEC(T64, LZ4),
    `depth` UInt32 COMMENT 'Steps of its cascade' CODEC(T64, LZ4),
    `breadth` UInt32 COMMENT 'Most posts at one step of its cascade' CODEC(T64, LZ4),
    `standing` UInt32 COMMENT 'Place of its author, as in account_facts; 0 = no author is known' CODEC(T64, LZ4),
    `circle` UInt64 COMMENT 'Hash of the circle of its author, which account_facts names; 0 = outside of the graph' CODEC(LZ4)
)
ENGINE = MergeTree
PARTITION BY generation
ORDER BY (label_set, brand, hour)
COMMENT 'One row for each mention, for boards: folded, corrected, joined with the graph and with its answers; read it through scope_facts';

CREATE TABLE account_facts
(
    `generation` UInt64 COMMENT 'Computation that wrote it' CODEC(ZSTD(1)),
    `standing` UInt32 COMMENT 'Place among all accounts that name a brand, by rank, then by reach: 1 = the first' CODEC(T64, LZ4),
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `author_id` String COMMENT 'The platform''s id of the account' CODEC(ZSTD(1)),
    `handle` String COMMENT 'Handle, without @, as its last mention bears it' CODEC(ZSTD(1)),
    `name` String COMMENT 'Display name, as its last mention bears it' CODEC(ZSTD(1)),
    `rank` Float64 COMMENT 'PageRank, as in influence' CODEC(LZ4),
    `received` UInt64 COMMENT 'Answers received, as in influence' CODEC(T64, LZ4),
    `bridging` Float64 COMMENT 'Bridging, as in influence' CODEC(LZ4),
    `circle` String COMMENT 'Circle, as in influence; empty = outside of the graph' CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY generation
ORDER BY (standing)
COMMENT 'One row for each account that names a brand, the foremost first: what mention_facts would repeat with each of its mentions';

CREATE TABLE cascade_ties
(
    `generation` UInt64 COMMENT 'Computation that wrote it' CODEC(ZSTD(1)),
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `target_id` String COMMENT 'Post replied to, reposted or quoted' CODEC(ZSTD(1)),
    `id` String COMMENT 'Post that does so' CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY generation
ORDER BY (platform, target_id)
COMMENT 'Scratch of a computation: who answers what; empty between two of them';

CREATE TABLE cascade_steps
(
    `generation` UInt64 COMMENT 'Computation that wrote it' CODEC(ZSTD(1)),
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `root` String COMMENT 'Mention that began the cascade' CODEC(ZSTD(1)),
    `id` String COMMENT 'Post in it' CODEC(ZSTD(1)),
    `depth` UInt32 COMMENT 'Steps from the root' CODEC(T64, LZ4)
)
ENGINE = MergeTree
PARTITION BY generation
ORDER BY (depth, platform, id)
COMMENT 'Scratch of a computation: what follows each mention, step by step; empty between two of them';

CREATE TABLE posts_heard_hour
(
    `generation` UInt64 COMMENT 'Computation that wrote it' CODEC(ZSTD(1)),
    `hour` DateTime('UTC') COMMENT 'Hour of event_time' CODEC(Delta, ZSTD(1)),
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `lang` LowCardinality(String) COMMENT 'Detected language',
    `country` LowCardinality(String) COMMENT 'Country stated by the platform',
    `posts` UInt64 COMMENT 'Distinct posts' CODEC(T64, LZ4)
)
ENGINE = MergeTree
PARTITION BY generation
ORDER BY (hour, platform)
COMMENT 'Posts heard in each hour, whether or not they name a brand; read it through posts_heard';

CREATE TABLE crossing_answers
(
    `generation` UInt64 COMMENT 'Computation that wrote it' CODEC(ZSTD(1)),
    `hour` DateTime('UTC') COMMENT 'Hour of the answer' CODEC(Delta, ZSTD(1)),
    `from_circle` LowCardinality(String) COMMENT 'Circle of who is answered',
    `to_circle` LowCardinality(String) COMMENT 'Circle of who answers',
    `person` UInt64 COMMENT 'Hash of platform and account of who answers' CODEC(LZ4)
)
ENGINE = MergeTree
PARTITION BY generation
ORDER BY (from_circle, to_circle, hour)
COMMENT 'Answers from one circle to another, of the thousand pairs with the most; read it through crossings';

CREATE VIEW mentions_alive AS
SELECT *, reach
FROM mentions FINAL
WHERE is_deleted = 0
  AND (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
  AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
COMMENT 'The rows of mentions_current without the corrections of labels, at a fifth of the cost: for computations that read no label'
