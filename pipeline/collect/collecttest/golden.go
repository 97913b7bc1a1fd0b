package collecttest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

var update = flag.Bool("update", false, "rewrite the golden posts") //nolint:gochecknoglobals // a flag of tests

// Golden holds a decoder against the payloads of testdata: NAME.json (or .xml) is what the
// platform sends, NAME.want what becomes of it, one post a line as JSON. The flag -update
// rewrites the latter.
func Golden(t *testing.T, decode func(name string, payload []byte) ([]pipeline.Post, error)) {
	t.Helper()
	files, err := filepath.Glob("testdata/golden/*")
	require.NoError(t, err)
	tried := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".want") {
			continue
		}
		tried++
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			payload, err := os.ReadFile(file)
			require.NoError(t, err)
			posts, err := decode(name, payload)
			require.NoError(t, err)
			var got []byte
			for i := range posts {
				p := &posts[i]
				p.V = pipeline.PostVersion
				if p.Op == pipeline.OpDelete && p.Kind == "" {
					p.Kind = pipeline.KindPost
				}
				require.NoError(t, p.Validate())
				got = append(p.AppendJSON(got), '\n')
			}
			Wanted(t, strings.TrimSuffix(file, filepath.Ext(file))+".want", string(got))
		})
	}
	require.Positive(t, tried, "no golden payloads")
}

// Wanted holds what came out against what a file wants; the flag -update rewrites the file.
func Wanted(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}
