package enrich

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is an enricher made of a function.
type stage func(*pipeline.Record) error

func (s stage) Enrich(r *pipeline.Record) error { return s(r) }
func (s stage) Version() string                 { return "stage=1" }

func TestChainRunsStagesInOrder(t *testing.T) {
	s := newSentiment(t)
	none, err := NewLanguage(LanguageConfig{Engine: LanguageNone})
	require.NoError(t, err)
	brands := newBrands(t, "Sony", "sony")
	c := NewChain(none, brands, s)
	assert.Equal(t, "language=none "+brands.Version()+" sentiment=lexicon-2", c.Version())

	r := &pipeline.Record{Post: pipeline.Post{Text: "I love my Sony"}}
	require.NoError(t, c.Enrich(r))
	assert.Equal(t, pipeline.Undetermined, r.Language.Code)
	require.Len(t, r.Mentions, 1)
	assert.Equal(t, pipeline.Positive, r.Mentions[0].Sentiment.Label, "sentiment sees what brands found")
}

func TestChainPassesDeadRecords(t *testing.T) {
	c := NewChain(stage(func(*pipeline.Record) error { return errors.New("must not run") }))
	require.NoError(t, c.Enrich(&pipeline.Record{Dead: &pipeline.Reject{}}))
}

func TestChainContainsFailures(t *testing.T) {
	bad := errors.New("bad")
	err := NewChain(stage(func(*pipeline.Record) error { return bad })).Enrich(&pipeline.Record{})
	require.ErrorIs(t, err, bad)
	require.EqualError(t, err, "enrich: stage=1: bad")
	err = NewChain(stage(func(*pipeline.Record) error { panic("boom") })).Enrich(&pipeline.Record{})
	require.EqualError(t, err, "enrich: stage=1: panic: boom")
}
