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
	for _, s := range report.Held {
		assert.Greater(t, s.MacroF1, s.Majority, "%s beats the majority", s.Set)
	}
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
