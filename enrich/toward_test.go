package enrich

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/enrich/model/sentiment"
	"earshot/pipeline"
)

// naming makes a record that names brands where they stand first, whatever their case.
func naming(language, text string, brands ...string) *pipeline.Record {
	r := &pipeline.Record{Post: pipeline.Post{Text: text}, Language: pipeline.Language{Code: language}}
	for _, b := range brands {
		m := pipeline.Mention{Brand: b}
		if at := strings.Index(strings.ToLower(text), strings.ToLower(b)); at >= 0 {
			m.Spans = []pipeline.Span{{Field: "text", Begin: at, End: at + len(b)}}
		}
		r.Mentions = append(r.Mentions, m)
	}
	return r
}

func TestTowardEachBrand(t *testing.T) {
	s := newLinearSentiment(t)
	for _, c := range []struct {
		language, text string
		first, second  pipeline.Polarity
	}{
		{"en", "Acme was terrible and rude, but Bolt was wonderful", pipeline.Negative, pipeline.Positive},
		{"en", "I love Acme. Bolt is the worst company ever", pipeline.Positive, pipeline.Negative},
		{"en", "Switched from Acme to Bolt yesterday", pipeline.Negative, pipeline.Positive},
		{"en", "Acme is so much better than Bolt", pipeline.Positive, pipeline.Negative},
		{"en", "We replaced Acme with Bolt", pipeline.Negative, pipeline.Positive},
		{"de", "Acme ist furchtbar, aber Bolt ist super", pipeline.Negative, pipeline.Positive},
		{"es", "Cambié Acme por Bolt", pipeline.Negative, pipeline.Positive},
		{"fr", "Je suis passé d'Acme à Bolt", pipeline.Negative, pipeline.Positive},
		{"zh", "Acme 质量太差了，非常失望，但是 Bolt 非常好，很喜欢", pipeline.Negative, pipeline.Positive},
	} {
		r := naming(c.language, c.text, "Acme", "Bolt")
		require.NoError(t, s.Enrich(r))
		assert.Equal(t, c.first, r.Mentions[0].Toward.Label, c.text)
		assert.Equal(t, c.second, r.Mentions[1].Toward.Label, c.text)
		assert.Equal(t, r.Mentions[0].Sentiment, r.Mentions[1].Sentiment, "that of the post is one")
		for _, m := range r.Mentions {
			assert.InDelta(t, 1, m.Toward.Negative+m.Toward.Neutral+m.Toward.Positive, 1e-6)
			assert.InDelta(t, m.Toward.Positive-m.Toward.Negative, m.Toward.Score, 1e-6)
			assert.Equal(t, s.Version(), m.Toward.Model)
		}
	}
}

func TestTowardOneBrandIsThePost(t *testing.T) {
	s := newLinearSentiment(t)
	r := naming("en", "Acme was terrible, but the weather was wonderful", "Acme", "Nobody")
	require.NoError(t, s.Enrich(r))
	for _, m := range r.Mentions {
		assert.Equal(t, m.Sentiment, m.Toward)
	}
	off, err := NewSentiment(SentimentConfig{Engine: SentimentLinear})
	require.NoError(t, err)
	assert.NotEqual(t, off.Version(), s.Version())
	r = naming("en", "Switched from Acme to Bolt", "Acme", "Bolt")
	require.NoError(t, off.Enrich(r))
	assert.Equal(t, r.Mentions[0].Sentiment, r.Mentions[0].Toward)
}

func TestClauses(t *testing.T) {
	words := "Well, Acme cost 3.50 and was bad while Bolt shone. Nice!"
	r := naming("en", words, "Acme", "Bolt")
	text, places := wordsAndPlaces(r)
	assert.Equal(t, []string{"Well, @user  cost 3.50 and was bad", "while  @user  shone. Nice!"}, aboutEach(text, places, 2))
	r.Post.Title = "Title"
	text, places = wordsAndPlaces(r)
	assert.Equal(t, "Acme", text[places[0].begin:places[0].end], "places count the title")
}

// TestTowardClaims measures the posts with two brands that the rules were not tuned on: the
// label toward the brand beats that of the whole post by an interval without zero.
func TestTowardClaims(t *testing.T) {
	content, err := os.ReadFile("testdata/toward/contrast.tsv")
	require.NoError(t, err)
	s := newLinearSentiment(t)
	language := newLanguage(t)
	var post, toward []sentiment.Judged
	number := 0
	for row := range strings.Lines(string(content)) {
		if number++; number%2 == 0 {
			continue // looked at
		}
		c := strings.Split(strings.TrimSuffix(row, "\n"), "\t")
		r := naming("", c[5], c[1], c[3])
		require.NoError(t, language.Enrich(r))
		require.NoError(t, s.Enrich(r))
		for i, label := range []string{c[2], c[4]} {
			of := func(p pipeline.Sentiment) sentiment.Judged {
				return sentiment.Judged{
					Row:  sentiment.Row{Label: strings.Index("012", label)},
					P:    [3]float64{float64(p.Negative), float64(p.Neutral), float64(p.Positive)},
					Said: sentiment.Class(string(p.Label)),
				}
			}
			post, toward = append(post, of(r.Mentions[i].Sentiment)), append(toward, of(r.Mentions[i].Toward))
		}
	}
	assert.GreaterOrEqual(t, number, 300)
	d := sentiment.Compare(post, toward)
	t.Logf("%+v", d)
	assert.Positive(t, d.F1Low)
	assert.Positive(t, d.AccuracyLow)
}

func FuzzToward(f *testing.F) {
	s, err := NewSentiment(DefaultSentimentConfig())
	require.NoError(f, err)
	f.Add("Acme was bad, but Bolt is better than Acme", 0, 4, 18, 22)
	f.Add("。Acme。而Bolt<1>\xff, and ", 3, 7, 13, 17)
	f.Add("switched from <0> to <1>", 14, 17, 21, 24)
	f.Fuzz(func(t *testing.T, text string, a, b, c, d int) {
		r := &pipeline.Record{Post: pipeline.Post{Text: text}, Mentions: []pipeline.Mention{
			{Spans: []pipeline.Span{{Field: "text", Begin: a, End: b}}}, {Spans: []pipeline.Span{{Field: "text", Begin: c, End: d}}},
		}}
		require.NoError(t, s.Enrich(r))
		for _, m := range r.Mentions {
			assert.NotEmpty(t, m.Toward.Label)
			assert.InDelta(t, 1, m.Toward.Negative+m.Toward.Neutral+m.Toward.Positive, 1e-4)
		}
	})
}
