package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExamplesOfSourcesAreAccepted takes the configurations out of the pages of the
// sources and opens them.
func TestExamplesOfSourcesAreAccepted(t *testing.T) {
	pages, err := filepath.Glob(filepath.FromSlash("../../../docs/sources/*.md"))
	require.NoError(t, err)
	var documented []string
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("0123456789abcdef0123456789abcdef"), 0o600))
	for _, page := range pages {
		kind := strings.TrimSuffix(filepath.Base(page), ".md")
		documented = append(documented, kind)
		t.Run(kind, func(t *testing.T) {
			content, err := os.ReadFile(page)
			require.NoError(t, err)
			found := 0
			for block := range strings.SplitSeq(string(content), "```yaml\n") {
				example, _, closed := strings.Cut(block, "\n```")
				if !closed || !strings.Contains(example, "type: "+kind) {
					continue
				}
				if !strings.Contains(example, "sources:") { // an entry alone
					example = "sources:\n" + example
				}
				for _, word := range strings.FieldsFunc(example, func(r rune) bool { return r <= ' ' }) {
					if strings.HasPrefix(word, "/run/secrets/") {
						example = strings.Replace(example, word, secret, 1)
					}
				}
				cfg, err := LoadConfig(page, []byte(example+"\n"), nil)
				require.NoError(t, err, example)
				if kind != "file" { // its file is not there
					_, err = cfg.entries()
					require.NoError(t, err, example)
				}
				found++
			}
			assert.Positive(t, found, "the page shows no configuration")
		})
	}
	kinds := (&Source{}).Kinds()
	slices.Sort(kinds)
	assert.Equal(t, kinds, documented, "each platform has a page")
}
