package grafana

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/dashboards"
	"earshot/pipeline/testclaim"
)

// sdk returns a folder in the cache with Grafana's own SDK and the TypeScript compiler, of
// exactly the versions and hashes that types/package-lock.json names.
func sdk(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			testclaim.Skip(t, "there is no "+tool+" to hold the boards against the types of Grafana's SDK with; install Node.js and npm")
		}
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	lock, err := os.ReadFile("types/package-lock.json")
	require.NoError(t, err)
	sum := sha256.Sum256(lock)
	at := filepath.Join(cache, "earshot", "grafana-sdk-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(at); err == nil {
		return at
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o750))
	scratch, err := os.MkdirTemp(filepath.Dir(at), "grafana-sdk-")
	require.NoError(t, err)
	defer os.RemoveAll(scratch) //nolint:errcheck // it lies in the cache
	for _, name := range []string{"package.json", "package-lock.json"} {
		raw, err := os.ReadFile(filepath.Join("types", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(scratch, name), raw, 0o600))
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = scratch
	if out, err := install.CombinedOutput(); err != nil {
		testclaim.Skip(t, "Grafana's SDK cannot be fetched: "+string(bytes.TrimSpace(out)))
	}
	if err := os.Rename(scratch, at); err != nil { // another test was faster
		require.DirExists(t, at)
	}
	return at
}

var typeError = regexp.MustCompile(`(?m)^([\w-]+)\.ts\(\d+,\d+\): error TS\d+: .*$`)

// mistyped compiles boards as values of the SDK's type and returns the mistakes of each.
func mistyped(t *testing.T, boards map[string]string) map[string][]string {
	t.Helper()
	installed, dir := sdk(t), t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(installed, "node_modules"), filepath.Join(dir, "node_modules")))
	for _, name := range []string{"board.ts", "tsconfig.json"} {
		raw, err := os.ReadFile(filepath.Join("types", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), raw, 0o600))
	}
	for name, board := range boards {
		// On one line with the beginning: then the lines of a mistake are those of the board.
		source := "import type { Board } from './board'; export default " + strings.TrimSpace(board) + " satisfies Board;\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".ts"), []byte(source), 0o600))
	}
	compile := exec.CommandContext(t.Context(), "node", "node_modules/typescript/bin/tsc", "-p", ".", "--pretty", "false")
	compile.Dir = dir
	out, err := compile.CombinedOutput()
	found := typeError.FindAllStringSubmatch(string(out), -1)
	if len(found) == 0 {
		require.NoError(t, err, string(out))
	}
	wrong := map[string][]string{}
	for _, f := range found {
		wrong[f[1]] = append(wrong[f[1]], f[0])
	}
	return wrong
}

// TestBoardsHaveTheTypesOfGrafana: the JSON of every board is a value of the dashboard type of
// Grafana's own SDK; and boards with a mistake are not, so the check can fail.
func TestBoardsHaveTheTypesOfGrafana(t *testing.T) {
	boards, err := dashboards.Boards()
	require.NoError(t, err)
	all := map[string]string{}
	for _, b := range boards {
		all[b.UID] = string(b.File)
	}
	good := all["earshot-overview"]
	planted := map[string][2]string{
		"unknown-key":      {`"editable": true`, `"editabel": true`},
		"wrong-kind":       {`"schemaVersion": 41`, `"schemaVersion": "41"`},
		"no-such-variable": {`"type": "custom"`, `"type": "choice"`},
		"no-such-cursor":   {`"graphTooltip": 1`, `"graphTooltip": 7`},
		"panel-key":        {`"gridPos"`, `"gridpos"`},
		"panel-option":     {`"displayMode": "list"`, `"displayMode": "lines"`},
		"option-name":      {`"showLegend": true`, `"showLegends": true`},
		"field-setting":    {`"noValue": "nothing yet"`, `"noValue": 0`},
		"panel-type":       {`"type": "piechart"`, `"type": "pie"`},
		"no-templating":    {`"templating"`, `"templates"`},
	}
	for name, change := range planted {
		spoilt := strings.Replace(good, change[0], change[1], 1)
		require.NotEqual(t, good, spoilt, name)
		all[name] = spoilt
	}
	wrong := mistyped(t, all)
	for _, b := range boards {
		assert.Empty(t, wrong[b.UID], b.UID)
	}
	for name := range planted {
		assert.NotEmpty(t, wrong[name], "%s was not found", name)
	}
}

// TestTheLockNamesNoHost: versions and hashes are fixed, and where packages come from is
// the business of whoever installs them.
func TestTheLockNamesNoHost(t *testing.T) {
	lock, err := os.ReadFile("types/package-lock.json")
	require.NoError(t, err)
	assert.NotContains(t, string(lock), "resolved")
	assert.NotContains(t, string(lock), "://")
	assert.Equal(t, strings.Count(string(lock), `"node_modules/`), strings.Count(string(lock), `"integrity": "sha512-`))
}
