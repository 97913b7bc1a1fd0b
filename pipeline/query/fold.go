package query

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// tableEnd bounds the table of simple runes: it spans the alphabets from Latin-1 to
// General Punctuation and Number Forms.
const tableEnd = 0x2500

// Entries of the table beside a folded rune.
const (
	complexRune = 0  // folds to none or several runes, or depends on its neighbours
	breakRune   = -1 // punctuation or space: ends a word and is no token
)

// folder makes equal what a reader takes for the same word: NFKC, case folding, no
// accents. The table answers for one rune at a time; what depends on its neighbours goes
// through the buffers. It is not safe for concurrent use.
type folder struct {
	table      *[tableEnd]rune
	fold       cases.Caser
	work, next []byte
	known      *foldedWords // nil: none are kept
}

func newFolder() *folder { return &folder{table: foldTable(), fold: cases.Fold()} }

// foldTable is a constant that takes a few milliseconds to compute.
var foldTable = sync.OnceValue(func() *[tableEnd]rune {
	f := &folder{table: new([tableEnd]rune), fold: cases.Fold()}
	for r := range rune(tableEnd) {
		f.table[r] = f.entry(r)
	}
	return f.table
})

func (f *folder) entry(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		return asciiEntry(r)
	case unicode.IsLetter(r) && !isChar(r) && !isJamo(r):
		folded := f.slow(nil, string(r))
		one, n := utf8.DecodeRune(folded)
		if n == len(folded) && unicode.IsLetter(one) {
			return one
		}
	case unicode.IsSpace(r), unicode.IsPunct(r) && !unicode.Is(unicode.Pc, r):
		return breakRune
	}
	return complexRune
}

func asciiEntry(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z':
		return r + 'a' - 'A'
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_':
		return r
	default:
		return breakRune
	}
}

// simple returns r folded if it is a letter, digit or underscore that folds by itself,
// else breakRune or complexRune.
func (f *folder) simple(r rune) rune {
	if r < tableEnd {
		return f.table[r]
	}
	return complexRune
}

// append adds s, folded, to dst.
func (f *folder) append(dst []byte, s string) []byte {
	begin := len(dst)
	for _, r := range s {
		folded := f.simple(r)
		if folded == complexRune && foldsToItself(r) {
			folded = r
		}
		if folded <= 0 {
			return f.known.recall(f, dst[:begin], s)
		}
		dst = utf8.AppendRune(dst, folded)
	}
	return dst
}

// slow folds by decomposing (NFKD), dropping accents, folding case and composing (NFC).
func (f *folder) slow(dst []byte, s string) []byte {
	if norm.NFKD.QuickSpanString(s) == len(s) { // else it allocates
		f.work = append(f.work[:0], s...)
	} else {
		f.work = norm.NFKD.AppendString(f.work[:0], s)
	}
	f.next = dropAccents(f.next[:0], f.work)
	if need := 3 * len(f.next); cap(f.work) < need { // no fold is longer than three times
		f.work = make([]byte, need)
	}
	f.work = f.work[:cap(f.work)]
	f.fold.Reset()
	n, _, err := f.fold.Transform(f.work, f.next, true)
	if err != nil { // cannot happen with room for every fold; equal input stays equal
		return append(dst, s...)
	}
	if norm.NFC.QuickSpan(f.work[:n]) == n {
		return append(dst, f.work[:n]...)
	}
	return norm.NFC.Append(dst, f.work[:n]...)
}

// dropAccents adds the decomposed text without what folding ignores: accents, marks of
// presentation and invisible characters.
func dropAccents(dst, decomposed []byte) []byte {
	base := rune(0)
	for i := 0; i < len(decomposed); {
		r, n := utf8.DecodeRune(decomposed[i:])
		switch {
		case unicode.Is(unicode.Cf, r) || r == tatweel || base != 0 && isSkinTone(r):
		case unicode.Is(unicode.M, r):
			if !ignoredMark(base, r) {
				dst = append(dst, decomposed[i:i+n]...)
			}
		default:
			base = r
			if spelled := spell(r); spelled != "" {
				dst = append(dst, spelled...)
			} else {
				dst = utf8.AppendRune(dst, oneCase(r))
			}
		}
		i += n
	}
	return dst
}

const tatweel = 'ـ' // stretches Arabic words, says nothing

// ignoredMark reports whether a mark on base is an accent that a reader may leave out.
// In other scripts (Devanagari, Kana, Thai) marks tell words apart and stay.
func ignoredMark(base, mark rune) bool {
	switch {
	case unicode.Is(unicode.Variation_Selector, mark), mark == '\u20e3': // keycap
		return true
	case unicode.In(base, unicode.Latin, unicode.Greek, unicode.Arabic, unicode.Hebrew):
		return true
	case unicode.Is(unicode.Cyrillic, base):
		stress := mark == '\u0300' || mark == '\u0301'
		return stress || mark == '\u0308' && (base == 'е' || base == 'Е') // й and ї are letters
	default:
		return false
	}
}

// spell writes out Latin letters whose stroke or ligature Unicode does not decompose but
// readers leave out; "" for all others.
func spell(r rune) string {
	switch r {
	case 'ø', 'Ø':
		return "o"
	case 'ł', 'Ł':
		return "l"
	case 'đ', 'Đ':
		return "d"
	case 'ħ', 'Ħ':
		return "h"
	case 'ı':
		return "i"
	case 'æ', 'Æ':
		return "ae"
	case 'œ', 'Œ':
		return "oe"
	default:
		return ""
	}
}

// oneCase undoes what cases.Fold does wrong: it turns both cases of Cherokee round.
func oneCase(r rune) rune {
	if unicode.Is(unicode.Cherokee, r) {
		return unicode.ToLower(r)
	}
	return r
}

// foldsToItself answers at once for the many characters of East Asia, for Thai letters and for emoji.
func foldsToItself(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0x3041 && r <= 0x3096 || r >= 0x30a1 && r <= 0x30fa || isHangul(r) ||
		isPicture(r) && !isSkinTone(r) || r >= 0x0e01 && r <= 0x0e30 || r >= 0x0e40 && r <= 0x0e46
}

// isPicture reports whether r stands in the blocks of emoji, which hold nothing that is
// part of a word.
func isPicture(r rune) bool { return r >= 0x1f300 && r <= 0x1faff }

// isHangul reports whether r is a syllable of Korean, which is written with spaces.
func isHangul(r rune) bool { return r >= 0xac00 && r <= 0xd7a3 }

func isSkinTone(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }

// isJamo reports whether r composes with its neighbours to a Hangul syllable.
func isJamo(r rune) bool { return r >= 0x1100 && r <= 0x11ff }
