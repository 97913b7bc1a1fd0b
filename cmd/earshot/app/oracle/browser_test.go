package oracle

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/dashboards"
	"earshot/pipeline/testclaim"
)

// screenshotsVar names the folder into which pictures of all boards are written.
const screenshotsVar = "EARSHOT_SCREENSHOTS"

// browser is a headless Chromium that remembers what a page complained of and asked for.
type browser struct {
	ctx context.Context //nolint:containedctx // chromedp's handle of the tab

	mu         sync.Mutex
	complaints []string
	asked      []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		testclaim.Skip(t, "there is no Chromium to look at the web view with; install the package chromium")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1500, 1400),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	allocated, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	b := &browser{}
	var stop context.CancelFunc
	b.ctx, stop = chromedp.NewContext(allocated)
	t.Cleanup(stop)
	require.NoError(t, chromedp.Do(b.ctx, chromedp.Navigate("about:blank")))
	require.NoError(t, chromedp.Listen(b.ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
				b.complaints = append(b.complaints, fmt.Sprintf("%s: %s", e.Type, e.Args[0].Value))
			}
		case *runtime.EventExceptionThrown:
			b.complaints = append(b.complaints, e.ExceptionDetails.Text)
		case *network.EventRequestWillBeSent:
			b.asked = append(b.asked, e.Request.URL)
		}
	}))
	return b
}

// open shows a page and waits until every panel has its answer.
func (b *browser) open(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(address), chromedp.WaitReady("body[data-ready]")), address)
}

// read evaluates a script of the test in the page.
func read[T any](t *testing.T, b *browser, script string) (out T) {
	t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	require.NoError(t, err, script)
	return out
}

var boardsLine = regexp.MustCompile(`Boards +(http://\S+)`)

// TestWebView looks at every board in a real browser: every panel is drawn, nothing is
// complained of, no request leaves the machine, and choices, rivals, drill-down and the
// page of queries work.
func TestWebView(t *testing.T) {
	b := newBrowser(t)
	from := time.Now().UTC().AddDate(0, 0, -6).Truncate(time.Hour)
	p := newProgram(t, "")
	p.configure(fmt.Sprintf(`simulate: "on"
web: {token: %q}
brands: [{name: Acme, query: acme, competitors: [Globex]}, {name: Globex, query: globex}]
sources:
- {name: market, type: simulate, brand_names: ["O'Neill", Acme, Bolt], mentions: 0.6, from: %s, limit: 8000, rate: 0.02}
- {name: people, type: file, path: %q, format: ndjson}
`, editorToken, from.Format(time.RFC3339), p.write("people.ndjson", editorPosts()...)))
	o := p.start("run")
	p.eventually("the boards have an address, and all posts are stored", o, func() bool {
		return boardsLine.MatchString(o.out.String()) && strings.Contains(o.errs.String(), `"posts":8000,`)
	})
	p.computed(o, p.reader("earshot_simulated"))
	home := boardsLine.FindStringSubmatch(o.out.String())[1]
	boards, err := dashboards.Boards()
	require.NoError(t, err)
	for _, board := range boards {
		b.open(t, home+"/b/"+board.UID)
		assert.Empty(t, read[string](t, b, `[...document.querySelectorAll('.wrong')].map(e => e.textContent).join('\n')`), board.UID)
		assert.Equal(t, len(board.Panels), read[int](t, b, `document.querySelectorAll('.panel').length`), board.UID)
		assert.Equal(t, len(board.Panels), read[int](t, b, `document.querySelectorAll('.panel .body[data-ready]').length`), board.UID)
		b.picture(t, board.UID)
		b.chooseAll(t, &board)
	}
	b.choose(t, home)
	b.compare(t, home)
	b.edit(t, p, o, home)
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(t, b.complaints)
	assert.NotEmpty(t, b.asked)
	for _, address := range b.asked {
		u, err := url.Parse(address)
		require.NoError(t, err)
		assert.True(t, u.Scheme == "data" || u.Scheme == "blob" || u.Hostname() == "127.0.0.1", address)
	}
	o.signal(syscall.SIGTERM)
	assert.Zero(t, o.code(t), o.errs.String())
}

