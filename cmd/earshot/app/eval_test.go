package app

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/enrich/model/sentiment"
	"earshot/pipeline"
	"earshot/pipeline/testclaim"
)

func evalText(t *testing.T, content string, e Eval) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.tsv")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	var out bytes.Buffer
	err := RunEval(path, e, &out)
	return out.String(), err
}

func TestEvalKindsOfFiles(t *testing.T) {
	sequential(t)
	out, err := evalText(t, "en\tMy new phone broke after two days\nde\tMein neues Handy ist nach zwei Tagen kaputt\nde\tMy new phone broke after two days\n", Eval{})
	require.NoError(t, err)
	assert.Contains(t, out, "de              2    50.00   0.00")
	assert.Contains(t, out, "en 1\n", "what it was taken for")
	assert.NotContains(t, out, "Sentiment")

	out, err = evalText(t, "2\ten\tx\tI love my new phone, it is awesome\n0\ten\tx\tThe phone is terrible, worst service ever\n0\ten\tx\tI love my new phone, it is awesome\n", Eval{})
	require.NoError(t, err)
	assert.Contains(t, out, "Sentiment of the post")
	assert.Contains(t, out, "negative                  1          0          1")
	assert.Contains(t, out, "positive                  0          0          1")

	for _, five := range []string{"2\ten\tx\tacme\tI love my new Acme phone, it is awesome\n", "-2\tacme\t12345\ttrain\tThe Acme phone is terrible, worst service ever\n"} {
		out, err = evalText(t, five, Eval{})
		require.NoError(t, err)
		assert.Contains(t, out, "Toward the brand")
		assert.Contains(t, out, "toward          1    100.00")
	}
}

func TestEvalRefuses(t *testing.T) {
	for content, want := range map[string]string{
		"en\n":                 "line 1: 1 columns; expected are 2",
		"en\tgood\n3\ta\tb\tc": `line 2: label "3"; 0 (negative), 1 (neutral) or 2 (positive) is expected`,
		"\ta\tb\tc":            `line 1: label ""; 0`,
		"7\tacme\t1\tx\ty":     `line 1: label "7"; -2 to 2 is expected`,
	} {
		_, err := evalText(t, content, Eval{})
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, RunEval("no such file", Eval{}, os.Stdout), "eval: open no such file")
}

func TestEvalClaims(t *testing.T) {
	sequential(t)
	out, err := evalText(t, "bs\tNovi telefon\nen\tMy new phone broke after two days\n", Eval{Claims: true})
	require.NoError(t, err)
	assert.Contains(t, out, "of 2 texts")
	assert.Contains(t, out, "The weight in use is 20 points")
}

func TestSpansOf(t *testing.T) {
	assert.Equal(t, []pipeline.Span{{Field: "text", Begin: 0, End: 4}, {Field: "text", Begin: 9, End: 13}}, spansOf("Acme and ACME", "acme"))
	assert.Empty(t, spansOf("İ Acme", "acme"), "lower case has another length")
	assert.Empty(t, spansOf("Acme", ""))
}

// TestEvalReadsEveryFile reads the first rows of all files of sentiments and languages.
func TestEvalReadsEveryFile(t *testing.T) {
	sequential(t)
	base := filepath.Dir(filepath.Dir(testclaim.Data(t, "sentiment/val.tsv")))
	seen := 0
	for _, pattern := range []string{"language/*.tsv", "sentiment/*.tsv", "more/sentiment/*.tsv", "more/target/*.tsv"} {
		paths, err := filepath.Glob(filepath.Join(base, pattern))
		require.NoError(t, err)
		for _, path := range paths {
			rows, err := readEval(path)
			require.NoError(t, err)
			require.NotEmpty(t, rows)
			for _, r := range rows {
				require.True(t, r.language != "" || len(r.targets) > 0)
				require.LessOrEqual(t, r.label, sentiment.Positive)
			}
			seen++
		}
	}
	assert.Greater(t, seen, 50)
}
