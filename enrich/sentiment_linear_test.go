package enrich

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func newLinearSentiment(t testing.TB) *Sentiment {
	t.Helper()
	s, err := NewSentiment(DefaultSentimentConfig())
	require.NoError(t, err)
	require.NotNil(t, s.linear, "the trained model is the default")
	return s
}

func TestLinearLabels(t *testing.T) {
	s := newLinearSentiment(t)
	for _, c := range []struct {
		language, text string
		want           pipeline.Polarity
	}{
		{"en", "I love my new phone, it is awesome", pipeline.Positive},
		{"en", "The phone is terrible, worst service ever", pipeline.Negative},
		{"en", "The store opens on Monday at 9", pipeline.Neutral},
		{"de", "Der Service ist eine Katastrophe, nie wieder", pipeline.Negative},
		{"es", "me encanta, es fantástico y maravilloso", pipeline.Positive},
		{"zh", "质量太差了，非常失望", pipeline.Negative},
		{"zh", "非常好，很喜欢", pipeline.Positive},
		{"xx", "😍😍😍", pipeline.Positive},
	} {
		got := judged(t, s, c.language, c.text)
		assert.Equal(t, c.want, got.Label, "%s %q: %+v", c.language, c.text, got)
		assert.InDelta(t, 1, got.Negative+got.Neutral+got.Positive, 1e-6)
		assert.InDelta(t, got.Positive-got.Negative, got.Score, 1e-6)
		assert.Equal(t, s.linear.version, got.Model)
	}
}

func TestLinearHidesBrands(t *testing.T) {
	s := newLinearSentiment(t)
	label := func(text string, spans ...pipeline.Span) pipeline.Sentiment {
		r := &pipeline.Record{
			Post:     pipeline.Post{Text: text},
			Language: pipeline.Language{Code: "en"},
			Mentions: []pipeline.Mention{{Spans: spans}},
		}
		require.NoError(t, s.Enrich(r))
		return r.Mentions[0].Sentiment
	}
	worst := label("Worst is open", pipeline.Span{Field: "text", Begin: 0, End: 5})
	best := label("Great is open", pipeline.Span{Field: "text", Begin: 0, End: 5})
	assert.Equal(t, worst, best, "what matched a brand is not read")
	assert.NotEqual(t, label("Worst is open"), label("Great is open"))
	outside := label("Great is open", pipeline.Span{Field: "text", Begin: 9, End: 99}, pipeline.Span{Field: "text", Begin: -1, End: 2})
	assert.Equal(t, label("Great is open"), outside, "spans outside of the text hide nothing")
}

func TestLinearAnswersEverything(t *testing.T) {
	s := newLinearSentiment(t)
	for _, text := range []string{
		"", " ", "😀", "https://example.com http", "\u200f\u200e\u202b", "\xed\xa0\x80\xff", "@", "#", "@@##", "''",
		"z" + strings.Repeat("\u0301", 5000), strings.Repeat("a", 1<<20), strings.Repeat("好", 1<<18), strings.Repeat("! ", 1<<19),
	} {
		got := judged(t, s, "und", text)
		assert.NotEmpty(t, got.Label)
		assert.InDelta(t, 1, got.Negative+got.Neutral+got.Positive, 1e-6)
	}
}

func BenchmarkSentimentLinear(b *testing.B) {
	s := newLinearSentiment(b)
	r := &pipeline.Record{
		Post:     pipeline.Post{Text: "dear @Acme the new Office is great and all, but no update? I don't think that's good. C'mon. http://t.co/abc"},
		Language: pipeline.Language{Code: "en"},
		Mentions: []pipeline.Mention{{Spans: []pipeline.Span{{Field: "text", Begin: 5, End: 10}}}},
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Enrich(r)
	}
}
