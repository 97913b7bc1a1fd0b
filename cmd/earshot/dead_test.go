package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
)

func TestDeadLettersAreListedShownAndRetried(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "")
	file := filepath.Join(t.TempDir(), "posts.ndjson")
	require.NoError(t, os.WriteFile(file, []byte(`{"platform":"blog","id":"1","text":"acme"}`+"\nnot \x1b[31m json\n"), 0o600))
	code, _, errs := p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)

	code, out, errs := p.run(t.Context(), "dead", "list")
	require.Zero(t, code, errs)
	id := regexp.MustCompile(`(?m)^[0-9a-f]{32}`).FindString(out)
	require.NotEmpty(t, id, out)
	code, out, errs = p.run(t.Context(), "dead", "show", id)
	require.Zero(t, code, errs)
	assert.Contains(t, out, `not \x1b[31m json`, "nothing speaks to the terminal")
	code, out, _ = p.run(t.Context(), "dead", "retry", id)
	assert.Equal(t, app.ExitDeadLetters, code)
	assert.Contains(t, out, "kept")

	// A letter whose post is right by today's rules, as after a mend of the program.
	const good = "aaaabbbbccccddddeeeeffff00001111"
	p.ask("INSERT INTO dead_letters (id, stage, reason, origin, at, size, payload) SELECT '"+good+
		"', 'validate', 'was refused', 'test', now64(3), length(x), x FROM (SELECT '"+
		`{"v":1,"op":"create","platform":"blog","id":"2","text":"acme again","seen_at":"2026-01-01T00:00:00Z"}`+"' AS x)", "--write")
	code, out, errs = p.run(t.Context(), "dead", "retry", "--all", "--stage", "validate")
	require.Zero(t, code, out+errs)
	assert.Contains(t, out, "1 handed over again, 0 kept")
	assert.Equal(t, "0", p.ask("SELECT count() FROM dead_letters FINAL WHERE id = '"+good+"'"))
	other := filepath.Join(t.TempDir(), "more.ndjson")
	require.NoError(t, os.WriteFile(other, []byte(`{"platform":"blog","id":"3","text":"nothing"}`+"\n"), 0o600))
	code, _, errs = p.run(t.Context(), "import", other) // carries what waits on Kafka
	require.Zero(t, code, errs)
	assert.Equal(t, "acme again", p.ask("SELECT text FROM mentions_current WHERE id = '2'"))
}

func TestCompletion(t *testing.T) {
	p := newProgram(t, "")
	code, out, errs := p.run(t.Context(), "completion", "bash")
	require.Zero(t, code, errs)
	assert.Contains(t, out, "complete -o default -F __start_earshot earshot")
	var o, e output
	require.Zero(t, execute(t.Context(), []string{"__complete", "run", "--roles", ""}, strings.NewReader(""), &o, &e))
	assert.Contains(t, o.String(), "collect\nenrich\n")
	require.Zero(t, execute(t.Context(), []string{"__complete", "do"}, strings.NewReader(""), &o, &e))
	assert.Contains(t, o.String(), "doctor")
}
