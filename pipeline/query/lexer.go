package query

import (
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
)

// lexeme is a piece of the source; text excludes quotes, at and end include them.
type lexeme struct {
	kind    lexKind
	text    string
	at, end int
}

// lexer cuts the source of a query into lexemes.
type lexer struct {
	source string
	pos    int
}

func (l *lexer) next() (lexeme, error) {
	l.skipSpace()
	at := l.pos
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
	default:
		return l.word(at), nil
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
	l.pos += n
	begin := l.pos
	for l.pos < len(l.source) {
		r, n := l.peek()
		if isQuote(r) {
			text := l.source[begin:l.pos]
			l.pos += n
			return lexeme{kind: lexPhrase, text: text, at: at, end: l.pos}, nil
		}
		l.pos += n
	}
	return lexeme{}, errorAt(l.source, at, "this quote is never closed", `a closing "`, "")
}

func (l *lexer) word(at int) lexeme {
	for l.pos < len(l.source) {
		r, n := l.peek()
		if isBlank(r) || isQuote(r) || r == '(' || r == ')' {
			break
		}
		l.pos += n
	}
	return lexeme{kind: lexWord, text: l.source[at:l.pos], at: at, end: l.pos}
}

// isBlank reports whether r separates lexemes; also the invisible ones that come along
// when a query is pasted.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' }

// isQuote reports whether r is a double quote of any typography.
func isQuote(r rune) bool { return strings.ContainsRune("\"“”„‟«»〝〞〟", r) }
