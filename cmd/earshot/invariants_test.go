package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestInvariantsNameRealTests: a promise whose test was renamed or removed is not kept.
func TestInvariantsNameRealTests(t *testing.T) {
	root := filepath.Join("..", "..")
	var code strings.Builder
	require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		code.Write(text)
		return err
	}))
	text, err := os.ReadFile(filepath.Join(root, "docs", "invariants.md"))
	require.NoError(t, err)
	promises, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	require.NoError(t, err)
	tests := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(text)+string(promises), -1)
	require.NotEmpty(t, tests)
	for _, m := range tests {
		assert.Contains(t, code.String(), "func "+m[1]+"(", "%s is named in docs/invariants.md or docs/reliability.md and is not there", m[1])
	}
	for _, m := range regexp.MustCompile(`"([a-z][^"|]+)"`).FindAllStringSubmatch(string(text), -1) {
		assert.Contains(t, code.String(), `"`+m[1]+`"`, "docs/invariants.md names a case that is not there")
	}
}
