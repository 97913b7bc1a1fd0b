package query

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func record(p pipeline.Post) *pipeline.Record { return &pipeline.Record{Post: p} }

func compile(t testing.TB, sources ...string) *Engine {
	t.Helper()
	brands := make([]Brand, 0, len(sources))
	for _, source := range sources {
		q, err := Parse(source)
		require.NoError(t, err)
		brands = append(brands, Brand{Name: source, Query: q})
	}
	e, err := Compile(brands)
	require.NoError(t, err)
	return e
}

// TestMatchText holds each query against texts that a person would call a mention and
// texts that he would not.
func TestMatchText(t *testing.T) {
	for _, c := range []struct {
		query   string
		yes, no []string
	}{
		{"sony", []string{"Sony", "SONY!", "I like sony.", "Sony's phone", "#sony", "@sony hi", "www.sony.com", "Sony®",
			"Ｓｏｎｙ", "_Sony_", "“sony”", "sony-ericsson", "sóny", "iPhone和Sony手机", "sony😀", "😀sony"},
			[]string{"", "sonys", "sony_fan", "unsony", "son y", "#sonymusic", "@sony_music", "ｓｏｎｙｓ"}},
		{`"play station"`, []string{"Play Station", "play\nstation", "PLAY-STATION 5", "play, station", "the #Play #Station"},
			[]string{"playstation", "station play", "play the station", "play", "play 😀 station"}},
		{"AT&T", []string{"AT&T", "at&t's", "AT & T", "AT&amp;T", "＃AT＆T", "(at&t)"},
			[]string{"at t", "AT T", "at&tt", "AT", "look at T&A"}},
		{"H&M", []string{"H&M", "h & m"}, []string{"HM", "h m"}},
		{"L'Oréal", []string{"L'Oréal", "L’OREAL", "l'oreal", "L Oreal", "L'Ore\u0301al"}, []string{"Loreal", "Oréal", "L, Oreal"}},
		{"7-Eleven", []string{"7-eleven", "7‑Eleven", "7 Eleven"}, []string{"at 7, Eleven people", "711", "eleven"}},
		{"ac/dc", []string{"AC/DC!", "#AC/DC", "ac-dc"}, []string{"acdc", "ac and dc"}},
		{`"Dr. Oetker"`, []string{"Dr. Oetker", "dr oetker", "DR.OETKER"}, []string{"Oetker", "Dr. August Oetker"}},
		{"google+", []string{"Google+", "on google+."}, []string{"google", "Google plus"}},
		{`"valentine 's day"`, []string{"Valentine's Day", "valentine’s day"}, []string{"valentines day"}},
		{"C++", []string{"C++ rocks"}, []string{"C", "C+"}},
		{"8.1", []string{"Windows 8.1!", "8.1."}, []string{"8", "8.12", "1"}},
		{"索尼", []string{"我爱索尼手机", "索尼", "#索尼#"}, []string{"索 尼", "我说索，尼康", "尼索"}},
		{"ソニー", []string{"ソニーの新製品", "株式会社ソニー", "ｿﾆｰ"}, []string{"ソニ", "ソ ニー"}},
		{"โซนี่", []string{"ผมชอบโซนี่มาก"}, []string{"โซน"}},
		{"삼성", []string{"삼성 전자"}, []string{"삼성이"}},
		{"straße", []string{"STRASSE", "Straße"}, []string{"strase"}},
		{"Škoda", []string{"skoda", "ŠKODA", "S\u030ckoda"}, []string{"škodas"}},
		{"Smørrebrød", []string{"smorrebrod", "SMØRREBRØD"}, []string{"smrrebrd"}},
		{"#手机", []string{"#手机", "我爱#手机#"}, []string{"#索尼#手机", "手机"}},
		{"Rosé", []string{"rose"}, []string{"roses"}},
		{"Łódź", []string{"Lodz", "łódź"}, []string{"odz"}},
		{"Йогурт", []string{"йогурт"}, []string{"иогурт"}},
		{"ᏣᎳᎩ", []string{"ᏣᎳᎩ", "ꮳꮃꭹ"}, []string{"ᏣᎳ"}},
		{"ёлка", []string{"елка", "ЁЛКА"}, []string{"елки"}},
		{"سوني", []string{"هاتف سوني جديد", "سُوني"}, []string{"سونيك"}},
		{"हिन्दी", []string{"मैं हिन्दी बोलता"}, []string{"हनद"}},
		{"👍", []string{"👍", "nice👍🏽!", "a 👍 b"}, []string{"👎", "x"}},
		{"🇩🇪", []string{"go 🇩🇪!"}, []string{"🇫🇷"}},
		{"#acme", []string{"#acme", "#ACME!", "x #acme's", "\uff03acme", "我爱#acme"}, []string{"acme", "@acme", "#acmes", "#acme_x", "abc#acme"}},
		{"@acme", []string{"@acme", ".@Acme:", "@acme.bsky.social", "@acme@mastodon.social"},
			[]string{"acme", "#acme", "bob@acme.com", "@acme_x", "@acmes"}},
		{"@acme.bsky.social", []string{"hi @acme.bsky.social!"}, []string{"@acme", "acme.bsky.social"}},
		{"#索尼", []string{"#索尼#手机", "#索尼 x"}, []string{"#索尼新品#", "索尼"}},
		{`"thanks @acme"`, []string{"Thanks, @acme!"}, []string{"thanks acme"}},
		{`"buy #索尼 now"`, []string{"buy #索尼 now"}, []string{"buy 索尼 now", "buy #索尼"}},
		{"(sony OR (acme)) OR @x", []string{"sony", "acme", "@x"}, []string{"x"}},
	} {
		m := compile(t, c.query).NewMatcher()
		for _, text := range c.yes {
			assert.Len(t, m.Match(record(pipeline.Post{Text: text})), 1, "%s should match %q", c.query, text)
		}
		for _, text := range c.no {
			assert.Empty(t, m.Match(record(pipeline.Post{Text: text})), "%s should not match %q", c.query, text)
		}
	}
}

