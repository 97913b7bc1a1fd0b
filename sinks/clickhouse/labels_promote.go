package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"earshot/pipeline"
)

// Promotion makes the labels of a set those of live, at one moment.
//
// Why readers see all of it or nothing: everything that changes (the set's mentions under
// the label live, and marks of deletion for those of live that the set does not have) is
// prepared in a table of its own, which nobody reads. ATTACH PARTITION ALL FROM then gives
// the prepared parts to the table mentions in one commit of the server, under the lock
// that every query takes for its list of parts. The parts are the youngest: of two rows
// of a key with the same version (the same record, labelled twice) they are the ones that stand.
//
// Why nothing is lost or doubled: a mention's key does not depend on who labelled it, so
// a post that both have stands once; and whatever the stream stores of a later record has
// a higher version and stands above what was promoted. What the stream stored between the
// set's last look at the ledger and the switch is labelled again behind it (settle).
type Promotion struct {
	Replayer *Replayer // with the chain of the set
	Set      *Replay   // its row in replays
	Brands   []string  // those of the set: other brands of live stay as they are
}

// Prepare brings the set up to date with the ledger. It may be called again.
func (p *Promotion) Prepare(ctx context.Context) error {
	if p.Replayer.Version != p.Set.Enrichment {
		return fmt.Errorf("%w: %s was labelled by %s, which this program or configuration does not have any more (%s): name its model by --model if it was another one, else replay it anew",
			ErrLabelSet, p.Set.Name, p.Set.Enrichment, p.Replayer.Version)
	}
	switch p.Set.State {
	case ReplayDone, ReplayPromoted:
		p.Set.State = ReplayRunning // whoever comes after a crash goes on with this pass
		if err := p.Replayer.begin(ctx, []*Replay{p.Set}, lastPass); err != nil {
			return err
		}
	case ReplayRunning:
		if p.Set.Pass == lastPass {
			break
		}
		fallthrough
	default:
		return fmt.Errorf("%w: %s is %s: let its replay end first", ErrLabelSet, p.Set.Name, p.Set.State)
	}
	if err := p.Replayer.pass(ctx, []*Replay{p.Set}); err != nil {
		return err
	}
	p.Set.State = ReplayDone
	return p.Replayer.save(ctx, p.Set)
}

