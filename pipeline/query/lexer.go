package query

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexKind is the sort of a lexeme.
type lexKind uint8

const (
	lexEnd lexKind = iota
	lexOpen
	lexClose
	lexWord   // up to a space, quote or bracket, with its # or @
	lexPhrase // what stands between double quotes
	lexExact  // what stands between braces
	lexField  // name: right before its value
)

// lexeme is a piece of the source; text excludes quotes, braces and the colon; at and
// end include them.
type lexeme struct {
	kind    lexKind
	text    string
	slop    int // of a phrase: n of ~n, or -1
	at, end int
}

// lexer cuts the source of a query into lexemes.
type lexer struct {
	source string
	pos    int
	value  bool // a field's name was read: its value may hold colons
}

func (l *lexer) next() (lexeme, error) {
	value := l.value
	l.value = false
	at := l.pos
	l.skipSpace()
	if value && l.pos > at {
		return lexeme{}, errorAt(l.source, at, "a space stands where the field's value should", "the value right behind the colon", "")
	}
	at = l.pos
	if at == len(l.source) {
		return lexeme{kind: lexEnd, at: at, end: at}, nil
	}
	r, n := l.peek()
	switch {
	case r == '(' || r == ')':
		l.pos += n
		kind := lexOpen
		if r == ')' {
			kind = lexClose
		}
		return lexeme{kind: kind, at: at, end: l.pos}, nil
	case isQuote(r):
		return l.phrase(at, n)
	case r == '{':
		return l.exact(at, n)
	default:
		return l.word(at, value), nil
	}
}

func (l *lexer) skipSpace() {
	for l.pos < len(l.source) {
		r, n := l.peek()
		if !isBlank(r) {
			return
		}
		l.pos += n
	}
}

// peek reads a character; full-width forms read as plain ones, so that a query can be
// pasted from anywhere.
func (l *lexer) peek() (rune, int) {
	r, n := utf8.DecodeRuneInString(l.source[l.pos:])
	return narrow(r), n
}

func (l *lexer) phrase(at, n int) (lexeme, error) {
	text, ok := l.until(n, isQuote)
	if !ok {
		return lexeme{}, errorAt(l.source, at, "this quote is never closed", `a closing "`, "")
	}
	out := lexeme{kind: lexPhrase, text: text, slop: -1, at: at}
	if r, n := l.peek(); r == '~' {
		l.pos += n
		begin := l.pos
		for l.pos < len(l.source) {
			r, n := l.peek()
			if r < '0' || r > '9' {
				break
			}
			l.pos += n
		}
		slop, err := strconv.Atoi(plain(l.source[begin:l.pos]))
		if err != nil || slop > MaxNear {
			return lexeme{}, errorAt(l.source, begin, "no distance follows ~",
				"a number of words up to "+strconv.Itoa(MaxNear), `as in "acme cloud"~5`)
		}
		out.slop = slop
	}
	out.end = l.pos
	return out, nil
}

func (l *lexer) exact(at, n int) (lexeme, error) {
	text, ok := l.until(n, func(r rune) bool { return r == '}' })
	if !ok {
		return lexeme{}, errorAt(l.source, at, "this brace is never closed", "a closing }", "")
	}
	return lexeme{kind: lexExact, text: text, at: at, end: l.pos}, nil
}

// until skips an opening mark of n bytes and reads up to a closing one.
func (l *lexer) until(n int, closes func(rune) bool) (string, bool) {
	l.pos += n
	begin := l.pos
	for l.pos < len(l.source) {
		r, n := l.peek()
		l.pos += n
		if closes(r) {
			return l.source[begin : l.pos-n], true
		}
	}
	return "", false
}

func (l *lexer) word(at int, value bool) lexeme {
	letters := !value // only letters so far: a colon makes it a field's name
	for l.pos < len(l.source) {
		r, n := l.peek()
		if isBlank(r) || isQuote(r) || r == '(' || r == ')' || r == '{' || r == '}' && l.pos > at {
			break
		}
		l.pos += n
		if r == ':' && letters && l.pos-n > at {
			l.value = true
			return lexeme{kind: lexField, text: strings.ToLower(l.source[at : l.pos-n]), at: at, end: l.pos}
		}
		letters = letters && (unicode.IsLetter(r) || r == '_')
	}
	return lexeme{kind: lexWord, text: l.source[at:l.pos], at: at, end: l.pos}
}

// plain writes full-width forms of ASCII as ASCII.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0xff01 && r <= 0xff5e {
			return r - 0xfee0
		}
		return r
	}, s)
}

// isBlank reports whether r separates lexemes; also the invisible ones that come along
// when a query is pasted.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' }

// isQuote reports whether r is a double quote of any typography.
func isQuote(r rune) bool { return strings.ContainsRune("\"“”„‟«»〝〞〟", r) }
