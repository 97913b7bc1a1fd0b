package query

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a query's source.
const (
	MaxSource = 64 << 10 // bytes
	maxDepth  = 100      // brackets inside brackets
)

// Parse reads a query. Its errors are of type *Error.
func Parse(source string) (*Query, error) {
	if len(source) > MaxSource {
		return nil, errorAt(source[:MaxSource], 0, fmt.Sprintf("a query of %d bytes is too long", len(source)),
			fmt.Sprintf("at most %d", MaxSource), "make several brands of it")
	}
	if at := invalidUTF8(source); at >= 0 {
		return nil, errorAt(source, at, "this is not valid UTF-8", "", "save the file as UTF-8")
	}
	p := &parser{lexer: lexer{source: source}, scan: newScanner()}
	if err := p.advance(); err != nil {
		return nil, err
	}
	terms, err := p.anyOf(0)
	if err != nil {
		return nil, err
	}
	if p.look.kind == lexClose {
		return nil, p.errorHere("this bracket was never opened", "OR or the end of the query", "")
	}
	return newQuery(terms), nil
}

// parser is a recursive descent with one lexeme of look-ahead.
type parser struct {
	lexer
	look lexeme
	scan *scanner
}

func (p *parser) advance() (err error) {
	p.look, err = p.next()
	return err
}

func (p *parser) errorHere(problem, expected, mend string) *Error {
	return errorAt(p.source, p.look.at, problem, expected, mend)
}

// anyOf reads: part { OR part }.
func (p *parser) anyOf(depth int) ([]term, error) {
	var terms []term
	for {
		part, err := p.part(depth)
		if err != nil {
			return nil, err
		}
		terms = append(terms, part...)
		switch {
		case p.look.kind == lexEnd || p.look.kind == lexClose:
			return terms, nil
		case p.look.kind == lexWord && p.look.text == "OR":
			if err := p.advance(); err != nil {
				return nil, err
			}
		default:
			return nil, p.missingOperator()
		}
	}
}

// part reads: term | "(" anyOf ")".
func (p *parser) part(depth int) ([]term, error) {
	switch p.look.kind {
	case lexOpen:
		return p.brackets(depth)
	case lexWord, lexPhrase:
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		return []term{t}, p.advance()
	case lexClose:
		return nil, p.errorHere("nothing stands before this bracket", expectTerm, "")
	default:
		return nil, p.errorHere("the query ends where a term should stand", expectTerm, "")
	}
}

const expectTerm = `a word, a "phrase", an @handle, a #hashtag or a bracket`

