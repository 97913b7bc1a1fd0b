package markup_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline/collect/markup"
)

func TestText(t *testing.T) {
	for source, want := range map[string]string{
		"plain &amp; simple":                               "plain & simple",
		"<p>one</p><p>two<br>three</p>":                    "one\n\ntwo\nthree",
		"a<p>b<p>c":                                        "a\n\nb\n\nc",
		"<ul><li>x</li><li>y</li></ul>z":                   "x\ny\n\nz",
		"  many \n\t blanks  ":                             "many blanks",
		"<pre>  keep\n  this</pre>after":                   "keep\n  this\n\nafter",
		"<script>alert('no')</script><style>b{}</style>ok": "ok",
		"1 &lt; 2 <b>bold</b>ly":                           "1 < 2 boldly",
		"<div>a</div><div>b</div>":                         "a\nb",
		"unclosed <a href='x'>link":                        "unclosed link",
		"":                                                 "",
	} {
		assert.Equal(t, want, markup.Text(source), source)
	}
}

func TestLinksAndImages(t *testing.T) {
	doc := markup.Read(`see <a class="u-url mention" href="https://a.example/@b"> @b </a> and <a href=https://c.example>c</a><img src="/p.png" alt="a cat">`)
	assert.Equal(t, "see @b and c", doc.Text)
	assert.Equal(t, []markup.Link{{Href: "https://a.example/@b", Class: "u-url mention", Text: "@b"}, {Href: "https://c.example", Text: "c"}}, doc.Links)
	assert.Equal(t, []markup.Image{{Src: "/p.png", Alt: "a cat"}}, doc.Images)
	assert.Len(t, markup.Read(strings.Repeat("<a href=x>y</a>", 2000)).Links, 1000)
}

func FuzzRead(f *testing.F) {
	f.Add("<p>one<a href=x>two</p><pre>\n</script>&#x;")
	f.Fuzz(func(t *testing.T, source string) {
		doc := markup.Read(source)
		if utf8.ValidString(source) {
			require.True(t, utf8.ValidString(doc.Text))
		}
		require.LessOrEqual(t, len(doc.Text), 2*len(source)+2)
	})
}
