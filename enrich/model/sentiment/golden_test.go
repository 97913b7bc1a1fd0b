package sentiment

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden answers after training")

// golden is a text and what the embedded model says, to the last digit.
type golden struct {
	Lang string           `json:"lang"`
	Text string           `json:"text"`
	P    [classes]float64 `json:"p"`
	Said int              `json:"said"` // the label
}

// TestGolden holds the answers on every processor: sums are integers.
func TestGolden(t *testing.T) {
	const name = "testdata/golden.json"
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	var rows []golden
	require.NoError(t, json.Unmarshal(text, &rows))
	require.NotEmpty(t, rows)
	r := embedded(t).NewReader()
	for i, row := range rows {
		got := r.Judge(row.Lang, row.Text)
		if *update {
			rows[i].P, rows[i].Said = got.P, got.Label()
			continue
		}
		assert.Equal(t, row.P, got.P, row.Text)
		assert.Equal(t, row.Said, got.Label(), row.Text)
	}
	if *update {
		text, err = json.MarshalIndent(rows, "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, append(text, '\n'), 0o600))
	}
}
