-- What is not said by the public but known about it: configuration, people, sources.
CREATE TABLE brands
(
    `brand` LowCardinality(String) COMMENT 'Brand name',
    `query_version` String COMMENT 'Content hash of the query',
    `query` SimpleAggregateFunction(anyLast, String) COMMENT 'The query as configured',
    `since` SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'When this version was first used'
)
ENGINE = AggregatingMergeTree
ORDER BY (brand, query_version)
COMMENT 'Every version of every brand''s query that ever labelled a post; read it with FINAL';

CREATE TABLE overrides
(
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `id` String COMMENT 'Post',
    `brand` LowCardinality(String) COMMENT 'Brand whose label is corrected',
    `field` LowCardinality(String) COMMENT 'Column of mentions that is corrected',
    `value` String COMMENT 'The right value',
    `by` String COMMENT 'Who corrected it',
    `note` String COMMENT 'Why',
    `at` DateTime64(3, 'UTC') COMMENT 'When; the latest wins'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (platform, id, brand, field)
COMMENT 'Corrections of labels by people; read it with FINAL';

CREATE TABLE alerts
(
    `alert_id` String COMMENT 'Hash of rule, brand and begin: the same alert twice is one',
    `rule` LowCardinality(String) COMMENT 'Rule that fired',
    `brand` LowCardinality(String) COMMENT 'Brand',
    `state` LowCardinality(String) COMMENT 'firing or resolved',
    `began_at` DateTime64(3, 'UTC') COMMENT 'Begin of the spike',
    `ended_at` DateTime64(3, 'UTC') COMMENT 'Its end; 1970-01-01 = not yet',
    `value` Float64 COMMENT 'Value observed',
    `expected` Float64 COMMENT 'Value expected',
    `explanation` String COMMENT 'Why it is real, for the person on call',
    `at` DateTime64(3, 'UTC') COMMENT 'When this state was written; the latest wins'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY alert_id
COMMENT 'Spikes that were found; read it with FINAL';

CREATE TABLE dead_letters
(
    `id` String COMMENT 'Hash of origin and position: the same failure twice is one dead letter',
    `stage` LowCardinality(String) COMMENT 'collect, decode, validate, enrich or store',
    `reason` String COMMENT 'What is wrong, where, and how to mend it' CODEC(ZSTD(1)),
    `origin` String COMMENT 'Source name, or topic/partition/offset' CODEC(ZSTD(1)),
    `at` DateTime64(3, 'UTC') COMMENT 'Our clock' CODEC(ZSTD(1)),
    `size` Int64 COMMENT 'Bytes of the whole payload' CODEC(ZSTD(1)),
    `sha256` String COMMENT 'Hash of the whole payload, hexadecimal' CODEC(ZSTD(1)),
    `payload` String COMMENT 'Beginning of the payload, at most 64 KiB' CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(at)
ORDER BY id
TTL toDateTime(at) + INTERVAL 90 DAY DELETE
COMMENT 'Records that could not be processed, with the reason; read it with FINAL';

CREATE TABLE sources
(
    `source` LowCardinality(String) COMMENT 'Name of the source in the configuration',
    `platform` LowCardinality(String) COMMENT 'Its platform',
    `expected_from` DateTime64(3, 'UTC') COMMENT 'From when it should run',
    `expected_to` DateTime64(3, 'UTC') COMMENT 'Until when; 1970-01-01 = open',
    `at` DateTime64(3, 'UTC') COMMENT 'When it was said; the latest wins'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (source, expected_from)
COMMENT 'When each source is expected to see something: the spine of coverage; read it with FINAL';

CREATE TABLE coverage
(
    `source` LowCardinality(String) COMMENT 'Name of the source',
    `minute` DateTime('UTC') COMMENT 'Minute' CODEC(Delta, ZSTD(1)),
    `collector` LowCardinality(String) COMMENT 'Process that reports',
    `platform` LowCardinality(String) COMMENT 'Platform of the source',
    `state` LowCardinality(String) COMMENT 'ok, limited (told to wait), down (not connected or silent), done (read to its end)',
    `posts` Int64 COMMENT 'Posts acknowledged by Kafka' CODEC(T64, ZSTD(1)),
    `refused` Int64 COMMENT 'Dead letters' CODEC(T64, ZSTD(1)),
    `errors` Int64 COMMENT 'Failed connections' CODEC(T64, ZSTD(1)),
    `lag_ms` Int64 COMMENT 'Our clock minus the newest created_at seen, milliseconds' CODEC(ZSTD(1)),
    `reason` String COMMENT 'Of a limit or an error' CODEC(ZSTD(1)),
    `at` DateTime64(3, 'UTC') COMMENT 'When it was reported; the later report of a minute wins' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(at)
PARTITION BY toYear(minute)
ORDER BY (source, minute, collector)
COMMENT 'What each source saw, minute by minute; a missing minute is a gap: see coverage_spine';

CREATE TABLE gaps
(
    `source` LowCardinality(String) COMMENT 'Name of the source',
    `gap_from` DateTime64(3, 'UTC') COMMENT 'Begin of what it could not see',
    `gap_to` DateTime64(3, 'UTC') COMMENT 'End; 1970-01-01 = not yet known',
    `platform` LowCardinality(String) COMMENT 'Platform of the source',
    `reason` String COMMENT 'Why',
    `at` DateTime64(3, 'UTC') COMMENT 'When it was reported; the latest wins'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (source, gap_from)
COMMENT 'Stretches that a source says it missed; read it with FINAL';
