package language

import (
	"slices"
	"strings"
	"unicode"
)

// Script is a writing system.
type Script uint8

// The scripts that are told apart. Those before FirstUnique are shared by several
// languages, which the tables tell apart.
const (
	NoScript Script = iota
	Latin
	Cyrillic
	Arabic
	Devanagari
	Han
	Kana
	Hangul
	FirstOther // of the scripts of one language each, in the order of others
)

// Scripts is how many scripts there are.
const Scripts = int(FirstOther) + 20

// other is a script that one language alone is written in.
type other struct {
	table *unicode.RangeTable
	code  string
}

// others are the scripts from FirstOther on, with the language that is written in each.
// Where a script serves several languages the one with the most speakers is named.
func others() []other {
	return []other{
		{unicode.Armenian, "hy"}, {unicode.Bengali, "bn"}, {unicode.Georgian, "ka"}, {unicode.Greek, "el"},
		{unicode.Gujarati, "gu"}, {unicode.Gurmukhi, "pa"}, {unicode.Hebrew, "he"}, {unicode.Tamil, "ta"},
		{unicode.Telugu, "te"}, {unicode.Thai, "th"}, {unicode.Ethiopic, "am"}, {unicode.Khmer, "km"},
		{unicode.Lao, "lo"}, {unicode.Myanmar, "my"}, {unicode.Sinhala, "si"}, {unicode.Malayalam, "ml"},
		{unicode.Kannada, "kn"}, {unicode.Oriya, "or"}, {unicode.Tibetan, "bo"}, {unicode.Thaana, "dv"},
	}
}

// Counted are languages in Latin letters that lingua-go has no statistics of (hi is
// romanised Hindi): theirs are counted in labelled posts.
const Counted = "ha hi ig om pcm rw"

// GroupCodes are the languages of the scripts from Latin on that several share: those of
// lingua-go 1.4.0, and the counted ones.
func GroupCodes() [groups]string {
	return [groups]string{
		"af az bs ca cs cy da de en eo es et eu fi fr ga hr hu id is it la lg lt lv mi ms nb nl nn pl pt ro sk sl sn so " +
			"sq st sv sw tl tn tr ts vi xh yo zu " + Counted,
		"be bg kk mk mn ru sr uk",
		"ar fa ur",
		"hi mr",
	}
}

// Codes are all languages that can be told, script by script; Hindi has two.
func Codes() []string {
	var out []string
	for _, g := range GroupCodes() {
		for code := range strings.FieldsSeq(g) {
			if !slices.Contains(out, code) {
				out = append(out, code)
			}
		}
	}
	out = append(out, "zh", "ja", "ko")
	for _, o := range others() {
		out = append(out, o.code)
	}
	return out
}

// tables of the first scripts, in their order.
func shared() []*unicode.RangeTable {
	return []*unicode.RangeTable{
		Latin: unicode.Latin, Cyrillic: unicode.Cyrillic, Arabic: unicode.Arabic, Devanagari: unicode.Devanagari,
		Han: unicode.Han, Hangul: unicode.Hangul,
	}
}

// letter is what is known of a character.
type letter struct {
	script Script
	code   uint8 // in its script's group; 0: a letter that no n-gram has
}

// letters is a table of the first plane; characters beyond it are Han or nothing.
type letters [1 << 16]letter

// newLetters fills the table. A capital has the code of its small letter.
func newLetters(groups []Group) *letters {
	t := &letters{}
	set := func(table *unicode.RangeTable, s Script) {
		for _, r := range table.R16 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				if unicode.IsLetter(c) {
					t[c].script = s
				}
			}
		}
	}
	for s, table := range shared() {
		if table != nil {
			set(table, Script(s))
		}
	}
	set(unicode.Hiragana, Kana)
	set(unicode.Katakana, Kana)
	t['ー'].script = Kana
	for i, o := range others() {
		set(o.table, FirstOther+Script(i))
	}
	for _, g := range groups {
		for i, r := range g.Letters {
			t[r].code = uint8(i + 1)
		}
		for c := range rune(len(t)) {
			if t[c].script != g.Script || t[c].code != 0 {
				continue
			}
			if small := unicode.ToLower(c); int(small) < len(t) {
				t[c].code = t[small].code
			}
		}
	}
	return t
}
