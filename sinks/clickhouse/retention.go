package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

// Validate names the field that is wrong.
func (a Archive) Validate() error {
	var errs []error
	if a.Days < 1 || a.Days > 36500 {
		errs = append(errs, fmt.Errorf("archive.days: %d is not between 1 and 36500", a.Days))
	}
	if a.EdgeDays < a.Days || a.EdgeDays > 36500 {
		errs = append(errs, fmt.Errorf("archive.edge_days: %d is not between archive.days and 36500", a.EdgeDays))
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
	err := db.Select(ctx, &rows, "SELECT create_table_query FROM system.tables WHERE database = "+quote(db.database)+" AND name = 'posts'")
	if err != nil {
		return err
	}
	column := fmt.Sprintf("TTL toDateTime(seen_at) + toIntervalDay(%d)", a.Days)
	table := fmt.Sprintf("TTL toDateTime(seen_at) + toIntervalDay(%d)", a.EdgeDays)
	if len(rows) == 1 && strings.Count(rows[0].Create, column) >= len(wordy()) && strings.Contains(rows[0].Create, "\n"+table) ||
		len(rows) == 1 && strings.Count(rows[0].Create, column+",") >= len(wordy()) && strings.Contains(rows[0].Create, " "+table+" SETTINGS") {
		return nil
	}
	changes := make([]string, 0, len(wordy())+1)
	for _, name := range wordy() {
		changes = append(changes, "MODIFY COLUMN `"+name+"` "+column)
	}
	changes = append(changes, "MODIFY "+table)
	return db.Exec(ctx, "ALTER TABLE posts "+strings.Join(changes, ", ")+" SETTINGS materialize_ttl_after_modify = 0")
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
		days, total, err := daysOnDisk(ctx, db)
		if err != nil {
			return touched, err
		}
		for _, day := range days {
			if float64(total) <= a.GB*1e9 {
				return touched, nil
			}
			freed := day.Wordy
			statement := clearStatement(day.Partition)
			if whole {
				freed, statement = day.Bytes, "ALTER TABLE posts DROP PARTITION "+day.Partition
			}
			if freed <= clearedBytes {
				continue
			}
			if err := db.Exec(ctx, statement); err != nil {
				return touched, err
			}
			log.Warn().Str("day", day.Partition).Bool("whole", whole).Uint64("bytes", freed).
				Msg("clickhouse: the archive is over its cap, the oldest day gives way")
			total -= min(freed, total)
			touched = append(touched, day.Partition)
		}
	}
	return touched, nil
}

// clearedBytes is the most that the emptied columns of a day still take.
const clearedBytes = 4 << 10

func clearStatement(partition string) string {
	changes := make([]string, 0, len(wordy()))
	for _, name := range wordy() {
		changes = append(changes, "CLEAR COLUMN `"+name+"` IN PARTITION "+partition)
	}
	return "ALTER TABLE posts " + strings.Join(changes, ", ") + " SETTINGS mutations_sync = 2"
}

// dayOnDisk is a day's partition of the ledger.
type dayOnDisk struct {
	Partition string `ch:"partition"`
	Bytes     uint64 `ch:"bytes"`
	Wordy     uint64 `ch:"wordy"` // bytes of the columns that leave first
}

// daysOnDisk lists the days before today, oldest first, and the size of the whole ledger.
func daysOnDisk(ctx context.Context, db *DB) (days []dayOnDisk, total uint64, err error) {
	names := make([]string, 0, len(wordy()))
	for _, name := range wordy() {
		names = append(names, quote(name))
	}
	where := " WHERE database = " + quote(db.database) + " AND table = 'posts' AND active"
	query := "SELECT partition, toUInt64(sum(column_bytes_on_disk)) AS bytes, toUInt64(sumIf(column_bytes_on_disk, column IN (" +
		strings.Join(names, ",") + "))) AS wordy FROM system.parts_columns" + where +
		" AND partition < toString(toYYYYMMDD(now('UTC'))) GROUP BY partition ORDER BY partition"
	if err := db.Select(ctx, &days, query); err != nil {
		return nil, 0, err
	}
	var sums []struct {
		Total uint64 `ch:"total"`
	}
	if err := db.Select(ctx, &sums, "SELECT toUInt64(sum(bytes_on_disk)) AS total FROM system.parts"+where); err != nil {
		return nil, 0, err
	}
	return days, sums[0].Total, nil
}
