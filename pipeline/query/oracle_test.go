package query

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// The oracle is a second evaluator that shares no code with the engine: it makes
// expressions, writes them as queries, and evaluates them on posts made of known words by
// trying all places and all pairs of them.

// expression is what the oracle knows of a query.
type expression struct {
	kind  string
	kids  []*expression
	words []string
	n     int
}

// said is a word of a post.
type said struct {
	word, raw, sign string // lower case, as written, # or @
	title           bool
	pos             int
}

// utterance is a post of the oracle.
type utterance struct {
	said []said
	profile
	lang string
}

var vocabulary = []string{"acme", "cloud", "apples", "applet", "apple", "pear", "b2b", "zebra", "shop", "shops"}

// one is a word of the vocabulary, the first ones more often.
func one(r *rand.Rand) string {
	return vocabulary[min(r.IntN(len(vocabulary)), r.IntN(len(vocabulary)), r.IntN(len(vocabulary)))]
}

var leaves = []string{"phrase", "word", "phrase", "window", "prefix", "any", "exact", "raw", "tag", "handle", "title", "followers", "lang"}
var joints = []string{"and", "or", "not", "near", "nearf"}

func leafOf(r *rand.Rand, kind string) *expression {
	if e := fieldLeaf(r, kind); e != nil {
		return e
	}
	e := &expression{kind: kind, words: []string{one(r)}}
	switch kind {
	case "word":
		e.words = []string{vocabulary[2+r.IntN(len(vocabulary)-2)]}
	case "phrase", "window":
		e.words = []string{vocabulary[r.IntN(2)], vocabulary[r.IntN(3)]}
		if r.IntN(5) == 0 {
			e.words = append(e.words, vocabulary[r.IntN(3)])
		}
		e.n = r.IntN(5)
	case "prefix":
		e.words = []string{[]string{"app", "applet", "zeb", "sho", "pea", "b2b"}[r.IntN(6)]}
	case "any":
		e.words = []string{[]string{"a?me", "clo?d", "apple?", "p?ar", "sho??"}[r.IntN(5)]}
	case "exact":
		e.words[0] = strings.ToUpper(e.words[0])
	case "raw":
		if r.IntN(2) == 0 {
			e.words[0] = strings.ToUpper(e.words[0])
		}
	case "lang":
		e.words = []string{[]string{"de", "en"}[r.IntN(2)]}
	}
	return e
}

func placed(r *rand.Rand, depth int) *expression {
	switch r.IntN(4) {
	case 0:
		return &expression{kind: "or", kids: []*expression{placed(r, depth), leafOf(r, "word")}}
	case 1:
		if depth > 0 {
			return &expression{kind: []string{"near", "nearf"}[r.IntN(2)], n: 1 + r.IntN(4), kids: []*expression{placed(r, 0), placed(r, 0)}}
		}
	}
	return leafOf(r, []string{"word", "phrase", "prefix", "any", "exact", "tag", "handle", "title"}[r.IntN(8)])
}

// grow makes an expression with leaves of these kinds. Fields have no place beside NEAR.
func grow(r *rand.Rand, kinds []string, depth int) *expression {
	if depth == 0 {
		return leafOf(r, kinds[r.IntN(len(kinds))])
	}
	kind := joints[r.IntN(len(joints))]
	if strings.HasPrefix(kind, "near") && slices.Contains(kinds, "likes") {
		kind = "or"
	}
	e := &expression{kind: kind, n: 1 + r.IntN(5)}
	if strings.HasPrefix(kind, "near") {
		e.kids = []*expression{placed(r, 1), placed(r, 0)}
		return e
	}
	for range 2 + r.IntN(2) {
		e.kids = append(e.kids, grow(r, kinds, depth-1))
	}
	return e
}

// source writes the query.
func (e *expression) source() string {
	text := strings.Join(e.words, " ")
	between := map[string]string{"and": " AND ", "or": " OR ", "not": " NOT ",
		"near": fmt.Sprintf(" NEAR/%d ", e.n), "nearf": fmt.Sprintf(" NEAR/%df ", e.n)}[e.kind]
	switch e.kind {
	case "word", "any":
		return text
	case "phrase":
		return `"` + text + `"`
	case "window":
		return fmt.Sprintf(`"%s"~%d`, text, e.n)
	case "prefix":
		return text + "*"
	case "exact":
		return "{" + text + "}"
	case "raw":
		return `raw:"` + text + `"`
	case "tag":
		return "#" + text
	case "handle":
		return "@" + text
	case "title", "lang":
		return e.kind + ":" + text
	}
	if e.kids == nil {
		return e.fieldSource()
	}
	var kids []string
	for _, kid := range e.kids {
		kids = append(kids, "("+kid.source()+")")
	}
	return strings.Join(kids, between)
}

