package clickhouse

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/data-dictionary.md anew") //nolint:gochecknoglobals // a flag

type tableRow struct {
	Name      string `ch:"name"`
	Engine    string `ch:"engine_full"`
	Kind      string `ch:"engine"`
	Partition string `ch:"partition_key"`
	Sorting   string `ch:"sorting_key"`
	Comment   string `ch:"comment"`
}

type columnRow struct {
	Table   string `ch:"table"`
	Name    string `ch:"name"`
	Type    string `ch:"type"`
	Codec   string `ch:"compression_codec"`
	Comment string `ch:"comment"`
}

// TestDataDictionary holds docs/data-dictionary.md against the real server.
func TestDataDictionary(t *testing.T) {
	db := fresh(t)
	where := " WHERE database = " + quote(db.database)
	var tables []tableRow
	require.NoError(t, db.Select(t.Context(), &tables, "SELECT name, engine_full, engine, partition_key, sorting_key, comment FROM system.tables"+where+" ORDER BY name"))
	var columns []columnRow
	require.NoError(t, db.Select(t.Context(), &columns, "SELECT table, name, type, compression_codec, comment FROM system.columns"+where+" ORDER BY table, position"))
	var indexes []struct {
		Table string `ch:"table"`
		Text  string `ch:"text"`
	}
	require.NoError(t, db.Select(t.Context(), &indexes, "SELECT table, concat('`', name, '` ', type_full, ' on ', expr) AS text FROM system.data_skipping_indices"+where+" ORDER BY table, name"))

	shown := map[string]bool{}
	render := func(name string) (string, error) {
		var b strings.Builder
		for _, tb := range tables {
			if tb.Name != name {
				continue
			}
			shown[name] = true
			fmt.Fprintf(&b, "### `%s`\n\n%s.\n\n", name, tb.Comment)
			if tb.Kind == "View" {
				b.WriteString("A view.\n")
			} else {
				engine, _, _ := strings.Cut(tb.Engine, " PARTITION")
				engine, _, _ = strings.Cut(engine, " ORDER")
				fmt.Fprintf(&b, "`%s`, sorted by `(%s)`", engine, tb.Sorting)
				if tb.Partition != "" {
					fmt.Fprintf(&b, ", partitioned by `%s`", tb.Partition)
				}
				b.WriteString(".\n")
			}
			for _, x := range indexes {
				if x.Table == name {
					fmt.Fprintf(&b, "- skip index %s\n", x.Text)
				}
			}
			b.WriteString("\n| column | type | codec | meaning |\n|---|---|---|---|\n")
			for _, c := range columns {
				if c.Table == name {
					codec := strings.TrimSuffix(strings.TrimPrefix(c.Codec, "CODEC("), ")")
					fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Name, c.Type, codec, strings.ReplaceAll(c.Comment, "|", "\\|"))
				}
			}
			return strings.TrimRight(b.String(), "\n") + "\n", nil
		}
		return "", fmt.Errorf("no table %s", name)
	}
	tmpl, err := template.New("data-dictionary.md.tmpl").Funcs(template.FuncMap{"table": render}).ParseFiles(filepath.Join("testdata", "data-dictionary.md.tmpl"))
	require.NoError(t, err)
	var want bytes.Buffer
	require.NoError(t, tmpl.Execute(&want, nil))
	views := map[string]bool{}
	for _, tb := range tables {
		assert.True(t, shown[tb.Name], "the dictionary does not speak of %s", tb.Name)
		assert.NotEmpty(t, tb.Comment, tb.Name)
		views[tb.Name] = tb.Kind == "View"
	}
	for _, c := range columns {
		assert.True(t, c.Comment != "" || views[c.Table], "%s.%s has no COMMENT", c.Table, c.Name)
	}
	path := filepath.Join("..", "..", "docs", "data-dictionary.md")
	if *update {
		require.NoError(t, os.WriteFile(path, want.Bytes(), 0o600))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, want.String(), string(got), "stale: go test ./sinks/clickhouse -run TestDataDictionary -update")
}
