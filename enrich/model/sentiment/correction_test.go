package sentiment

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/enrich/model"
)

func TestCorrectionUndoesTheMatrix(t *testing.T) {
	c, ok := CorrectionOf(Confusion{{70, 20, 10}, {15, 60, 25}, {5, 15, 80}})
	require.True(t, ok)
	truth := [classes]float64{0.2, 0.5, 0.3}
	rates := [classes][classes]float64{{.7, .2, .1}, {.15, .6, .25}, {.05, .15, .8}}
	var labelled [classes]float64
	for i := range classes {
		for j := range classes {
			labelled[j] += truth[i] * rates[i][j]
		}
	}
	net := 0.0
	for j := range classes {
		net += c.Score[j] * labelled[j]
	}
	assert.InDelta(t, 0.1, net, 1e-12)
	for i := range classes {
		share := 0.0
		for j := range classes {
			share += c.Inverse[classes*i+j] * labelled[j]
		}
		assert.InDelta(t, truth[i], share, 1e-12)
		assert.Positive(t, c.Variance[i])
	}
	_, ok = CorrectionOf(Confusion{{30, 30, 30}, {30, 30, 30}, {30, 30, 30}})
	assert.False(t, ok, "labels that say nothing cannot be corrected")
	_, ok = CorrectionOf(Confusion{{3, 0, 0}, {0, 300, 0}, {0, 0, 300}})
	assert.False(t, ok, "three posts tell nothing")
}

func TestCorrectionsOfTheModel(t *testing.T) {
	version, all, err := Corrections(model.SentimentFigures())
	require.NoError(t, err)
	assert.NotEmpty(t, version)
	langs := map[string]bool{}
	for _, c := range all {
		langs[c.Lang] = true
	}
	for _, lang := range []string{"", "en", "de", "es", "th"} {
		assert.True(t, langs[lang], lang)
	}
}
