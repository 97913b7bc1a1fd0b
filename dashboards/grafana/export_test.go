package grafana

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestExport(t *testing.T) {
	dir := t.TempDir()
	names, err := Export(dir, "/etc/grafana/provisioning", config("https://grafana.example.org"), list(t))
	require.NoError(t, err)
	require.Len(t, names, 3+9)
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.NotContains(t, string(raw), "reader's")
		assert.NotContains(t, string(raw), token)
		if strings.HasSuffix(name, ".yaml") {
			var v map[string]any
			require.NoError(t, yaml.Unmarshal(raw, &v))
			assert.Equal(t, 1, v["apiVersion"])
		}
	}
	rules, err := os.ReadFile(filepath.Join(dir, "alerting/earshot.yaml"))
	require.NoError(t, err)
	assert.Equal(t, len(pipelineRules()), strings.Count(string(rules), "rawSql"))
}
