package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/enrich/namesake"
	"earshot/pipeline"
)

func TestTrainContext(t *testing.T) {
	dir := t.TempDir()
	marked, out := filepath.Join(dir, "marked.tsv"), filepath.Join(dir, "model.json")
	var lines strings.Builder
	for i := range 30 {
		fmt.Fprintf(&lines, "yes\tMilan score against Empoli in match %d\nNo\tmy flight to Milan lands at %d\n\n", i, i)
	}
	require.NoError(t, os.WriteFile(marked, []byte(lines.String()), 0o600))
	c := trainContextCommand()
	var said bytes.Buffer
	c.SetOut(&said)
	c.SetArgs([]string{"milan", marked, "--out", out})
	require.NoError(t, c.Execute())
	assert.Contains(t, said.String(), "60 posts, 30 of them yes")
	assert.Contains(t, said.String(), "context:>0.5       1.000   1.000")
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	m, err := namesake.Decode(b)
	require.NoError(t, err)
	assert.Greater(t, m.Score(&pipeline.Post{Text: "what a match by Milan"}), 0.5)
	assert.Less(t, m.Score(&pipeline.Post{Text: "a flight to Milan"}), 0.5)
}

func TestTrainContextNamesTheBadLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marked.tsv")
	require.NoError(t, os.WriteFile(path, []byte("yes\tone\nmaybe\ttwo\n"), 0o600))
	_, err := readMarked(path)
	require.ErrorContains(t, err, "line 2")
}
