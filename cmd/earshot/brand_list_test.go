package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBrandProfilesAreShownAndStored: what is said of a brand beside its query reaches the
// list and the table that boards read, and follows the configuration.
func TestBrandProfilesAreShownAndStored(t *testing.T) {
	t.Parallel()
	f := newFollowing(t, "")
	const profile = "SELECT market, competitors, languages, categories, owner, state FROM brand_profiles FINAL WHERE brand = 'Acme'"
	f.becomes("1", "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'brand_profiles'") // migrations are done
	f.becomes("[]\t[]\t[]\t\tactive", profile)
	content, err := os.ReadFile(f.config)
	require.NoError(t, err)
	changed := strings.Replace(string(content), `{name: Acme, query: 'acme OR #acme'}`,
		`{name: Acme, query: 'acme OR #acme', market: hosting, competitors: [Zenith, Globex], languages: [de, en], owner: "Q & A", categories: [{name: cloud, query: cloud}]}`, 1)
	require.NotEqual(t, string(content), changed)
	require.NoError(t, os.WriteFile(f.config, []byte(changed), 0o600))
	f.becomes("hosting\t['Zenith','Globex']\t['de','en']\t['cloud']\tQ & A\tactive", profile)

	code, out, errs := f.run(t.Context(), "brand", "list", "--format", "json")
	require.Zero(t, code, errs)
	var list []map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Len(t, list, 2)
	assert.Equal(t, "Acme", list[0]["name"])
	assert.Equal(t, "hosting", list[0]["market"])
	assert.Equal(t, []any{"Zenith", "Globex"}, list[0]["competitors"])
	assert.Equal(t, []any{"de", "en"}, list[0]["languages"])
	assert.Equal(t, []any{map[string]any{"name": "cloud", "query": "cloud"}}, list[0]["categories"])
	assert.Equal(t, "Q & A", list[0]["owner"])
	assert.Equal(t, "configuration", list[0]["origin"])
	assert.Equal(t, []any{}, list[1]["competitors"], "nothing is said as []")
	version := list[0]["query_version"].(string)
	assert.Equal(t, version, f.ask("SELECT query_version FROM brand_profiles FINAL WHERE brand = 'Acme'"))

	code, _, errs = f.run(t.Context(), "brand", "pause", "acme")
	require.Zero(t, code, errs)
	f.becomes("paused", "SELECT state FROM brand_profiles FINAL WHERE brand = 'Acme'")
	code, _, _ = f.run(t.Context(), "brand", "list", "--format", "xml")
	assert.Equal(t, 2, code)
}
