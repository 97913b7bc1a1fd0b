package app

import (
	"context"

	"earshot/enrich"
)

// withMutes makes the enrichment of brands, less what the entries of the topic mute.
func withMutes(chains func([]Brand) (*edition, error), list []Brand, all map[string]brandEntry) (*edition, error) {
	e, err := chains(list)
	if err != nil {
		return nil, err
	}
	e.labels = e.chain.Version()
	if mutes := activeMutes(all); len(mutes) > 0 {
		e.chain = enrich.NewChain(e.chain, enrich.NewMutes(mutes))
	}
	return e, nil
}

// activeMutes are those of the topic that stand.
func activeMutes(all map[string]brandEntry) []enrich.Mute {
	var out []enrich.Mute
	for _, e := range all {
		if e.Mute != nil && !e.Removed {
			out = append(out, *e.Mute)
		}
	}
	return out
}

// mutedState is what was done of a mute.
type mutedState struct{}

// applyMutes is not needed yet.
func (b *backfiller) applyMutes(context.Context, map[string]brandEntry) error { return nil }
