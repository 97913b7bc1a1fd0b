package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
)

// ErrLabelSet says that a label set does not exist or is not in the state that is needed.
var ErrLabelSet = errors.New("clickhouse: label set")

// LabelSet is what stands under one label.
type LabelSet struct {
	Name     string    `ch:"label_set" json:"name"`
	Mentions uint64    `ch:"mentions" json:"mentions"`
	Brands   uint64    `ch:"brands" json:"brands"`
	First    time.Time `ch:"first" json:"first"` // event times
	Last     time.Time `ch:"last" json:"last"`
	State    string    `ch:"state" json:"state"` // of its replay; empty for live
}

// LabelSets lists the label sets that hold mentions or are being filled, live first.
func (d *DB) LabelSets(ctx context.Context) ([]LabelSet, error) {
	var rows []LabelSet
	query := "SELECT label_set, sum(n) AS mentions, max(b) AS brands, min(f) AS first, max(l) AS last, max(s) AS state FROM (" +
		"SELECT toString(label_set) AS label_set, count() AS n, uniqExact(brand) AS b, min(event_time) AS f, max(event_time) AS l, '' AS s FROM " +
		d.table("mentions_current") + " GROUP BY label_set" +
		" UNION ALL SELECT label_set, 0, 0, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), toDateTime64(0, 3, 'UTC'), state FROM " +
		d.table("replays") + " FINAL WHERE kind = 'replay' AND state != 'dropped') GROUP BY label_set ORDER BY label_set != 'live', label_set"
	err := d.Select(ctx, &rows, query)
	return rows, err
}

// BrandDiff is how two label sets differ in one brand.
type BrandDiff struct {
	Brand   string `ch:"brand" json:"brand"`
	Before  uint64 `ch:"before" json:"before"` // mentions in the first set
	After   uint64 `ch:"after" json:"after"`   // and in the second
	Came    uint64 `ch:"came" json:"came"`     // only in the second
	Went    uint64 `ch:"went" json:"went"`     // only in the first
	Changed uint64 `ch:"changed" json:"changed"`

	Examples []DiffExample `json:"examples,omitempty"`
}

// DiffExample is one mention that came, went or changed.
type DiffExample struct {
	Brand    string `ch:"brand" json:"-"`
	What     string `ch:"what" json:"what"` // came, went or changed
	Platform string `ch:"platform" json:"platform"`
	ID       string `ch:"id" json:"id"`
	From     string `ch:"old" json:"from,omitempty"` // labels: sentiment toward the brand, language, aspects, intents, categories
	To       string `ch:"new" json:"to,omitempty"`
	Text     string `ch:"words" json:"text"`
}

// labelText are the labels that are compared, as a string: of sentiment the class alone,
// because a score moves with every model.
const labelText = "concat(if(toward_label != '', toward_label, if(sentiment_label != '', sentiment_label, 'unlabelled')), ' ', if(lang = '', '-', lang)," +
	" if(empty(aspects), '', concat(' aspects=', arrayStringConcat(arraySort(aspects), ','))), if(empty(intents), '', concat(' intents=', arrayStringConcat(arraySort(intents), ',')))," +
	" if(empty(categories), '', concat(' categories=', arrayStringConcat(arraySort(categories), ','))))"

