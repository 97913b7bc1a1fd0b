-- What a round of the erasure takes. It is written down first, so that the buckets that are
-- marked and the rows that go are those of the same posts, whatever is deleted meanwhile and
-- however late the server executes the change.
CREATE TABLE erasing
(
    `platform` LowCardinality(String) COMMENT 'Platform name',
    `id` String COMMENT 'Post whose mentions go' CODEC(ZSTD(1)),
    `run` UInt64 COMMENT 'Random: names the round of the erasure',
    `at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the round began'
)
ENGINE = MergeTree
ORDER BY (platform, id, run)
TTL toDateTime(at) + INTERVAL 1 DAY DELETE
COMMENT 'Posts whose mentions a round of the erasure takes away; for a day';
