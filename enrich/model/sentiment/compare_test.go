package sentiment

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCompare(t *testing.T) {
	var first, second []Judged
	for i := range 300 {
		row := Row{Label: i % 3}
		var blind, right [3]float64
		blind[Neutral], right[row.Label] = 1, 1
		first, second = append(first, Judged{row, blind, mostProbable(blind)}), append(second, Judged{row, right, mostProbable(right)})
	}
	d := Compare(first, second)
	assert.InDelta(t, 2.0/3, d.Accuracy, 1e-9)
	assert.Greater(t, d.AccuracyLow, 0.5)
	assert.Less(t, d.AccuracyHigh, 0.8)
	assert.Greater(t, d.F1Low, 0.5)
	assert.Zero(t, Compare(first, first), "none where both say the same")
}
