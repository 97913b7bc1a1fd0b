package enrich

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/query"
)

func newBrands(t testing.TB, nameAndQuery ...string) *Brands {
	t.Helper()
	var brands []query.Brand
	for i := 0; i < len(nameAndQuery); i += 2 {
		q, err := query.Parse(nameAndQuery[i+1])
		require.NoError(t, err)
		brands = append(brands, query.Brand{Name: nameAndQuery[i], Query: q})
	}
	b, err := NewBrands(brands)
	require.NoError(t, err)
	return b
}

func TestBrandsAppendMentions(t *testing.T) {
	b := newBrands(t, "Sony", `sony OR "play station"`, "Acme", "#acme")
	r := &pipeline.Record{Post: pipeline.Post{Text: "a Play Station by #Acme"}}
	require.NoError(t, b.Enrich(r))
	other := &pipeline.Record{Post: pipeline.Post{Text: "Sony Sony Sony"}} // must not overwrite the spans of r
	require.NoError(t, b.Enrich(other))
	require.Len(t, r.Mentions, 2)
	assert.Equal(t, pipeline.Mention{
		Brand: "Sony", QueryVersion: b.engine.Version(0), Via: pipeline.ViaText,
		Spans: []pipeline.Span{{Field: "text", Begin: 2, End: 14}},
	}, r.Mentions[0])
	assert.Equal(t, "Acme", r.Mentions[1].Brand)
	assert.Equal(t, []pipeline.Span{{Field: "text", Begin: 18, End: 23}}, r.Mentions[1].Spans)
	require.Len(t, other.Mentions, 1)
	assert.Len(t, other.Mentions[0].Spans, 3)
}

func TestBrandsVersion(t *testing.T) {
	version := newBrands(t, "Sony", "sony OR @sony").Version()
	assert.Equal(t, version, newBrands(t, "Sony", "@SONY OR (sony)").Version(), "the same meaning")
	assert.NotEqual(t, version, newBrands(t, "Sony", "sony").Version())
	assert.NotEqual(t, version, newBrands(t, "SONY", "sony OR @sony").Version())
}

func TestBrandsAreSafeForConcurrentUse(t *testing.T) {
	b := newBrands(t, "Sony", "sony")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				r := &pipeline.Record{Post: pipeline.Post{Text: "Sony and SONY"}}
				if assert.NoError(t, b.Enrich(r)) && assert.Len(t, r.Mentions, 1) {
					assert.Len(t, r.Mentions[0].Spans, 2)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkBrands(b *testing.B) {
	brands := newBrands(b, "Acme", `acme OR @acme OR "acme cloud"`, "Sony", "sony")
	r := &pipeline.Record{Post: pipeline.Post{Text: "dear @Acme the new Office is great and all, but no update? I don't think that's good. C'mon. http://t.co/abc"}}
	b.ReportAllocs()
	for b.Loop() {
		r.Mentions = r.Mentions[:0]
		_ = brands.Enrich(r)
	}
}
