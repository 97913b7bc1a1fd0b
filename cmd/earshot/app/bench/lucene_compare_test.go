package bench

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"earshot/pipeline"
	"earshot/pipeline/query"
)

// difference is how the matches of two engines differ.
type difference struct {
	lucene, earshot, both int
	classes               map[string]int
	unexplained           []string
}

// reason is a rule in which the engines differ, with the rewriting that takes it away: of
// the text, or of the query, as Lucene understands it.
type reason struct {
	name  string
	post  func(*pipeline.Post)
	query func(string) string
}

// The rewritings make of a text one in which our rules find what Lucene's find in the
// original. A letter of no query (ʬ) joins what Lucene does not cut.
const joint = "ʬ"

func replaced(pattern, with string) func(*pipeline.Post) {
	re := regexp.MustCompile(pattern)
	return func(p *pipeline.Post) {
		for { // matches may share a letter
			next := re.ReplaceAllString(p.Text, with)
			if next == p.Text {
				return
			}
			p.Text = next
		}
	}
}

func reasons() []reason {
	return []reason{
		{name: "the words inside a #HashTag: ours are split where the case goes up and at digits",
			post: unsplit},
		{name: "an apostrophe inside a word ends our word (Sony's names sony)",
			post: replaced(`([\pL\pN_])['’＇]([\pL\pN_])`, "${1}"+joint+"${2}")},
		{name: "a point or colon between letters ends our word (sony.com names sony)",
			post: replaced(`([\pL\pN_])[.:·]([\pL_])|([\pL_])[.:·]([\pL\pN_])`, "${1}${3}"+joint+"${2}${4}")},
		{name: "accents: ours do not count",
			post: func(p *pipeline.Post) { p.Text = norm.NFC.String(markAccents(norm.NFD.String(p.Text))) }},
		{name: "& + $ % are words to us, so they stand between the words of a phrase",
			post: replaced(`&amp;|[&+$%]`, " ")},
		{name: "underscores around a word are not part of ours (_sony_)",
			post: replaced(`(^|[^\pL\pN_])_+([\pL\pN])|([\pL\pN])_+($|[^\pL\pN_])`, "${1}"+joint+"${2}${3}"+joint+"${4}")},
		{name: "a # or @ in the middle of a word is no hashtag or handle to us",
			post: replaced(`([\pL\pN_])([#@])`, "$1 $2")},
		{name: `"a b"~n: Lucene counts moves, and a turn of two words costs two`,
			query: sloppy},
	}
}

var hashtag = regexp.MustCompile(`(^|[^\pL\pM\pN_])#([\pL\pM\pN_]+)`)

// unsplit makes of each hashtag a mark of the platform and a bare word.
func unsplit(p *pipeline.Post) {
	for _, found := range hashtag.FindAllStringSubmatch(p.Text, -1) {
		p.Hashtags = append(p.Hashtags, found[2])
	}
	p.Text = hashtag.ReplaceAllString(p.Text, "$1 $2")
}

// markAccents puts the joint behind letters with an accent.
func markAccents(decomposed string) string {
	var b strings.Builder
	for _, r := range decomposed {
		b.WriteRune(r)
		if unicode.Is(unicode.Mn, r) {
			b.WriteString(joint)
		}
	}
	return b.String()
}

var window = regexp.MustCompile(`"(\S+) (\S+)"~(\d+)`)

// sloppy writes "a b"~n of two words as Lucene reads it: b at most n+1 behind a, or at
// most n-1 before it.
func sloppy(source string) string {
	return window.ReplaceAllStringFunc(source, func(text string) string {
		part := window.FindStringSubmatch(text)
		n, _ := strconv.Atoi(part[3])
		out := fmt.Sprintf(`"%s" NEAR/%df "%s"`, part[1], n+1, part[2])
		if n > 1 {
			out = fmt.Sprintf(`%s OR "%s" NEAR/%df "%s"`, out, part[2], n-1, part[1])
		}
		return "(" + out + ")"
	})
}

// asker asks one query of one text, as often as reasons are tried.
type asker struct {
	engines map[string]*query.Matcher
}

func (a *asker) matches(tb testing.TB, source string, post pipeline.Post) bool {
	m := a.engines[source]
	if m == nil {
		m = compileQueries(tb, []string{source}).NewMatcher()
		a.engines[source] = m
	}
	return len(m.Match(&pipeline.Record{Post: post})) > 0
}

// compare counts and explains what one engine finds and the other does not.
func compare(tb testing.TB, texts, sources []string, lucene, earshot [][]int) difference {
	d := difference{classes: map[string]int{}}
	a := &asker{engines: map[string]*query.Matcher{}}
	all := reasons()
	for i, text := range texts {
		d.lucene, d.earshot = d.lucene+len(lucene[i]), d.earshot+len(earshot[i])
		for _, q := range lucene[i] {
			if slices.Contains(earshot[i], q) {
				d.both++
			} else {
				d.explain(tb, a, all, sources[q], text, true)
			}
		}
		for _, q := range earshot[i] {
			if !slices.Contains(lucene[i], q) {
				d.explain(tb, a, all, sources[q], text, false)
			}
		}
	}
	return d
}

// explain looks for the reason without which we would answer as Lucene does; then for
// several of them together.
func (d *difference) explain(tb testing.TB, a *asker, all []reason, source, text string, lucene bool) {
	together, words := source, pipeline.Post{Text: text}
	for _, r := range all {
		q, p := source, pipeline.Post{Text: text}
		if r.query != nil {
			q = r.query(source)
			together = q
		} else {
			r.post(&p)
			r.post(&words)
		}
		if a.matches(tb, q, p) == lucene {
			d.classes[r.name]++
			return
		}
	}
	if a.matches(tb, together, words) == lucene {
		d.classes["several of these at once"]++
		return
	}
	d.unexplained = append(d.unexplained, fmt.Sprintf("Lucene %v: %s\n   on %q", lucene, source, text))
}
