package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Archive says how long and how large the archive may be.
type Archive struct {
	Days     int     `yaml:"days" json:"days,omitempty" doc:"days after which text and authors leave the ledger; ids, kind, parent and times stay"`
	EdgeDays int     `yaml:"edge_days" json:"edge_days,omitempty" doc:"days after which the rest of a ledger row goes too"`
	GB       float64 `yaml:"gb" json:"gb,omitempty" doc:"most gigabytes that the ledger may take on disk: text of the oldest days goes first; 0: no cap"`
}

// DefaultArchive keeps text for 30 days, the edge for 400, and 20 GB.
func DefaultArchive() Archive { return Archive{Days: 30, EdgeDays: 400, GB: 20} }

// mostDays keeps a TTL before 2106, where ClickHouse's DateTime wraps around and every
// row would be due at once.
const mostDays = 10000

// Validate names the field that is wrong.
func (a Archive) Validate() error {
	var errs []error
	if a.Days < 1 || a.Days > mostDays {
		errs = append(errs, fmt.Errorf("archive.days: %d is not between 1 and %d", a.Days, mostDays))
	}
	if a.EdgeDays < a.Days || a.EdgeDays > mostDays {
		errs = append(errs, fmt.Errorf("archive.edge_days: %d is not between archive.days and %d", a.EdgeDays, mostDays))
	}
	if a.GB < 0 {
		errs = append(errs, fmt.Errorf("archive.gb: %g is negative", a.GB))
	}
	return errors.Join(errs...)
}

// wordy are the columns of posts that leave after archive.days.
func wordy() []string {
	return []string{
		"author_id", "author_handle", "author_name", "author_location", "title", "text", "url",
		"parent_author", "root_author", "repost_author", "quote_author",
		"hashtags", "handles", "links", "media_url", "media_alt",
	}
}

// ApplyArchive sets the TTLs of the ledger; it counts from seen_at, never from a claimed
// time. It changes nothing if they stand already.
func ApplyArchive(ctx context.Context, db *DB, a Archive) error {
	if err := a.Validate(); err != nil {
		return err
	}
	var rows []struct {
		Create string `ch:"create_table_query"`
	}
	err := db.Select(ctx, &rows, "SELECT create_table_query FROM system.tables WHERE database = {database:String} AND name = 'posts'", Named("database", db.database))
	if err != nil {
		return err
	}
	column, table := ttl(a.Days), ttl(a.EdgeDays)
	if len(rows) == 1 && archiveStands(rows[0].Create, a) {
		return nil
	}
	changes := make([]string, 0, len(wordy())+1)
	for _, name := range wordy() {
		changes = append(changes, "MODIFY COLUMN `"+name+"` "+column)
	}
	changes = append(changes, "MODIFY "+table)
	return db.Exec(ctx, "ALTER TABLE posts "+strings.Join(changes, ", ")+" SETTINGS materialize_ttl_after_modify = 0")
}

func ttl(days int) string { return fmt.Sprintf("TTL toDateTime(seen_at) + toIntervalDay(%d)", days) }

// archiveStands reads a table's definition.
func archiveStands(create string, a Archive) bool {
	columns := strings.Count(create, ttl(a.Days)+",") + strings.Count(create, ttl(a.Days)+" COMMENT")
	return columns >= len(wordy()) && strings.Contains(create, " "+ttl(a.EdgeDays)+" SETTINGS")
}

// EnforceCap takes the text and the authors of the oldest days out of the ledger until it
// fits under archive.gb, and if the edges alone do not fit, the oldest days as a whole.
// Today's day is never touched. It waits for its changes and returns the days it touched.
func EnforceCap(ctx context.Context, db *DB, a Archive, log zerolog.Logger) ([]string, error) {
	if a.GB == 0 {
		return nil, nil
	}
	var touched []string
	for _, whole := range []bool{false, true} {
		days, err := pastDays(ctx, db)
		if err != nil {
			return touched, err
		}
		for _, day := range days {
			size, err := ledgerBytes(ctx, db)
			if err != nil || float64(size) <= a.GB*1e9 {
				return touched, err
			}
			statement := "ALTER TABLE posts DROP PARTITION " + day
			if !whole {
				if has, err := hasWords(ctx, db, day); err != nil {
					return touched, err
				} else if !has {
					continue
				}
				statement = clearStatement(day)
			}
			if err := db.Exec(ctx, statement); err != nil {
				return touched, err
			}
			log.Warn().Str("day", day).Bool("whole", whole).Uint64("ledger_bytes", size).
				Msg("clickhouse: the archive is over its cap, the oldest day gives way")
			touched = append(touched, day)
		}
	}
	if size, err := ledgerBytes(ctx, db); err != nil || float64(size) <= a.GB*1e9 {
		return touched, err
	}
	log.Warn().Float64("gb", a.GB).Msg("clickhouse: today's posts alone are over archive.gb; they stay until tomorrow: give archive.gb more, or collect less")
	return touched, nil
}

