package query

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
)

// tokenKind says how a token stands to its neighbours.
type tokenKind uint8

const (
	wordToken   tokenKind = iota
	charToken             // a character of a script without spaces
	symbolToken           // a sign that means something: & + $ %, currencies, emoji
)

// scanner cuts a text into tokens. Queries and posts go through the same one, so that
// what looks equal to the analyst is equal to the engine.
type scanner struct {
	fold    *folder
	iter    *words.Iterator[string]
	text    string
	pos     int
	segment int // end of the UAX #29 word that is being cut up

	// The current token.
	kind       tokenKind
	begin, end int
	folded     []byte

	// The last #hashtag or @handle begun. The token belongs to it if begin < sigil.end.
	sigil struct {
		begin, end int
		folded     []byte // with its # or @
	}
}

func newScanner() *scanner {
	fold := newFolder()
	fold.known = newFoldedWords()
	return &scanner{fold: fold, iter: words.FromString("")}
}

// reset begins a text. A mark of # or @ makes it a hashtag or handle as the platform
// marks them, without the sign; 0 is plain text.
func (s *scanner) reset(text string, mark byte) {
	s.text, s.pos, s.segment, s.end = text, 0, 0, -1
	s.kind = wordToken
	s.sigil.begin, s.sigil.end = 0, 0
	if mark != 0 {
		s.openSigil(mark, 0)
	}
}

// next moves to the next token.
func (s *scanner) next() bool {
	for s.pos < len(s.text) {
		if s.pos < s.segment {
			if s.atom() {
				return true
			}
			continue
		}
		r, n := rune(s.text[s.pos]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s.text[s.pos:])
			r = narrow(r)
		}
		folded := s.fold.simple(r)
		switch {
		case folded > 0:
			if s.run() {
				return true
			}
		case r == '#' || r == '@':
			s.openSigil(byte(r), n)
			s.pos += n
		case r < utf8.RuneSelf && isSymbol(r):
			if strings.HasPrefix(s.text[s.pos:], "&amp;") {
				n = len("&amp;") // exports of some platforms escape it
			}
			s.begin, s.end, s.kind = s.pos, s.pos+n, symbolToken
			s.folded = append(s.folded[:0], byte(r))
			s.pos = s.end
			return true
		case folded == breakRune:
			s.pos += n
		case isChar(r) && (foldsToItself(r) || !unicode.Is(unicode.M, r)):
			s.char(n)
			return true
		default:
			if s.openSegment() {
				return true
			}
		}
	}
	return false
}

