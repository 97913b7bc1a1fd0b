package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// learnMilan marks posts and learns the football club from them, with the program's own
// command.
func learnMilan(t *testing.T) (model string) {
	t.Helper()
	var marked strings.Builder
	for i := range 40 {
		fmt.Fprintf(&marked, "yes\tMilan score against Empoli in match %d\nno\tmy flight to Milan lands at gate %d\n", i, i)
	}
	model = filepath.Join(t.TempDir(), "milan.json")
	code, _, errs := say(t, "", "train", "context", "milan", writeFile(t, "marked.tsv", marked.String()), "--out", model)
	require.Zero(t, code, errs)
	return model
}

const (
	milanYes = "a match of Milan against Roma"
	milanNo  = "the next flight to Milan is late"
)

// TestContextModelWithoutAServer goes from marked posts to a model, a brand and its labels.
func TestContextModelWithoutAServer(t *testing.T) {
	model := learnMilan(t)
	config := writeFile(t, "earshot.yaml", fmt.Sprintf(`
brands:
  - {name: AC Milan, query: 'milan AND context:>0.7', context: %q}
`, model))
	code, out, errs := say(t, milanYes+"\n"+milanNo+"\n", "label", "--plain", "--config", config)
	require.Zero(t, code, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	assert.Contains(t, lines[0], `"brand":"AC Milan"`)
	assert.NotContains(t, lines[1], `"brand"`)

	posts := writeFile(t, "labelled.tsv", "yes\t"+milanYes+"\nno\t"+milanNo+"\nyes\t"+milanNo+"\n")
	code, out, errs = say(t, "", "query", "test", "milan AND context:>0.7", posts, "--context", model)
	require.Zero(t, code, errs)
	assert.Contains(t, out, "decided by  context:>0.7  (does not hold)")
	assert.Contains(t, out, "precision 1.000 (1 of 1), recall 0.500 (1 of 2)")
	code, out, errs = say(t, "", "query", "explain", "milan AND context:>0.7", milanYes, "--context", model)
	require.Zero(t, code, errs)
	assert.Contains(t, out, "yes  context:>0.7")
}

func TestContextModelMistakes(t *testing.T) {
	for name, c := range map[string]struct{ brand, want string }{
		"none":        {`{name: A, query: 'a AND context:>0.7'}`, "the brand has no context model (beside query:, context: names its file)"},
		"in category": {`{name: A, query: a, categories: [{name: c, query: 'context:>0.7'}]}`, `category "c": the query asks for context:`},
		"no file":     {`{name: A, query: a, context: /no/such.json}`, "earshot.yaml:2:34: brands[0].context: the context model cannot be read (`earshot train context` makes one)"},
		"no model":    {fmt.Sprintf(`{name: A, query: a, context: %q}`, writeFile(t, "x.json", "{}")), "not a context model: format 0"},
	} {
		config := filepath.Join(t.TempDir(), "earshot.yaml")
		require.NoError(t, os.WriteFile(config, []byte("brands:\n  - "+c.brand+"\n"), 0o600))
		code, _, errs := say(t, "", "config", "check", "--config", config)
		assert.Equal(t, 3, code, name)
		assert.Contains(t, errs, c.want, name)
	}
}

// TestContextModelTravelsWithTheBrand: the model stands on the topic of brands, so that
// workers, and this program after a restart, need no file; another model is another version.
func TestContextModelTravelsWithTheBrand(t *testing.T) {
	t.Parallel()
	model := learnMilan(t)
	f := newFollowing(t, "")
	code, _, errs := f.run(t.Context(), "brand", "add", "AC Milan", "milan AND context:>0.7", "--context", model)
	require.Zero(t, code, errs)
	require.NoError(t, os.Remove(model))
	f.counted("AC Milan", milanYes)
	f.line(`{"platform":"blog","id":"no-%d","text":"` + milanNo + `"}`)
	f.counted("AC Milan", milanYes+" again")
	f.becomes("1", "SELECT count() FROM posts WHERE text = '"+milanNo+"'") // it may stand on another partition
	assert.Equal(t, "0", f.ask("SELECT count() FROM mentions WHERE text = '"+milanNo+"'"))
	code, _, errs = f.run(t.Context(), "brand", "set", "AC Milan", "milan AND context:>0.6")
	require.Zero(t, code, errs, "the model stays")

	f.stop()
	f.start()
	f.counted("AC Milan", milanYes+" today")
	versions := func() string { return f.ask("SELECT uniqExact(query_version) FROM brands WHERE brand = 'AC Milan'") }
	assert.Equal(t, "2", versions())
	other := learnMilan(t)
	changed, err := os.ReadFile(other)
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(changed, &m))
	m["bias"] = m["bias"].(float64) + 1
	changed, err = json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(other, changed, 0o600))
	code, _, errs = f.run(t.Context(), "brand", "set", "AC Milan", "milan AND context:>0.6", "--context", other)
	require.Zero(t, code, errs)
	until(t, "the same query with another model is another version", &f.out, func() bool {
		f.line(`{"platform":"blog","id":"more-%d","text":"` + milanYes + `"}`)
		return versions() == "3"
	})
}
