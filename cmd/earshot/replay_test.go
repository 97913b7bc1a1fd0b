package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReplayFillsALabelSet: the archive labelled anew, stopped and begun again, has the
// mentions of an import with the same brands, beside those of live.
func TestReplayFillsALabelSet(t *testing.T) {
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
	assert.Contains(t, out, "q2: ")
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
}