// run reads a word of simple runes. If it meets one that is not, the word is read again
// by the rules of UAX #29.
func (s *scanner) run() bool {
	begin, i := s.pos, s.pos
	text, table, out := s.text, s.fold.table, s.folded[:0]
	for i < len(text) {
		c := text[i]
		if c < utf8.RuneSelf {
			if low := table[c]; low > 0 {
				out = append(out, byte(low))
			} else if pointInFigure(text, i, begin) {
				out = append(out, c)
			} else {
				break
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		folded := s.fold.simple(r)
		if folded == breakRune || folded == complexRune && endsRun(r) {
			break
		}
		if folded == complexRune {
			return s.openSegment()
		}
		out = utf8.AppendRune(out, folded)
		i += n
	}
	s.pos, s.folded = i, out
	s.word(begin, i)
	return true
}

// openSegment finds the end of the UAX #29 segment at pos. It reports whether that is a
// token already; a word remains to be cut up by atom.
func (s *scanner) openSegment() bool {
	s.iter.SetText(s.text[s.pos:])
	if !s.iter.Next() {
		s.pos = len(s.text)
		return false
	}
	segment := s.iter.Value()
	end := s.pos + len(segment)
	r, n := utf8.DecodeRuneInString(segment)
	switch {
	case isWordRune(r):
		s.segment = end
		return false
	case isSymbol(narrow(r)):
		s.kind, s.begin, s.end = symbolToken, s.pos, end
		s.folded = s.fold.append(s.folded[:0], segment)
		s.pos = end
		return true
	default:
		s.pos += n // what follows may be a word, as after an invisible character
		return false
	}
}

// atom reads the next token inside a segment; false if nothing but marks was left.
func (s *scanner) atom() bool {
	begin, i := s.pos, s.pos
	for i < s.segment {
		r, n := utf8.DecodeRuneInString(s.text[i:])
		if isChar(r) && !unicode.Is(unicode.M, r) {
			if i == begin {
				s.char(n)
				return true
			}
			break
		}
		if !isWordRune(r) && !pointInFigure(s.text, i, begin) {
			break
		}
		i += n
	}
	if i == begin {
		_, n := utf8.DecodeRuneInString(s.text[i:])
		s.pos += n
		return false
	}
	s.pos = i
	s.folded = s.fold.append(s.folded[:0], s.text[begin:i])
	if len(s.folded) == 0 {
		return false
	}
	s.word(begin, i)
	return true
}

// char reads a character of a script without spaces, which is n bytes long, and the
// marks on it.
func (s *scanner) char(n int) {
	begin, i := s.pos, s.pos+n
	for i < len(s.text) && s.text[i] >= utf8.RuneSelf {
		r, n := utf8.DecodeRuneInString(s.text[i:])
		if !clings(r) {
			break
		}
		i += n
	}
	s.kind, s.begin, s.end, s.pos = charToken, begin, i, i
	s.folded = s.fold.append(s.folded[:0], s.text[begin:i])
}

// word sets the current token to a word without the underscores around it, unless it
// is made of nothing else.
func (s *scanner) word(begin, end int) {
	s.kind, s.begin, s.end = wordToken, begin, end
	if s.folded[0] != '_' && s.folded[len(s.folded)-1] != '_' {
		return
	}
	trimmed := bytes.Trim(s.folded, "_")
	if len(trimmed) == len(s.folded) || len(trimmed) == 0 {
		return
	}
	if first, _ := utf8.DecodeRune(trimmed); unicode.Is(unicode.M, first) {
		return // an underscore may carry a mark
	}
	source := s.text[begin:end]
	s.begin += len(source) - len(strings.TrimLeft(source, underscores))
	s.end -= len(source) - len(strings.TrimRight(source, underscores))
	s.folded = append(s.folded[:0], trimmed...)
}

const underscores = "_\uff3f"

// openSigil notes a #hashtag or @handle whose sign at pos is n bytes long, if that is
// what stands there: not in the middle of a word, and not the # that closes "#tag#".
func (s *scanner) openSigil(mark byte, n int) {
	if n > 0 && s.pos == s.end && s.kind != charToken ||
		n > 0 && mark == '#' && s.sigil.end == s.pos && s.sigil.end > s.sigil.begin {
		return
	}
	begin, end := s.pos+n, s.pos+n
	for end < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[end:])
		if s.fold.simple(r) <= 0 && !isWordRune(r) {
			break
		}
		end += size
	}
	if begin == end {
		return
	}
	s.sigil.begin, s.sigil.end = s.pos, end
	s.sigil.folded = s.fold.append(append(s.sigil.folded[:0], mark), s.text[begin:end])
}

// inSigil reports whether the current token belongs to the last #hashtag or @handle.
func (s *scanner) inSigil() bool {
	return s.begin >= s.sigil.begin && s.begin < s.sigil.end
}

// pointInFigure reports whether the point or comma at i stands between two digits of
// the word that began at begin.
func pointInFigure(s string, i, begin int) bool {
	return (s[i] == '.' || s[i] == ',') && i > begin && isDigit(s[i-1]) && i+1 < len(s) && isDigit(s[i+1])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// narrow maps a full-width form of an ASCII character to that character.
func narrow(r rune) rune {
	if r >= 0xff01 && r <= 0xff5e {
		if plain := r - 0xfee0; asciiEntry(plain) == breakRune {
			return plain
		}
	}
	return r
}

func isWordRune(r rune) bool {
	return !isPicture(r) && unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc, unicode.Cf)
}

// isChar reports whether r belongs to a script that is written without spaces.
func isChar(r rune) bool {
	switch {
	case r < 0x0e00 || isHangul(r) || isPicture(r):
		return false
	case r >= 0x4e00 && r <= 0x9fff:
		return true
	case r >= 0x3040 && r <= 0x30ff, r >= 0x31f0 && r <= 0x31ff, r >= 0xff66 && r <= 0xff9f:
		return true // Hiragana and Katakana with the marks that they share
	default:
		return unicode.In(r, unicode.Han, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
	}
}

// clings reports whether r is a mark of the character before it.
func clings(r rune) bool {
	return !foldsToItself(r) &&
		(unicode.In(r, unicode.M, unicode.Cf) || r == 0xff9e || r == 0xff9f) // half-width voicing
}

// isSymbol reports whether r is a token by itself. Signs that only decorate a name
// (™, ®) are not, nor is what replaces broken text.
func isSymbol(r rune) bool {
	switch r {
	case '&', '+', '$', '%':
		return true
	case '©', '®', '™', '℠', '°', '¦', utf8.RuneError:
		return false
	default:
		return r >= utf8.RuneSelf && unicode.In(r, unicode.Sc, unicode.So)
	}
}

// endsRun reports whether r surely begins another UAX #29 segment, though the table does
// not know it.
func endsRun(r rune) bool {
	return r >= 0x2600 && r <= 0x27bf || r >= 0x3040 && r <= 0x3096 ||
		r >= 0x4e00 && r <= 0x9fff || r >= 0x1f000 && r <= 0x1faff && !isSkinTone(r)
}
