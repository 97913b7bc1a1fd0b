package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/query"
)

// The evaluator of the platforms' languages below shares no code with the translator. It
// reads a rule as X and Reddit document it: OR binds last, a blank or AND before it,
// brackets group; a keyword is a whole token, text being cut at whatever is neither letter
// nor digit; #tag and @name are marked ones.

type evaluator struct {
	rest string
	post *pipeline.Post
}

func holds(rule string, p *pipeline.Post) bool {
	e := &evaluator{rest: rule, post: p}
	ok := e.or()
	if strings.TrimSpace(e.rest) != "" {
		panic(fmt.Sprintf("the rule %q is malformed at %q", rule, e.rest))
	}
	return ok
}

func (e *evaluator) skip() { e.rest = strings.TrimLeft(e.rest, " ") }

func (e *evaluator) or() bool {
	ok := e.and()
	for e.skip(); strings.HasPrefix(e.rest, "OR "); e.skip() {
		e.rest = e.rest[len("OR "):]
		ok = e.and() || ok
	}
	return ok
}

func (e *evaluator) and() bool {
	ok := e.part()
	for e.skip(); e.rest != "" && e.rest[0] != ')' && !strings.HasPrefix(e.rest, "OR "); e.skip() {
		e.rest = strings.TrimPrefix(e.rest, "AND ")
		ok = e.part() && ok
	}
	return ok
}

func (e *evaluator) part() bool {
	e.skip()
	if strings.HasPrefix(e.rest, "(") {
		e.rest = e.rest[1:]
		ok := e.or()
		e.skip()
		if !strings.HasPrefix(e.rest, ")") {
			panic("a bracket is never closed at " + e.rest)
		}
		e.rest = e.rest[1:]
		return ok
	}
	end, quoted := 0, false
	for end < len(e.rest) && (quoted || e.rest[end] != ' ' && e.rest[end] != ')' && e.rest[end] != '(') {
		if e.rest[end] == '"' {
			quoted = !quoted
		}
		end++
	}
	word := e.rest[:end]
	e.rest = e.rest[end:]
	if quoted || word == "" || word == "AND" || word == "OR" {
		panic("a part is malformed: " + word)
	}
	return e.term(word)
}

func (e *evaluator) term(word string) bool {
	p := e.post
	field, value, isField := strings.Cut(word, ":")
	value = strings.Trim(value, `"`)
	switch {
	case !isField:
	case field == "from" || field == "author":
		return strings.EqualFold(p.Author.Handle, value)
	case field == "to" || field == "retweets_of":
		return strings.EqualFold(p.Channel, value)
	case field == "subreddit":
		return strings.EqualFold(p.Source, "r/"+value)
	case field == "url":
		return slices.ContainsFunc(p.Links, func(l string) bool { return strings.Contains(strings.ToLower(l), value) })
	case field == "title":
		return stands(value, p.Title)
	default:
		panic("unknown operator " + field)
	}
	if word[0] == '#' || word[0] == '@' {
		for _, token := range strings.FieldsFunc(p.Title+" "+p.Text, func(r rune) bool { return r == ' ' || r == ',' || r == '!' || r == '.' }) {
			if strings.EqualFold(token, word) {
				return true
			}
		}
		return false
	}
	word = strings.Trim(word, `"`)
	return stands(word, p.Text) || stands(word, p.Title)
}

// stands reports whether the tokens of a phrase follow one another in a text.
func stands(phrase, text string) bool {
	cut := func(s string) string {
		return " " + strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
			return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}), " ") + " "
	}
	if strings.ContainsFunc(phrase, func(r rune) bool { return r >= 0x4e00 }) { // no blanks there
		return strings.Contains(cut(text), strings.TrimSpace(cut(phrase)))
	}
	return strings.Contains(cut(text), cut(phrase))
}

var vocabulary = []string{"acme", "cloud", "apples", "pear", "b2b", "zebra", "shop", "café", "8.1", "微博"}

func word(r *rand.Rand) string { return vocabulary[r.IntN(len(vocabulary))] }

// ask makes a query.
func ask(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(4) == 0 {
		switch r.IntN(14) {
		case 0:
			return `"` + word(r) + " " + word(r) + `"`
		case 1:
			return "#" + []string{"acme", "shop", "pear"}[r.IntN(3)]
		case 2:
			return "@" + []string{"acme", "shop", "pear"}[r.IntN(3)]
		case 3:
			return "title:" + word(r)
		case 4:
			return "author:" + []string{"ann", "bob"}[r.IntN(2)]
		case 5:
			return "platform:" + []string{"x", "reddit"}[r.IntN(2)]
		case 6:
			return []string{"app*", "ze?ra", "clou*"}[r.IntN(3)]
		case 7:
			return "followers:>" + []string{"10", "50"}[r.IntN(2)]
		case 8:
			return fmt.Sprintf("%s NEAR/%d %s", word(r), 1+r.IntN(5), word(r))
		case 9:
			return fmt.Sprintf(`"%s %s"~%d`, word(r), word(r), r.IntN(4))
		case 10:
			return "{" + strings.ToUpper([]string{"acme", "shop"}[r.IntN(2)]) + "}"
		case 11:
			return `raw:"` + []string{"acme-cloud", "B2B!", "shop"}[r.IntN(3)] + `"`
		}
		return word(r)
	}
	join := []string{" AND ", " OR ", " NOT ", " OR "}[r.IntN(4)]
	parts := []string{}
	for range 2 + r.IntN(3) {
		parts = append(parts, "("+ask(r, depth-1)+")")
	}
	return strings.Join(parts, join)
}

