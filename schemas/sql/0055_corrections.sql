-- What people corrected lies over what the stages said wherever mentions are read, so it
-- survives every replay and redelivery, and taking it back brings the old label back.
ALTER TABLE overrides COMMENT COLUMN brand 'Brand toward which the sentiment is corrected; empty = the correction is of the post';

ALTER TABLE overrides COMMENT COLUMN field 'What is corrected: lang, sentiment (of the post) or toward (the brand)';

ALTER TABLE overrides COMMENT COLUMN value 'The right value: a language, or negative, neutral or positive; empty = the correction was taken back';

CREATE VIEW corrections AS
SELECT platform, id, brand, field, value, by, note, at
FROM overrides FINAL
WHERE value != ''
COMMENT 'Corrections of labels by people, as they stand';

CREATE VIEW corrections_of_posts AS
SELECT platform AS fixed_platform, id AS fixed_id, anyIf(value, field = 'lang') AS fixed_lang, anyIf(value, field = 'sentiment') AS fixed_sentiment,
    argMax(by, at) AS fixed_by, max(at) AS fixed_at
FROM corrections
WHERE brand = ''
GROUP BY platform, id
COMMENT 'One row for each post that a person corrected; mentions_current and posts_current are joined to it';

CREATE VIEW corrections_of_brands AS
SELECT platform AS toward_platform, id AS toward_id, brand AS toward_brand, value AS fixed_toward, by AS toward_by, at AS toward_at
FROM corrections
WHERE field = 'toward' AND brand != ''
COMMENT 'One row for each mention whose sentiment toward the brand a person corrected; mentions_current is joined to it';

CREATE OR REPLACE VIEW mentions_current AS
WITH
    if(p.fixed_sentiment != '', p.fixed_sentiment, toString(m.sentiment_label)) AS post_label,
    multiIf(b.fixed_toward != '', b.fixed_toward, p.fixed_sentiment != '' AND m.toward_model = m.sentiment_model AND m.toward = m.sentiment, p.fixed_sentiment, '') AS brand_label
SELECT m.* REPLACE (
    CAST(if(p.fixed_lang != '', p.fixed_lang, toString(m.lang)) AS LowCardinality(String)) AS lang,
    if(p.fixed_lang != '', 1, m.lang_confidence) AS lang_confidence,
    if(p.fixed_sentiment != '', toFloat32((post_label = 'positive') - (post_label = 'negative')), m.sentiment) AS sentiment,
    CAST(post_label AS LowCardinality(String)) AS sentiment_label,
    if(p.fixed_sentiment != '', toFloat32(post_label = 'negative'), m.sentiment_negative) AS sentiment_negative,
    if(p.fixed_sentiment != '', toFloat32(post_label = 'neutral'), m.sentiment_neutral) AS sentiment_neutral,
    if(p.fixed_sentiment != '', toFloat32(post_label = 'positive'), m.sentiment_positive) AS sentiment_positive,
    CAST(if(p.fixed_sentiment != '', 'correction', toString(m.sentiment_model)) AS LowCardinality(String)) AS sentiment_model,
    if(brand_label != '', toFloat32((brand_label = 'positive') - (brand_label = 'negative')), m.toward) AS toward,
    CAST(if(brand_label != '', brand_label, toString(m.toward_label)) AS LowCardinality(String)) AS toward_label,
    if(brand_label != '', toFloat32(brand_label = 'negative'), m.toward_negative) AS toward_negative,
    if(brand_label != '', toFloat32(brand_label = 'neutral'), m.toward_neutral) AS toward_neutral,
    if(brand_label != '', toFloat32(brand_label = 'positive'), m.toward_positive) AS toward_positive,
    CAST(if(brand_label != '', 'correction', toString(m.toward_model)) AS LowCardinality(String)) AS toward_model),
    m.reach AS reach, m.engagement AS engagement,
    if(b.toward_at > p.fixed_at, b.toward_by, p.fixed_by) AS corrected_by,
    greatest(b.toward_at, p.fixed_at) AS corrected_at
FROM mentions AS m FINAL
LEFT JOIN corrections_of_posts AS p ON m.platform = p.fixed_platform AND m.id = p.fixed_id
LEFT JOIN corrections_of_brands AS b ON m.platform = b.toward_platform AND m.id = b.toward_id AND m.brand = b.toward_brand
WHERE m.is_deleted = 0
  AND (m.platform, m.id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
  AND (m.platform, m.author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
COMMENT 'Each mention once, as last known, without what was deleted; labels that a person corrected say so (sentiment_model, toward_model: correction; corrected_by, corrected_at)';

CREATE OR REPLACE VIEW posts_current AS
SELECT p.* REPLACE (
    CAST(if(c.fixed_lang != '', c.fixed_lang, toString(p.lang)) AS LowCardinality(String)) AS lang,
    if(c.fixed_lang != '', 1, p.lang_confidence) AS lang_confidence)
FROM
(
    SELECT *
    FROM posts
    WHERE op IN ('create', 'update')
      AND (platform, id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')
      AND (platform, author_id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'account')
    ORDER BY platform, id, greatest(if(toUnixTimestamp64Milli(edited_at) = 0, created_at, edited_at), toDateTime64(0, 3, 'UTC')) DESC, seen_at DESC, offset DESC
    LIMIT 1 BY platform, id
) AS p
LEFT JOIN corrections_of_posts AS c ON p.platform = c.fixed_platform AND p.id = c.fixed_id
COMMENT 'Each post once, as last known: the higher platform revision wins, then the later seen_at, then the later record; languages that a person corrected are those';
