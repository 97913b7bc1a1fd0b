package query

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func inspect(t *testing.T, source string, exclusions ...string) *Inspector {
	t.Helper()
	b := Brand{Name: "a", Context: func(r *pipeline.Record) float64 { return float64(r.Post.Metrics.Likes) }, ContextVersion: "likes"}
	var err error
	b.Query, err = Parse(source)
	require.NoError(t, err)
	for _, exclusion := range exclusions {
		q, err := Parse(exclusion)
		require.NoError(t, err)
		b.Exclusions = append(b.Exclusions, q)
	}
	in, err := Inspect(b)
	require.NoError(t, err)
	return in
}

func TestInspectShowsThePairOfANear(t *testing.T) {
	in := inspect(t, `acme NEAR/2 cloud NOT parody`)
	assert.True(t, in.Match(record(pipeline.Post{Text: "acme and acme big cloud"})))
	assert.Contains(t, in.Parts(), Part{Text: "acme NEAR/2 cloud", Holds: true,
		Spans: []pipeline.Span{{Field: "text", Begin: 9, End: 13}, {Field: "text", Begin: 18, End: 23}}})
	assert.False(t, in.Match(record(pipeline.Post{Text: "acme cloud parody"})))
	assert.Equal(t, "acme NEAR/2 cloud NOT parody", in.Parts()[0].Text)
}

// TestDecided holds what is named as decisive against what a reader would name. An
// exclamation mark stands before what does not hold.
func TestDecided(t *testing.T) {
	for _, c := range []struct {
		query, text string
		matches     bool
		want        []string
	}{
		{`milan`, "x", false, []string{"!milan"}},
		{`milan OR "ac milan"`, "Milan", true, []string{"milan"}},
		{`milan OR inter OR roma`, "Inter, Roma", true, []string{"inter", "roma"}},
		{`(milan AND (match OR goal)) OR rossoneri`, "Milan is nice", false, []string{"!(match OR goal)"}},
		{`(milan AND (match OR goal)) OR (inter AND cup)`, "Milan, Inter", false, []string{"!(match OR goal)", "!cup"}},
		{`(milan AND match) OR rossoneri`, "Rome", false, []string{"!(milan AND match) OR rossoneri"}},
		{`(milan AND match) OR rossoneri`, "a match in Milan", true, []string{"(milan AND match)"}},
		{`milan NOT (fashion OR week)`, "Milan fashion", false, []string{"fashion"}},
		{`milan NOT (fashion AND week)`, "Milan fashion week", false, []string{"(fashion AND week)"}},
		{`milan NOT fashion`, "Milan", true, []string{"milan"}},
		{`milan NOT fashion`, "fashion", false, []string{"!milan"}},
		{`milan NEAR/1 goal OR milano`, "Milan had one goal", false, []string{"!milan NEAR/1 goal"}},
		{`milan AND context:>0.5`, "Milan", false, []string{"!context:>0.5"}},
		{`milan AND likes:>3 AND lang:de`, "Milan", false, []string{"!likes:>3", "!lang:de"}},
		{`"milan goal"~1`, "goal, milan", true, []string{`"milan goal"~1`}},
	} {
		in := inspect(t, c.query)
		assert.Equal(t, c.matches, in.Match(record(pipeline.Post{Text: c.text})), c.query)
		var got []string
		for _, p := range in.Decided() {
			if !p.Holds {
				p.Text = "!" + p.Text
			}
			got = append(got, p.Text)
		}
		assert.Equal(t, c.want, got, "%s on %q", c.query, c.text)
	}
}

// TestDecidedIsDecisive turns what is named around, by the words of the post alone: without
// the words of the parts that hold, the answer is another one.
func TestDecidedIsDecisive(t *testing.T) {
	in := inspect(t, `(acme AND (cloud OR host)) OR zebra`, `parody OR fake`)
	for _, text := range []string{"acme cloud", "acme host zebra", "zebra parody", "acme cloud fake", "acme cloud parody fake"} {
		before := in.Match(record(pipeline.Post{Text: text}))
		blank := []byte(text)
		for _, p := range in.Decided() {
			require.True(t, p.Holds, text)
			for _, s := range p.Spans {
				copy(blank[s.Begin:s.End], "................")
			}
		}
		assert.NotEqual(t, before, in.Match(record(pipeline.Post{Text: string(blank)})), "%q and %q", text, blank)
	}
}