// Switch makes the prepared labels those of live and marks the totals.
func (p *Promotion) Switch(ctx context.Context) error {
	stage := "promotion_" + strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // a name, not a secret
	d := p.Replayer.DB
	if err := d.Exec(ctx, "CREATE TABLE "+stage+" AS mentions"); err != nil {
		return err
	}
	defer func() { _ = d.Exec(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS "+stage+" SYNC") }()
	all, err := d.columns(ctx, "mentions")
	if err != nil {
		return err
	}
	listed := strings.Join(all, ", ")
	values := map[string]string{"name": p.Set.LabelSet, "brands": quoteAll(p.Brands)}
	taken := slices.Clone(all)
	taken[slices.Index(taken, "`label_set`")] = "'" + pipeline.LiveLabels + "'"
	copied := "INSERT INTO " + stage + " (" + listed + ") SELECT " + strings.Join(taken, ", ") + " FROM mentions FINAL" +
		" WHERE label_set = {name:String} AND brand IN {brands:Array(String)}"
	if err := d.execWith(ctx, copied, values); err != nil {
		return err
	}
	gone, more := p.gone(stage)
	maps.Copy(values, more)
	if err := d.execWith(ctx, gone, values); err != nil {
		return err
	}
	if err := d.Exec(ctx, "ALTER TABLE mentions ATTACH PARTITION ALL FROM "+stage); err != nil {
		return err
	}
	if err := d.markBrands(ctx, pipeline.LiveLabels, p.Brands); err != nil {
		return err
	}
	p.Set.State = ReplayPromoted
	return d.PutReplay(ctx, p.Set)
}

// gone writes marks of deletion for mentions of live that the set does not have, as far
// as the set could have had them: of its brands and its time, of posts that can be read
// anew, and of which nothing was stored behind the set's last look.
func (p *Promotion) gone(stage string) (statement string, values map[string]string) {
	statement = "INSERT INTO " + stage + " (" + goneColumns + ") SELECT " + goneValues + " FROM mentions FINAL" +
		" WHERE label_set = 'live' AND brand IN {brands:Array(String)}" +
		" AND (brand, hour, platform, id) NOT IN (SELECT brand, hour, platform, id FROM mentions FINAL WHERE label_set = {name:String})" +
		" AND " + readable("(platform, id) IN (SELECT platform, id FROM mentions WHERE label_set = 'live' AND brand IN {brands:Array(String)})")
	if p.Set.From.Known() {
		statement += " AND event_time >= fromUnixTimestamp64Milli(" + strconv.FormatInt(int64(p.Set.From), 10) + ", 'UTC')"
	}
	if p.Set.To.Known() {
		statement += " AND event_time < fromUnixTimestamp64Milli(" + strconv.FormatInt(int64(p.Set.To), 10) + ", 'UTC')"
	}
	if len(p.Set.Positions.Until) == 0 {
		return statement, nil
	}
	seen := slices.Clone(p.Set.Positions.Until)
	for i := range seen {
		seen[i].Next += onItsWay
	}
	behind, values := storedSince(seen)
	return statement + " AND (platform, id) NOT IN (SELECT platform, id FROM posts WHERE " + behind + ")", values
}

// Settle labels again what the stream stored between the set's last look and now. It is
// called once the stream uses the brands of the set; versions are those of their queries.
func (p *Promotion) Settle(ctx context.Context, versions map[string]string) error {
	live := *p.Set
	live.LabelSet, live.Kind = pipeline.LiveLabels, KindBackfill // it takes away as well
	since := p.Set.Positions.Until
	from := openArchive(p.Replayer.DB, live.From, live.To, since, selection{})
	if err := p.Replayer.relabelAll(ctx, from, &live); err != nil {
		return err
	}
	return p.Replayer.DB.takeStale(ctx, versions, since)
}

// takeStale takes mentions of live away that another version of their brand's query
// found, once all posts that can be read anew (those stored since some positions, if there
// are any) were labelled with the given versions.
func (d *DB) takeStale(ctx context.Context, versions map[string]string, since []Position) error {
	brands := make([]string, 0, len(versions))
	for brand, version := range versions {
		brands = append(brands, brand)
		const stale = " FROM mentions FINAL WHERE label_set = 'live' AND brand = {brand:String} AND query_version != {version:String}"
		statement := "INSERT INTO mentions (" + goneColumns + ") SELECT " + goneValues + stale +
			" AND " + readable("(platform, id) IN (SELECT platform, id"+stale+")")
		values := map[string]string{"brand": brand, "version": version}
		if len(since) > 0 {
			behind, more := storedSince(since)
			statement += " AND (platform, id) IN (SELECT platform, id FROM posts WHERE " + behind + ")"
			maps.Copy(values, more)
		}
		if err := d.execWith(ctx, statement, values); err != nil {
			return err
		}
	}
	return d.markBrands(ctx, pipeline.LiveLabels, brands)
}

// The columns of a mark of deletion: a mention's key and place, and no word of it.
const (
	goneColumns = "label_set, brand, hour, platform, id, version, is_deleted, event_time, seen_at, simulated, epoch, topic, partition, offset"
	goneValues  = "label_set, brand, hour, platform, id, version, 1, event_time, seen_at, simulated, epoch, topic, partition, offset"
)

// readable is true for mentions whose post can still be read anew; among says of which
// posts that is asked.
func readable(among string) string {
	return "(platform, id) IN (SELECT platform, id FROM posts WHERE " + among + " AND op IN ('create', 'update') AND " + withWords() + ")"
}

// markBrands marks every bucket of brands in a label set.
func (d *DB) markBrands(ctx context.Context, set string, brands []string) error {
	mark := strconv.FormatUint(rand.Uint64(), 10) //nolint:gosec // a name, not a secret
	return d.execWith(ctx, "INSERT INTO dirty (label_set, brand, hour, mark, done)"+
		" SELECT DISTINCT label_set, brand, hour, {mark:UInt64}, 0 FROM mentions WHERE label_set = {set:String} AND brand IN {brands:Array(String)}",
		map[string]string{"mark": mark, "set": set, "brands": quoteAll(brands)})
}

// quoteAll writes strings as the value of a bound Array(String).
func quoteAll(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quote(s)
	}
	return "[" + strings.Join(out, ",") + "]"
}

// columns are the stored columns of a table, quoted.
func (d *DB) columns(ctx context.Context, table string) ([]string, error) {
	var rows []struct {
		Name string `ch:"name"`
	}
	err := d.Select(ctx, &rows, "SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String}"+
		" AND default_kind NOT IN ('ALIAS', 'MATERIALIZED') ORDER BY position", Named("database", d.database), Named("table", table))
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		out = append(out, "`"+r.Name+"`")
	}
	return out, nil
}
