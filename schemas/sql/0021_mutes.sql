-- What people do not want to be counted.
CREATE TABLE mutes
(
    `rule` String COMMENT 'Name of the rule on the topic earshot-brands',
    `brand` String COMMENT 'Brand that it is about; empty: every brand',
    `platform` String COMMENT 'Platform; empty: every platform',
    `author` String COMMENT 'Id or handle of an account; empty: not by author',
    `source` String COMMENT 'Instance, subreddit, feed or page; empty: not by source',
    `domain` String COMMENT 'Host of an address in the post, with its subdomains; empty: not by domain',
    `post` String COMMENT 'Id of one post ("not my brand"); empty: not one post',
    `who` String COMMENT 'Who said so',
    `active` UInt8 COMMENT '1 = it stands; 0 = it was taken back',
    `since` DateTime64(3, 'UTC') COMMENT 'When it was said or taken back',
    `applied` UInt8 COMMENT '1 = what is stored follows it',
    `at` DateTime64(3, 'UTC') COMMENT 'When this was written; the latest wins'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY rule
COMMENT 'Authors, sources, domains and posts whose mentions do not count; read it with FINAL';
