package enrich

import (
	"fmt"
	"math"
	"sync"

	"earshot/enrich/model"
	"earshot/pipeline"
	"earshot/pipeline/query"
)

// SentimentEngine is the way in which sentiment is judged.
type SentimentEngine string

// The engines.
const (
	SentimentLinear  SentimentEngine = "linear"  // the trained model
	SentimentLexicon SentimentEngine = "lexicon" // scores of words and emoji
	SentimentNone    SentimentEngine = "none"    // leaves every mention without a label
)

// SentimentConfig says how the sentiment of mentions is judged.
type SentimentConfig struct {
	Engine SentimentEngine `yaml:"engine" doc:"linear (the trained model), lexicon (scores of words), or none to leave every mention without a label" enum:"linear,lexicon,none"`
	Toward bool            `yaml:"toward" doc:"where a post names several brands, judge each by the clauses about it and by comparisons, not by the whole post (linear alone)"`
}

// DefaultSentimentConfig uses the trained model.
func DefaultSentimentConfig() SentimentConfig {
	return SentimentConfig{Engine: SentimentLinear, Toward: true}
}

// Validate reports the first mistake, with its key first.
func (c SentimentConfig) Validate() error {
	switch c.Engine {
	case SentimentLinear, SentimentLexicon, SentimentNone:
		return nil
	}
	return fmt.Errorf("engine: %q is unknown; use linear, lexicon or none", c.Engine)
}

// Sentiment judges the posts that mention a brand by their text. The sentiment toward a
// brand is that of the post, unless the post names several: see linear.toward.
type Sentiment struct {
	linear  *linear  // nil: another engine
	toward  bool     // each of several brands is judged by itself
	lexicon *lexicon // nil: another engine
	version string
	readers sync.Pool // of *sentimentReader
}

// NewSentiment loads the model or the lexicon.
func NewSentiment(c SentimentConfig) (*Sentiment, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("enrich: sentiment: %w", err)
	}
	switch c.Engine {
	case SentimentNone:
		return &Sentiment{version: "sentiment=none"}, nil
	case SentimentLinear:
		l, err := newLinear()
		if err != nil {
			return nil, fmt.Errorf("enrich: %w", err)
		}
		version := l.version
		if c.Toward {
			version += "+" + towardVersion
		}
		return &Sentiment{linear: l, toward: c.Toward, version: version}, nil
	}
	lex, err := newLexicon(query.NewTokenizer())
	if err != nil {
		return nil, fmt.Errorf("enrich: sentiment: %w", err)
	}
	s := &Sentiment{lexicon: lex, version: "sentiment=lexicon-" + model.LexiconVersion}
	s.readers.New = func() any { return &sentimentReader{tokens: query.NewTokenizer()} }
	return s, nil
}

// Version changes with the model, the lexicon and the rules of scoring.
func (s *Sentiment) Version() string { return s.version }

// Enrich labels each mention of the record. The lexicon gives no label to a post in a
// language without a list and without a known emoji.
func (s *Sentiment) Enrich(r *pipeline.Record) error {
	if len(r.Mentions) == 0 || s.linear == nil && s.lexicon == nil {
		return nil
	}
	if s.linear == nil {
		if words := s.byWords(r); words.Label != "" {
			setSentiment(r, words)
		}
		return nil
	}
	whole := s.linear.judge(r)
	setSentiment(r, s.linear.label(whole))
	if s.toward {
		s.linear.toward(r, whole)
	}
	return nil
}

// setSentiment gives every mention the sentiment of the post.
func setSentiment(r *pipeline.Record, s pipeline.Sentiment) {
	for i := range r.Mentions {
		r.Mentions[i].Sentiment, r.Mentions[i].Toward = s, s
	}
}

// byWords judges by the lexicon; without a label if it has nothing to say.
func (s *Sentiment) byWords(r *pipeline.Record) pipeline.Sentiment {
	reader := s.readers.Get().(*sentimentReader)
	defer s.readers.Put(reader)
	list := s.lexicon.list(r.Language.Code)
	sum, hits := reader.score(s.lexicon, list, r, "title", r.Post.Title)
	more, moreHits := reader.score(s.lexicon, list, r, "text", r.Post.Text)
	if list == nil && hits+moreHits == 0 {
		return pipeline.Sentiment{}
	}
	sentiment := judge(sum + more)
	sentiment.Model = s.version
	return sentiment
}

// Constants of VADER (Hutto and Gilbert 2014, vaderSentiment.py).
const (
	vaderAlpha   = 15    // score = sum / sqrt(sum^2 + alpha)
	vaderNegated = -0.74 // what negation leaves of a score
)

