package enrich

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jonreiter/govader"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/testclaim"
)

// labelled is a post whose label is known: 0 negative, 1 neutral, 2 positive.
type labelled struct {
	label          int
	language, text string
}

func labelledPosts(t testing.TB, languages string) (all []labelled) {
	t.Helper()
	content, err := os.ReadFile(testclaim.Data(t, "sentiment/val.tsv"))
	require.NoError(t, err)
	for row := range strings.Lines(string(content)) {
		c := strings.SplitN(strings.TrimSuffix(row, "\n"), "\t", 4)
		label, err := strconv.Atoi(c[0])
		require.NoError(t, err)
		if languages == "" || languages == c[1] {
			all = append(all, labelled{label, c[1], c[3]})
		}
	}
	return all
}

// ours labels by the trained model as the line does, the language being told.
func ours(b *testing.B) func(labelled) int {
	s := newLinearSentiment(b)
	r := &pipeline.Record{Mentions: make([]pipeline.Mention, 1)}
	labels := map[pipeline.Polarity]int{pipeline.Negative: 0, pipeline.Neutral: 1, pipeline.Positive: 2}
	return func(p labelled) int {
		r.Post.Text, r.Language.Code = p.text, p.language
		if err := s.Enrich(r); err != nil {
			b.Fatal(err)
		}
		return labels[r.Mentions[0].Sentiment.Label]
	}
}

// vader labels English by VADER's scores, cut at ±0.05 as its authors advise.
func vader(*testing.B) func(labelled) int {
	analyzer := govader.NewSentimentIntensityAnalyzer()
	return func(p labelled) int {
		switch score := analyzer.PolarityScores(p.text).Compound; {
		case score >= 0.05:
			return 2
		case score <= -0.05:
			return 0
		}
		return 1
	}
}

// BenchmarkSentiments judges the same real tweets with our model and with govader in one
// run; cpu-posts/s leaves out what other programs of the machine took.
func BenchmarkSentiments(b *testing.B) {
	for _, c := range []struct {
		name, languages string
		make            func(*testing.B) func(labelled) int
	}{
		{"earshot/all", "", ours},
		{"earshot/en", "en", ours},
		{"govader/en", "en", vader},
	} {
		b.Run(c.name, func(b *testing.B) {
			posts, judge := labelledPosts(b, c.languages), c.make(b)
			judge(posts[0])
			b.ReportAllocs()
			b.ResetTimer()
			before, right := processorTime(b), 0
			for i := range b.N {
				p := posts[i*7919%len(posts)] // a prime: languages and labels mix
				if judge(p) == p.label {
					right++
				}
			}
			b.ReportMetric(float64(b.N)/(processorTime(b)-before), "cpu-posts/s")
			b.ReportMetric(100*float64(right)/float64(b.N), "%right")
		})
	}
}