// say makes a post; its hashtags are single words, since longer ones are noted as unheard.
func say(r *rand.Rand, platform string) pipeline.Post {
	text := func() string {
		var b strings.Builder
		for range 2 + r.IntN(7) {
			w := word(r)
			if r.IntN(3) == 0 {
				w = strings.ToUpper(w)
			}
			if plain := strings.ToLower(w); r.IntN(4) == 0 && plain != "8.1" && plain != "b2b" {
				w = []string{"#", "@"}[r.IntN(2)] + strings.ToLower(w)
			}
			b.WriteString(w + []string{" ", ", ", "! ", " - ", " "}[r.IntN(5)])
		}
		return b.String()
	}
	p := pipeline.Post{Platform: platform, ID: "1", Text: text(), Author: pipeline.Author{Handle: []string{"ann", "bob", "eve"}[r.IntN(3)], Followers: int64(r.IntN(100))}}
	if platform == "reddit" {
		p.Title = text()
	}
	return p
}

// TestRulesAreNeverNarrower is the property that all rests on: a post that a query matches
// is one that the rules match, unless the report says that it is lost.
func TestRulesAreNeverNarrower(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	tried, matched, short, rounds := 0, 0, 0, 3000
	if testing.Short() {
		rounds = 500
	}
	for range rounds {
		source := ask(r, 1+r.IntN(3))
		q, err := query.Parse(source)
		if err != nil {
			continue // such as a NOT of all
		}
		brand := query.Brand{Name: "b", Query: q}
		engine, err := query.Compile([]query.Brand{brand})
		require.NoError(t, err)
		m := engine.NewMatcher()
		for _, d := range []Dialect{X(1024, 1000), X(64, 1000), Reddit()} {
			report := Derive(d, []query.Brand{brand}, nil)
			for _, rule := range report.Rules {
				require.LessOrEqual(t, utf8.RuneCountInString(rule), d.MaxLength, rule)
			}
			if len(report.Rules) > 1 {
				short++
			}
			if len(report.Lost) > 0 {
				continue
			}
			tried++
			for range 15 {
				record := pipeline.Record{Post: say(r, d.Platform)}
				if len(m.Match(&record)) == 0 {
					continue
				}
				matched++
				require.True(t, slices.ContainsFunc(report.Rules, func(rule string) bool { return holds(rule, &record.Post) }),
					"query %s\nrules %q\npost  %q %q by %s", source, report.Rules, record.Post.Title, record.Post.Text, record.Post.Author.Handle)
			}
		}
	}
	assert.Greater(t, tried, rounds*2/3)
	assert.Greater(t, matched, rounds, "the test has something to say")
	assert.Greater(t, short, rounds/30, "and rules were split")
}

func brand(t *testing.T, name, source string, channels ...string) query.Brand {
	t.Helper()
	b := query.Brand{Name: name, Channels: channels}
	if source != "" {
		q, err := query.Parse(source)
		require.NoError(t, err)
		b.Query = q
	}
	return b
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		source, x, reddit string
		lost              int // on X
	}{
		{`acme`, `(acme OR #acme OR @acme)`, `acme`, 0},
		{`Café`, `(café OR #café OR @café OR cafe OR #cafe OR @cafe)`, `(café OR cafe)`, 0},
		{`"acme cloud" NOT "acme street"`, `("acme cloud" OR #acmecloud)`, `("acme cloud" OR acmecloud)`, 0},
		{`acme AND (cloud OR shop)`, `((acme OR #acme OR @acme) (cloud OR #cloud OR @cloud OR shop OR #shop OR @shop))`, `(acme AND (cloud OR shop))`, 0},
		{`acme NEAR/5 cloud`, `((acme OR #acme OR @acme) (cloud OR #cloud OR @cloud))`, `(acme AND cloud)`, 0},
		{`acme AND followers:>1000 AND lang:de`, `(acme OR #acme OR @acme)`, `acme`, 0},
		{`#acme OR @acmehelp`, `#acme OR @acmehelp`, `acme OR acmehelp`, 0},
		{`"AT&T"`, `"at t"`, `"at t"`, 0},
		{`微博`, `(微博 OR #微博 OR @微博)`, `微博`, 0},
		{`acm*`, ``, ``, 1},
		{`acm* AND cloud`, `(cloud OR #cloud OR @cloud)`, `cloud`, 0},
		{`acm* OR cloud`, `(cloud OR #cloud OR @cloud)`, `cloud`, 1},
		{`(acm* OR pear) AND cloud`, `(cloud OR #cloud OR @cloud)`, `cloud`, 0},
		{`title:acme`, ``, `title:acme`, 0},
		{`acme AND platform:reddit`, ``, `acme`, 0},
		{`author:ann AND links:acme.com`, `(from:ann url:"acme.com")`, `author:ann`, 0},
		{`raw:"C++"`, `c`, `c`, 0},
		{`followers:>5`, ``, ``, 1},
		{`"not or"`, `("not or" OR #notor)`, `("not or" OR notor)`, 0},
	} {
		x, reddit := Derive(X(1024, 1000), []query.Brand{brand(t, "b", c.source)}, nil), Derive(Reddit(), []query.Brand{brand(t, "b", c.source)}, nil)
		outer := func(s string) string { return strings.Join(strings.Fields(s), " ") }
		if c.x != "" {
			require.Len(t, x.Rules, 1, c.source)
			assert.Equal(t, parts(c.x), parts(outer(x.Rules[0])), c.source)
		} else {
			assert.Empty(t, x.Rules, c.source)
		}
		if c.reddit != "" {
			require.Len(t, reddit.Rules, 1, c.source)
			assert.Equal(t, parts(c.reddit), parts(reddit.Rules[0]), c.source)
		}
		assert.Len(t, x.Lost, c.lost, c.source)
	}
}

