-- One brand named in one post, with everything that enrichment says about it.
CREATE TABLE mentions
(
    `label_set` LowCardinality(String) COMMENT 'live, or the name of a replay',
    `brand` LowCardinality(String) COMMENT 'Brand named',
    `hour` DateTime('UTC') COMMENT 'Hour of event_time' CODEC(Delta, ZSTD(1)),
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `id` String COMMENT 'The platform''s id of the post' CODEC(ZSTD(1)),
    `version` UInt128 COMMENT 'Which record of the post wins: platform revision (ms, 48 bits), then seen_at (ms, 48 bits), then Kafka offset (32 bits)' CODEC(ZSTD(1)),
    `is_deleted` UInt8 COMMENT '1 = the post no longer names the brand, or was deleted' CODEC(ZSTD(1)),
    `event_time` DateTime64(3, 'UTC') COMMENT 'When it was said: created_at where believable, else seen_at; frozen at first sight' CODEC(Delta, ZSTD(1)),
    `seen_at` DateTime64(3, 'UTC') COMMENT 'Our clock when the collector saw it' CODEC(Delta, ZSTD(1)),
    `created_at` DateTime64(3, 'UTC') COMMENT 'The platform''s claim of when it was published' CODEC(Delta, ZSTD(1)),
    `edited_at` DateTime64(3, 'UTC') COMMENT 'The platform''s claim of its last edit; 1970-01-01 = unknown' CODEC(ZSTD(1)),
    `kind` LowCardinality(String) COMMENT 'post, comment, repost, quote, review, article or edit',
    `source` LowCardinality(String) COMMENT 'Instance, subreddit, feed or page',
    `channel` LowCardinality(String) COMMENT 'Owned page or account under which it stands',
    `author_id` String COMMENT 'The platform''s id of the account' CODEC(ZSTD(1)),
    `author_handle` String COMMENT 'Handle without @' CODEC(ZSTD(1)),
    `author_name` String COMMENT 'Display name' CODEC(ZSTD(1)),
    `author_followers` Int64 COMMENT 'Followers at seen_at' CODEC(T64, ZSTD(1)),
    `author_verified` Bool COMMENT 'Verified by the platform',
    `author_bot` Bool COMMENT 'Marked as automated by the platform',
    `title` String COMMENT 'Title as published' CODEC(ZSTD(3)),
    `text` String COMMENT 'Text as published' CODEC(ZSTD(3)),
    `url` String COMMENT 'Public address of the original' CODEC(ZSTD(3)),
    `lang` LowCardinality(String) COMMENT 'Detected language; und = nothing to tell',
    `lang_confidence` Float32 COMMENT 'Confidence of the detection, 0 to 1' CODEC(ZSTD(1)),
    `parent_id` String COMMENT 'Post that this one answers' CODEC(ZSTD(1)),
    `root_id` String COMMENT 'Post that began the thread' CODEC(ZSTD(1)),
    `root_author` String COMMENT 'Author id of the root' CODEC(ZSTD(1)),
    `repost_of` String COMMENT 'Post that this one reposts without words' CODEC(ZSTD(1)),
    `quote_of` String COMMENT 'Post that this one quotes' CODEC(ZSTD(1)),
    `hashtags` Array(String) COMMENT 'Hashtags without #' CODEC(ZSTD(1)),
    `links` Array(String) COMMENT 'Addresses linked' CODEC(ZSTD(1)),
    `likes` Int64 COMMENT 'Likes at seen_at; later counts: metrics_observed' CODEC(T64, ZSTD(1)),
    `reposts` Int64 COMMENT 'Reposts at seen_at' CODEC(T64, ZSTD(1)),
    `replies` Int64 COMMENT 'Direct replies at seen_at' CODEC(T64, ZSTD(1)),
    `quotes` Int64 COMMENT 'Quotes at seen_at' CODEC(T64, ZSTD(1)),
    `views` Int64 COMMENT 'Views at seen_at' CODEC(T64, ZSTD(1)),
    `reach` Int64 ALIAS if(views > 0, views, author_followers) COMMENT 'People who may have seen it: views where the platform states them, else the author''s followers',
    `engagement` Int64 ALIAS likes + reposts + replies + quotes COMMENT 'Likes, reposts, replies and quotes at seen_at',
    `country` LowCardinality(String) COMMENT 'Place stated by the platform: ISO 3166-1 alpha-2',
    `region` LowCardinality(String) COMMENT 'Place stated by the platform: region',
    `city` LowCardinality(String) COMMENT 'Place stated by the platform: city',
    `lat` Nullable(Float64) COMMENT 'Latitude in degrees, if stated' CODEC(ZSTD(1)),
    `lon` Nullable(Float64) COMMENT 'Longitude in degrees, if stated' CODEC(ZSTD(1)),
    `rating` Nullable(Float32) COMMENT 'Of a review: 0 to 1' CODEC(ZSTD(1)),
    `simulated` Bool COMMENT 'Invented by the simulation',
    `query_version` LowCardinality(String) COMMENT 'Content hash of the brand''s query that matched; see brands',
    `via` LowCardinality(String) COMMENT 'Why it counts: text, reply, repost, quote or channel',
    `span_field` Array(LowCardinality(String)) COMMENT 'What matched: field of each matched stretch',
    `span_begin` Array(UInt32) COMMENT 'What matched: byte offset of its first byte',
    `span_end` Array(UInt32) COMMENT 'What matched: byte offset after its last byte',
    `categories` Array(LowCardinality(String)) COMMENT 'Named sub-queries that matched too',
    `sentiment` Float32 COMMENT 'Sentiment of the whole post, -1 (worst) to 1 (best)' CODEC(ZSTD(1)),
    `sentiment_label` LowCardinality(String) COMMENT 'Sentiment of the whole post: negative, neutral, positive; empty = no model looked at it',
    `sentiment_negative` Float32 COMMENT 'Probability that the post is negative' CODEC(ZSTD(1)),
    `sentiment_neutral` Float32 COMMENT 'Probability that the post is neutral' CODEC(ZSTD(1)),
    `sentiment_positive` Float32 COMMENT 'Probability that the post is positive' CODEC(ZSTD(1)),
    `sentiment_model` LowCardinality(String) COMMENT 'Version of the model that decided',
    `toward` Float32 COMMENT 'Sentiment toward this brand, -1 (worst) to 1 (best)' CODEC(ZSTD(1)),
    `toward_label` LowCardinality(String) COMMENT 'Sentiment toward this brand: negative, neutral, positive; empty = no model looked at it',
    `toward_negative` Float32 COMMENT 'Probability that it is negative toward this brand' CODEC(ZSTD(1)),
    `toward_neutral` Float32 COMMENT 'Probability that it is neutral toward this brand' CODEC(ZSTD(1)),
    `toward_positive` Float32 COMMENT 'Probability that it is positive toward this brand' CODEC(ZSTD(1)),
    `toward_model` LowCardinality(String) COMMENT 'Version of the model that decided toward this brand',
    `aspects` Array(LowCardinality(String)) COMMENT 'Facets judged: price, quality, shipping, service, design, usability, ...',
    `aspect_scores` Array(Float32) COMMENT 'Score of each aspect, -1 to 1',
    `intents` Array(LowCardinality(String)) COMMENT 'purchase, question, complaint, recommendation, churn',
    `phrases` Array(String) COMMENT 'Key phrases' CODEC(ZSTD(1)),
    `epoch` UUID COMMENT 'Ledger position: incarnation of the topic' CODEC(ZSTD(1)),
    `topic` LowCardinality(String) COMMENT 'Ledger position: topic',
    `partition` Int32 COMMENT 'Ledger position: partition' CODEC(ZSTD(1)),
    `offset` Int64 COMMENT 'Ledger position: offset' CODEC(Delta, ZSTD(1)),
    INDEX id_filter id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX author_filter author_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX event_time_range event_time TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYear(hour)
ORDER BY (label_set, brand, hour, platform, id)
COMMENT 'One brand named in one post; read it through mentions_current, which folds versions and honours deletes';

CREATE TABLE tombstones
(
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `scope` LowCardinality(String) COMMENT 'post or account',
    `id` String COMMENT 'Id of the deleted post or account' CODEC(ZSTD(1)),
    `deleted_at` DateTime64(3, 'UTC') COMMENT 'Our clock when we learned of the delete' CODEC(ZSTD(1)),
    `epoch` UUID COMMENT 'Ledger position: incarnation of the topic' CODEC(ZSTD(1)),
    `topic` LowCardinality(String) COMMENT 'Ledger position: topic',
    `partition` Int32 COMMENT 'Ledger position: partition' CODEC(ZSTD(1)),
    `offset` Int64 COMMENT 'Ledger position: offset' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(deleted_at)
ORDER BY (platform, scope, id)
COMMENT 'Deleted posts and accounts, for ever: applied in every view, rollup and replay';

CREATE TABLE interactions
(
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `root_id` String COMMENT 'Post that began the thread or cascade, as far as the record says' CODEC(ZSTD(1)),
    `id` String COMMENT 'Post that interacts' CODEC(ZSTD(1)),
    `via` LowCardinality(String) COMMENT 'reply, repost, quote or name',
    `target_id` String COMMENT 'Post replied to, reposted or quoted; empty where an account is named' CODEC(ZSTD(1)),
    `target_author` String COMMENT 'Author id of that post, or the handle named' CODEC(ZSTD(1)),
    `author_id` String COMMENT 'Account that interacts' CODEC(ZSTD(1)),
    `event_time` DateTime64(3, 'UTC') COMMENT 'When, as in posts' CODEC(Delta, ZSTD(1)),
    `version` UInt128 COMMENT 'As in mentions' CODEC(ZSTD(1)),
    INDEX id_filter id TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX target_filter target_id TYPE bloom_filter(0.01) GRANULARITY 2
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(event_time)
ORDER BY (platform, root_id, id, via, target_id, target_author)
COMMENT 'Who replied to, reposted, quoted or named whom, for every post; join it to mentions by the root';

CREATE TABLE metrics_observed
(
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `id` String COMMENT 'Post' CODEC(ZSTD(1)),
    `seen_at` DateTime64(3, 'UTC') COMMENT 'Our clock when the counts were seen' CODEC(Delta, ZSTD(1)),
    `likes` Int64 COMMENT 'Likes or upvotes' CODEC(T64, ZSTD(1)),
    `reposts` Int64 COMMENT 'Reposts or shares' CODEC(T64, ZSTD(1)),
    `replies` Int64 COMMENT 'Direct replies' CODEC(T64, ZSTD(1)),
    `quotes` Int64 COMMENT 'Quotes' CODEC(T64, ZSTD(1)),
    `views` Int64 COMMENT 'Views or impressions' CODEC(T64, ZSTD(1)),
    `partition` Int32 COMMENT 'Ledger position: partition' CODEC(ZSTD(1)),
    `offset` Int64 COMMENT 'Ledger position: offset' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(seen_at)
ORDER BY (platform, id, seen_at, partition, offset)
COMMENT 'Counts as they were seen: velocity and half-life come from here';

CREATE TABLE authors
(
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `author_id` String COMMENT 'The platform''s id of the account' CODEC(ZSTD(1)),
    `handle` String COMMENT 'Handle without @, as last seen' CODEC(ZSTD(1)),
    `name` String COMMENT 'Display name, as last seen' CODEC(ZSTD(1)),
    `followers` Int64 COMMENT 'Followers, as last seen' CODEC(T64, ZSTD(1)),
    `following` Int64 COMMENT 'Accounts followed, as last seen' CODEC(T64, ZSTD(1)),
    `posts` Int64 COMMENT 'Posts of the account, as last seen' CODEC(T64, ZSTD(1)),
    `verified` Bool COMMENT 'Verified by the platform',
    `bot` Bool COMMENT 'Marked as automated by the platform',
    `location` String COMMENT 'Place as the profile says it' CODEC(ZSTD(1)),
    `created_at` DateTime64(3, 'UTC') COMMENT 'When the account was opened; 1970-01-01 = unknown' CODEC(ZSTD(1)),
    `seen_at` DateTime64(3, 'UTC') COMMENT 'Our clock when this was seen; the latest wins' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(seen_at)
ORDER BY (platform, author_id)
COMMENT 'Accounts as last seen; read it with FINAL';
