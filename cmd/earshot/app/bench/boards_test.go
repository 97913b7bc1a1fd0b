package bench

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"earshot/dashboards"
	"earshot/sinks/clickhouse"
)

// mentionsVar is how many mentions the boards are measured over.
const mentionsVar = "EARSHOT_BENCH_MENTIONS"

// Rows that are made on the server, in one go each: 20 brands, 10 platforms, 12 languages, 90 days; two posts in five answer
// another one. Text is short: no panel counts its bytes.
const (
	madePosts = `INSERT INTO posts (platform, id, op, kind, author_id, author_handle, author_followers, text, seen_at, event_time, created_at, lang, topic, partition, offset, parent_id, root_id)
SELECT concat('p', toString(cityHash64(number) %% 10)), toString(number), 'create', 'post', toString(cityHash64(number, 1) %% 2000000), toString(number %% 1000), cityHash64(number, 2) %% 5000,
	'a post of some words', event_time, event_time, event_time, ['en','es','de','ja','pt','zh','hi','fr','ar','ru','id','tr'][1 + cityHash64(number, 3) %% 12], 'posts', number %% 4, number,
	if(number %% 5 < 2 AND number > 100, toString(number - 1 - cityHash64(number, 5) %% 100), ''), ''
FROM (SELECT number, toDateTime64(now(), 3, 'UTC') - INTERVAL toUInt32(cityHash64(number, 4) %% (90 * 86400)) SECOND AS event_time FROM numbers(%d, %d))
SETTINGS max_insert_block_size = 200000, max_partitions_per_insert_block = 200`
	madeMentions = `INSERT INTO mentions (label_set, brand, hour, platform, id, version, event_time, seen_at, created_at, kind, author_id, author_handle, author_followers, text, url, lang, hashtags,
	likes, via, sentiment, sentiment_label, toward, toward_label, country, links)
SELECT 'live', concat('Brand ', toString(cityHash64(id, 6) % 20)), toStartOfHour(event_time), platform, id, 1, event_time, seen_at, created_at, kind, author_id, author_handle, author_followers, text, '',
	lang, if(offset % 4 = 0, [concat('tag', toString(cityHash64(id, 7) % 500))], []), cityHash64(id, 8) % 50, 'text', 0.1, ['negative','neutral','positive'][1 + cityHash64(id, 9) % 3],
	0.1, ['negative','neutral','positive'][1 + cityHash64(id, 9) % 3], if(offset % 10 = 0, ['US','DE','BR','JP'][1 + cityHash64(id, 10) % 4], ''), []
FROM posts`
	madeInteractions = `INSERT INTO interactions (platform, root_id, id, via, target_id, target_author, author_id, event_time, version)
SELECT platform, parent_id, id, 'reply', parent_id, toString(cityHash64(toUInt64(parent_id), 1) % 2000000), author_id, event_time, 1 FROM posts WHERE parent_id != ''`
	madeDirty = `INSERT INTO dirty (label_set, brand, hour, mark) SELECT label_set, brand, hour, 1 FROM mentions GROUP BY label_set, brand, hour`
)

// BenchmarkBoards prints the time of every panel over ten million mentions of 90 days beside
// that of a plain count of the same rows, and of each board as a browser loads it.
func BenchmarkBoards(b *testing.B) {
	mentions := setting(b, mentionsVar, 10_000_000)
	engine, err := clickhouse.Start(b.Context(), clickhouse.ServerConfig{Dir: b.TempDir(), HTTPPort: randomPort(), Logger: zerolog.Nop()})
	require.NoError(b, err)
	b.Cleanup(func() { _ = engine.Close(b.Context()) })
	s := &servers{engine: engine}
	db, err := clickhouse.Open(b.Context(), s.store("default"))
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	require.NoError(b, clickhouse.Migrate(b.Context(), db, "earshot"))
	db = db.In("earshot")
	const portion = 1_000_000
	for from := 0; from < mentions; from += portion {
		require.NoError(b, db.Exec(b.Context(), fmt.Sprintf(madePosts, from, min(portion, mentions-from))))
	}
	for _, statement := range []string{madeMentions, madeInteractions, madeDirty} {
		require.NoError(b, db.Exec(b.Context(), statement))
	}
	require.NoError(b, clickhouse.OpenRollups(db, zerolog.Nop()).Drain(b.Context()))
	accounts, err := clickhouse.OpenInfluence(db, zerolog.Nop()).Compute(b.Context())
	require.NoError(b, err)
	fmt.Fprintf(os.Stdout, "\n%d mentions of 90 days, %d accounts in the graph\n", mentions, accounts)
	boards, err := dashboards.Boards()
	require.NoError(b, err)
	for _, days := range []int{7, 90} {
		scope := dashboards.Scope{From: time.Now().AddDate(0, 0, -days), To: time.Now(), Step: 3 * time.Hour, Values: map[string][]string{"label_set": {"live"}, "database": {"earshot"}}}
		printBoards(b, os.Stdout, db, boards, scope, days)
	}
}

func printBoards(b *testing.B, out io.Writer, db *clickhouse.DB, boards []dashboards.Board, scope dashboards.Scope, days int) {
	b.Helper()
	count, err := boards[0].Expand("SELECT count() FROM ${database}.scope_mentions(label_set=${label_set:sqlstring}, brands=[''], platforms=[''], langs=[''], countries=[''], from=$__fromTime, to=$__toTime)", scope)
	require.NoError(b, err)
	plain := took(b, db, count)
	fmt.Fprintf(out, "\nThe last %d days; a plain count of the mentions takes %d ms\n\n  ms   times  board and panel\n", days, plain.Milliseconds())
	for _, board := range boards {
		var all []string
		for _, p := range board.Panels {
			for _, target := range p.Targets {
				sql, err := board.Expand(target.SQL, scope)
				require.NoError(b, err)
				all = append(all, sql)
				spent := took(b, db, sql)
				fmt.Fprintf(out, "%6d %6.1f  %s: %s\n", spent.Milliseconds(), float64(spent)/float64(plain), strings.TrimPrefix(board.Title, "Earshot: "), p.Title)
			}
		}
		fmt.Fprintf(out, "%6d         %s, whole, six panels at once\n", together(b, db, all).Milliseconds(), board.Title)
	}
}

// took is the median of three.
func took(b *testing.B, db *clickhouse.DB, sql string) time.Duration {
	b.Helper()
	var all []time.Duration
	for range 3 {
		began := time.Now()
		require.NoError(b, db.Query(b.Context(), sql, "Null", io.Discard), sql)
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[1]
}

// together is how long it takes to ask everything, as a browser does.
func together(b *testing.B, db *clickhouse.DB, all []string) time.Duration {
	b.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	next := make(chan string)
	for range 6 {
		wg.Go(func() {
			for sql := range next {
				_ = db.Query(b.Context(), sql, "Null", io.Discard) // it was asked before, and answered
			}
		})
	}
	for _, sql := range all {
		next <- sql
	}
	close(next)
	wg.Wait()
	return time.Since(began)
}