func TestMeasureWarns(t *testing.T) {
	measure := func(source string, texts ...string) (Measured, []string) {
		q, err := Parse(source)
		require.NoError(t, err)
		m, err := Measure(Brand{Name: "a", Query: q}, func(use func(*pipeline.Record)) error {
			for _, text := range texts {
				use(record(pipeline.Post{Text: text}))
			}
			return nil
		})
		require.NoError(t, err)
		var kinds []string
		for _, w := range m.Warnings {
			kinds = append(kinds, w.Kind)
		}
		return m, kinds
	}
	m, kinds := measure(`(acme OR the) NOT shop`, "the shop", "x")
	assert.Equal(t, []string{"removes", "common"}, kinds)
	assert.Equal(t, "the alone matches 1 of 2 posts (50.0 %)", m.Warnings[1].Text)
	assert.Equal(t, 10, m.Warnings[1].Column)
	assert.Equal(t, [2]int{2, 0}, [2]int{m.Posts, m.Matches})
	m, kinds = measure(`acme AND zebra`, append(make([]string, 200), "acme", "acme")...)
	assert.Equal(t, []string{"silent"}, kinds, "one in a hundred is not common yet")
	assert.Equal(t, 202, m.Posts)
	_, kinds = measure(`acme`)
	assert.Empty(t, kinds, "nothing is known of no posts")
}

func TestWarningsOfTheQueryAlone(t *testing.T) {
	for source, kind := range map[string]string{
		`a OR b AND c`:                    "mixed",
		`acme NOT acme`:                   "removes",
		`a AND likes:>5 AND likes:<3`:     "removes",
		`lang:de`:                         "everywhere",
		`a OR (b AND c)`:                  "",
		`a AND platform:x AND platform:y`: "removes",
		`a AND kind:foo`:                  "removes",
		`a AND kind:rev*`:                 "",
		`a AND country:germany`:           "removes",
		`a AND country:DE`:                "",
		`a AND rating:>1`:                 "removes",
		`a AND rating:>=1`:                "",
		`a AND likes:=-3`:                 "removes",
		`a AND likes:<1`:                  "",
		`a NOT views:<0`:                  "removes",
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
		Author:  pipeline.Author{Handle: "Bob", Name: "Bob the Builder", Followers: 1000, Following: 7, Verified: true},
		Metrics: pipeline.Metrics{Likes: 1, Reposts: 2, Replies: 3, Quotes: 4, Views: 5},
		Geo:     pipeline.Geo{Country: "DE", Region: "Hesse South", City: "Bad Homburg"}, Hashtags: []string{"tag"}, Handles: []string{"who"},
	}}
	for source, want := range map[string]bool{
		"author:bob": true, "author:bo": false, "author:bo*": true, `authorname:"the builder"`: true, "authorname:build": false,
		"platform:X": true, "kind:review": true, "source:r/shoes": true, "lang:DE": true, "lang:en": false, "country:de": true,
		`city:"bad homburg"`: true, "city:homburg": true, "site:acme.com": true, "site:cme.com": false, "url:acme.com/a": true,
		"links:acme.com/shop": true, "links:acme.com/sho": false, "links:me.com": false, "followers:>1000": false, "followers:>=1000": true,
		"rating:<=0.4": true, "rating:<0.4": false, "verified:true": true, "verified:false": false, "bot:true": false, "bot:false": true,
		"following:7": true, "following:>7": false, "likes:=1": true, "likes:<1": false, "reposts:>=2": true, "reposts:>2": false, "replies:<=3": true,
		"replies:<3": false, "quotes:<5": true, "quotes:>4": false, "views:>4.5": true, "views:>5": false, "region:south": true, `region:"south hesse"`: false,
		"url:/a": true, "url:/a/": false, "url:HTTPS://": true, "title:news": true, "title:see": false,
		"hashtag:tag": true, "mentions:who": true, "mentions:tag": false, "lang:(en OR de)": true, `raw:"http://"`: true,
	} {
		assert.Equal(t, want, len(compile(t, source).NewMatcher().Match(r)) == 1, source)
	}
}