// chooseAll takes the first of all that a board lets its reader choose.
func (b *browser) chooseAll(t *testing.T, board *dashboards.Board) {
	t.Helper()
	var several []string
	for _, v := range board.Templating.List {
		control := fmt.Sprintf("#variables select[name=%s]", v.Name)
		switch {
		case v.Type == "datasource" || v.Hide != 0:
			continue
		case v.Multi:
			control = fmt.Sprintf("#variables details[data-name=%s]", v.Name)
			several = append(several, v.Name)
		}
		assert.Equal(t, 1, read[int](t, b, fmt.Sprintf("document.querySelectorAll(%q).length", control)), "%s: %s", board.UID, v.Name)
	}
	if len(several) == 0 {
		return
	}
	b.after(t, read[string](t, b, `document.body.dataset.ready`), `document.querySelectorAll('#variables details[data-name]').forEach(d => d.querySelector('input')?.click())`)
	assert.Empty(t, read[string](t, b, `[...document.querySelectorAll('.wrong')].map(e => e.textContent).join('\n')`), board.UID)
	for _, name := range several {
		assert.Contains(t, read[string](t, b, `location.search`), "var-"+name+"=", board.UID)
	}
}

// choose uses a board as a reader does.
func (b *browser) choose(t *testing.T, home string) {
	t.Helper()
	b.open(t, home+"/b/earshot-overview")
	assert.True(t, read[bool](t, b, `!document.getElementById('simulated').hidden`), "invented data are called so")
	mentions := `document.querySelector('.s-stat .body').textContent`
	everybody := read[string](t, b, mentions)
	// One brand, with a quote in its name, by its box.
	again := read[string](t, b, `document.body.dataset.ready`)
	b.after(t, again, `document.querySelector("details[data-name=brand] input[value=\"O'Neill\"]").click()`)
	one := read[string](t, b, mentions)
	assert.NotEqual(t, everybody, one)
	assert.NotEqual(t, "nothing yet", one)
	assert.Contains(t, read[string](t, b, `location.search`), "O%27Neill")
	// A range without posts says so, and breaks nothing.
	b.open(t, home+"/b/earshot-overview?from=1000000000000&to=1000003600000&var-database=earshot_simulated&var-label_set=live")
	assert.Empty(t, read[string](t, b, `[...document.querySelectorAll('.wrong')].map(e => e.textContent).join('\n')`))
	assert.Positive(t, read[int](t, b, `document.querySelectorAll('.none').length`))
	// A click on a bar leads to that platform alone.
	b.open(t, home+"/b/earshot-overview")
	again = read[string](t, b, `document.body.dataset.ready`)
	at := read[[]float64](t, b, `(() => {
		const c = state.charts.find((c) => c.getOption().yAxis?.[0].data?.includes('x')), box = c.getDom().getBoundingClientRect();
		const [x, y] = c.convertToPixel({xAxisIndex: 0, yAxisIndex: 0}, [1, 'x']);
		return [box.x + x, box.y + y];
	})()`)
	require.NoError(t, chromedp.Do(b.ctx, chromedp.MouseClickXY(at[0], at[1]), chromedp.WaitReady(`body[data-ready]:not([data-ready="`+again+`"])`)))
	assert.Contains(t, read[string](t, b, `location.search`), "var-platform=x")
}

// compare sets a brand beside its rivals: those that are configured, else all others.
func (b *browser) compare(t *testing.T, home string) {
	t.Helper()
	offered := `[...document.querySelectorAll('details[data-name=rival] input')].map(i => i.value).join()`
	shown := `[...document.querySelectorAll('.s-table tbody tr td:first-child')].map(e => e.textContent).slice(0, 3).sort().join()`
	b.open(t, home+"/b/earshot-share-of-voice?var-brand=Acme&var-database=earshot")
	assert.Equal(t, "Globex", read[string](t, b, offered), "the configured ones")
	b.open(t, home+"/b/earshot-share-of-voice?var-brand=O'Neill&var-database=earshot_simulated")
	assert.Equal(t, "Acme,Bolt", read[string](t, b, offered))
	assert.Equal(t, "Acme,Bolt,O'Neill", read[string](t, b, shown), "all of them, until some are chosen")
	b.after(t, read[string](t, b, `document.body.dataset.ready`), `document.querySelector('details[data-name=rival] input[value=Bolt]').click()`)
	assert.Equal(t, "2", read[string](t, b, `String(document.querySelector('.s-table tbody').rows.length)`))
	assert.Contains(t, read[string](t, b, `location.search`), "var-rival=Bolt")
	// Another brand has other rivals: a choice that is none any more goes.
	b.after(t, read[string](t, b, `document.body.dataset.ready`), `document.querySelector('details[data-name=brand] input[value=Bolt]').click()`)
	assert.Equal(t, "Acme", read[string](t, b, offered))
	assert.NotContains(t, read[string](t, b, `location.search`), "var-rival")
}

// after runs a script and waits until the board was loaded again.
func (b *browser) after(t *testing.T, before, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[any](script+"; true"))
	require.NoError(t, err, script)
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitReady(`body[data-ready]:not([data-ready="`+before+`"])`)), script)
}

// picture writes what a board looks like, if that was asked for.
func (b *browser) picture(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv(screenshotsVar)
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(dir, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600))
}
