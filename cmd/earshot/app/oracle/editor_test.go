package oracle

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const editorToken = "a token for the test of the editor"

// editorPosts are what the live archive holds while the editor is looked at: some of them
// hostile, as posts are.
func editorPosts() []string {
	texts := []string{
		`acme <img src=x onerror="console.error('markup')"> is fine`,
		`I love acme cloud`,
		`acme parody account`,
		`</p><script>console.error("code")</script> O'Neill and acme`,
		`nothing of interest`,
		`globex it is`,
	}
	var out []string
	for i, text := range texts {
		raw, err := json.Marshal(map[string]any{
			"platform": "mastodon", "id": strconv.Itoa(i + 1), "text": text, "created_at": fmt.Sprintf("2026-03-0%dT10:00:00Z", i/3+1),
			"url": "javascript:console.error('address')", "author": map[string]any{"id": "u" + strconv.Itoa(i), "handle": `"><b>` + strconv.Itoa(i)},
		})
		if err != nil {
			panic(err)
		}
		out = append(out, string(raw))
	}
	return out
}

// edit tries and changes a query as an analyst does.
func (b *browser) edit(t *testing.T, p *program, o *outcome, home string) {
	t.Helper()
	text := func(selector string) string {
		return read[string](t, b, fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.textContent).join('|')", selector))
	}
	// now does something and waits until the page has its answer.
	now := func(script string) { b.after(t, read[string](t, b, `document.body.dataset.ready`), script) }
	write := func(query string) {
		now(fmt.Sprintf(`byId('query').value = %q; byId('query').dispatchEvent(new Event('input'))`, query))
	}
	figure := func(name string) string {
		return read[string](t, b, fmt.Sprintf(`([...document.querySelectorAll('#figures .figure')].find(f => f.lastChild.textContent === %q)?.firstChild.textContent ?? 'none')`, name))
	}

	// The simulated archive: its counts are those of SQL.
	b.open(t, home+"/queries?simulated=true&brand=Acme")
	assert.False(t, read[bool](t, b, `byId('simulated').hidden`))
	assert.Equal(t, "Acme", read[string](t, b, `byId('brand').value`))
	assert.Equal(t, "0", figure("added by the change"))
	b.picture(t, "queries")
	write("platform:x")
	code, out, errs := p.run("sql", "--simulated", "--format", "TSV", `SELECT count() FROM posts_current WHERE platform = 'x' AND (text != '' OR title != '')
		AND event_time >= (SELECT max(event_time) FROM posts WHERE op IN ('create', 'update')) - INTERVAL 7 DAY`)
	require.Zero(t, code, errs)
	assert.Equal(t, strings.TrimSpace(out), strings.ReplaceAll(figure("posts match"), ",", ""))

	// The live one, with hostile texts: nothing of them becomes markup or code.
	b.open(t, home+"/queries?simulated=false&brand=Acme")
	assert.Equal(t, "acme", read[string](t, b, `byId('query').value`))
	assert.Equal(t, "4", figure("posts match"))
	assert.Equal(t, "0", figure("added by the change"))
	assert.Equal(t, 4, read[int](t, b, `document.querySelectorAll('#posts mark').length`))
	assert.Contains(t, text("#posts p"), `<img src=x onerror=`)
	assert.Zero(t, read[int](t, b, `document.querySelectorAll('#posts img, #posts script, #posts b, #posts a').length`))
	// A mistake shows its place and its mend; the page goes there.
	write("acme\nand cloud")
	assert.Contains(t, text("#said"), `line 2, column 1: "and" between terms is not an operator; expected AND`)
	assert.Contains(t, text("#said"), "and cloud\n  ^")
	now(`document.querySelector('#said button').click(); settle()`)
	assert.Equal(t, 5, read[int](t, b, `byId('query').selectionStart`))
	// A warning as the query is written, and what a change adds and takes away.
	write("acme AND cloud OR globex")
	assert.Contains(t, text("#said .warning"), "AND")
	assert.Contains(t, text("#said .reads"), `"globex" OR ("acme" AND "cloud")`)
	assert.Equal(t, "2", figure("posts match"))
	assert.Equal(t, "1", figure("added by the change"))
	assert.Equal(t, "3", figure("removed by it"))
	assert.Contains(t, text("#posts .added .change"), "decided by globex")
	assert.Equal(t, 3, read[int](t, b, `document.querySelectorAll('#posts .removed').length`))
	now(`byId('which').value = 'added'; byId('which').onchange(); settle()`)
	assert.Equal(t, 1, read[int](t, b, `document.querySelectorAll('#posts .post').length`))
	now(`byId('which').value = 'all'; byId('which').onchange(); settle()`)
	// Yes and no, and a click on a word.
	write("acme")
	now(`[...document.querySelectorAll('#posts .post')].forEach(p => [...p.querySelectorAll('button')].find(x => x.textContent === (p.textContent.includes('parody') ? 'No' : 'Yes')).click()); judge().then(settle)`)
	assert.Contains(t, text("#score"), "0.750 (3 of 4)")
	now(`[...document.querySelectorAll('#posts .word')].find(w => w.textContent === 'parody').click()`)
	assert.Equal(t, "acme NOT parody", read[string](t, b, `byId('query').value`))
	now(`judge().then(settle)`)
	assert.Contains(t, text("#score"), "1.000 (3 of 3)")
	assert.Equal(t, "1", figure("removed by it"))
	assert.NotEmpty(t, read[string](t, b, `(() => { const c = desk.chart.getOption(); return c.xAxis[0].data.join(); })()`))

	// Saving needs the token, and the next batch has the query.
	now(`byId('token').value = 'not the token'; save().then(settle)`)
	assert.Contains(t, text("#saved .wrong"), "token")
	now(fmt.Sprintf(`byId('token').value = %q; save().then(settle)`, editorToken))
	assert.Contains(t, text("#saved .good"), "Acme: version ")
	assert.Equal(t, "acme NOT parody", read[string](t, b, `desk.brand.query`))
	code, out, errs = p.run("brand", "list")
	require.Zero(t, code, errs)
	assert.Contains(t, out, "acme NOT parody")
	now(`[...document.querySelectorAll('#posts button')].find(x => x.textContent === 'Mute author').click()`)
	assert.Contains(t, text("#saved .good"), "does not count any more")
	p.eventually("what is muted is left out", o, func() bool {
		now(`tryIt(false)`)
		return figure("posts match") == "2"
	})
	require.NoError(t, chromedp.Do(b.ctx, chromedp.Navigate("about:blank")))
}