func TestMatchFieldsAndSpans(t *testing.T) {
	m := compile(t, `sony OR #sony OR "play station"`, "acme OR @acme", "sony").NewMatcher()
	span := func(field string, begin, end int) pipeline.Span {
		return pipeline.Span{Field: field, Begin: begin, End: end}
	}
	post := record(pipeline.Post{
		Title:    "Sony's",
		Text:     "é play  station #Sony",
		Hashtags: []string{"x", "SONY"},
		Handles:  []string{"@acme", "acme.bsky.social", "acme_x"},
	})
	assert.Equal(t, []Match{
		{Brand: 0, Via: pipeline.ViaText, Spans: []pipeline.Span{span("title", 0, 4), span("text", 3, 16), span("text", 17, 22),
			span("text", 18, 22), span("hashtags", 2, 6)}},
		{Brand: 1, Via: pipeline.ViaText, Spans: []pipeline.Span{span("handles", 1, 5), span("handles", 6, 10)}},
		{Brand: 2, Via: pipeline.ViaText, Spans: []pipeline.Span{span("title", 0, 4), span("text", 18, 22)}},
	}, m.Match(post))
	assert.Empty(t, m.Match(record(pipeline.Post{Hashtags: []string{"acme"}, Handles: []string{"sony"}})),
		"a tag is no handle, and a mark alone is no word")
	assert.Empty(t, m.Match(record(pipeline.Post{Title: "play", Text: "station"})), "a phrase does not cross fields")
}

func TestMatchBoundsSpans(t *testing.T) {
	m := compile(t, "sony").NewMatcher()
	post := record(pipeline.Post{Text: strings.Repeat("sony ", 10*MaxSpans)})
	for range 2 { // the bound starts anew with each post
		matches := m.Match(post)
		require.Len(t, matches, 1)
		assert.Len(t, matches[0].Spans, MaxSpans)
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	m := compile(t, "sony OR #sony OR @sony", `"play station" OR 索尼`, "Škoda").NewMatcher()
	posts := []pipeline.Record{
		{Post: pipeline.Post{Text: "My new Sony Play Station broke after two days, thanks @Sony #fail http://t.co/x"}},
		{Post: pipeline.Post{Text: "Новая приставка Sony Škoda стоит дорого 😀 我爱索尼手机 #索尼# मैं हिन्दी 한국 e\u0301", Hashtags: []string{"sony"}}},
	}
	found := 0
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		for i := range posts {
			found += len(m.Match(&posts[i]))
		}
	}))
	assert.NotZero(t, found)
}

func TestCompileRefuses(t *testing.T) {
	q, err := Parse("sony")
	require.NoError(t, err)
	for _, c := range []struct {
		brands []Brand
		want   string
	}{
		{[]Brand{{Query: q}}, "query: brand 1 has no name"},
		{[]Brand{{Name: "a", Query: q}, {Name: "a", Query: q}}, `query: two brands are named "a"`},
		{[]Brand{{Name: "a"}}, `query: brand "a": it has no query`},
		{[]Brand{{Name: "a", Query: &Query{}}}, `query: brand "a": it has no query`},
	} {
		_, err := Compile(c.brands)
		require.EqualError(t, err, c.want)
	}
	e, err := Compile(nil)
	require.NoError(t, err)
	assert.Empty(t, e.NewMatcher().Match(record(pipeline.Post{Text: "sony"})))
}

func BenchmarkMatchCyrillic(b *testing.B) {
	m := compile(b, "sony OR #sony", "Шкода OR @skoda").NewMatcher()
	p := record(pipeline.Post{Text: "Новая приставка от Sony стоит дорого, но Шкода ещё дороже 😀 — посмотрим, что будет дальше"})
	b.ReportAllocs()
	for b.Loop() {
		m.Match(p)
	}
}

func BenchmarkMatchChinese(b *testing.B) {
	m := compile(b, "sony OR #sony", "索尼 OR 手机").NewMatcher()
	p := record(pipeline.Post{Text: "我非常喜欢索尼的新手机，质量很好，价格也不贵，推荐大家购买。#索尼# 配送速度很快！"})
	b.ReportAllocs()
	for b.Loop() {
		m.Match(p)
	}
}
