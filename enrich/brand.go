package enrich

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"earshot/pipeline"
	"earshot/pipeline/query"
)

// Brands finds the mentions of all brands in the words of a post.
type Brands struct {
	engine   *query.Engine
	matchers sync.Pool // of *query.Matcher
	version  string
}

// NewBrands compiles the queries.
func NewBrands(brands []query.Brand) (*Brands, error) {
	engine, err := query.Compile(brands)
	if err != nil {
		return nil, fmt.Errorf("enrich: brands: %w", err)
	}
	b := &Brands{engine: engine}
	b.matchers.New = func() any { return engine.NewMatcher() }
	sum := sha256.New()
	for i := range engine.Len() {
		fmt.Fprintf(sum, "%q %s\n", engine.Name(i), engine.Version(i))
	}
	b.version = "brands=" + query.Rules + "-" + hex.EncodeToString(sum.Sum(nil)[:6])
	return b, nil
}

// Version changes with the rules of matching and with the name or query of any brand.
func (b *Brands) Version() string { return b.version }

// Enrich appends a mention for each brand that the post names.
func (b *Brands) Enrich(r *pipeline.Record) error {
	m := b.matchers.Get().(*query.Matcher)
	defer b.matchers.Put(m)
	for _, match := range m.Match(r) {
		r.Mentions = append(r.Mentions, pipeline.Mention{
			Brand:        b.engine.Name(match.Brand),
			QueryVersion: b.engine.Version(match.Brand),
			Via:          match.Via,
			Spans:        slices.Clone(match.Spans),
			Categories:   slices.Clone(match.Categories),
		})
	}
	return nil
}
