-- Measures on who answers whom. The graph is computed once an hour, for the last 30 days, and
-- replaced as a whole, so that what was deleted leaves it too.
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
