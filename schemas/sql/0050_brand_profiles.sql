-- What is said of a brand beside its query, for boards that compare brands.
CREATE TABLE brand_profiles
(
    `brand` LowCardinality(String) COMMENT 'Brand name',
    `state` LowCardinality(String) COMMENT 'active, paused or removed',
    `market` LowCardinality(String) COMMENT 'Market that it belongs to; share of voice is told within one; empty: none is named',
    `competitors` Array(String) COMMENT 'Brands that it is compared with',
    `languages` Array(String) COMMENT 'Languages in which a mention counts; empty: all',
    `categories` Array(String) COMMENT 'Names of its categories',
    `channels` Array(String) COMMENT 'Owned handles and pages',
    `owner` String COMMENT 'Who answers for the query',
    `query_version` String COMMENT 'Content hash of what counts; see brands',
    `at` DateTime64(3, 'UTC') COMMENT 'When it was last changed; the latest wins'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY brand
COMMENT 'Each brand of the live stream as it stands: market, competitors, owner, languages, categories; read it with FINAL';