// speak makes a post of words.
func speak(r *rand.Rand) utterance {
	u := utterance{profile: profile(r.Uint64()), lang: []string{"de", "en"}[r.IntN(2)]}
	pos := 0
	for _, title := range []bool{true, false} {
		pos += 1000
		for range 2 + r.IntN(9) {
			s := said{word: one(r), title: title, pos: pos}
			s.raw = s.word
			if r.IntN(3) == 0 {
				s.raw = strings.ToUpper(s.word)
			}
			switch r.IntN(3) {
			case 0:
				s.sign = "#"
			case 1:
				s.sign = "@"
			}
			if s.sign == "#" && s.word == "b2b" { // its digits would split it
				s.sign = ""
			}
			u.said = append(u.said, s)
			pos++
		}
	}
	return u
}

func (u *utterance) record() *pipeline.Record {
	r := &pipeline.Record{}
	for _, s := range u.said {
		to := &r.Post.Text
		if s.title {
			to = &r.Post.Title
		}
		*to += s.sign + s.raw + []string{" ", ", ", " - ", "\n"}[s.pos%4]
	}
	u.fill(&r.Post)
	r.Language.Code = u.lang
	return r
}

// stretch is where an expression stands: positions of its first and last word.
type stretch struct{ first, last int }

// stand lists all places and all pairs.
func (e *expression) stand(u *utterance) []stretch {
	var out []stretch
	switch e.kind {
	case "or":
		for _, kid := range e.kids {
			out = append(out, kid.stand(u)...)
		}
	case "near", "nearf":
		for _, a := range e.kids[0].stand(u) {
			for _, b := range e.kids[1].stand(u) {
				if a.last < b.first && b.first-a.last <= e.n {
					out = append(out, stretch{a.first, b.last})
				}
				if e.kind == "near" && b.last < a.first && a.first-b.last <= e.n {
					out = append(out, stretch{b.first, a.last})
				}
			}
		}
	case "phrase":
		for i := range u.said {
			ok := i+len(e.words) <= len(u.said)
			for j := 0; ok && j < len(e.words); j++ {
				s := u.said[i+j]
				ok = s.word == e.words[j] && s.pos == u.said[i].pos+j
			}
			if ok {
				out = append(out, stretch{u.said[i].pos, u.said[i].pos + len(e.words) - 1})
			}
		}
	default:
		for _, s := range u.said {
			if e.fits(s) {
				out = append(out, stretch{s.pos, s.pos})
			}
		}
	}
	return out
}

func (e *expression) fits(s said) bool {
	w := e.words[0]
	switch e.kind {
	case "word":
		return s.word == w
	case "prefix":
		return len(s.word) >= len(w) && s.word[:len(w)] == w
	case "any":
		ok := len(s.word) == len(w)
		for i := 0; ok && i < len(w); i++ {
			ok = w[i] == '?' || w[i] == s.word[i]
		}
		return ok
	case "exact", "raw":
		return s.raw == w
	case "tag":
		return s.sign == "#" && s.word == w
	case "handle":
		return s.sign == "@" && s.word == w
	case "title":
		return s.title && s.word == w
	}
	panic(e.kind)
}

// tally counts how often each operator was true and false.
type tally map[string]*[2]int

// holds evaluates the expression, all of it, and counts.
func (e *expression) holds(u *utterance, seen tally) bool {
	var values []bool
	for _, kid := range e.kids {
		if e.kind != "near" && e.kind != "nearf" {
			values = append(values, kid.holds(u, seen))
		}
	}
	out := false
	switch e.kind {
	case "and":
		out = true
		for _, v := range values {
			out = out && v
		}
	case "or":
		for _, v := range values {
			out = out || v
		}
	case "not":
		out = values[0]
		for _, v := range values[1:] {
			out = out && !v
		}
	case "lang":
		out = u.lang == e.words[0]
	case "window":
		out = e.fitsWindow(u)
	default:
		if slices.Contains(countedFields, e.kind) || slices.Contains(flaggedFields, e.kind) || spoken[e.kind].held != nil {
			out = e.fieldHolds(u.profile)
		} else {
			out = len(e.stand(u)) > 0
		}
	}
	if seen[e.kind] == nil {
		seen[e.kind] = &[2]int{}
	}
	if out {
		seen[e.kind][1]++
	} else {
		seen[e.kind][0]++
	}
	return out
}

// fitsWindow tries every stretch that is long enough.
func (e *expression) fitsWindow(u *utterance) bool {
	for _, begin := range u.said {
		need := map[string]int{}
		for _, w := range e.words {
			need[w]++
		}
		for _, s := range u.said {
			if s.pos >= begin.pos && s.pos < begin.pos+len(e.words)+e.n {
				need[s.word]--
			}
		}
		ok := true
		for _, left := range need {
			ok = ok && left <= 0
		}
		if ok {
			return true
		}
	}
	return false
}

