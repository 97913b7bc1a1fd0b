package bench

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"earshot/sinks/clickhouse"
)

// keptVar names a folder in which the filled tables are kept, so that the boards can be measured
// again without filling them; empty: a folder that goes with the run.
const keptVar = "EARSHOT_BENCH_KEEP"

// The rows are made on the server. They are as skewed as the talk of a market is: 20 brands of which the first is named in a
// fifth of the posts, ten platforms (two of five posts on the first), twelve languages (two of five in the first),
// a country with one post in ten, two million accounts of which the loudest posts a thousand times as
// often as most; 90 days, stored in the order in which they were said. Two posts in five answer another one of
// their platform, half of them one that many answer and that answers none; one in two hundred is an owned channel's, one in
// thirty a bot's, some accounts always link to a shop. Each names one brand.
const (
	// madePosts makes the posts %[1]d to %[1]d+%[2]d of %[3]d; the platform goes by the number modulo 20, so an
	// answer, a multiple of 20 later, is on the same one.
	madePosts = `INSERT INTO posts (platform, id, op, kind, author_id, author_handle, author_followers, author_bot, text, seen_at, event_time, created_at, lang, hashtags, links, likes, country, topic,
	partition, offset, parent_id, parent_author, channel)
WITH
	number - 20 * (1 + toUInt64(400 * pow(cityHash64(number, 5) %% 1000 / 1000, 3))) AS near,
	if(cityHash64(number, 11) %% 2 = 0, near, near - intDiv(near, 20) %% 32 * 20) AS target,
	cityHash64(number, 16) %% 5 < 2 AND intDiv(number, 20) %% 32 != 0 AND number > 20000 AS answers,
	toUInt64(2000000 * pow(cityHash64(number, 1) %% 1000000 / 1000000, 2)) AS author,
	cityHash64(number, 12) %% 200 = 0 AS owned
SELECT ['x','reddit','bluesky','youtube','mastodon','facebook','weibo','wikipedia','blog','hackernews'][[1,1,1,1,1,1,1,1,2,2,2,2,3,3,4,5,6,7,8,9 + number %% 2][1 + number %% 20]] AS platform,
	concat('1', leftPad(toString(number), 18, '0')) AS id, 'create', if(answers, 'comment', 'post'), if(owned, 'brand', toString(author)), concat('handle', toString(author)), cityHash64(author, 2) %% 5000, author %% 30 = 7,
	concat(arrayStringConcat(arrayMap(i -> ['the','new','phone','is','really','good','bad','shoes','order','never','arrived','love','it','again','price','today'][1 + cityHash64(number, i) %% 16], range(12)), ' '),
		if(cityHash64(number, 13) %% 12 = 0, '?', '')),
	event_time, event_time, event_time,
	['en','en','en','en','en','en','es','es','pt','ja','ja','de','fr','zh','hi','ar','ru','id','tr','it'][1 + cityHash64(number, 3) %% 20],
	if(number %% 4 = 0, [concat('tag', toString(toUInt32(500 * pow(cityHash64(number, 7) %% 100000 / 100000, 2))))], []),
	if(author %% 211 = 0 OR number %% 6 = 0, [concat('https://site', toString(cityHash64(number, 14) %% 300), '.example/page')], []), toUInt32(50 * pow(cityHash64(number, 8) %% 1000 / 1000, 4)),
	if(number %% 10 = 0, ['US','DE','BR','JP'][1 + cityHash64(number, 10) %% 4], ''), 'posts', number %% 4, number,
	if(answers, concat('1', leftPad(toString(target), 18, '0')), ''),
	if(answers, if(cityHash64(target, 12) %% 200 = 0, 'brand', toString(toUInt64(2000000 * pow(cityHash64(target, 1) %% 1000000 / 1000000, 2)))), ''), if(owned, 'brand', '')
FROM (SELECT number, toDateTime64('%[4]s', 3, 'UTC') + toIntervalSecond(toUInt32(number / %[3]d * 90 * 86400)) AS event_time FROM numbers(%[1]d, %[2]d))
SETTINGS max_insert_block_size = 250000, max_partitions_per_insert_block = 200`
	madeMentions = `INSERT INTO mentions (label_set, brand, hour, platform, id, version, event_time, seen_at, created_at, kind, author_id, author_handle, author_followers, author_bot, text, url, lang, hashtags,
	likes, via, channel, sentiment, sentiment_label, toward, toward_label, country, links, parent_id, intents)
SELECT 'live', concat('Brand ', toString(toUInt32(20 * pow(cityHash64(id, 6) %% 10000 / 10000, 2)))), toStartOfHour(event_time), platform, id, 1, event_time, seen_at, created_at, kind, author_id, author_handle, author_followers,
	author_bot, text, '', lang, hashtags, likes, if(channel = '', 'text', 'channel'), channel, 0.1, ['negative','neutral','neutral','positive'][1 + cityHash64(id, 9) %% 4] AS label,
	0.1, label, country, links, parent_id, if(cityHash64(id, 15) %% 20 = 0, ['question'], [])
FROM posts WHERE offset >= %[1]d AND offset < %[1]d + %[2]d
SETTINGS max_insert_block_size = 250000, max_partitions_per_insert_block = 200`
	madeInteractions = `INSERT INTO interactions (platform, root_id, id, via, target_id, target_author, author_id, event_time, version)
SELECT platform, parent_id, id, 'reply', parent_id, parent_author, author_id, event_time, 1 FROM posts WHERE parent_id != '' AND offset >= %[1]d AND offset < %[1]d + %[2]d
SETTINGS max_insert_block_size = 250000`
	madeAuthors = `INSERT INTO authors (platform, author_id, handle, name, followers, seen_at)
SELECT platform, author_id, author_handle, author_handle, author_followers, seen_at FROM posts WHERE offset >= %[1]d AND offset < %[1]d + %[2]d`
	madeDirty = `INSERT INTO dirty (label_set, brand, hour, mark) SELECT label_set, brand, hour, 1 FROM mentions GROUP BY label_set, brand, hour`
)