// judge turns a sum of scores into probabilities and the most probable label.
func judge(sum float64) pipeline.Sentiment {
	x := sum / math.Sqrt(sum*sum+vaderAlpha)
	negative, neutral, positive := probabilities(x)
	label := pipeline.Neutral
	switch {
	case negative > neutral && negative > positive:
		label = pipeline.Negative
	case positive > neutral && positive > negative:
		label = pipeline.Positive
	}
	return pipeline.Sentiment{
		Label: label, Score: float32(x),
		Negative: float32(negative), Neutral: float32(neutral), Positive: float32(positive),
	}
}

// probabilities is a softmax over quadratics of the score, neutral being the base. The
// constants were fitted to the labels of UMSAB and SemEval's training tweets, languages
// and labels of equal weight; TestSentimentClaims measures them on the validation tweets.
func probabilities(x float64) (negative, neutral, positive float64) {
	negative = math.Exp(-0.19 - 1.21*x + 1.31*x*x)
	positive = math.Exp(-0.34 + 1.05*x + 1.20*x*x)
	sum := negative + 1 + positive
	return negative / sum, 1 / sum, positive / sum
}

// window is how many tokens away a negator still turns a word round.
const window = 3

// sentimentReader holds the buffers of one goroutine.
type sentimentReader struct {
	tokens *query.Tokenizer
	folded []byte // of all tokens, one after the other
	items  []sentimentToken
	key    []byte
}

// sentimentToken is a token of the text.
type sentimentToken struct {
	begin, end int // in folded
	negator    bool
	ignored    bool // part of a handle or of a brand's name
}

// score adds up the entries of the lexicon in a text and counts them.
func (r *sentimentReader) score(lex *lexicon, list *wordList, rec *pipeline.Record, field, text string) (sum float64, hits int) {
	if text == "" {
		return 0, 0
	}
	r.read(list, rec.Mentions, field, text)
	for at := 0; at < len(r.items); {
		score, n := r.longest(lex, list, at)
		if n == 0 {
			at++
			continue
		}
		if list != nil && r.negated(list, at, n) {
			score *= vaderNegated
		}
		sum += score
		hits++
		at += n
	}
	return sum, hits
}

// read cuts the text into items.
func (r *sentimentReader) read(list *wordList, mentions []pipeline.Mention, field, text string) {
	r.folded, r.items = r.folded[:0], r.items[:0]
	r.tokens.Reset(text)
	for r.tokens.Next() {
		begin := len(r.folded)
		r.folded = append(r.folded, r.tokens.Folded()...)
		at, _ := r.tokens.Span()
		r.items = append(r.items, sentimentToken{
			begin: begin, end: len(r.folded),
			ignored: r.tokens.InHandle() || inSpan(mentions, field, at),
		})
	}
	if list == nil {
		return
	}
	for at := range r.items {
		r.items[at].negator = r.negatorAt(list, at)
	}
}

// negatorAt reports whether a negator begins at an item.
func (r *sentimentReader) negatorAt(list *wordList, at int) bool {
	r.key = r.key[:0]
	for i := at; i < len(r.items) && i < at+list.longestNegator; i++ {
		if i > at {
			r.key = append(r.key, ' ')
		}
		r.key = append(r.key, r.folded[r.items[i].begin:r.items[i].end]...)
		if list.negators[string(r.key)] {
			return true
		}
	}
	return false
}

// inSpan reports whether a brand was found at a place: names such as "Best Buy" say
// nothing of what is felt.
func inSpan(mentions []pipeline.Mention, field string, at int) bool {
	for i := range mentions {
		for _, s := range mentions[i].Spans {
			if s.Field == field && s.Begin <= at && at < s.End {
				return true
			}
		}
	}
	return false
}

// longest finds the longest entry that begins at an item and says how many items it covers.
func (r *sentimentReader) longest(lex *lexicon, list *wordList, at int) (score float64, n int) {
	most := 1
	if list != nil {
		most = list.longest
	}
	r.key = r.key[:0]
	for i := at; i < len(r.items) && i < at+most; i++ {
		item := r.items[i]
		if item.ignored {
			break
		}
		if i > at {
			r.key = append(r.key, ' ')
		}
		r.key = append(r.key, r.folded[item.begin:item.end]...)
		if list != nil {
			if found, ok := list.scores[string(r.key)]; ok {
				score, n = float64(found), i-at+1
			}
		}
		if i == at {
			if found, ok := lex.symbols[string(r.key)]; ok {
				score, n = float64(found), 1
			}
		}
	}
	return score, n
}

// negated reports whether a negator stands near the n items at.
func (r *sentimentReader) negated(list *wordList, at, n int) bool {
	from, to := max(at-window, 0), at
	if list.after {
		from, to = at+n, min(at+n+window, len(r.items))
	}
	for _, item := range r.items[from:to] {
		if item.negator && !item.ignored {
			return true
		}
	}
	return false
}
