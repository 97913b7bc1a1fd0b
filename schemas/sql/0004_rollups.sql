-- Totals that boards and detectors read. They are recomputed for whole buckets (a brand's
-- hour) from deduplicated mentions, whenever the ledger marks a bucket dirty.
CREATE TABLE dirty
(
    `label_set` LowCardinality(String) COMMENT 'Label set of the bucket',
    `brand` LowCardinality(String) COMMENT 'Brand of the bucket',
    `hour` DateTime('UTC') COMMENT 'Hour of the bucket',
    `mark` UInt64 COMMENT 'Random: names this change of the bucket',
    `done` UInt8 COMMENT '1 = recomputed since',
    `at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was marked'
)
ENGINE = ReplacingMergeTree(done)
ORDER BY (label_set, brand, hour, mark)
TTL toDateTime(at) + INTERVAL 1 DAY DELETE WHERE done = 1
COMMENT 'Buckets whose mentions changed after they were last totalled';

CREATE TABLE rollup_hour
(
    `label_set` LowCardinality(String) COMMENT 'live, or the name of a replay',
    `brand` LowCardinality(String) COMMENT 'Brand',
    `hour` DateTime('UTC') COMMENT 'Hour of event_time' CODEC(Delta, ZSTD(1)),
    `platform` LowCardinality(String) COMMENT 'Platform',
    `lang` LowCardinality(String) COMMENT 'Detected language',
    `country` LowCardinality(String) COMMENT 'Country stated by the platform',
    `kind` LowCardinality(String) COMMENT 'Sort of post',
    `label` LowCardinality(String) COMMENT 'Sentiment label: toward the brand where known, else of the post',
    `mentions` UInt64 COMMENT 'Mentions' CODEC(T64, ZSTD(1)),
    `sentiment_sum` Float64 COMMENT 'Sum of sentiment scores over labelled mentions' CODEC(ZSTD(1)),
    `labelled` UInt64 COMMENT 'Mentions with a sentiment label' CODEC(T64, ZSTD(1)),
    `reach` Int64 COMMENT 'Sum of reach' CODEC(T64, ZSTD(1)),
    `engagement` Int64 COMMENT 'Sum of engagement' CODEC(T64, ZSTD(1)),
    `bots` UInt64 COMMENT 'Mentions by accounts marked as automated' CODEC(T64, ZSTD(1)),
    `authors` AggregateFunction(uniqCombined(12), String) COMMENT 'Distinct authors: read with uniqCombinedMerge(12)',
    `computed` UInt64 COMMENT 'Server time (ns) before the mentions were read: the latest wins' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(computed)
PARTITION BY toYear(hour)
ORDER BY (label_set, brand, hour, platform, lang, country, kind, label)
COMMENT 'Hourly totals; a combination that vanished stands at zero: read mentions_hour';

CREATE TABLE rollup_minute
(
    `label_set` LowCardinality(String) COMMENT 'live, or the name of a replay',
    `brand` LowCardinality(String) COMMENT 'Brand',
    `minute` DateTime('UTC') COMMENT 'Minute of event_time' CODEC(Delta, ZSTD(1)),
    `platform` LowCardinality(String) COMMENT 'Platform',
    `mentions` UInt64 COMMENT 'Mentions' CODEC(T64, ZSTD(1)),
    `negative` UInt64 COMMENT 'Negative mentions' CODEC(T64, ZSTD(1)),
    `positive` UInt64 COMMENT 'Positive mentions' CODEC(T64, ZSTD(1)),
    `authors` AggregateFunction(uniqCombined(12), String) COMMENT 'Distinct authors: read with uniqCombinedMerge(12)',
    `computed` UInt64 COMMENT 'Server time (ns) before the mentions were read: the latest wins' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(computed)
PARTITION BY toYear(minute)
ORDER BY (label_set, brand, minute, platform)
COMMENT 'Minutely totals, for detectors; a combination that vanished stands at zero: read mentions_minute';