func (p *parser) brackets(depth int) ([]term, error) {
	open := p.look
	if depth == maxDepth {
		return nil, p.errorHere(fmt.Sprintf("brackets are nested more than %d deep", maxDepth), "", "")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	terms, err := p.anyOf(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.look.kind != lexClose {
		return nil, errorAt(p.source, open.at, "this bracket is never closed", "a closing )", "")
	}
	return terms, p.advance()
}

// missingOperator tells what is wrong where an operator should stand.
func (p *parser) missingOperator() error {
	if p.look.kind == lexWord {
		if err := p.unsupported(); err != nil {
			return err
		}
		switch upper := strings.ToUpper(p.look.text); {
		case p.look.text != upper && slices.Contains([]string{"OR", "AND", "NOT"}, upper):
			return p.errorHere(fmt.Sprintf("%q between terms is not an operator", p.look.text), "OR",
				fmt.Sprintf("operators are upper case: write %s; or quote the words if they are a phrase", upper))
		case p.look.text == "|" || p.look.text == "||" || p.look.text == ",":
			return p.errorHere(fmt.Sprintf("%q is not an operator", p.look.text), "OR", "write OR")
		}
	}
	return p.errorHere("two terms stand side by side", "OR",
		`write OR between them, or put quotes around words that belong together ("play station")`)
}

// term reads a word or phrase.
func (p *parser) term() (term, error) {
	if p.look.kind == lexWord {
		if p.look.text == "OR" {
			return nil, p.errorHere("nothing stands before this OR", expectTerm, `to find the word, quote it: "or"`)
		}
		if err := p.unsupported(); err != nil {
			return nil, err
		}
	}
	t := p.steps(p.look.text)
	if len(t) == 0 {
		return nil, p.errorHere("there is nothing to look for in this term", "letters, digits, emoji or one of & + $ %", "")
	}
	if p.look.kind == lexWord {
		first, _ := utf8.DecodeRuneInString(p.look.text)
		if sign := narrow(first); sign == '#' || sign == '@' {
			return t, p.checkSigil(t, byte(sign))
		}
	}
	return t, nil
}

// checkSigil refuses a hashtag that goes on after a mark that no hashtag can hold.
func (p *parser) checkSigil(t term, sign byte) error {
	if t[0].key[0] != sign || len(t[0].key) < 2 {
		return p.errorHere(fmt.Sprintf("no name follows %q", sign), "letters, digits or _ right behind it", "")
	}
	if sign == '#' && len(t) > 1 {
		return p.errorHere("a hashtag ends at the first mark other than _", "letters, digits and _ alone",
			"write "+t[0].key+", or quote the words")
	}
	return nil
}

// steps cuts the text of a term into the tokens to be found one after the other.
func (p *parser) steps(text string) term {
	var t term
	s := p.scan
	s.reset(text, 0)
	prev := struct { // what the last step covers
		end   int
		kind  tokenKind
		sigil bool
	}{}
	for s.next() {
		begin, end, key, sigil := s.begin, s.end, s.folded, s.inSigil()
		if sigil {
			begin, end, key = s.sigil.begin, s.sigil.end, s.sigil.folded
			if prev.sigil && begin < prev.end {
				continue // a further character of the same hashtag
			}
		}
		st := step{key: string(key), kind: s.kind}
		if len(t) > 0 {
			st.gap = gapOf(text[prev.end:begin], prev.kind, s.kind)
		}
		t = append(t, st)
		prev.end, prev.kind, prev.sigil = end, s.kind, sigil
	}
	return t
}

func invalidUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

// form is a form of the language that this version refuses by name.
type form struct {
	pattern *regexp.Regexp
	name    string
}

// laterForms are tried in this order on a word as it stands in the source.
func laterForms() []form {
	return []form{
		{regexp.MustCompile(`^(AND|&&)$`), "AND"},
		{regexp.MustCompile(`^(NOT$|-[\pL\pN])`), "NOT"},
		{regexp.MustCompile(`^NEAR(/|$)`), "NEAR"},
		{regexp.MustCompile(`^~`), `proximity ("…"~n)`},
		{regexp.MustCompile(`[{}]`), "exact case ({…})"},
		{regexp.MustCompile(`^raw:`), `exact characters (raw:"…")`},
		{regexp.MustCompile(`(?i)^(hashtag|mentions|links|title|author|authorname|site|url|platform|source|kind|` +
			`lang|country|region|city|followers|likes|rating|verified|categories|channels|` +
			`sentiment|aspect|intent|emotion):`), "a field (name:value)"},
		{regexp.MustCompile(`[*?]`), "wildcards (* and ?)"},
	}
}

var unknownField = regexp.MustCompile(`^([\pL_]+):`)

// unsupported returns an error if the word is a form that this version does not know.
func (p *parser) unsupported() error {
	word := p.look.text
	for _, f := range laterForms() {
		if place := f.pattern.FindStringIndex(word); place != nil {
			return errorAt(p.source, p.look.at+place[0], "not yet supported: "+f.name,
				"words, phrases, @handles and #hashtags joined by OR", "")
		}
	}
	if field := unknownField.FindStringSubmatch(word); field != nil {
		return p.errorHere(fmt.Sprintf("unknown field %q", field[1]), "a word without a colon",
			fmt.Sprintf("to find the words, quote them: %q", word))
	}
	return nil
}
