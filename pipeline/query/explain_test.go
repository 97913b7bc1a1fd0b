package query

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestExplainShowsThePairAndWhatDecided(t *testing.T) {
	q, err := Parse(`acme NEAR/2 cloud NOT parody`)
	require.NoError(t, err)
	explain, err := Explain(q)
	require.NoError(t, err)
	ok, why := explain(record(pipeline.Post{Text: "acme and acme big cloud"}))
	assert.True(t, ok)
	assert.Contains(t, why, `yes  acme NEAR/2 cloud  text[9:13] "acme"  text[18:23] "cloud"`)
	ok, why = explain(record(pipeline.Post{Text: "acme cloud parody"}))
	assert.False(t, ok)
	assert.Contains(t, why, "yes  parody")
}

func TestMeasureWarns(t *testing.T) {
	q, err := Parse(`(acme OR the) NOT shop`)
	require.NoError(t, err)
	warnings, err := Measure(q, []pipeline.Record{{Post: pipeline.Post{Text: "the shop"}}, {Post: pipeline.Post{Text: "x"}}})
	require.NoError(t, err)
	kinds := map[string]bool{}
	for _, w := range warnings {
		kinds[w.Kind] = true
	}
	assert.Equal(t, map[string]bool{"common": true, "removes": true}, kinds)
}

func TestWarningsOfTheQueryAlone(t *testing.T) {
	for source, kind := range map[string]string{
		`a OR b AND c`:                    "mixed",
		`acme NOT acme`:                   "removes",
		`a AND likes:>5 AND likes:<3`:     "removes",
		`lang:de`:                         "everywhere",
		`a OR (b AND c)`:                  "",
		`a AND platform:x AND platform:y`: "removes",
	} {
		q, err := Parse(source)
		require.NoError(t, err)
		got := ""
		for _, w := range q.Warnings() {
			got = w.Kind
		}
		assert.Equal(t, kind, got, source)
	}
}

func TestBrandsWithMoreThanAQuery(t *testing.T) {
	parse := func(source string) *Query {
		q, err := Parse(source)
		require.NoError(t, err)
		return q
	}
	e, err := Compile([]Brand{{
		Name: "Acme", Query: parse("acme AND context:>0.5"), Exclusions: []*Query{parse("parody")}, Channels: []string{"x/@AcmeHelp"},
		Categories: []Category{{Name: "cloud", Query: parse("cloud")}}, Languages: []string{"de"},
		Context: func(r *pipeline.Record) float64 { return float64(r.Post.Metrics.Likes) }, ContextVersion: "1",
	}})
	require.NoError(t, err)
	m := e.NewMatcher()
	post := func(text, lang, handle string, likes int64) *pipeline.Record {
		return &pipeline.Record{Language: pipeline.Language{Code: lang}, Post: pipeline.Post{Platform: "x", Text: text,
			Author: pipeline.Author{Handle: handle}, Metrics: pipeline.Metrics{Likes: likes}}}
	}
	got := m.Match(post("Acme Cloud", "de", "", 1))
	require.Len(t, got, 1)
	assert.Equal(t, []string{"cloud"}, got[0].Categories)
	assert.Empty(t, m.Match(post("Acme Cloud", "de", "", 0)), "the context decides")
	assert.Empty(t, m.Match(post("Acme parody", "de", "", 1)), "excluded")
	assert.Empty(t, m.Match(post("Acme", "en", "", 1)), "another language")
	assert.Len(t, m.Match(post("Acme", "und", "", 1)), 1, "a language that cannot be told")
	got = m.Match(post("hello", "en", "acmehelp", 0))
	require.Len(t, got, 1)
	assert.Equal(t, pipeline.ViaChannel, got[0].Via)
	_, err = Compile([]Brand{{Name: "Acme", Query: parse("acme AND context:>0.5")}})
	require.ErrorContains(t, err, "no context model")
}

func TestFields(t *testing.T) {
	rating := pipeline.Rating(0.4)
	r := &pipeline.Record{Language: pipeline.Language{Code: "de"}, Post: pipeline.Post{
		Platform: "x", Kind: "review", Source: "r/shoes", URL: "https://news.acme.com/a", Text: "see http://acme.com/shop/x now", Title: "Big News", Rating: &rating,
		Author: pipeline.Author{Handle: "Bob", Name: "Bob the Builder", Followers: 1000, Verified: true},
		Geo:    pipeline.Geo{Country: "DE", City: "Bad Homburg"}, Hashtags: []string{"tag"}, Handles: []string{"who"},
	}}
	for source, want := range map[string]bool{
		"author:bob": true, "author:bo": false, "author:bo*": true, `authorname:"the builder"`: true, "authorname:build": false,
		"platform:X": true, "kind:review": true, "source:r/shoes": true, "lang:DE": true, "lang:en": false, "country:de": true,
		`city:"bad homburg"`: true, "city:homburg": true, "site:acme.com": true, "site:cme.com": false, "url:acme.com/a": true,
		"links:acme.com/shop": true, "links:acme.com/sho": false, "links:me.com": false, "followers:>1000": false, "followers:>=1000": true,
		"rating:<=0.4": true, "rating:<0.4": false, "verified:true": true, "verified:false": false, "title:news": true, "title:see": false,
		"hashtag:tag": true, "mentions:who": true, "mentions:tag": false, "lang:(en OR de)": true, `raw:"http://"`: true,
	} {
		assert.Equal(t, want, len(compile(t, source).NewMatcher().Match(r)) == 1, source)
	}
}