const queriesAtOnce = 100

// judge evaluates pairs of query and post both ways, queries of these kinds of leaves; plant
// may damage the engine.
func judge(t *testing.T, seed uint64, pairs int, kinds []string, plant func(*Engine)) (disagreements []string, matched int, seen tally) {
	r := rand.New(rand.NewPCG(seed, 5))
	seen = tally{}
	for done := 0; done < pairs; {
		var expressions []*expression
		var sources []string
		for len(sources) < queriesAtOnce {
			e := grow(r, kinds, 1+min(1, r.IntN(3)))
			expressions, sources = append(expressions, e), append(sources, e.source())
		}
		e := compileAll(t, sources)
		if plant != nil {
			plant(e)
		}
		m := e.NewMatcher()
		for i, x := range expressions {
			for k := range 10 {
				u := speak(r)
				for tries := 0; tries < 16 && x.holds(&u, tally{}) != (k%2 == 0); tries++ {
					u = speak(r)
				}
				want, got := x.holds(&u, seen), false
				record := u.record()
				for _, match := range m.Match(record) {
					got = got || match.Brand == i
				}
				done++
				if want {
					matched++
				}
				if want != got {
					disagreements = append(disagreements, fmt.Sprintf("%s: oracle %v, engine %v: title %q text %q, %+v", sources[i], want, got, record.Post.Title, record.Post.Text, u.profile))
				}
			}
		}
	}
	return disagreements, matched, seen
}

func compileAll(t testing.TB, sources []string) *Engine {
	t.Helper()
	var brands []Brand
	for i, source := range sources {
		q, err := Parse(source)
		require.NoError(t, err, source)
		brands = append(brands, Brand{Name: fmt.Sprint(i), Query: q})
	}
	e, err := Compile(brands)
	require.NoError(t, err)
	return e
}

func TestEngineEqualsOracle(t *testing.T) {
	const pairs = 100_000
	disagreements, matched, seen := judge(t, 1, pairs, leaves, nil)
	for _, d := range disagreements[:min(10, len(disagreements))] {
		t.Error(d)
	}
	assert.Empty(t, disagreements)
	assert.Greater(t, matched, pairs*30/100)
	assert.Less(t, matched, pairs*70/100)
	for _, kind := range append(append([]string{}, leaves[1:]...), joints...) {
		require.NotNil(t, seen[kind], kind)
		assert.GreaterOrEqual(t, seen[kind][0], 5000, "%s false", kind)
		assert.GreaterOrEqual(t, seen[kind][1], 5000, "%s true", kind)
		t.Logf("%-9s true %6d false %6d", kind, seen[kind][1], seen[kind][0])
	}
	t.Logf("%d of %d pairs match", matched, pairs)
}

// TestOracleCatchesPlantedBugs damages compiled engines in ways in which engines break.
func TestOracleCatchesPlantedBugs(t *testing.T) {
	each := func(e *Engine, change func(*instruction)) {
		var walk func(*instruction)
		walk = func(in *instruction) {
			change(in)
			for i := range in.kids {
				walk(&in.kids[i])
			}
		}
		for i := range e.programs {
			walk(&e.programs[i].root)
		}
	}
	for name, plant := range map[string]func(*Engine){
		"NEAR and ~ reach one word too far": func(e *Engine) {
			each(e, func(in *instruction) {
				if in.op == opNear || in.op == opWindow {
					in.node.n++
				}
			})
		},
		"NEAR/nf forgets the order": func(e *Engine) {
			each(e, func(in *instruction) {
				if in.op == opNear {
					in.node.ordered = false
				}
			})
		},
		"NOT is lost": func(e *Engine) { each(e, func(in *instruction) { in.negated = false }) },
		"candidates of some words are lost": func(e *Engine) {
			for i := range e.triggers {
				if i%7 == 0 {
					e.triggers[i] = nil
				}
			}
		},
		"case is ignored": func(e *Engine) {
			for i := range e.terms {
				for j, h := range e.terms[i].steps {
					if h.step != nil && !h.step.pattern {
						e.terms[i].steps[j].step = nil
					}
				}
			}
		},
		"title: searches the text too": func(e *Engine) {
			for i := range e.terms {
				e.terms[i].mask = inWords
			}
		},
	} {
		found, _, _ := judge(t, 2, 3000, leaves, plant)
		assert.NotEmpty(t, found, name)
		t.Logf("%s: %d disagreements of 3,000", name, len(found))
	}
}