// compared pairs the mentions of two label sets, brand by brand and post by post. A set
// that was filled from a part of the time is compared within that part; with brands only
// in those.
func (d *DB) compared(ctx context.Context, a, b string, brands []string) (query string, args []any, err error) {
	args = []any{Named("a", a), Named("b", b)}
	where := []string{"label_set IN ({a:String}, {b:String})"}
	if len(brands) > 0 {
		where = append(where, "brand IN {brands:Array(String)}")
		args = append(args, Named("brands", quoteAll(brands)))
	}
	sets, err := d.LabelSets(ctx)
	if err != nil {
		return "", nil, err
	}
	for _, name := range []string{a, b} {
		known := name == pipeline.LiveLabels
		for _, set := range sets {
			known = known || set.Name == name
		}
		if !known {
			return "", nil, fmt.Errorf("%w: there is no %q; `labels list` shows them", ErrLabelSet, name)
		}
		job, ok, err := d.FindReplay(ctx, name)
		if err != nil {
			return "", nil, err
		}
		if !ok {
			continue
		}
		if job.From.Known() {
			where = append(where, "event_time >= fromUnixTimestamp64Milli("+strconv.FormatInt(int64(job.From), 10)+", 'UTC')")
		}
		if job.To.Known() {
			where = append(where, "event_time < fromUnixTimestamp64Milli("+strconv.FormatInt(int64(job.To), 10)+", 'UTC')")
		}
	}
	return "SELECT brand, platform, id, countIf(label_set = {a:String}) > 0 AS was, countIf(label_set = {b:String}) > 0 AS is," +
		" anyIf(" + labelText + ", label_set = {a:String}) AS old, anyIf(" + labelText + ", label_set = {b:String}) AS new," +
		" any(substringUTF8(if(text = '', title, text), 1, 120)) AS words" +
		" FROM " + d.table("mentions_current") + " WHERE " + strings.Join(where, " AND ") + " GROUP BY brand, platform, id", args, nil
}

// Diff tells how two label sets differ, brand by brand, with some examples of each kind.
// Brands are those that are compared; none is all.
func (d *DB) Diff(ctx context.Context, a, b string, brands []string, examples int) ([]BrandDiff, error) {
	pairs, args, err := d.compared(ctx, a, b, brands)
	if err != nil {
		return nil, err
	}
	var out []BrandDiff
	query := "SELECT brand, countIf(was) AS before, countIf(is) AS after, countIf(is AND NOT was) AS came, countIf(was AND NOT is) AS went," +
		" countIf(was AND is AND old != new) AS changed FROM (" + pairs + ") GROUP BY brand ORDER BY brand"
	if err := d.Select(ctx, &out, query, args...); err != nil {
		return nil, err
	}
	if examples <= 0 {
		return out, nil
	}
	var rows []DiffExample
	// The order of a hash: an example is as good as any other, and the same each time.
	query = "SELECT brand, multiIf(NOT was, 'came', NOT is, 'went', 'changed') AS what, platform, id, old, new, words FROM (" + pairs + ")" +
		" WHERE NOT (was AND is AND old = new) ORDER BY brand, what, cityHash64(platform, id) LIMIT " + strconv.Itoa(examples) + " BY brand, what"
	if err := d.Select(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	for i := range out {
		for _, row := range rows {
			if row.Brand == out[i].Brand {
				out[i].Examples = append(out[i].Examples, row)
			}
		}
	}
	return out, nil
}

// DropLabels deletes a label set with its totals. The note that it existed stays, so that
// a replay of the name begins anew. It may be repeated.
func (d *DB) DropLabels(ctx context.Context, name string) error {
	if name == pipeline.LiveLabels {
		return fmt.Errorf("%w: live is that of the stream and cannot be dropped", ErrLabelSet)
	}
	job, known, err := d.FindReplay(ctx, name)
	if err != nil {
		return err
	}
	if known && job.State != ReplayDropped {
		job.State = ReplayDropped
		if err := d.PutReplay(ctx, &job); err != nil {
			return err
		}
	}
	for range dropRounds { // totals that were on their way come behind the delete
		for _, table := range []string{"dirty", "mentions", "rollup_hour", "rollup_minute"} {
			statement := "ALTER TABLE " + table + " DELETE WHERE label_set = {name:String} SETTINGS mutations_sync = 2"
			if err := d.execWith(ctx, statement, map[string]string{"name": name}); err != nil {
				return err
			}
		}
		var rows []struct {
			N uint64 `ch:"n"`
		}
		query := "SELECT (SELECT count() FROM " + d.table("mentions") + " WHERE label_set = {name:String}) + (SELECT count() FROM " +
			d.table("rollup_hour") + " WHERE label_set = {name:String}) + (SELECT count() FROM " + d.table("rollup_minute") + " WHERE label_set = {name:String}) AS n"
		if err := d.Select(ctx, &rows, query, Named("name", name)); err != nil || rows[0].N == 0 {
			return err
		}
	}
	return fmt.Errorf("%w: somebody is still writing %s: stop the replay and drop it again", ErrLabelSet, name)
}

const dropRounds = 5
