-- Incidents that were found, who took note of them, and what was sent about them. The table
-- of 0003 was never written to.
DROP TABLE IF EXISTS alerts;

CREATE TABLE incidents
(
    `incident_id` String COMMENT 'Hash of the brand or source and the minute that opened it: the same incident twice is one',
    `brand` LowCardinality(String) COMMENT 'Brand; empty: it is about a source',
    `source` LowCardinality(String) COMMENT 'Of a coverage alert: the source that is blind',
    `kinds` Array(LowCardinality(String)) COMMENT 'What was unusual: volume, drop, negative, reach, cascade, topic, rival, coverage',
    `state` LowCardinality(String) COMMENT 'open or resolved',
    `severity` LowCardinality(String) COMMENT 'info, warning or critical: by distinct people, without bots and copies',
    `opened_at` DateTime64(3, 'UTC') COMMENT 'Minute of event time that opened it',
    `updated_at` DateTime64(3, 'UTC') COMMENT 'Last minute of event time that stood out',
    `resolved_at` DateTime64(3, 'UTC') COMMENT 'When it was over; 1970-01-01 = not yet',
    `window_minutes` UInt32 COMMENT 'Length of the window that shows most',
    `observed` Float64 COMMENT 'What was counted in that window',
    `expected` Float64 COMMENT 'What is usual in such a window',
    `expected_low` Float64 COMMENT '95 % of such windows hold at least this',
    `expected_high` Float64 COMMENT '95 % of such windows hold at most this',
    `probability` Float64 COMMENT 'Probability of a window as far out, if nothing happens, by a negative binomial model',
    `score` Float64 COMMENT 'Deviation over the threshold: above 1',
    `voices` Float64 COMMENT 'Distinct people that it is about',
    `evidence` String COMMENT 'One object a kind, JSON: window, observed, expected, interval, probability, subject' CODEC(ZSTD(3)),
    `explanation` String COMMENT 'JSON: platforms, languages, countries, topics, authors and posts that carry it; bots, duplicates, loudest author, blind sources' CODEC(ZSTD(3)),
    `link` String COMMENT 'Board at that moment',
    `revision` UInt32 COMMENT 'Messages that people got about it',
    `simulated` Bool COMMENT 'Invented by the simulation: nobody is called',
    `at` DateTime64(9, 'UTC') COMMENT 'When this state was written; the latest wins'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY incident_id
COMMENT 'Each state of each incident; read it through alerts';

CREATE TABLE acknowledgements
(
    `incident_id` String COMMENT 'Incident',
    `by` String COMMENT 'Who took note of it',
    `at` DateTime64(3, 'UTC') COMMENT 'When; the first of a person wins'
)
ENGINE = ReplacingMergeTree
ORDER BY (incident_id, by)
COMMENT 'Who took note of which incident, by the link in its message';

CREATE TABLE deliveries
(
    `id` String COMMENT 'Incident or digest, revision and channel: the same message twice is one',
    `channel` LowCardinality(String) COMMENT 'Name of the channel in the configuration',
    `incident_id` String COMMENT 'Incident; empty: a digest',
    `event` LowCardinality(String) COMMENT 'opened, worse, resolved, digest or missed',
    `state` LowCardinality(String) COMMENT 'waiting, sent, folded (told in another message) or dead (given up: see reason)',
    `attempts` UInt32 COMMENT 'How often it was tried',
    `reason` String COMMENT 'Why the last attempt failed',
    `message` String COMMENT 'The message, JSON' CODEC(ZSTD(3)),
    `created_at` DateTime64(3, 'UTC') COMMENT 'When it was due' CODEC(ZSTD(1)),
    `rank` UInt64 COMMENT 'Which row wins: what is settled, then the later'
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(created_at)
ORDER BY (channel, id)
TTL toDateTime(created_at) + INTERVAL 400 DAY DELETE
COMMENT 'Messages to people: waiting, sent or dead; read it with FINAL';

CREATE VIEW alerts AS
SELECT
    i.*,
    a.acknowledged_at AS acknowledged_at,
    a.acknowledged_by AS acknowledged_by
FROM
(
    SELECT * EXCEPT (at)
    FROM incidents FINAL
) AS i
LEFT JOIN
(
    SELECT incident_id, min(at) AS acknowledged_at, argMin(`by`, at) AS acknowledged_by
    FROM acknowledgements
    GROUP BY incident_id
) AS a ON a.incident_id = i.incident_id
COMMENT 'Each incident once, as it stands, with who took note of it first (1970-01-01 = nobody yet)';
