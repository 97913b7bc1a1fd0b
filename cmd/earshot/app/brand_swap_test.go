package app

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// TestAChangedQueryIsSwappedInWithoutAPause: batches are labelled by the queries as they
// were for as long as 5,000 new ones are compiled, and by the new ones from then on.
func TestAChangedQueryIsSwappedInWithoutAPause(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Language.Engine, cfg.Sentiment.Engine = "none", "none"
	chains, err := cfg.newChains()
	require.NoError(t, err)
	compiling, compiled := make(chan struct{}), make(chan struct{})
	book := &brandBook{make: func(list []Brand) (*edition, error) {
		if len(list) > 1 {
			close(compiling)
			defer func() { <-compiled }()
		}
		return chains(list)
	}}
	mentions := func() int {
		r := pipeline.Record{Post: pipeline.Post{Text: "acme and w4999"}}
		require.NoError(t, book.chain().Enrich(&r))
		return len(r.Mentions)
	}
	require.NoError(t, book.use([]Brand{{Name: "Acme", Query: "acme"}}, nil))
	assert.Equal(t, 1, mentions())

	many := make([]Brand, 5000)
	for i := range many {
		many[i] = Brand{Name: fmt.Sprint(i), Query: fmt.Sprintf("w%d OR (acme AND never%d)", i, i)}
	}
	many = append(many, Brand{Name: "Acme", Query: "acme"})
	done := make(chan error)
	go func() { done <- book.use(many, nil) }()
	<-compiling
	for range 1000 {
		assert.Equal(t, 1, mentions(), "nobody waits, and nothing is half new")
	}
	close(compiled)
	require.NoError(t, <-done)
	assert.Equal(t, 2, mentions())
}
