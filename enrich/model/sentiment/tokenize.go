package sentiment

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Names of what stands for a link and a handle.
var (
	linkHash   = hashString(seedWord, "http")
	handleHash = hashString(seedWord, "@user")
)

// tokenize cuts a text into tokens. Each word lies in x.text between two spaces.
func (x *Extractor) tokenize(text string) {
	x.text, x.tokens, x.long, x.shout, x.tags = append(x.text[:0], ' '), x.tokens[:0], 0, 0, 0
	for i := 0; i < len(text) && len(x.tokens) < maxTokens; {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r <= ' ' || r == utf8.RuneError || isVariation(r) || unicode.IsSpace(r):
			i += size
		case r == '@':
			end := i + size
			end += wordEnd(text[end:])
			if end == i+size {
				i = x.signs(text, i)
				continue
			}
			x.tokens = append(x.tokens, token{kind: kindFixed, hash: handleHash})
			i = end
		case r == '#':
			x.tags++
			i += size
			i += x.tag(text[i:])
		case (r == 'h' || r == 'H') && isLink(text[i:]):
			end := strings.IndexAny(text[i:], " \t\r\n")
			if end < 0 {
				end = len(text) - i
			}
			x.tokens = append(x.tokens, token{kind: kindFixed, hash: linkHash})
			i += end
		case isDense(r):
			i = x.run(text, i)
		case isWord(r):
			end := i + wordEnd(text[i:])
			x.word(text[i:end])
			i = end
		default:
			i = x.signs(text, i)
		}
	}
}

// isLink reports whether a link begins here; data sets leave a bare "http" of it.
func isLink(s string) bool {
	if len(s) < 4 || !strings.EqualFold(s[:4], "http") {
		return false
	}
	return len(s) == 4 || s[4] == ' ' || s[4] == ':' || strings.HasPrefix(s[4:], "s:")
}

// wordEnd is where the word that begins here ends; apostrophes belong to it.
func wordEnd(s string) int {
	end := 0
	for i, r := range s {
		if isWord(r) && !isDense(r) {
			end = i + utf8.RuneLen(r)
			continue
		}
		if (r == '\'' || r == '’') && i == end && i > 0 {
			continue
		}
		if i > end && end > 0 || !isWord(r) || isDense(r) {
			break
		}
	}
	return end
}

// tag reads a hashtag: as a whole, and cut at capitals. It returns its length.
func (x *Extractor) tag(text string) int {
	end := wordEnd(text)
	if end == 0 {
		return 0
	}
	tag := text[:end]
	begin, lower, parts := 0, false, 0
	for i, r := range tag {
		up := unicode.IsUpper(r) || r == '_'
		if up && lower && i > begin {
			x.word(strings.TrimLeft(tag[begin:i], "_"))
			begin = i
			parts++
		}
		lower = !up
	}
	if parts > 0 {
		x.word(strings.TrimLeft(tag[begin:], "_"))
	}
	x.word(tag)
	return end
}

// word adds a word: lower case, digits as 0, three or more of a letter as two.
func (x *Extractor) word(s string) {
	if s == "" {
		return
	}
	begin := len(x.text)
	capitals, letters, repeated, long := 0, 0, 0, false
	var last rune = -1
	for _, r := range s {
		letters++
		r = x.lex.fold(r, &capitals)
		if r < 0 {
			continue
		}
		if r == last {
			if repeated++; repeated >= 2 && r != '0' {
				long = true
				continue
			}
		} else {
			repeated = 0
		}
		last = r
		x.text = append(x.text, r)
	}
	end := len(x.text)
	if end == begin {
		return
	}
	x.text = append(x.text, ' ')
	if long {
		x.long++
	}
	if capitals > 2 && capitals == letters {
		x.shout++
	}
	x.tokens = append(x.tokens, token{begin: begin, end: end, kind: kindWord, hash: hashRunes(seedWord, x.text[begin:end])})
}

// latinEnd is where the blocks of Latin letters with marks end.
const latinEnd = 0x250

// plainLatin maps Latin letters with a mark to lower case without it: people leave marks
// out when they type, and related languages then share more of their words.
func plainLatin() (plain [latinEnd]rune) {
	for r := range rune(latinEnd) {
		lower := unicode.ToLower(r)
		if base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(lower))); base < utf8.RuneSelf {
			lower = base
		}
		plain[r] = lower
	}
	return plain
}

// fold brings a character to the form in which it counts; -1 leaves it out.
func (l *Lexicon) fold(r rune, capitals *int) rune {
	if r < utf8.RuneSelf {
		switch {
		case r >= 'A' && r <= 'Z':
			*capitals++
			return r + 'a' - 'A'
		case r >= '0' && r <= '9':
			return '0'
		}
		return r
	}
	if r < latinEnd {
		if unicode.IsUpper(r) {
			*capitals++
		}
		return l.plain[r]
	}
	switch {
	case r == '’':
		return '\''
	case r >= 0x64b && r <= 0x652, r == 0x640: // Arabic vowel signs, tatweel
		return -1
	case r == 'أ', r == 'إ', r == 'آ', r == 'ٱ':
		return 'ا'
	case r == 'ى', r == 'ی':
		return 'ي'
	case r == 'ة':
		return 'ه'
	case r == 'ک':
		return 'ك'
	}
	if lower := unicode.ToLower(r); lower != r {
		*capitals++
		return lower
	}
	if unicode.IsDigit(r) {
		return '0'
	}
	return r
}

// run adds a run of a script without spaces.
func (x *Extractor) run(text string, i int) int {
	begin := len(x.text)
	var last rune = -1
	repeated := 0
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !isDense(r) {
			break
		}
		i += size
		if r == last {
			if repeated++; repeated >= 2 {
				if repeated == 2 {
					x.long++
				}
				continue
			}
		} else {
			repeated = 0
		}
		last = r
		x.text = append(x.text, r)
	}
	x.tokens = append(x.tokens, token{begin: begin, end: len(x.text), kind: kindDense})
	x.text = append(x.text, ' ')
	return i
}

// signs adds a run of ASCII signs (an emoticon, "!!!", "...") or one other sign.
func (x *Extractor) signs(text string, i int) int {
	begin := len(x.text)
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r <= ' ' || r == '@' && len(x.text) > begin || r == '#' || isWord(r) || isDense(r) ||
			r >= utf8.RuneSelf && len(x.text) > begin {
			break
		}
		i += size
		if n := len(x.text); n-begin < 3 || x.text[n-1] != r {
			x.text = append(x.text, r)
		}
		if r >= utf8.RuneSelf || len(x.text)-begin > 7 {
			break
		}
	}
	end := len(x.text)
	x.tokens = append(x.tokens, token{begin: begin, end: end, kind: kindSign, hash: hashRunes(seedWord, x.text[begin:end])})
	x.text = append(x.text, ' ')
	return i
}