// parts drops the outermost brackets, which mean nothing.
func parts(rule string) string {
	if strings.HasPrefix(rule, "(") && strings.HasSuffix(rule, ")") && !strings.Contains(rule[1:len(rule)-1], "(") {
		return rule[1 : len(rule)-1]
	}
	return rule
}

func TestChannelsAreFollowedWithoutWords(t *testing.T) {
	b := brand(t, "Acme", "", "x/AcmeHelp", "@acme", "facebook/acme", "reddit/r/acme")
	r := Derive(X(1024, 1000), []query.Brand{b}, nil)
	for _, want := range []string{"from:acmehelp", "to:acmehelp", "from:acme OR"} {
		assert.Contains(t, r.Rules[0], want)
	}
	assert.Equal(t, []string{"acme", "r/acme"}, Channels("reddit", &b))
	assert.Empty(t, Derive(Reddit(), []query.Brand{b}, nil).Rules)
}

func TestShortRulesShareOne(t *testing.T) {
	var brands []query.Brand
	for i := range 200 {
		brands = append(brands, brand(t, fmt.Sprint("b", i), fmt.Sprintf("brand%d", i)))
	}
	r := Derive(X(1024, 1000), brands, []string{"own lang:de"})
	assert.Equal(t, "own lang:de", r.Rules[0])
	assert.Less(t, len(r.Rules), 15)
	assert.Empty(t, r.Lost)
	assert.NotEmpty(t, r.Notes)
	few := Derive(X(1024, 3), brands, nil)
	assert.Len(t, few.Rules, 3)
	require.Len(t, few.Lost, 1)
	assert.Contains(t, few.Lost[0].Why, "more than the 3 rules")
}

func TestWhatIsTooLongIsSplitOrWidened(t *testing.T) {
	var words []string
	for i := range 100 {
		words = append(words, fmt.Sprintf("word%d", i))
	}
	or := strings.Join(words, " OR ")
	r := Derive(X(256, 1000), []query.Brand{brand(t, "b", "acme AND ("+or+")")}, nil)
	assert.Empty(t, r.Lost)
	for _, rule := range r.Rules {
		require.LessOrEqual(t, len(rule), 256)
	}
	post := pipeline.Post{Text: "acme word99"}
	assert.True(t, slices.ContainsFunc(r.Rules, func(rule string) bool { return holds(rule, &post) }))
	long := `"` + strings.Join(words, " ") + `"`
	r = Derive(X(128, 10), []query.Brand{brand(t, "b", long)}, nil)
	require.NotEmpty(t, r.Rules)
	post.Text = strings.Join(words, " ")
	assert.True(t, holds(r.Rules[0], &post), "fewer words of a phrase match no less")
}

func FuzzDerive(f *testing.F) {
	f.Add(`acme OR "acme cloud"~5 NOT (pear AND title:x)`)
	f.Add(`(a OR (b AND (c OR d*))) AND author:x AND raw:"++"`)
	f.Add(`"“acme”" OR 微博 OR ☕ OR $acme`)
	f.Fuzz(func(t *testing.T, source string) {
		q, err := query.Parse(source)
		if err != nil {
			return
		}
		for _, d := range []Dialect{X(64, 20), Reddit()} {
			r := Derive(d, []query.Brand{{Name: "b", Query: q}}, nil)
			for _, rule := range r.Rules {
				require.LessOrEqual(t, utf8.RuneCountInString(rule), d.MaxLength)
				require.NotEmpty(t, strings.TrimSpace(rule))
			}
		}
	})
}
