package clickhouse

import (
	"context"

	"earshot/pipeline"
)

// BrandProfile is what is said of a brand beside its query.
type BrandProfile struct {
	Brand, State, Market, Owner string

	Competitors, Languages, Categories, Channels []string

	Version string        // content hash of what counts
	At      pipeline.Time // when it was changed: of several writers of one change all write the same row
}

// PutBrandProfiles writes brands as they stand now.
func (d *DB) PutBrandProfiles(ctx context.Context, profiles []BrandProfile) error {
	if len(profiles) == 0 {
		return nil
	}
	b := &block{table: "brand_profiles"}
	brand, state, market, owner := b.word("brand"), b.word("state"), b.word("market"), b.text("owner")
	competitors, languages, categories, channels := b.texts("competitors"), b.texts("languages"), b.texts("categories"), b.texts("channels")
	version, at := b.text("query_version"), b.moment("at")
	for i := range profiles {
		p := &profiles[i]
		brand.Append(p.Brand)
		state.Append(p.State)
		market.Append(p.Market)
		owner.Append(p.Owner)
		competitors.Append(p.Competitors)
		languages.Append(p.Languages)
		categories.Append(p.Categories)
		channels.Append(p.Channels)
		version.Append(p.Version)
		at.append(p.At)
	}
	return d.insert(ctx, b)
}
