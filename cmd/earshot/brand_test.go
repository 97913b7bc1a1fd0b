package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// following is a program that runs and stores the lines of a file as it grows.
type following struct {
	*program
	feed   *os.File
	n      int
	out    output
	cancel context.CancelFunc
	done   chan int
}

func newFollowing(t *testing.T, more string) *following {
	t.Helper()
	path := filepath.Join(t.TempDir(), "feed.ndjson")
	feed, err := os.Create(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = feed.Close() })
	f := &following{feed: feed, done: make(chan int, 1)}
	f.program = newProgram(t, fmt.Sprintf("simulate: off\nsources:\n  - {name: feed, type: file, path: %q, format: ndjson, follow: true, poll: 50ms}\n%s", path, more))
	f.start()
	return f
}

func (f *following) start() {
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(context.Background())
	go func() {
		f.done <- execute(ctx, []string{"run", "--config", f.config}, strings.NewReader(""), &f.out, &f.out)
	}()
	f.t.Cleanup(f.stop)
	until(f.t, "it runs", &f.out, func() bool {
		code, _, _ := f.run(f.t.Context(), "sql", "SELECT 1 FROM coverage_spine LIMIT 1")
		return code == 0
	})
}

func (f *following) stop() {
	if f.cancel == nil {
		return
	}
	f.cancel()
	f.cancel = nil
	assert.Zero(f.t, <-f.done, "%v", &f.out)
}

// line feeds one line of JSON; a seq is put in for %d.
func (f *following) line(format string) {
	f.t.Helper()
	f.n++
	_, err := fmt.Fprintf(f.feed, format+"\n", f.n)
	require.NoError(f.t, err)
}

// becomes waits until a query has the answer.
func (f *following) becomes(want, query string) {
	f.t.Helper()
	until(f.t, query+" answers "+want, &f.out, func() bool { return f.ask(query) == want })
}

// counted feeds posts that name a brand until one of them counts.
func (f *following) counted(brand, text string) {
	f.t.Helper()
	until(f.t, brand+" in "+text, &f.out, func() bool {
		f.line(`{"platform":"blog","id":"` + strings.ReplaceAll(text, " ", "-") + `-%d","text":"` + text + `"}`)
		time.Sleep(200 * time.Millisecond)
		return f.ask("SELECT count() > 0 FROM mentions_current WHERE brand = '"+brand+"' AND text = '"+text+"'") == "1"
	})
}

func TestBrandsChangeWithoutARestart(t *testing.T) {
	t.Parallel()
	f := newFollowing(t, "")
	f.counted("Acme", "acme one")

	code, out, errs := f.run(t.Context(), "brand", "add", "Nimbus", "nimbus OR #nimbus")
	require.Zero(t, code, errs)
	assert.Contains(t, out, "Nimbus: active")
	f.counted("Nimbus", "nimbus one")
	code, _, errs = f.run(t.Context(), "brand", "add", "nimbus", "x")
	assert.NotZero(t, code)
	assert.Contains(t, errs, "exists")
	code, _, _ = f.run(t.Context(), "brand", "set", "Nimbus", "(")
	assert.NotZero(t, code)

	// Another query: a version of its own, used from then on.
	code, _, errs = f.run(t.Context(), "brand", "set", "Nimbus", "cumulus")
	require.Zero(t, code, errs)
	f.counted("Nimbus", "cumulus one")
	f.line(`{"platform":"blog","id":"late-%d","text":"nimbus two"}`)
	f.becomes("1", "SELECT count() FROM posts WHERE text = 'nimbus two'")
	assert.Equal(t, "0", f.ask("SELECT count() FROM mentions_current WHERE text = 'nimbus two'"))
	assert.Equal(t, "2\t1", f.ask("SELECT count(), min(since) > now() - INTERVAL 5 MINUTE FROM brands FINAL WHERE brand = 'Nimbus'"))
	assert.Equal(t, "0", f.ask("SELECT count() FROM mentions WHERE (brand, query_version) NOT IN (SELECT brand, query_version FROM brands)"))
	assert.Equal(t, "1", f.ask("SELECT (SELECT since FROM brands FINAL WHERE brand = 'Nimbus' AND query = 'cumulus')"+
		" BETWEEN (SELECT since FROM brands FINAL WHERE query = 'nimbus OR #nimbus') AND (SELECT min(kafka_time) FROM posts WHERE text = 'nimbus two')"))

	// The file: a new brand comes, one goes; what a command did to others stays.
	content, err := os.ReadFile(f.config)
	require.NoError(t, err)
	changed := strings.Replace(string(content), `{name: Zenith, query: '"zenith air"'}`, `{name: Boreal, query: boreal}`, 1)
	require.NotEqual(t, string(content), changed)
	require.NoError(t, os.WriteFile(f.config, []byte(changed), 0o600))
	f.counted("Boreal", "boreal one")
	_, out, _ = f.run(t.Context(), "brand", "list")
	assert.Contains(t, out, "cumulus")
	assert.NotContains(t, out, "Zenith")

	code, _, errs = f.run(t.Context(), "brand", "pause", "acme")
	require.Zero(t, code, errs)
	code, _, errs = f.run(t.Context(), "brand", "set", "Nimbus", "stratus")
	require.Zero(t, code, errs)
	f.counted("Nimbus", "stratus one") // both changes are taken up by then
	f.counted("Nimbus", "stratus and acme")
	assert.Equal(t, "0", f.ask("SELECT count() FROM mentions_current WHERE brand = 'Acme' AND text = 'stratus and acme'"))

	// All of it is still so after a restart with the same file.
	f.stop()
	f.start()
	f.counted("Nimbus", "stratus two")
	_, out, _ = f.run(t.Context(), "brand", "list")
	assert.Regexp(t, `Acme +paused`, out)
}
