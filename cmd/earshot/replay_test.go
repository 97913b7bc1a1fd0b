package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/sinks/clickhouse"
)

// TestReplayFillsALabelSet: the archive labelled anew, stopped and begun again, has the
// mentions of an import with the same brands, beside those of live.
func TestReplayFillsALabelSet(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "")
	file, acme, distinct := tweets(t, 5000)
	code, _, errs := p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)

	brands := filepath.Join(t.TempDir(), "brands.yaml")
	require.NoError(t, os.WriteFile(brands, []byte("brands:\n  - {name: Nothing, query: nothing}\n  - {name: Acme, query: acme}\n"), 0o600))
	stopped, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
	code, _, errs = p.run(stopped, "replay", "--label-set", "q2", "--brands", brands, "--model", "lexicon")
	cancel()
	if code != 0 {
		assert.Contains(t, errs, "stop")
	}
	code, out, errs := p.run(t.Context(), "replay", "--label-set", "q2", "--brands", brands, "--model", "lexicon")
	require.Zero(t, code, errs)
	assert.Contains(t, strings.ReplaceAll(out, ",", ""), fmt.Sprintf("q2: %d mentions of 2 brands", distinct), "what stands, not what two passes wrote")
	assert.Equal(t, fmt.Sprintf("Acme\t%d\nNothing\t%d", acme, distinct-acme),
		p.ask("SELECT brand, count() FROM mentions_current WHERE label_set = 'q2' GROUP BY brand ORDER BY brand"))
	assert.Equal(t, fmt.Sprintf("Acme\t%d\nNothing\t%d", acme, distinct-acme),
		p.ask("SELECT brand, sum(mentions) FROM mentions_hour WHERE label_set = 'q2' GROUP BY brand ORDER BY brand"))
	assert.Equal(t, fmt.Sprintf("Acme\t%d", acme), p.ask("SELECT brand, count() FROM mentions_current WHERE label_set = 'live' GROUP BY brand"))
	assert.Equal(t, "0", p.ask("SELECT count() FROM mentions WHERE (brand, query_version) NOT IN (SELECT brand, query_version FROM brands)"))

	for name, args := range map[string][]string{
		"other brands under the name": {"replay", "--label-set", "q2"},
		"live":                        {"replay", "--label-set", "live"},
		"no such model":               {"replay", "--label-set", "x", "--model", "magic"},
		"no time":                     {"replay", "--label-set", "x", "--from", "yesterday"},
		"no such file":                {"replay", "--label-set", "x", "--brands", "/nonexistent.yaml"},
	} {
		code, _, errs = p.run(t.Context(), args...)
		assert.NotZero(t, code, name)
		assert.NotContains(t, errs, "panic", name)
	}
	assert.Equal(t, "q2", p.ask("SELECT DISTINCT label_set FROM mentions WHERE label_set != 'live'"))

	code, out, errs = p.run(t.Context(), "labels", "list")
	require.Zero(t, code, errs)
	assert.Regexp(t, `(?m)^live +live +500 mentions of 1 brands`, out)
	assert.Regexp(t, `(?m)^q2 +done +[0-9,]+ mentions of 2 brands`, out)
	code, out, errs = p.run(t.Context(), "labels", "diff", "live", "q2", "--format", "json", "--examples", "1")
	require.Zero(t, code, errs)
	var differ []clickhouse.BrandDiff
	require.NoError(t, json.Unmarshal([]byte(out), &differ), out)
	require.Len(t, differ, 2)
	assert.Equal(t, uint64(acme), differ[0].After)
	assert.Equal(t, uint64(distinct-acme), differ[1].Came)
	assert.Equal(t, "came", differ[1].Examples[0].What)
	assert.NotEmpty(t, differ[1].Examples[0].ID)
	_, out, _ = p.run(t.Context(), "labels", "diff", "live", "q2")
	assert.Regexp(t, `came +x/6\d+`, out)

	code, _, errs = p.run(t.Context(), "labels", "promote", "q2") // the configured model is another one
	assert.NotZero(t, code)
	assert.Contains(t, errs, "labelled by")
	code, out, errs = p.run(t.Context(), "labels", "promote", "q2", "--model", "lexicon")
	require.Zero(t, code, errs)
	assert.Contains(t, out, "q2 is live now")
	live := "SELECT brand, count(), uniqExact(platform, id) FROM mentions_current WHERE label_set = 'live' GROUP BY brand ORDER BY brand"
	promoted := fmt.Sprintf("Acme\t%d\t%d\nNothing\t%d\t%d", acme, acme, distinct-acme, distinct-acme)
	assert.Equal(t, promoted, p.ask(live))
	assert.Equal(t, fmt.Sprintf("Acme\t%d\nNothing\t%d", acme, distinct-acme),
		p.ask("SELECT brand, sum(mentions) FROM mentions_hour WHERE label_set = 'live' GROUP BY brand ORDER BY brand"))
	_, out, _ = p.run(t.Context(), "brand", "list")
	assert.Regexp(t, `Nothing +active +command +past complete +nothing`, out)
	code, _, errs = p.run(t.Context(), "import", file) // the stream goes on, and nothing looks back again
	require.Zero(t, code, errs)
	assert.Equal(t, promoted, p.ask(live))

	code, _, errs = p.run(t.Context(), "labels", "drop", "q2")
	require.Zero(t, code, errs)
	assert.Equal(t, "0", p.ask("SELECT count() FROM mentions WHERE label_set = 'q2'"))
	assert.Equal(t, promoted, p.ask(live))
	for _, args := range [][]string{{"labels", "drop", "q2"}, {"labels", "drop", "live"}, {"labels", "promote", "live"}, {"labels", "diff", "live", "q3"}, {"labels", "list", "--format", "xml"}} {
		code, _, _ = p.run(t.Context(), args...)
		assert.NotZero(t, code, args)
	}
}
