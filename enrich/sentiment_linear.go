package enrich

import (
	"slices"
	"sync"

	"earshot/enrich/model"
	"earshot/enrich/model/sentiment"
	"earshot/pipeline"
)

// linear judges by the trained model. What matched a brand is hidden from it: a brand that
// was often complained about in the training data must not look worse for it.
type linear struct {
	model   *sentiment.Model
	version string
	rules   []rule    // of the sentiment toward one of several brands
	readers sync.Pool // of *linearReader
}

// linearReader holds the buffers of one goroutine.
type linearReader struct {
	*sentiment.Reader
	text []byte
	at   []pipeline.Span
}

func newLinear() (*linear, error) {
	m, err := sentiment.Load(model.SentimentWeights())
	if err != nil {
		return nil, err
	}
	l := &linear{model: m, version: "sentiment=linear-" + m.Version(), rules: towardRules()}
	l.readers.New = func() any { return &linearReader{Reader: m.NewReader()} }
	return l, nil
}

// judge judges the post of a record.
func (l *linear) judge(r *pipeline.Record) sentiment.Judgement {
	reader := l.readers.Get().(*linearReader)
	defer l.readers.Put(reader)
	reader.text = reader.text[:0]
	reader.hide(r.Mentions, "title", r.Post.Title)
	if r.Post.Title != "" {
		reader.text = append(reader.text, '\n')
	}
	reader.hide(r.Mentions, "text", r.Post.Text)
	return reader.Judge(r.Language.Code, string(reader.text))
}

// label is what a mention carries of a judgement.
func (l *linear) label(j sentiment.Judgement) pipeline.Sentiment {
	labels := [...]pipeline.Polarity{pipeline.Negative, pipeline.Neutral, pipeline.Positive}
	return pipeline.Sentiment{
		Label:    labels[j.Label()],
		Score:    float32(j.P[sentiment.Positive] - j.P[sentiment.Negative]),
		Negative: float32(j.P[sentiment.Negative]),
		Neutral:  float32(j.P[sentiment.Neutral]),
		Positive: float32(j.P[sentiment.Positive]),
		Model:    l.version,
	}
}

// hide appends a text with "@user" in place of each span of a brand.
func (r *linearReader) hide(mentions []pipeline.Mention, field, text string) {
	r.at = r.at[:0]
	for i := range mentions {
		for _, s := range mentions[i].Spans {
			if s.Field == field && s.Begin >= 0 && s.Begin < s.End && s.End <= len(text) {
				r.at = append(r.at, s)
			}
		}
	}
	slices.SortFunc(r.at, func(a, b pipeline.Span) int { return a.Begin - b.Begin })
	done := 0
	for _, s := range r.at {
		if s.Begin >= done {
			r.text = append(r.text, text[done:s.Begin]...)
			r.text = append(r.text, " @user "...)
			done = s.End
		} else if s.End > done {
			done = s.End
		}
	}
	r.text = append(r.text, text[done:]...)
}
