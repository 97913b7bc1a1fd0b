package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
	"earshot/pipeline/testclaim"
	"earshot/sinks/clickhouse"
)

func TestMain(m *testing.M) {
	if code := app.RunChild(os.Args[1:]); code >= 0 {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// program is the program with a configuration and a data directory of its own.
type program struct {
	t      *testing.T
	config string
}

const testConfig = `
data: %s
brands:
  - {name: Acme, query: 'acme OR #acme'}
  - {name: Zenith, query: '"zenith air"'}
language: {engine: none}
log: {level: warn}
`

func newProgram(t *testing.T, more string) *program {
	t.Helper()
	if _, err := clickhouse.FindLibrary(""); err != nil {
		testclaim.Skip(t, err.Error())
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "earshot.yaml")
	text := fmt.Sprintf(testConfig, filepath.Join(dir, "data")) + more
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	return &program{t, config}
}

// run executes a command line and returns its exit code and what it said.
func (p *program) run(ctx context.Context, args ...string) (code int, out, errs string) {
	p.t.Helper()
	var o, e output
	code = execute(ctx, append(args, "--config", p.config), strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// ask returns the answer of a query as TSV.
func (p *program) ask(query string, more ...string) string {
	p.t.Helper()
	code, out, errs := p.run(p.t.Context(), append([]string{"sql", query, "--format", "TSV"}, more...)...)
	require.Zero(p.t, code, errs)
	return strings.TrimSpace(out)
}

// output may be read while it is written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// tweets writes a TSV of id and text: every tenth names Acme, every fiftieth id stands twice.
func tweets(t *testing.T, n int) (path string, acme, distinct int) {
	t.Helper()
	var b strings.Builder
	seen, named := map[int]bool{}, map[int]bool{}
	for i := range n {
		id := i - i%50%2*(i%50/49) // the last of fifty repeats the id before
		text := fmt.Sprintf("post %d about nothing", i)
		if id%10 == 0 {
			text = fmt.Sprintf("post %d about Acme, again", i)
			named[id] = true
		}
		seen[id] = true
		fmt.Fprintf(&b, "%d\t%s\n", 600000000000000000+id<<22, text)
	}
	path = filepath.Join(t.TempDir(), "tweets.tsv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path, len(named), len(seen)
}

func TestImportStoresEachRecordOnceAndEnds(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "")
	file, acme, distinct := tweets(t, 5000)

	// Stopped at some moment, by a signal: the same command goes on.
	stopped, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	code, _, errs := p.run(stopped, "import", file)
	cancel()
	if code != 0 {
		assert.Contains(t, errs, "the same command goes on from there")
	}

	code, out, errs := p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)
	t.Log(out)
	assert.Equal(t, fmt.Sprintf("5000\t5000\t%d", distinct),
		p.ask("SELECT count(), uniqExact(partition, offset), uniqExact(platform, id) FROM posts"))
	assert.Equal(t, fmt.Sprintf("Acme\t%d", acme), p.ask("SELECT brand, count() FROM mentions_current GROUP BY brand"))
	assert.Equal(t, fmt.Sprintf("Acme\t%d", acme), p.ask("SELECT brand, sum(mentions) FROM mentions_hour GROUP BY brand"))

	code, out, errs = p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)
	assert.Contains(t, out, "nothing new")
	assert.Equal(t, "5000", p.ask("SELECT count() FROM posts"))
}

func TestImportSaysWhatBecameDead(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "")
	file := filepath.Join(t.TempDir(), "posts.ndjson")
	lines := []string{
		`{"platform":"blog","id":"1","text":"acme is fine"}`,
		`{"platform":"blog","id":"2","text":`,
		`{"platform":"blog","text":"no id"}`,
		`{"platform":"blog","id":"4","text":"` + strings.Repeat("x", 2<<20) + `"}`,
		"{\"platform\":\"blog\",\"id\":\"5\",\"text\":\"acme \xff\\u0000 \",\"created_at\":\"2999-01-01T00:00:00Z\"}",
		`{"platform":"blog","id":"6","text":"acme in 1970","created_at":"1970-01-01T00:00:01Z"}`,
	}
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	code, out, errs := p.run(t.Context(), "import", "--strict", file)
	assert.Equal(t, app.ExitDeadLetters, code, "%s\n%s", out, errs)
	assert.Contains(t, errs, "3 records became dead letters")
	assert.Equal(t, "1\n5\n6", p.ask("SELECT id FROM mentions_current WHERE brand = 'Acme' ORDER BY id"))
	assert.Equal(t, "3", p.ask("SELECT count() FROM dead_letters FINAL"))
	assert.Equal(t, "2", p.ask("SELECT count() FROM mentions_current WHERE abs(dateDiff('minute', event_time, now64(3))) < 60 AND id IN ('5', '6')"),
		"times that nobody can believe give way to our clock")
}

func TestRunSimulatesAnswersAndDrains(t *testing.T) {
	p := newProgram(t, "simulate: on\n")
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs output
	done := make(chan int, 1)
	go func() {
		done <- execute(ctx, []string{"run", "--config", p.config}, strings.NewReader(""), &out, &errs)
	}()
	until(t, "the first rows", &errs, func() bool { return strings.Contains(out.String(), "The first rows are stored") })
	assert.Contains(t, out.String(), "SIMULATED")

	// Beside it: questions, an import, and a second run that is refused.
	assert.NotEqual(t, "0", p.ask("SELECT count() FROM posts WHERE simulated", "--simulated"))
	assert.Equal(t, "0", p.ask("SELECT count() FROM posts"))
	file, acme, _ := tweets(t, 200)
	code, said, failed := p.run(t.Context(), "import", file)
	require.Zero(t, code, "%s\n%s", said, failed)
	assert.Equal(t, fmt.Sprint(acme), p.ask("SELECT count() FROM mentions_current WHERE brand = 'Acme'"))
	code, _, failed = p.run(t.Context(), "run")
	assert.Equal(t, app.ExitFailed, code)
	assert.Contains(t, failed, "belongs to a running `earshot run`")

	cancel()
	require.Zero(t, <-done, "%v", &errs)
	assert.Equal(t, "1", p.ask("SELECT count() = uniqExact(partition, offset) AND countIf(NOT simulated) = 0 FROM posts", "--simulated"))
}

func TestExitCodes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("kafka: {broker: [x]}\n"), 0o600))
	away := filepath.Join(t.TempDir(), "away.yaml")
	require.NoError(t, os.WriteFile(away, []byte("clickhouse: {addr: '127.0.0.1:1'}\n"), 0o600))
	for name, tc := range map[string]struct {
		args []string
		code int
		errs string
	}{
		"help":            {[]string{"--help"}, app.ExitOK, ""},
		"version":         {[]string{"version"}, app.ExitOK, ""},
		"unknown command": {[]string{"rum"}, app.ExitUsage, "Did you mean this"},
		"unknown sub":     {[]string{"config", "chek"}, app.ExitUsage, "unknown command"},
		"unknown flag":    {[]string{"run", "--rolls"}, app.ExitUsage, "unknown flag"},
		"unknown role":    {[]string{"run", "--roles", "clean"}, app.ExitUsage, "known are collect, enrich, detect, web"},
		"no file":         {[]string{"import"}, app.ExitUsage, "accepts 1 arg"},
		"empty query":     {[]string{"sql", " "}, app.ExitUsage, "the query is empty"},
		"bad config":      {[]string{"config", "check", "-c", bad}, app.ExitConfiguration, `bad.yaml:1:9: kafka.broker: unknown key; did you mean "brokers"?`},
		"no config":       {[]string{"run", "-c", "/nonexistent.yaml"}, app.ExitConfiguration, "no such file"},
		"away":            {[]string{"sql", "SELECT 1", "-c", away}, app.ExitUnreachable, "connection refused"},
		"missing import":  {[]string{"import", "/nonexistent.tsv"}, app.ExitFailed, "no such file"},
		"missing, unsaid": {[]string{"import", "/nonexistent"}, app.ExitFailed, "no such file"},
		"import of a dir": {[]string{"import", filepath.Dir(bad)}, app.ExitFailed, "is a directory; name a file"},
		"unknown stage":   {[]string{"dead", "list", "--stage", "nowhere"}, app.ExitUsage, `"nowhere" is none of collect, decode`},
		"unknown mute":    {[]string{"brand", "mute", "weather", "rain"}, app.ExitUsage, "author, source or domain"},
		"help by name":    {[]string{"help", "query", "check"}, app.ExitOK, ""},
		"help of nothing": {[]string{"help", "nothing"}, app.ExitUsage, "unknown command"},
		"unknown preset":  {[]string{"import", bad, "--preset", "none", "--format", "csv"}, app.ExitUsage, `"none" is none of brandwatch, `},
		"drop live":       {[]string{"labels", "drop", "live"}, app.ExitUsage, "cannot be dropped"},
		"broken query":    {[]string{"query", "check", "a OR"}, app.ExitConfiguration, "column 5"},
		"no posts":        {[]string{"query", "test", "a", "/nonexistent.tsv"}, app.ExitFailed, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs output
			assert.Equal(t, tc.code, execute(t.Context(), tc.args, strings.NewReader(""), &out, &errs), "%v", &errs)
			assert.Contains(t, errs.String(), tc.errs)
		})
	}
}
