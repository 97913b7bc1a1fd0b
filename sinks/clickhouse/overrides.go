package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// ErrNotStored says that a post, or a mention of a brand in it, is not in the tables.
var ErrNotStored = errors.New("clickhouse: not stored")

// The labels that people can correct.
const (
	OverrideLanguage  = "lang"      // of the post
	OverrideSentiment = "sentiment" // of the post
	OverrideToward    = "toward"    // the brand
)

// Override is a label that a person corrected. The views lie it over what the stages said,
// in every label set; the rows that they wrote stay as they are.
type Override struct {
	Platform string    `ch:"platform" json:"platform"`
	ID       string    `ch:"id" json:"id"`
	Brand    string    `ch:"brand" json:"brand,omitempty"` // of OverrideToward alone
	Field    string    `ch:"field" json:"field"`
	Value    string    `ch:"value" json:"value"` // empty: taken back
	By       string    `ch:"by" json:"by"`
	Note     string    `ch:"note" json:"note,omitempty"`
	At       time.Time `ch:"at" json:"at"`
}

// Correct stores a correction and marks every total that the post is in, so that the owner
// of the totals computes them again. It is safe to repeat. A post, or a mention of the
// brand, that is not stored is ErrNotStored.
func (d *DB) Correct(ctx context.Context, o Override) error {
	if err := d.hasMention(ctx, o); err != nil {
		return err
	}
	names := map[string]string{
		"platform": o.Platform, "id": o.ID, "brand": o.Brand, "field": o.Field, "value": o.Value, "by": o.By, "note": o.Note,
	}
	// The server's clock decides, and a correction is never older than the one it replaces.
	err := d.execWith(ctx, "INSERT INTO overrides (platform, id, brand, field, value, by, note, at)"+
		" SELECT {platform:String}, {id:String}, {brand:String}, {field:String}, {value:String}, {by:String}, {note:String},"+
		" greatest(now64(3, 'UTC'), (SELECT max(at) FROM overrides WHERE platform = {platform:String} AND id = {id:String}"+
		" AND brand = {brand:String} AND field = {field:String}) + INTERVAL 1 MILLISECOND)", names)
	if err != nil {
		return err
	}
	return d.execWith(ctx, "INSERT INTO dirty (label_set, brand, hour, mark, done)"+
		" SELECT DISTINCT label_set, brand, hour, {mark:UInt64}, 0 FROM mentions WHERE platform = {platform:String} AND id = {id:String}",
		map[string]string{"platform": o.Platform, "id": o.ID, "mark": strconv.FormatUint(rand.Uint64(), 10)}) //nolint:gosec // a name, not a secret
}

// hasMention looks whether there is anything to correct.
func (d *DB) hasMention(ctx context.Context, o Override) error {
	var rows []struct {
		N uint64 `ch:"n"`
	}
	query := "SELECT count() AS n FROM " + d.table("posts") + " WHERE platform = {platform:String} AND id = {id:String} AND op IN ('create', 'update')"
	what := "post " + o.Platform + "/" + o.ID
	if o.Brand != "" {
		query = "SELECT count() AS n FROM " + d.table("mentions") + " FINAL WHERE platform = {platform:String} AND id = {id:String} AND brand = {brand:String} AND is_deleted = 0"
		what = fmt.Sprintf("mention of %q in %s/%s", o.Brand, o.Platform, o.ID)
	}
	err := d.Select(ctx, &rows, query, Named("platform", o.Platform), Named("id", o.ID), Named("brand", o.Brand))
	if err == nil && rows[0].N == 0 {
		err = fmt.Errorf("%w: %s", ErrNotStored, what)
	}
	return err
}

// Overrides lists the corrections that stand, of all posts or of one, the latest first.
func (d *DB) Overrides(ctx context.Context, platform, id string) ([]Override, error) {
	var rows []Override
	err := d.Select(ctx, &rows, "SELECT toString(platform) AS platform, id, toString(brand) AS brand, toString(field) AS field, value, by, note, at FROM "+
		d.table("corrections")+" AS c WHERE {id:String} = '' OR (c.platform = {platform:String} AND c.id = {id:String})"+
		" ORDER BY at DESC, platform, id, brand, field", Named("platform", platform), Named("id", id))
	return rows, err
}

// Example is a corrected text, to learn from.
type Example struct {
	Lang  string `ch:"lang"`
	Brand string `ch:"brand"`
	Value string `ch:"value"`
	Text  string `ch:"text"`
}

// Examples are the texts of corrections of a field, without those of deleted posts and
// those whose text the archive no longer has.
func (d *DB) Examples(ctx context.Context, field string) ([]Example, error) {
	var rows []Example
	err := d.Select(ctx, &rows, "SELECT toString(p.lang) AS lang, toString(c.brand) AS brand, c.value AS value,"+
		" if(p.title = '', p.text, concat(p.title, ' ', p.text)) AS text FROM "+
		d.table("corrections")+" AS c INNER JOIN "+d.table("posts_current")+" AS p ON p.platform = c.platform AND p.id = c.id"+
		" WHERE c.field = {field:String} AND (p.text != '' OR p.title != '') ORDER BY c.platform, c.id, c.brand", Named("field", field))
	return rows, err
}
