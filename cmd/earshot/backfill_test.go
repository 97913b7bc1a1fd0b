package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline/testclaim"
)

// archiveFile writes n posts with ids of their own: real tweets, again and again.
func archiveFile(t *testing.T, n int) string {
	t.Helper()
	content, err := os.ReadFile(testclaim.Data(t, "sentiment/target.tsv"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	path := filepath.Join(t.TempDir(), "archive.tsv")
	out, err := os.Create(path)
	require.NoError(t, err)
	w := bufio.NewWriter(out)
	for i := range n {
		fields := strings.Split(lines[i%len(lines)], "\t")
		_, err := fmt.Fprintf(w, "%d\t%s\n", int64(700000000000000000)+int64(i)<<24, fields[len(fields)-1])
		require.NoError(t, err)
	}
	require.NoError(t, w.Flush())
	require.NoError(t, out.Close())
	return path
}

// laterBrand is added later in one of the programs.
const laterBrand = `microsoft OR #microsoft OR "windows 10"`

// everyMention is a fingerprint of all that is known of the mentions of live.
const everyMention = "SELECT brand, count(), sum(cityHash64(platform, id, query_version, via, span_begin, span_end," +
	" sentiment, sentiment_label, toward, toward_model, lang, text, author_id)) FROM mentions_current WHERE label_set = 'live' GROUP BY brand ORDER BY brand"

const everyTotal = "SELECT brand, sum(mentions), sum(h.labelled), round(sum(sentiment_sum), 3) FROM mentions_hour AS h WHERE label_set = 'live' GROUP BY brand ORDER BY brand"

// importing returns a program that has stored a file with these brands.
func importing(t *testing.T, file, brands string) *program {
	t.Helper()
	p := newProgram(t, "\nsimulate: off\n")
	content, err := os.ReadFile(p.config)
	require.NoError(t, err)
	changed := strings.Replace(string(content), "brands:\n", "brands:\n"+brands, 1)
	require.NoError(t, os.WriteFile(p.config, []byte(changed), 0o600))
	code, _, errs := p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)
	return p
}

const firstBrand = "  - {name: Google, query: google}\n"

// TestABrandLooksBack: a brand added today over 200,000 archived posts shows the same
// mentions and totals as an import from scratch, also if the look back was killed on its way.
func TestABrandLooksBack(t *testing.T) {
	t.Parallel()
	n := 200_000
	if testing.Short() {
		n = 5_000
	}
	file := archiveFile(t, n)
	p := importing(t, file, firstBrand)
	scratch := importing(t, file, firstBrand+"  - {name: Microsoft, query: '"+laterBrand+"'}\n")
	begun := time.Now()
	code, _, errs := p.run(t.Context(), "brand", "add", "Microsoft", laterBrand)
	require.Zero(t, code, errs)
	_, out, _ := p.run(t.Context(), "brand", "list")
	assert.Regexp(t, `Microsoft +active +command +will look back`, out)
	assert.Regexp(t, `Google +active +configuration +past complete`, out)

	// Stopped on its way, perhaps; the next one goes on.
	stopped, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	_, _, _ = p.run(stopped, "import", file)
	cancel()
	code, _, errs = p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)
	t.Logf("%d posts, looked back after %s", n, time.Since(begun).Round(time.Millisecond))

	assert.NotContains(t, p.ask(everyMention), "Microsoft\t0")
	assert.Contains(t, p.ask(everyMention), "Microsoft")
	assert.Equal(t, scratch.ask(everyMention), p.ask(everyMention))
	assert.Equal(t, scratch.ask(everyTotal), p.ask(everyTotal))
	assert.Equal(t, "Microsoft\tdone\t1", p.ask("SELECT brand, state, progress FROM backfills WHERE brand = 'Microsoft'"))
	_, out, _ = p.run(t.Context(), "brand", "list")
	assert.Regexp(t, `Microsoft +active +command +past complete`, out)

}

// TestAnotherQueryLooksBack: what the old query found and the new one does not is taken
// away, and what stands is what a replay with the present brands gives.
func TestAnotherQueryLooksBack(t *testing.T) {
	t.Parallel()
	file := archiveFile(t, 5_000)
	p := importing(t, file, firstBrand+"  - {name: Microsoft, query: '"+laterBrand+"'}\n")
	code, _, errs := p.run(t.Context(), "brand", "set", "Microsoft", "xbox OR #windows10")
	require.Zero(t, code, errs)
	code, _, errs = p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)
	assert.Equal(t, "1\t0", p.ask("SELECT count() > 0, countIf(lower(text) NOT LIKE '%xbox%' AND lower(text) NOT LIKE '%windows10%')"+
		" FROM mentions_current WHERE brand = 'Microsoft' AND label_set = 'live'"))
	code, _, errs = p.run(t.Context(), "replay", "--label-set", "again")
	require.Zero(t, code, errs)
	assert.Equal(t, p.ask(everyMention), p.ask(strings.Replace(everyMention, "'live'", "'again'", 1)))
	assert.Equal(t, p.ask("SELECT count() FROM mentions_current WHERE label_set = 'live'"), p.ask("SELECT sum(mentions) FROM mentions_hour WHERE label_set = 'live'"))
}
