package sentiment

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/enrich/model"
	"earshot/pipeline/testclaim"
)

// TestSentimentCardIsTrue measures the embedded model again: its figures are those that
// the card prints, and the promises that it keeps stay kept.
func TestSentimentCardIsTrue(t *testing.T) {
	if testing.Short() {
		cardIsTrueOfTweets(t)
		return
	}
	data, err := ReadData(filepath.Dir(filepath.Dir(testclaim.Data(t, "sentiment/val.tsv"))))
	require.NoError(t, err)
	report := NewReport(embedded(t), data)
	var card Report
	require.NoError(t, json.Unmarshal([]byte(model.SentimentFigures()), &card))
	assert.Equal(t, card.Train, report.Train)
	for i, s := range report.Val {
		assert.Equal(t, card.Val[i].Confusion, s.Confusion, s.Set)
	}
	for i, s := range report.Held {
		assert.Equal(t, card.Held[i].Confusion, s.Confusion, s.Set)
	}
	assert.GreaterOrEqual(t, report.Means["umsab_macro_f1"], 0.61)
	assert.GreaterOrEqual(t, report.Means["tweeteval_recall"], 0.705)
	assert.GreaterOrEqual(t, report.Means["zh_accuracy"], 0.91)
	assert.GreaterOrEqual(t, report.Means["more_macro_f1"], 0.68)
	calibrationIsTrue(t, card, report)
	for _, s := range report.Held {
		assert.Greater(t, s.MacroF1, s.Majority, "%s beats the majority", s.Set)
	}
}

// calibrationIsTrue: the calibration error of each language is the card's, and no more languages are
// beyond chance than chance allows.
func calibrationIsTrue(t *testing.T, card, report Report) {
	t.Helper()
	require.Len(t, report.ByLanguage, len(card.ByLanguage))
	beyond, many := 0, 0
	for i, s := range report.ByLanguage {
		assert.InDelta(t, card.ByLanguage[i].ECE, s.ECE, 1e-9, s.Set)
		assert.Equal(t, card.Crossed[s.Set], report.Crossed[s.Set], s.Set)
		if s.ECE > max(mostECE, s.ECEChance) {
			beyond++
		}
		if x := report.Crossed[s.Set]; x.Rows >= 5000 {
			many++
			assert.LessOrEqual(t, x.ECE, mostECE, "%s on training folds", s.Set)
		}
	}
	assert.LessOrEqual(t, beyond, 4, "of 38 perfect models no more than 4 miss 96 times in 100")
	assert.GreaterOrEqual(t, many, 20)
}

// cardIsTrueOfTweets is the reduced form: the tweets of val.tsv alone.
func cardIsTrueOfTweets(t *testing.T) {
	t.Helper()
	rows, err := readRows(testclaim.Data(t, "sentiment/val.tsv"), "")
	require.NoError(t, err)
	var card Report
	require.NoError(t, json.Unmarshal([]byte(model.SentimentFigures()), &card))
	judged := embedded(t).Judge(rows)
	for i, set := range validationSets() {
		if set.lang != "zh" {
			assert.Equal(t, card.Val[i].Confusion, confusion(only(judged, set.lang, set.source)), set.name)
		}
	}
}
