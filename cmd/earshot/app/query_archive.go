package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// Archived says on which archived posts a query is measured.
type Archived struct {
	Days      int  // before the newest post; 0: none
	Simulated bool // those of the simulated stream
}

// About how many posts a sample has.
const (
	archivePosts = 200_000
	quickPosts   = 20_000 // while somebody types
)

// archiveSample is every so manieth post of the archive, chosen by the hash of its identity,
// so that the same posts are read twice.
type archiveSample struct {
	db          *clickhouse.DB
	Posts       uint64    `ch:"posts"`  // create and update records of these days
	From        time.Time `ch:"oldest"` // event time, UTC
	To          time.Time `ch:"newest"`
	every, days uint64
}

// open connects to the server, as `earshot sql` does, and looks how much there is.
func (a Archived) open(ctx context.Context, cfg *Config, c *Console, use func(*archiveSample) error) error {
	at := tables{command: "query check", simulated: a.Simulated}
	return withTables(ctx, cfg, c.Log, at, func(_ *Servers, db *clickhouse.DB, _ pipeline.Stream) error {
		sample, err := a.sample(ctx, db, archivePosts)
		switch {
		case err != nil:
			return err
		case sample.Posts == 0:
			c.print("the archive is empty: nothing could be measured\n")
			return nil
		}
		return use(sample)
	})
}

// sample looks how many posts there are, and chooses about so many of them.
func (a Archived) sample(ctx context.Context, db *clickhouse.DB, size uint64) (*archiveSample, error) {
	sample := &archiveSample{db: db, days: uint64(a.Days)}
	var rows []archiveSample
	question := fmt.Sprintf("SELECT count() AS posts, min(event_time) AS oldest, max(event_time) AS newest FROM `%s`.posts WHERE %s", db.Database(), sample.where())
	if err := sample.db.Select(ctx, &rows, question); err != nil {
		return nil, failure(ExitUnreachable, err)
	}
	sample.Posts, sample.From, sample.To = rows[0].Posts, rows[0].From, rows[0].To
	sample.every = max(1, sample.Posts/size)
	return sample, nil
}

// where chooses the posts whose words are still there.
func (s *archiveSample) where() string {
	return fmt.Sprintf("op IN ('create', 'update') AND (text != '' OR title != '') AND event_time >= (SELECT max(event_time) FROM `%s`.posts WHERE op IN ('create', 'update')) - INTERVAL %d DAY",
		s.db.Database(), s.days)
}

// read hands over the sample, each post once, as last known, without deleted ones; in the
// language that was found, and published at its event time.
func (s *archiveSample) read(ctx context.Context, use func(*pipeline.Record)) error {
	question := fmt.Sprintf(`SELECT platform, id, kind, source, channel, title, text, url, if(p.lang = '', lang_claimed, p.lang) AS lang, hashtags, handles, links, rating,
  formatDateTime(event_time, '%%Y-%%m-%%dT%%H:%%i:%%SZ') AS created_at,
  CAST(tuple(author_id, author_handle, author_name, author_followers, author_following, author_posts, author_verified, author_bot),
    'Tuple(id String, handle String, name String, followers Int64, following Int64, posts Int64, verified Bool, bot Bool)') AS author,
  CAST(tuple(likes, reposts, replies, quotes, views), 'Tuple(likes Int64, reposts Int64, replies Int64, quotes Int64, views Int64)') AS metrics,
  CAST(tuple(country, region, city), 'Tuple(country String, region String, city String)') AS geo
FROM %[1]s.posts AS p WHERE %[2]s AND cityHash64(platform, id) %% %[3]d = 0
  AND (platform, id) NOT IN (SELECT platform, id FROM %[1]s.tombstones WHERE scope = 'post')
  AND (platform, author_id) NOT IN (SELECT platform, id FROM %[1]s.tombstones WHERE scope = 'account')
ORDER BY platform, id, edited_at DESC, seen_at DESC, offset DESC LIMIT 1 BY platform, id
SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_named_tuples_as_objects = 1, cancel_http_readonly_queries_on_client_close = 1`,
		"`"+s.db.Database()+"`", s.where(), s.every)
	r, w := io.Pipe()
	go func() { w.CloseWithError(s.db.Query(ctx, question, "JSONEachRow", w)) }()
	defer r.Close() //nolint:errcheck // it never fails
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		record := &pipeline.Record{}
		if _, err := pipeline.DecodePost(append([]byte(nil), lines.Bytes()...), &record.Post); err != nil {
			return fmt.Errorf("query: read the archive: %w", err)
		}
		use(record)
	}
	if err := lines.Err(); err != nil {
		return failure(ExitUnreachable, fmt.Errorf("query: read the archive: %w", err))
	}
	return nil
}

// aDay extends matches of a sample to a day of all posts.
func (s *archiveSample) aDay(matches, posts int) float64 {
	span := max(s.To.Sub(s.From), time.Hour)
	return float64(matches) / float64(posts) * float64(s.Posts) / span.Hours() * 24
}

func (s *archiveSample) String() string {
	one := "all posts"
	if s.every > 1 {
		one = fmt.Sprintf("one in %d posts", s.every)
	}
	const minute = "2006-01-02 15:04"
	return fmt.Sprintf("%s from %s to %s UTC", one, s.From.UTC().Format(minute), s.To.UTC().Format(minute))
}
