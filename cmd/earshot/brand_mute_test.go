package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mutedFeed are posts by several people, from several sources, with addresses of all forms.
func mutedFeed(t *testing.T) string {
	t.Helper()
	var lines []string
	for i, more := range []string{
		`"author":{"id":"U1","handle":"Spam.Bot"}`, `"author":{"id":"u1"}`, `"author":{"id":"u2","handle":"u1"}`, `"author":{"id":"u11"}`,
		`"source":"jobs"`, `"source":"jobs2"`,
		`"url":"https://spam.example/a"`, `"url":"http://www.Spam.Example:8080/a?b#c"`, `"links":["https://news.example/","https://a.b.spam.example"]`,
		`"links":["https://notspam.example/x"]`, `"links":["https://good.example/spam.example"]`, `"links":["https://user@spam.example/x"]`,
		`"links":["https://spam.example.good.example/"]`, `"links":["https://good.example/?u=https://spam.example/"]`, `"links":[""]`, `"kind":"post"`,
	} {
		lines = append(lines, fmt.Sprintf(`{"platform":"blog","id":"p%02d","text":"acme and zenith air",%s}`, i, more))
	}
	path := filepath.Join(t.TempDir(), "muted.ndjson")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

// TestMutedAndRejected: what is muted leaves what is stored and its totals, does not come
// back by a replay (which judges by enrichment what the store judged by SQL), and returns
// when it is unmuted.
func TestMutedAndRejected(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "simulate: off\n")
	file := mutedFeed(t)
	must := func(args ...string) string {
		t.Helper()
		code, out, errs := p.run(t.Context(), args...)
		require.Zero(t, code, "%v: %s", args, errs)
		return out
	}
	must("import", file)
	const ids = "SELECT arrayStringConcat(arraySort(groupArray(substring(id, 2))), ' ') FROM mentions_current WHERE brand = '%s' AND label_set = '%s'"
	all := p.ask(fmt.Sprintf(ids, "Acme", "live"))
	require.Len(t, strings.Fields(all), 16)

	must("brand", "mute", "author", "blog/u1", "--by", "ann")
	must("brand", "mute", "source", "jobs", "--brand", "acme")
	must("brand", "mute", "domain", "spam.example")
	must("brand", "reject", "Acme", "blog", "p15", "--by", "ben")
	must("import", file)
	assert.Equal(t, "03 05 09 10 12 13 14", p.ask(fmt.Sprintf(ids, "Acme", "live")))
	assert.Equal(t, "03 04 05 09 10 12 13 14 15", p.ask(fmt.Sprintf(ids, "Zenith", "live")))
	assert.Equal(t, "Acme\t7\nZenith\t9", p.ask("SELECT brand, sum(mentions) FROM mentions_hour WHERE label_set = 'live' GROUP BY brand ORDER BY brand"))
	assert.Equal(t, "ann\t1\t1\nben\t1\t1", p.ask("SELECT who, active, applied FROM mutes FINAL WHERE who IN ('ann', 'ben') ORDER BY who"))
	list := must("brand", "mutes")
	assert.Regexp(t, `(?m)^author blog/u1 +ann +since 20`, list)
	assert.Regexp(t, `(?m)^post blog/p15 for Acme +ben`, list)

	must("replay", "--label-set", "again")
	for _, brand := range []string{"Acme", "Zenith"} {
		assert.Equal(t, p.ask(fmt.Sprintf(ids, brand, "live")), p.ask(fmt.Sprintf(ids, brand, "again")), brand)
	}
	must("brand", "set", "Acme", "acme OR nothing") // looks back, and keeps to it
	must("import", file)
	assert.Equal(t, "03 05 09 10 12 13 14", p.ask(fmt.Sprintf(ids, "Acme", "live")))

	must("brand", "unmute", "domain", "spam.example")
	must("brand", "unmute", "author", "blog/u1")
	must("brand", "unmute", "source", "jobs", "--brand", "acme")
	must("brand", "reject", "Acme", "blog", "p15", "--undo")
	must("import", file)
	assert.Equal(t, all, p.ask(fmt.Sprintf(ids, "Acme", "live")))
	assert.Equal(t, "Acme\t16\nZenith\t16", p.ask("SELECT brand, sum(mentions) FROM mentions_hour WHERE label_set = 'live' GROUP BY brand ORDER BY brand"))
	assert.Contains(t, must("brand", "mutes"), "nothing is muted")

	for _, args := range [][]string{
		{"mute", "author", "u1"}, {"mute", "domain", "https://spam.example/x"}, {"mute", "colour", "blog/red"}, {"mute", "post", "blog/p1"},
		{"unmute", "source", "never"}, {"reject", "Nobody", "blog", "p1"}, {"mute", "source", ""},
	} {
		code, _, _ := p.run(t.Context(), append([]string{"brand"}, args...)...)
		assert.NotZero(t, code, args)
	}
}

func TestARunningProgramMutesAndLooksBack(t *testing.T) {
	t.Parallel()
	f := newFollowing(t, "")
	f.counted("Acme", "acme one")
	f.line(`{"platform":"blog","id":"noise-%d","text":"acme noise","author":{"id":"noisy"}}`)
	f.becomes("1", "SELECT count() FROM mentions_current WHERE author_id = 'noisy'")
	code, out, errs := f.run(t.Context(), "brand", "mute", "author", "blog/noisy")
	require.Zero(t, code, errs)
	assert.Contains(t, out, "author blog/noisy: does not count any more")
	f.becomes("0", "SELECT count() FROM mentions_current WHERE author_id = 'noisy'")
	f.becomes("1", "SELECT sum(mentions) = (SELECT count() FROM mentions_current) FROM mentions_hour")
	f.becomes("1", "SELECT count() FROM mutes FINAL WHERE applied = 1")
	f.line(`{"platform":"blog","id":"late-%d","text":"acme noise again","author":{"id":"noisy"}}`)
	f.becomes("2", "SELECT count() FROM posts WHERE author_id = 'noisy'")
	f.counted("Acme", "acme two")
	assert.Equal(t, "0", f.ask("SELECT count() FROM mentions_current WHERE author_id = 'noisy'"))

	// A brand that is new looks back beside the stream.
	f.line(`{"platform":"blog","id":"past-%d","text":"zephyr long ago"}`)
	f.becomes("1", "SELECT count() FROM posts WHERE text LIKE 'zephyr%'")
	code, _, errs = f.run(t.Context(), "brand", "add", "Zephyr", "zephyr")
	require.Zero(t, code, errs)
	f.becomes("1", "SELECT count() FROM mentions_current WHERE brand = 'Zephyr'")
	f.becomes("done", "SELECT state FROM backfills WHERE brand = 'Zephyr'")
	f.becomes("1", "SELECT sum(mentions) FROM mentions_hour WHERE brand = 'Zephyr'")
}
