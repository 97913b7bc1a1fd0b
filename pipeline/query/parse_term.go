package query

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// term reads a word or phrase, or the value of the open field.
func (p *parser) term() (*node, error) {
	p.terms++
	if p.terms > MaxTerms {
		return nil, p.errorHere(fmt.Sprintf("the query has more than %d terms", MaxTerms), "", "make several brands of it")
	}
	if p.look.kind == lexWord {
		switch upper := p.look.text; {
		case upper == "OR" || upper == "AND" || upper == "NOT" || strings.HasPrefix(upper, "NEAR/"):
			return nil, p.errorHere("nothing stands before this "+upper, expectTerm,
				fmt.Sprintf("to find the word, quote it: %q", strings.ToLower(upper)))
		case p.field == "" && len(upper) > 1 && upper[0] == '-' && !isBlank(rune(upper[1])):
			return nil, p.errorHere(`"-" is not an operator`, expectTerm, "write NOT before what is excluded")
		case strings.Contains(upper, "~"):
			return nil, p.errorHere("~ stands without a phrase before it", `"…"~n`, `as in "acme cloud"~5`)
		}
	}
	n, err := p.leaf()
	if err != nil {
		return nil, err
	}
	n.at, n.end = p.look.at, p.look.end
	return n, nil
}

// leaf makes the node of the lexeme ahead.
func (p *parser) leaf() (*node, error) {
	fields := inWords
	switch p.field {
	case "":
	case "title":
		fields = inTitle
	case "hashtag", "mentions":
		return p.mark()
	case "raw":
		return p.rawLeaf()
	default:
		cond, err := p.condition()
		if err != nil {
			return nil, err
		}
		return &node{op: opField, cond: cond}, nil
	}
	if p.look.kind == lexPhrase && p.look.slop >= 0 {
		return p.window(fields)
	}
	t, err := p.words(p.look.text)
	if err != nil {
		return nil, err
	}
	return &node{op: opTerm, term: t, mask: fields}, nil
}

// mark reads hashtag:acme and mentions:acme as #acme and @acme.
func (p *parser) mark() (*node, error) {
	sign := "#"
	if p.field == "mentions" {
		sign = "@"
	}
	if p.look.kind == lexExact {
		return nil, p.errorHere("the case of a hashtag or handle says nothing", "the name", "")
	}
	t := steps(p.scan, sign+strings.TrimLeft(p.look.text, "#@＃＠"), true, false)
	if len(t) == 0 {
		return nil, p.errorHere("there is nothing to look for in this term", "the name of a hashtag or handle", "")
	}
	if err := p.checkSigil(t, sign[0]); err != nil {
		return nil, err
	}
	return &node{op: opTerm, term: t, mask: inWords}, p.checkPatterns(t)
}

func (p *parser) rawLeaf() (*node, error) {
	if p.look.kind != lexPhrase || strings.TrimSpace(p.look.text) == "" || p.look.slop >= 0 {
		return nil, p.errorHere("raw: needs characters in quotes", `raw:"…"`, `as in raw:"C++"`)
	}
	if err := p.countPattern(); err != nil {
		return nil, err
	}
	return &node{op: opRaw, raw: p.look.text, mask: inWords}, nil
}

// words cuts a term into its tokens and checks them.
func (p *parser) words(text string) (term, error) {
	exact := p.look.kind == lexExact
	t := steps(p.scan, text, !exact, exact)
	if len(t) == 0 {
		return nil, p.errorHere("there is nothing to look for in this term", "letters, digits, emoji or one of & + $ %",
			`exact characters are found by raw:"…"`)
	}
	if p.look.kind == lexWord {
		first, _ := utf8.DecodeRuneInString(text)
		if sign := narrow(first); sign == '#' || sign == '@' {
			if err := p.checkSigil(t, byte(sign)); err != nil {
				return nil, err
			}
		}
	}
	if !exact {
		if err := p.checkStars(text, t); err != nil {
			return nil, err
		}
	}
	return t, p.checkPatterns(t)
}

// checkStars refuses a * behind a single character of a script without spaces, or between
// two of them: steps leaves it out, since whatever follows a character follows it anyway.
func (p *parser) checkStars(text string, t term) error {
	fixed := 0
	for _, st := range t {
		fixed += st.fixed()
	}
	before := rune(0)
	for i, r := range text {
		if narrow(r) == '*' && isChar(before) {
			next, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
			switch {
			case isChar(next):
				return p.errorHere("* stands inside a word", "* at the end of the word", "use ? for one character")
			case fixed < 2:
				return p.errorHere("too few characters stand before *", "at least 3 (2 in Chinese, Japanese and Thai)", "write more of the word")
			}
		}
		before = r
	}
	return nil
}

// checkPatterns refuses wildcards that would match nearly everything.
func (p *parser) checkPatterns(t term) error {
	fixed := 0
	for _, st := range t {
		fixed += st.fixed()
	}
	for _, st := range t {
		if !st.pattern {
			continue
		}
		if err := p.countPattern(); err != nil {
			return err
		}
		star := strings.IndexByte(st.key, '*')
		switch {
		case star >= 0 && star < len(st.key)-1:
			return p.errorHere("* stands inside a word", "* at the end of the word", "use ? for one character")
		case star >= 0 && fixed < 3:
			return p.errorHere("too few characters stand before *", "at least 3 (2 in Chinese, Japanese and Thai)", "write more of the word")
		case st.kind != charToken && fixed < 2:
			return p.errorHere("too few characters stand beside ?", "at least 2", "write more of the word")
		}
	}
	if t[0].pattern && t[0].kind == charToken || len(t) > 0 && strings.Trim(t[0].key, "?") == "" {
		return p.errorHere("? stands before the first character", "a character first", "")
	}
	return nil
}

func (p *parser) countPattern() error {
	p.patterns++
	if p.patterns > maxPatterns {
		return p.errorHere(fmt.Sprintf("the query has more than %d wildcards and raw terms", maxPatterns), "", "make several brands of it")
	}
	return nil
}

// window reads "…"~n: each word between blanks is a unit.
func (p *parser) window(fields mask) (*node, error) {
	out := &node{op: opWindow, n: p.look.slop, mask: fields}
	for _, word := range strings.FieldsFunc(p.look.text, isBlank) {
		t, err := p.words(word)
		if err != nil {
			return nil, err
		}
		out.kids = append(out.kids, &node{op: opTerm, term: t, mask: fields, at: p.look.at, end: p.look.end})
	}
	if len(out.kids) < 2 {
		return nil, p.errorHere("a single word has no distance to itself", "two words or more", "")
	}
	if len(out.kids) > maxUnits {
		return nil, p.errorHere(fmt.Sprintf("more than %d words stand before ~", maxUnits), "", "use AND")
	}
	return out, nil
}
