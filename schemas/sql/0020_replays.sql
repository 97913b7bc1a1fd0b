-- The archive read anew: into label sets of their own, and brands that look back.
CREATE TABLE replays
(
    `name` String COMMENT 'Label set of a replay; of a back-fill backfill/brand/version/since',
    `kind` LowCardinality(String) COMMENT 'replay (fills a label set of its own) or backfill (a new or changed brand of live looks back)',
    `label_set` LowCardinality(String) COMMENT 'Label set that it writes',
    `brand` LowCardinality(String) COMMENT 'Of a back-fill: the brand',
    `query_version` String COMMENT 'Of a back-fill: content hash of the brand''s query',
    `state` LowCardinality(String) COMMENT 'running, done, promoted (its labels are those of live), superseded (the brand has changed again) or dropped',
    `enrichment` String COMMENT 'Versions of brands and models that label',
    `definition` String COMMENT 'The brands as JSON, so that the set can be made again' CODEC(ZSTD(3)),
    `range_from` DateTime64(3, 'UTC') COMMENT 'Posts said from then on; 1970-01-01 = all',
    `range_to` DateTime64(3, 'UTC') COMMENT 'Posts said before then; 1970-01-01 = all',
    `pass` UInt8 COMMENT '1 reads the archive, 2 what was stored meanwhile',
    `cursor_platform` String COMMENT 'Where the pass stands: platform of the last post done',
    `cursor_id` String COMMENT 'Where the pass stands: id of the last post done',
    `positions` String COMMENT 'Ledger positions (JSON) up to which it has read, less what may still have been on its way' CODEC(ZSTD(3)),
    `rows_total` UInt64 COMMENT 'Ledger rows to read in this pass, as counted when it began',
    `rows_read` UInt64 COMMENT 'Ledger rows read in this pass',
    `mentions` UInt64 COMMENT 'Mentions written, in all passes; a post that is read twice counts twice',
    `failed` UInt64 COMMENT 'Records at which enrichment failed; they have no mention',
    `started_at` DateTime64(3, 'UTC') COMMENT 'When it began',
    `at` DateTime64(3, 'UTC') COMMENT 'When this was written',
    `step` UInt64 COMMENT 'Counts the rows of one name; the highest wins'
)
ENGINE = ReplacingMergeTree(step)
ORDER BY name
COMMENT 'Replays and back-fills with their progress; read it with FINAL';

CREATE VIEW backfills AS
SELECT
    brand,
    query_version,
    state,
    if(state = 'running' AND rows_total > 0, least(rows_read / rows_total, 1.), if(state = 'running', 0., 1.)) AS progress,
    rows_read,
    rows_total,
    mentions,
    started_at,
    at
FROM replays FINAL
WHERE kind = 'backfill'
COMMENT 'Brands that look back over the archive: while one is running, its past on the boards is incomplete';
