package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLabelKeepsTheOrder(t *testing.T) {
	var in, out bytes.Buffer
	const n = 1000
	for i := range n {
		fmt.Fprintf(&in, `{"text": "I love my new Zubrola phone, number %d%s"}`+"\n", i, strings.Repeat(" Zubrola", i%7))
	}
	cfg := DefaultConfig()
	cfg.Brands = []Brand{{Name: "Zubrola", Query: "zubrola"}}
	require.NoError(t, RunLabel(t.Context(), cfg, Label{}, &in, &out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, n)
	for i, line := range lines {
		var got labelled
		require.NoError(t, json.Unmarshal([]byte(line), &got))
		require.Len(t, got.Brands, 1)
		assert.Len(t, got.Brands[0].Spans, 1+i%7, line)
		assert.NotEmpty(t, got.Lang)
		assert.InDelta(t, 1, got.Probabilities.Negative+got.Probabilities.Neutral+got.Probabilities.Positive, 1e-3)
		assert.NotEmpty(t, got.Model)
	}
}

func TestLabelAnswersEveryLine(t *testing.T) {
	var out bytes.Buffer
	in := strings.NewReader("{\"text\": \"\"}\nnot JSON\n{}\n{\"text\": \"Das neue Handy ist sehr gut\", \"lang\": \"de\"}")
	err := RunLabel(t.Context(), DefaultConfig(), Label{}, in, &out)
	require.EqualError(t, err, `label: 2 of 4 lines were not understood; each has its "error"`)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 4)
	assert.Contains(t, lines[0], `"lang":"und"`)
	assert.Contains(t, lines[1], `line 2: not JSON`)
	assert.Contains(t, lines[2], `line 3: no \"text\"`)
	assert.Contains(t, lines[3], `"lang":"de"`)

	out.Reset()
	require.NoError(t, RunLabel(t.Context(), DefaultConfig(), Label{Plain: true}, strings.NewReader("\n😀\n\xff\n"), &out))
	assert.Equal(t, 3, strings.Count(out.String(), "\n"))
}
