-- The measures of market research, each defined once. Boards, the web view and researchers
-- call them with the same seven parameters: label_set, brands, platforms, langs,
-- countries (an empty list, or a list of nothing but empty strings, is all of them), from and to.
CREATE TABLE classifier_error
(
    `model` LowCardinality(String) COMMENT 'Version of the sentiment model',
    `lang` LowCardinality(String) COMMENT 'Language; empty = all languages together, for those without a row of their own',
    `rows` UInt64 COMMENT 'Labelled posts, never trained on, that the confusion matrix counts',
    `score` Array(Float64) COMMENT 'What a post labelled negative, neutral, positive adds to net sentiment so that the model''s errors cancel on the mean: the inverse of the confusion matrix times (-1, 0, 1)',
    `inverse` Array(Float64) COMMENT 'Inverse of the transposed confusion matrix, row by row: true shares from labelled shares',
    `variance` Array(Float64) COMMENT 'Of each true class: variance that the size of the confusion matrix adds, times the square of its share',
    `at` DateTime64(3, 'UTC') COMMENT 'When it was published; the latest model counts'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (model, lang)
COMMENT 'How the sentiment model errs, by language: net_sentiment corrects for it; read it with FINAL';

CREATE VIEW watermark AS
SELECT if(count() = 0, now64(3, 'UTC'), min(d.at)) AS at, count() AS dirty_buckets
FROM (SELECT at FROM dirty FINAL WHERE done = 0) AS d
COMMENT 'Up to when the totals are true: every mention stored before is in them';

CREATE VIEW scope_hours AS
SELECT *
FROM mentions_hour
WHERE label_set = {label_set:String} AND hour >= toStartOfHour({from:DateTime}) AND hour < {to:DateTime}
  AND (NOT arrayExists(x -> x != '', {brands:Array(String)}) OR brand IN {brands:Array(String)})
  AND (NOT arrayExists(x -> x != '', {platforms:Array(String)}) OR platform IN {platforms:Array(String)})
  AND (NOT arrayExists(x -> x != '', {langs:Array(String)}) OR lang IN {langs:Array(String)})
  AND (NOT arrayExists(x -> x != '', {countries:Array(String)}) OR country IN {countries:Array(String)})
COMMENT 'Hourly totals of a scope, whole hours';

CREATE VIEW scope_mentions AS
SELECT *
FROM mentions_current
WHERE label_set = {label_set:String} AND hour >= toStartOfHour({from:DateTime}) AND hour < {to:DateTime}
  AND (NOT arrayExists(x -> x != '', {brands:Array(String)}) OR brand IN {brands:Array(String)})
  AND (NOT arrayExists(x -> x != '', {platforms:Array(String)}) OR platform IN {platforms:Array(String)})
  AND (NOT arrayExists(x -> x != '', {langs:Array(String)}) OR lang IN {langs:Array(String)})
  AND (NOT arrayExists(x -> x != '', {countries:Array(String)}) OR country IN {countries:Array(String)})
COMMENT 'Mentions of a scope, one by one, whole hours';

CREATE VIEW share_of_voice AS
SELECT
    brand,
    sum(mentions) AS mentions,
    mentions / sum(mentions) OVER () AS share,
    uniqCombinedMerge(12)(authors) AS people,
    sum(reach) AS reach,
    sum(engagement) AS engagement,
    sum(bots) AS bots
FROM {{database}}.scope_hours(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime})
GROUP BY brand
COMMENT 'Share of voice: a brand''s mentions over those of all brands of the scope; reach and engagement are sums at first sight';

CREATE VIEW net_sentiment AS
WITH
    latest AS (SELECT argMax(model, at) AS model FROM classifier_error),
    error AS (SELECT lang, score, inverse, variance FROM classifier_error FINAL WHERE model IN (SELECT model FROM latest)),
    counts AS
    (
        SELECT
            brand,
            if(lang IN (SELECT lang FROM error), toString(lang), '') AS matrix,
            toFloat64(sum(mentions)) AS n,
            [sumIf(mentions, label = 'negative') / n, sumIf(mentions, label = 'neutral') / n, sumIf(mentions, label = 'positive') / n] AS q
        FROM {{database}}.scope_hours(label_set={label_set:String}, brands={brands:Array(String)}, platforms={platforms:Array(String)}, langs={langs:Array(String)}, countries={countries:Array(String)}, from={from:DateTime}, to={to:DateTime})
        WHERE label != ''
        GROUP BY brand, matrix
    ),
    corrected AS
    (
        SELECT
            brand, n, q,
            if(empty(error.score), [-1., 0., 1.], error.score) AS a,
            if(empty(error.score), [0., 0., 0.], error.variance) AS v,
            if(empty(error.score), q, arrayMap(i -> greatest(0., least(1., arraySum(arrayMap((x, y) -> x * y, arraySlice(error.inverse, 3 * i + 1, 3), q)))), [0, 1, 2])) AS p,
            arraySum(arrayMap((x, y) -> x * y, a, q)) AS net,
            arraySum(arrayMap((x, y) -> x * x * y, a, q)) - net * net AS sampling,
            arraySum(arrayMap((x, y) -> x * x * y, p, v)) AS classifying
        FROM counts
        LEFT JOIN error ON error.lang = counts.matrix
    )
SELECT
    brand,
    toUInt64(sum(n)) AS labelled,
    sum(n * (q[3] - q[1])) / sum(n) AS uncorrected,
    greatest(-1., least(1., sum(n * net) / sum(n))) AS net,
    sqrt(sum(n * sampling) + sum(n * n * classifying)) / sum(n) AS standard_error,
    greatest(-1., net - 1.96 * standard_error) AS low,
    least(1., net + 1.96 * standard_error) AS high,
    labelled >= 100 AS enough
FROM corrected
GROUP BY brand
COMMENT 'Net sentiment, share positive minus share negative, -1 to 1, corrected for the model''s errors by language (Rogan and Gladen 1978; Buonaccorsi 2010), with a 95 % interval of both the sample and the confusion matrix (delta method)';
