package clickhouse

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

type indexRow struct {
	Table string `ch:"table"`
	Text  string `ch:"text"`
}

// catalogue is what the server says of a database.
type catalogue struct {
	tables  []tableRow
	columns []columnRow
	indexes []indexRow
	shown   map[string]bool
	asked   map[string]bool // views with parameters
}

func readCatalogue(t *testing.T, db *DB) *catalogue {
	t.Helper()
	c := &catalogue{shown: map[string]bool{}, asked: map[string]bool{}}
	where := " WHERE database = " + quote(db.database)
	require.NoError(t, db.Select(t.Context(), &c.tables, "SELECT name, engine_full, engine, partition_key, sorting_key, comment FROM system.tables"+where+" ORDER BY name"))
	require.NoError(t, db.Select(t.Context(), &c.columns, "SELECT table, name, type, compression_codec, comment FROM system.columns"+where+" ORDER BY table, position"))
	require.NoError(t, db.Select(t.Context(), &c.indexes, "SELECT table, concat('`', name, '` ', type_full, ' on ', expr) AS text FROM system.data_skipping_indices"+where+" ORDER BY table, name"))
	for _, tb := range c.tables { // a view with parameters has columns only when it is asked
		if tb.Kind == "View" && !slices.ContainsFunc(c.columns, func(col columnRow) bool { return col.Table == tb.Name }) {
			c.columns = append(c.columns, describe(t, db, tb.Name)...)
			c.asked[tb.Name] = true
		}
	}
	return c
}

// describe returns the columns of a view that needs the scope's parameters.
func describe(t *testing.T, db *DB, view string) (out []columnRow) {
	t.Helper()
	for line := range strings.Lines(answer(t, db, "DESCRIBE (SELECT * FROM "+view+wholeScope+")")) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		out = append(out, columnRow{Table: view, Name: fields[0], Type: strings.ReplaceAll(fields[1], "\\'", "'")})
	}
	return out
}

// render writes a table's section.
func (c *catalogue) render(name string) (string, error) {
	at := slices.IndexFunc(c.tables, func(tb tableRow) bool { return tb.Name == name })
	if at < 0 {
		return "", fmt.Errorf("no table %s", name)
	}
	tb := c.tables[at]
	c.shown[name] = true
	var b strings.Builder
	fmt.Fprintf(&b, "### `%s`\n\n%s.\n\n", name, tb.Comment)
	if tb.Kind == "View" {
		b.WriteString("A view")
		if c.asked[name] {
			b.WriteString(" with the parameters of the scope")
		}
		b.WriteString(".\n")
	} else {
		engine, _, _ := strings.Cut(tb.Engine, " PARTITION")
		engine, _, _ = strings.Cut(engine, " ORDER")
		fmt.Fprintf(&b, "`%s`, sorted by `(%s)`", engine, tb.Sorting)
		if tb.Partition != "" {
			fmt.Fprintf(&b, ", partitioned by `%s`", tb.Partition)
		}
		b.WriteString(".\n")
	}
	for _, x := range c.indexes {
		if x.Table == name {
			fmt.Fprintf(&b, "- skip index %s\n", x.Text)
		}
	}
	b.WriteString("\n| column | type | codec | meaning |\n|---|---|---|---|\n")
	for _, col := range c.columns {
		if col.Table == name {
			codec := strings.TrimSuffix(strings.TrimPrefix(col.Codec, "CODEC("), ")")
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", col.Name, col.Type, codec, strings.ReplaceAll(col.Comment, "|", "\\|"))
		}
	}
	return b.String(), nil
}

// TestDataDictionary holds docs/data-dictionary.md against the real server.
func TestDataDictionary(t *testing.T) {
	c := readCatalogue(t, fresh(t))
	const name = "data-dictionary.md.tmpl"
	tmpl, err := template.New(name).Funcs(template.FuncMap{"table": c.render}).ParseFiles(filepath.Join("testdata", name))
	require.NoError(t, err)
	var want bytes.Buffer
	require.NoError(t, tmpl.Execute(&want, nil))
	views := map[string]bool{}
	for _, tb := range c.tables {
		assert.True(t, c.shown[tb.Name], "the dictionary does not speak of %s", tb.Name)
		assert.NotEmpty(t, tb.Comment, tb.Name)
		views[tb.Name] = tb.Kind == "View"
	}
	for _, col := range c.columns {
		assert.True(t, col.Comment != "" || views[col.Table], "%s.%s has no COMMENT", col.Table, col.Name)
	}
	path := filepath.Join("..", "..", "docs", "data-dictionary.md")
	if *update {
		require.NoError(t, os.WriteFile(path, want.Bytes(), 0o600))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, want.String(), string(got), "stale: go test ./sinks/clickhouse -run TestDataDictionary -update")
}
