package measure

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/enrich/model/language"
	"earshot/pipeline/testclaim"
)

//nolint:gochecknoglobals // the flag of this test
var update = flag.Bool("update", false, "write the model card and its figures")

// TestCard measures everything that the model card says, and fails where it says something
// else.
func TestCard(t *testing.T) {
	sentences := testclaim.Data(t, "language/sentences.tsv")
	texts, err := ReadTexts(filepath.Dir(filepath.Dir(sentences)))
	require.NoError(t, err)
	d, err := language.New()
	require.NoError(t, err)
	figures := NewFigures(d, texts)
	head, err := os.ReadFile("head.md")
	require.NoError(t, err)
	tail, err := os.ReadFile("tail.md")
	require.NoError(t, err)
	card := []byte(figures.Card(string(head), string(tail)))
	numbers, err := figures.JSON()
	require.NoError(t, err)
	for path, content := range map[string][]byte{"../../language.md": card, "../../language.json": numbers, "../../../../docs/language.md": card} {
		if *update {
			require.NoError(t, os.WriteFile(path, content, 0o644))
		}
		stored, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(stored), string(content), "%s: write it again with -update", path)
	}
	for _, r := range figures.Reports {
		assert.Less(t, r.ECE, 0.03, r.Kind)
	}
	for _, k := range figures.Claims {
		for _, c := range k.Claims {
			if c.Points == language.ClaimPoints {
				assert.Greater(t, c.Right, c.None, "%s: a right claim helps", k.Kind)
				assert.Greater(t, c.Wrong, c.None-0.005, "%s: a wrong claim hardly harms", k.Kind)
			}
		}
	}
}

func TestShare(t *testing.T) {
	s := newShare(90, 100)
	assert.InDelta(t, 0.9, s.Value, 1e-9)
	assert.InDelta(t, 0.84, s.Low, 0.015)
	assert.InDelta(t, 0.96, s.High, 0.015)
	assert.Equal(t, s, newShare(90, 100), "the same every time")
	assert.Zero(t, newShare(0, 0))
}

func TestCalibrationError(t *testing.T) {
	var answers []Judged
	for i := range 300 {
		answers = append(answers, Judged{0.8, i%10 < 8})
	}
	ece, curve := Calibration(answers)
	assert.InDelta(t, 0, ece, 1e-9)
	assert.Len(t, curve, bins)
	for i := range answers {
		answers[i].Confidence = 0.9
	}
	ece, _ = Calibration(answers)
	assert.InDelta(t, 0.1, ece, 1e-9)
	ece, curve = Calibration(nil)
	assert.Zero(t, ece)
	assert.Empty(t, curve)
}
