package enrich

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/testclaim"
)

func newSentiment(t testing.TB) *Sentiment {
	t.Helper()
	s, err := NewSentiment(SentimentConfig{Engine: SentimentLexicon})
	require.NoError(t, err)
	return s
}

// judged labels a text that mentions a brand.
func judged(t testing.TB, s *Sentiment, language, text string) pipeline.Sentiment {
	t.Helper()
	r := &pipeline.Record{
		Post:     pipeline.Post{Text: text},
		Language: pipeline.Language{Code: language},
		Mentions: []pipeline.Mention{{Brand: "acme"}},
	}
	require.NoError(t, s.Enrich(r))
	require.Equal(t, r.Mentions[0].Sentiment, r.Mentions[0].Toward)
	return r.Mentions[0].Sentiment
}

func TestSentimentLabels(t *testing.T) {
	s := newSentiment(t)
	for _, c := range []struct {
		language, text string
		want           pipeline.Polarity
	}{
		{"en", "I love my new phone, it is awesome", pipeline.Positive},
		{"en", "The phone is terrible, worst service ever", pipeline.Negative},
		{"en", "The phone is on the table", pipeline.Neutral},
		{"en", "This is not good", pipeline.Negative},
		{"en", "I don't like it", pipeline.Negative},
		{"en", "I don’t hate it, really", pipeline.Positive},
		{"en", "#awesome #love", pipeline.Positive},
		{"en", "thanks @love_awesome_great", pipeline.Positive},
		{"en", "hi @love @awesome @great", pipeline.Neutral},
		{"en", "😍😍", pipeline.Positive},
		{"en", "😡 💔 😒", pipeline.Negative},
		{"und", "awesome, love it", pipeline.Positive},
		{"de", "Das Handy ist schrecklich und furchtbar", pipeline.Negative},
		{"de", "Ich bin nicht glücklich", pipeline.Negative},
		{"fr", "Je ne suis pas heureux, c'est horrible", pipeline.Negative},
		{"es", "me encanta, es fantástico y maravilloso", pipeline.Positive},
		{"ru", "отлично, я в восторге, потрясающий", pipeline.Positive},
		{"zh", "这个手机很可怕，非常糟糕", pipeline.Negative},
		{"ja", "素晴らしい", pipeline.Positive},
		{"ja", "素晴らしくない", pipeline.Negative},
		{"xx", "no list knows this 😍", pipeline.Positive},
	} {
		got := judged(t, s, c.language, c.text)
		assert.Equal(t, c.want, got.Label, "%s %q: %+v", c.language, c.text, got)
		assert.InDelta(t, 1, got.Negative+got.Neutral+got.Positive, 1e-6)
		assert.Equal(t, "sentiment=lexicon-2", got.Model)
	}
}

func TestSentimentLooksAtMentionsAlone(t *testing.T) {
	s := newSentiment(t)
	r := &pipeline.Record{Post: pipeline.Post{Text: "love"}}
	require.NoError(t, s.Enrich(r))
	assert.Empty(t, r.Mentions)

	assert.Zero(t, judged(t, s, "xx", "no list knows this"), "no lexicon, no emoji: no label")

	none, err := NewSentiment(SentimentConfig{Engine: SentimentNone})
	require.NoError(t, err)
	assert.Zero(t, judged(t, none, "en", "love"))
	assert.Equal(t, "sentiment=none", none.Version())
}

func TestSentimentIgnoresBrandNames(t *testing.T) {
	s := newSentiment(t)
	text := "Best Buy is on the corner"
	assert.Equal(t, pipeline.Positive, judged(t, s, "en", text).Label)
	r := &pipeline.Record{
		Post:     pipeline.Post{Title: "Best", Text: text},
		Language: pipeline.Language{Code: "en"},
		Mentions: []pipeline.Mention{{Spans: []pipeline.Span{{Field: "text", Begin: 0, End: 8}, {Field: "title", Begin: 0, End: 4}}}},
	}
	require.NoError(t, s.Enrich(r))
	assert.Equal(t, pipeline.Neutral, r.Mentions[0].Sentiment.Label)
	r.Mentions[0].Spans = r.Mentions[0].Spans[1:]
	require.NoError(t, s.Enrich(r))
	assert.Equal(t, pipeline.Positive, r.Mentions[0].Sentiment.Label, "a span of the title is none of the text")
}

func TestSentimentConfig(t *testing.T) {
	_, err := NewSentiment(SentimentConfig{Engine: "oracle"})
	require.EqualError(t, err, `enrich: sentiment: engine: "oracle" is unknown; use linear, lexicon or none`)
}

// TestSentimentClaims holds the labels against tweets that people labelled.
func TestSentimentClaims(t *testing.T) {
	f, err := os.Open(testclaim.Data(t, "sentiment/val.tsv"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	s := newSentiment(t)
	labels := map[pipeline.Polarity]int{pipeline.Negative: 0, pipeline.Neutral: 1, pipeline.Positive: 2}
	confusion := map[string]*[3][3]int{}
	sure, right, n := 0.0, 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		row := strings.SplitN(lines.Text(), "\t", 4)
		want, err := strconv.Atoi(row[0])
		require.NoError(t, err)
		got := judged(t, s, row[1], row[3])
		if confusion[row[1]] == nil {
			confusion[row[1]] = &[3][3]int{}
		}
		confusion[row[1]][want][labels[got.Label]]++
		sure += float64(max(got.Negative, got.Neutral, got.Positive))
		if labels[got.Label] == want {
			right++
		}
	}
	for language, c := range confusion {
		t.Logf("%s: macro-F1 %.3f", language, macroF1(c))
		if language != "hi" { // romanised there: the list has no such words
			assert.Greater(t, macroF1(c), 0.40, language)
		}
	}
	assert.Greater(t, macroF1(confusion["en"]), 0.59)
	assert.InDelta(t, float64(right)/float64(n), sure/float64(n), 0.06, "mean probability against share of right labels")
}

func macroF1(c *[3][3]int) float64 {
	sum := 0.0
	for k := range c {
		all := 0
		for i := range c {
			all += c[k][i] + c[i][k]
		}
		sum += 2 * float64(c[k][k]) / float64(max(all, 1)) / 3
	}
	return sum
}

func FuzzSentiment(f *testing.F) {
	s := newSentiment(f)
	f.Add("en", "I don't love it 😍", 2, 5)
	f.Add("zh", "不好", 0, 0)
	f.Fuzz(func(t *testing.T, language, text string, begin, end int) {
		r := &pipeline.Record{
			Post:     pipeline.Post{Title: text, Text: text},
			Language: pipeline.Language{Code: language},
			Mentions: []pipeline.Mention{{Spans: []pipeline.Span{{Field: "text", Begin: begin, End: end}}}},
		}
		require.NoError(t, s.Enrich(r))
		got := r.Mentions[0].Sentiment
		assert.True(t, got.Score >= -1 && got.Score <= 1)
		again := r.Mentions[0]
		require.NoError(t, s.Enrich(r))
		assert.Equal(t, again, r.Mentions[0])
	})
}

func BenchmarkSentiment(b *testing.B) {
	s := newSentiment(b)
	r := &pipeline.Record{
		Post:     pipeline.Post{Text: "dear @Acme the new Office is great and all, but no update? I don't think that's good. C'mon. http://t.co/abc"},
		Language: pipeline.Language{Code: "en"},
		Mentions: []pipeline.Mention{{Spans: []pipeline.Span{{Field: "text", Begin: 5, End: 10}}}},
	}
	for b.Loop() {
		_ = s.Enrich(r)
	}
}
