package recount

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/query"
)

// BenchmarkChoose is what a post of a stream costs that none of fifty brands looks for.
func BenchmarkChoose(b *testing.B) {
	var brands []query.Brand
	for i := range 50 {
		q, err := query.Parse(fmt.Sprintf(`(aurelia%d OR "north wind %d") NOT song`, i, i))
		require.NoError(b, err)
		brands = append(brands, query.Brand{Name: fmt.Sprint("Brand ", i), Query: q})
	}
	engine, err := query.Compile(brands)
	require.NoError(b, err)
	s := &session{plan: &Plan{ID: func(p *pipeline.Post) string { return p.ID }}}
	s.matcher.Store(engine.NewMatcher())
	posts := []pipeline.Post{post("did:plc:abcdefghijklmnopqrstuvwx/3l3qpgqqbmc2x",
		"The north wind came in over the harbour this morning, and with it the smell of rain; nobody at the café minded, since the kettle was on already.")}
	for b.Loop() {
		s.choose(posts)
	}
}