// filled opens tables with that many mentions, and tells the server's process; what a run before has kept is used again.
func filled(b *testing.B, mentions int) (db *clickhouse.DB, server int) {
	b.Helper()
	dir := os.Getenv(keptVar)
	if dir == "" {
		dir = b.TempDir()
	}
	engine, err := clickhouse.Start(b.Context(), clickhouse.ServerConfig{Dir: dir, HTTPPort: randomPort(), Logger: zerolog.Nop()})
	require.NoError(b, err)
	b.Cleanup(func() { _ = engine.Close(b.Context()) })
	s := &servers{engine: engine}
	db, err = clickhouse.Open(b.Context(), s.store("default"))
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	require.NoError(b, clickhouse.Migrate(b.Context(), db, "earshot"))
	db = db.In("earshot")
	has := counted(b, db, "SELECT count() AS n FROM earshot.mentions")
	if has != mentions {
		require.Zero(b, has, "%s holds another number of mentions: empty the folder", keptVar)
		fillTables(b, db, mentions)
	}
	return db, engine.PID()
}

// fillTables makes the rows, has them totalled, and waits until the server has merged them: a server that
// has run for 90 days has done so too.
func fillTables(b *testing.B, db *clickhouse.DB, mentions int) {
	b.Helper()
	const portion = 1_000_000
	began := time.Now()
	start := began.UTC().AddDate(0, 0, -90).Format(time.DateTime)
	for from := 0; from < mentions; from += portion {
		n := min(portion, mentions-from)
		require.NoError(b, db.Exec(b.Context(), fmt.Sprintf(madePosts, from, n, mentions, start)))
		require.NoError(b, db.Exec(b.Context(), fmt.Sprintf(madeMentions, from, n)))
		require.NoError(b, db.Exec(b.Context(), fmt.Sprintf(madeInteractions, from, n)))
		require.NoError(b, db.Exec(b.Context(), fmt.Sprintf(madeAuthors, from, n)))
	}
	fmt.Fprintf(os.Stdout, "\n%d mentions were made in %s", mentions, time.Since(began).Round(time.Second))
	began = time.Now()
	require.NoError(b, db.Exec(b.Context(), madeDirty))
	require.NoError(b, clickhouse.OpenRollups(db, zerolog.Nop()).Drain(b.Context()))
	fmt.Fprintf(os.Stdout, ", totalled in %s", time.Since(began).Round(time.Second))
	began = time.Now()
	for counted(b, db, "SELECT count() AS n FROM system.merges") > 0 {
		time.Sleep(time.Second)
	}
	fmt.Fprintf(os.Stdout, ", merged %s later\n", time.Since(began).Round(time.Second))
}

func counted(b *testing.B, db *clickhouse.DB, query string) int {
	b.Helper()
	var rows []struct {
		N uint64 `ch:"n"`
	}
	require.NoError(b, db.Select(b.Context(), &rows, query))
	n, err := strconv.Atoi(strconv.FormatUint(rows[0].N, 10))
	require.NoError(b, err)
	return n
}