// EnforceDays takes the words of days that are older than archive.days, and days that are
// older than archive.edge_days as a whole, out of the ledger. The TTLs of the table do the
// same, but only when ClickHouse gets round to it, and for rows that were stored while
// archive.days was longer not before that longer time has passed. It returns the days that
// it touched.
func EnforceDays(ctx context.Context, db *DB, a Archive, now time.Time, log zerolog.Logger) ([]string, error) {
	days, err := pastDays(ctx, db)
	if err != nil {
		return nil, err
	}
	var touched []string
	for _, day := range days {
		begin, err := time.Parse("20060102", day)
		if err != nil {
			return touched, fmt.Errorf("clickhouse: archive: partition %q of posts is no day: %w", day, err)
		}
		age := int(now.Sub(begin.AddDate(0, 0, 1)) / (24 * time.Hour)) // of its youngest row, in whole days
		whole, statement := age >= a.EdgeDays, clearStatement(day)
		if age < a.Days {
			break // days are in order
		}
		if whole {
			statement = "ALTER TABLE posts DROP PARTITION " + day
		} else if has, err := hasWords(ctx, db, day); err != nil {
			return touched, err
		} else if !has {
			continue
		}
		if err := db.Exec(ctx, statement); err != nil {
			return touched, err
		}
		log.Info().Str("day", day).Bool("whole", whole).Int("age_days", age).Msg("clickhouse: the archive has had its time, the day gives way")
		touched = append(touched, day)
	}
	return touched, nil
}

func clearStatement(partition string) string {
	changes := make([]string, 0, len(wordy()))
	for _, name := range wordy() {
		changes = append(changes, "CLEAR COLUMN `"+name+"` IN PARTITION "+partition)
	}
	return "ALTER TABLE posts " + strings.Join(changes, ", ") + " SETTINGS mutations_sync = 2"
}

// pastDays lists the partitions before today, oldest first.
func pastDays(ctx context.Context, db *DB) ([]string, error) {
	var rows []struct {
		Day string `ch:"partition"`
	}
	err := db.Select(ctx, &rows, "SELECT DISTINCT partition FROM system.parts WHERE database = {database:String}"+
		" AND table = 'posts' AND active AND partition < toString(toYYYYMMDD(now('UTC'))) ORDER BY partition", Named("database", db.database))
	days := make([]string, 0, len(rows))
	for _, row := range rows {
		days = append(days, row.Day)
	}
	return days, err
}

// ledgerBytes is the size of the table posts on disk.
func ledgerBytes(ctx context.Context, db *DB) (uint64, error) {
	var rows []struct {
		Bytes uint64 `ch:"bytes"`
	}
	err := db.Select(ctx, &rows, "SELECT toUInt64(sum(bytes_on_disk)) AS bytes FROM system.parts WHERE database = {database:String}"+
		" AND table = 'posts' AND active", Named("database", db.database))
	if err != nil {
		return 0, err
	}
	return rows[0].Bytes, nil
}

// hasWords reports whether a day still has text or authors. It asks the rows, because
// small parts do not know the sizes of their columns.
func hasWords(ctx context.Context, db *DB, day string) (bool, error) {
	var rows []struct {
		One uint8 `ch:"one"`
	}
	err := db.Select(ctx, &rows, "SELECT 1 AS one FROM "+db.table("posts")+" WHERE toYYYYMMDD(seen_at) = {day:UInt32} AND "+withWords()+" LIMIT 1",
		Named("day", day))
	return len(rows) > 0, err
}
