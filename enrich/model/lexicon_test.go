package model

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLexicon(t *testing.T) {
	entries, err := Lexicon()
	require.NoError(t, err)
	words := map[string]int{}
	scores := map[Entry]bool{}
	for _, e := range entries {
		words[e.Language]++
		scores[e] = true
		assert.NotZero(t, e.Score)
		assert.LessOrEqual(t, max(e.Score, -e.Score), 5)
		assert.NotEmpty(t, e.Text)
	}
	assert.True(t, scores[Entry{Language: "en", Text: "awesome", Score: 4}])
	assert.True(t, scores[Entry{Language: AnyLanguage, Text: "😍", Score: 4}])
	assert.Greater(t, words[AnyLanguage], 150)
	delete(words, AnyLanguage)
	negations, err := Negations()
	require.NoError(t, err)
	assert.Len(t, words, 28)
	for language, n := range words {
		assert.Greater(t, n, 1500, language)
		assert.NotEmpty(t, negations[language].Words, "%s has words but no negators", language)
	}
	assert.Len(t, negations, len(words))
}
