package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
)

// Muted is what does not count: all fields that are set must fit. The stage of enrichment
// that keeps it from being counted anew has the same rules.
type Muted struct {
	Brand, Platform, Author, Source, Domain, Post string
}

// MuteRule is a row of mutes.
type MuteRule struct {
	Rule    string // its name
	Muted   Muted
	Who     string
	Active  bool
	Since   pipeline.Time
	Applied bool
}

// PutMute writes down what is known of a rule.
func (d *DB) PutMute(ctx context.Context, r MuteRule) error {
	b := &block{table: "mutes"}
	for name, value := range map[string]string{
		"rule": r.Rule, "brand": r.Muted.Brand, "platform": r.Muted.Platform, "author": r.Muted.Author, "source": r.Muted.Source,
		"domain": r.Muted.Domain, "post": r.Muted.Post, "who": r.Who,
	} {
		b.text(name).Append(value)
	}
	b.uint8("active").Append(bit(r.Active))
	b.uint8("applied").Append(bit(r.Applied))
	b.moment("since").append(r.Since)
	b.moment("at").append(pipeline.At(time.Now()))
	return d.insert(ctx, b)
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// Mutes lists the rules that were ever said, by their names.
func (d *DB) Mutes(ctx context.Context) (map[string]MuteRule, error) {
	var rows []struct {
		Rule     string    `ch:"rule"`
		Brand    string    `ch:"brand"`
		Platform string    `ch:"platform"`
		Author   string    `ch:"author"`
		Source   string    `ch:"source"`
		Domain   string    `ch:"domain"`
		Post     string    `ch:"post"`
		Who      string    `ch:"who"`
		Active   uint8     `ch:"active"`
		Since    time.Time `ch:"since"`
		Applied  uint8     `ch:"applied"`
	}
	err := d.Select(ctx, &rows, "SELECT rule, brand, platform, author, source, domain, post, who, active, since, applied FROM "+d.table("mutes")+" FINAL")
	out := make(map[string]MuteRule, len(rows))
	for _, r := range rows {
		out[r.Rule] = MuteRule{
			Rule: r.Rule, Muted: Muted{r.Brand, r.Platform, r.Author, r.Source, r.Domain, r.Post}, Who: r.Who,
			Active: r.Active == 1, Since: pipeline.At(r.Since), Applied: r.Applied == 1,
		}
	}
	return out, err
}

// where is true for rows of mentions or posts that fit, the brand aside; values are those
// of its parameters.
func (m Muted) where() (where string, values map[string]string) {
	values = map[string]string{}
	var all []string
	is := func(name, value, condition string) {
		if value != "" {
			values["mute_"+name] = value
			all = append(all, strings.ReplaceAll(condition, "?", "{mute_"+name+":String}"))
		}
	}
	is("platform", m.Platform, "platform = ?")
	is("author", strings.ToLower(m.Author), "(lowerUTF8(author_id) = ? OR lowerUTF8(author_handle) = ?)")
	is("source", m.Source, "source = ?")
	is("post", m.Post, "id = ?")
	is("domain", strings.ToLower(m.Domain),
		"arrayExists(address -> lower(domain(address)) = ? OR endsWith(lower(domain(address)), concat('.', ?)), arrayPushBack(links, url))")
	if m.Author == "" && m.Source == "" && m.Post == "" && m.Domain == "" {
		return "0", values // fits nothing, as in enrichment
	}
	return strings.Join(all, " AND "), values
}

// tag marks what a rule has taken away, in the column query_version of the marks of
// deletion: so its buckets are found again by whoever repeats the work after a crash.
func (m Muted) tag() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{m.Brand, m.Platform, m.Author, m.Source, m.Domain, m.Post}, "\x00")))
	return "mute:" + hex.EncodeToString(sum[:8])
}

// Mute takes the mentions away that fit, in all label sets, and marks their totals. It
// may be repeated.
func (d *DB) Mute(ctx context.Context, m Muted) error {
	where, values := m.where()
	if m.Brand != "" {
		where += " AND lowerUTF8(brand) = {mute_brand:String}"
		values["mute_brand"] = strings.ToLower(m.Brand)
	}
	values["tag"] = m.tag()
	err := d.execWith(ctx, "INSERT INTO mentions ("+goneColumns+", query_version) SELECT "+goneValues+", {tag:String} FROM mentions FINAL WHERE "+where, values)
	if err != nil {
		return err
	}
	return d.execWith(ctx, "INSERT INTO dirty (label_set, brand, hour, mark, done)"+
		" SELECT DISTINCT label_set, brand, hour, {mark:UInt64}, 0 FROM mentions WHERE is_deleted = 1 AND query_version = {tag:String}",
		map[string]string{"tag": m.tag(), "mark": strconv.FormatUint(rand.Uint64(), 10)}) //nolint:gosec // a name, not a secret
}

// Unmute labels the posts again that a rule had muted, with a chain that mutes them no
// more; only live is mended, because the replays of other sets say what they were made with.
func (r *Replayer) Unmute(ctx context.Context, m Muted) error {
	where, values := m.where()
	only := selection{where: where}
	for name, value := range maps.All(values) {
		only.args = append(only.args, Named(name, value))
	}
	job := &Replay{Kind: KindBackfill, LabelSet: pipeline.LiveLabels}
	return r.relabelAll(ctx, openArchive(r.DB, 0, 0, nil, only), job)
}
