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
	assert.GreaterOrEqual(t, report.Means["umsab_macro_f1"], 0.60)
	assert.GreaterOrEqual(t, report.Means["tweeteval_recall"], 0.69)
	assert.GreaterOrEqual(t, report.Means["zh_accuracy"], 0.91)
	assert.GreaterOrEqual(t, report.Means["more_macro_f1"], 0.66)
	for _, s := range report.Held {
		assert.Greater(t, s.MacroF1, s.Majority, "%s beats the majority", s.Set)
	}
}
