package query

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// many joins n words, made of a format with a number, by an operator.
func many(n int, format, operator string) string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(words, operator)
}

// TestHostileQueriesAreRefusedWithTheirLimit gives the largest that is taken, and one more.
func TestHostileQueriesAreRefusedWithTheirLimit(t *testing.T) {
	prefix := func(n int) string { return strings.Repeat("a", n) + "*" }
	for name, c := range map[string]struct{ taken, refused, problem string }{
		"terms":           {many(MaxTerms, "w%d", " OR "), many(MaxTerms+1, "w%d", " OR "), "the query has more than 5000 terms"},
		"100,000 terms":   {"a", many(100_000, "w%d", " OR "), "bytes is too long"},
		"100,000 letters": {"a", many(100_000, "a", ""), "bytes is too long"},
		"bytes":           {strings.Repeat("a", MaxSource), strings.Repeat("a", MaxSource+1), "bytes is too long"},
		"depth":           {strings.Repeat("(", maxDepth) + "a" + strings.Repeat(")", maxDepth), strings.Repeat("(", 30_000) + "a" + strings.Repeat(")", 30_000), "brackets are nested more than 100 deep"},
		"wildcards":       {many(maxPatterns, "abc%d*", " OR "), many(maxPatterns+1, "abc%d*", " OR "), "the query has more than 200 wildcards and raw terms"},
		"raw":             {many(maxPatterns, `raw:"c%d"`, " OR "), many(maxPatterns+1, `raw:"c%d"`, " OR "), "the query has more than 200 wildcards and raw terms"},
		"a* b* c*":        {"aaa* OR bbb* OR ccc*", "a* OR b* OR c*", "too few characters stand before *"},
		"short prefix":    {prefix(3), prefix(2), "too few characters stand before *"},
		"question marks":  {"ab????", "a?????", "too few characters stand beside ?"},
		"NEAR in NEAR":    {"a NEAR/9 b NEAR/9 c", "a NEAR/9 b NEAR/9 c NEAR/9 d", "NEAR stands in NEAR in NEAR"},
		"distance":        {"a NEAR/100 b", "a NEAR/101 b", "a distance of 101 words"},
		"words of ~":      {`"` + many(maxUnits, "w%d", " ") + `"~9`, `"` + many(maxUnits+1, "w%d", " ") + `"~9`, "more than 16 words stand before ~"},
	} {
		q, err := Parse(c.taken)
		require.NoError(t, err, name)
		_, err = Compile([]Brand{{Name: name, Query: q}})
		require.NoError(t, err, name)
		_, err = Parse(c.refused)
		var mistake *Error
		require.ErrorAs(t, err, &mistake, name)
		assert.Contains(t, mistake.Problem, c.problem, name)
	}
}

// hostileQueries are as expensive as the limits allow.
func hostileQueries(t testing.TB) map[string]*Engine {
	group := func(n int) string { return "(" + many(n, "w%d", " OR ") + " OR acme OR cloud)" }
	return map[string]*Engine{
		"NEAR of big groups":       compile(t, group(500)+" NEAR/100 "+group(500), group(300)+" NEAR/100f "+group(300)+" NEAR/9 "+group(300)),
		"wide windows":             compile(t, `"acme cloud acme cloud acme"~100`, `"acme cloud"~100`, `"acme-cloud acme cloud"~50`),
		"long phrases":             compile(t, `"`+strings.Repeat("acme ", 100)+`cloud"`, `"`+strings.Repeat("acme cloud ", 60)+`pear"`),
		"wildcards":                compile(t, many(150, "acm%d*", " OR ")+" OR acm* OR aaa* OR c?oud OR cl?ud", strings.Repeat("a", 100)+"* OR "+strings.Repeat("a", 3000)+"*"),
		"characters":               compile(t, `raw:"aaaa" OR raw:"acme cloud" OR raw:"##"`, "links:acme.com OR url:a", `title:"acme"`),
		"deep":                     compile(t, deep(99)),
		"Chinese":                  compile(t, "索尼 OR (索尼* NEAR/100 尼) OR \"索 尼 索\"~100", "索尼*", "#索尼"),
		"everything is a mention":  compile(t, "acme NOT zebra", "cloud OR #acme OR @acme OR #acmecloud", "lang:de"),
		"the same many times over": compile(t, "acme AND acme* AND {acme} AND {Acme}", `acme NEAR/1 acme`),
	}
}

// deep nests brackets as AND, OR and NOT in turn.
func deep(n int) string {
	if n == 0 {
		return "acme"
	}
	operator := []string{" OR w%d", " AND (cloud OR w%d)", " NOT w%d"}[n%3]
	return "(" + deep(n-1) + fmt.Sprintf(operator, n) + ")"
}

// hostilePosts are beginnings of texts that have no end.
var hostilePosts = map[string]string{
	"one word":                     "a",
	"the same word":                "acme ",
	"both words":                   "acme cloud ",
	"one hashtag of many words":    "AcmeCloud",
	"many hashtags":                "#AcmeCloud #acme ",
	"hashtags without a break":     "#acme#cloud",
	"handles":                      "@acme.cloud ",
	"marks alone":                  "#@",
	"Chinese":                      "索尼",
	"Chinese hashtags":             "#索尼#",
	"accents":                      "a\u0301",
	"accents alone":                "\u0301",
	"joiners":                      "\u200d",
	"emoji with joiners":           "👩\u200d",
	"signs with marks":             "©\u0301",
	"flags":                        "🇩🇪",
	"underscores":                  "_",
	"points":                       "1.1,",
	"apostrophes":                  "l'acme",
	"addresses":                    "acme.com/",
	"escaped":                      "&amp;",
	"capital letters":              "aA",
	"letters and digits":           "a1",
	"what folds to several":        "ßŒ㍿",
	"broken bytes":                 "\xff",
	"Hangul that is put together":  "\u1100\u1161",
	"spaces":                       " \u3000\t",
	"words of a window, far apart": "acme x x x x x x x x x cloud ",
}

// TestAHostilePostCostsNoMoreThanItsLength counts steps at three lengths, each twice the
// one before: what the last half adds may be at most twice what the half before it added.
// (Of a square it would be four times.) Sorting places costs a logarithm more, uncounted.
func TestAHostilePostCostsNoMoreThanItsLength(t *testing.T) {
	const size = 5000 // bytes of the shortest; longer than any query here
	for query, engine := range hostileQueries(t) {
		m := engine.NewMatcher()
		for name, unit := range hostilePosts {
			steps := func(size int) int {
				text := strings.Repeat(unit, size/len(unit))
				if name == "one hashtag of many words" {
					text = "#" + text
				}
				m.Match(&pipeline.Record{Post: pipeline.Post{Title: text, Text: text, URL: text, Hashtags: []string{text, text}, Handles: []string{text}}})
				return m.work
			}
			one, two, four := steps(size), steps(2*size), steps(4*size)
			assert.LessOrEqual(t, four-two, 22*(two-one)/10+1000, "%s, %s: %d, %d and %d steps", query, name, one, two, four)
		}
	}
}

// TestTheCountOfStepsWouldShowASquare: a post of which each occurrence is compared with
// each other one would be found out.
func TestTheCountOfStepsWouldShowASquare(t *testing.T) {
	m := compile(t, `"acme cloud"~100`).NewMatcher()
	text := strings.Repeat("acme cloud ", 4000)
	m.Match(record(pipeline.Post{Text: text}))
	occurrences := len(m.occurs)
	assert.Equal(t, 8000, occurrences)
	assert.Greater(t, m.work, occurrences, "each of them is a step")
	assert.Less(t, m.work, 20*occurrences)
}
