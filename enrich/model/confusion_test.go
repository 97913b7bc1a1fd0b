package model

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSentimentConfusions(t *testing.T) {
	all, err := SentimentConfusions()
	require.NoError(t, err)
	for _, code := range []string{"ar", "de", "en", "es", "fr", "hi", "it", "pt", "zh", "th", "ko", "ru"} {
		require.Contains(t, all, code)
	}
	for code, c := range all {
		right, rows := 0, 0
		for k := range c {
			for j := range c[k] {
				rows += c[k][j]
			}
			right += c[k][k]
		}
		assert.Greater(t, 3*right, rows, "%s: better than chance", code)
	}
}
