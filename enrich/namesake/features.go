package namesake

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"earshot/pipeline"
)

// maxText bounds what is read of a post, in bytes.
const maxText = 64 << 10

// word is a word of a text.
type word struct {
	folded string // lower case, without accents
	mark   byte   // '#' or '@' if it stands right before the word
	upper  bool   // all of it is upper case
	lower  bool   // none of it is upper case
}

// beginning is how many characters of a longer word make a feature of their own, so that
// "scored" and "scorer", or @spursofficial and #spurs, help each other.
const beginning = 4

// features are what a model sees of a post: its words and how the longer ones begin, its
// hashtags and handles, the words right before and after the name, and the case in which
// the name is written. Each counts once, in order of appearance.
func features(p *pipeline.Post, name map[string]bool) []string {
	seen := map[string]bool{}
	var out []string
	add := func(f string) {
		if !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	for _, text := range []string{p.Title, p.Text} {
		words := split(text)
		for i, w := range words {
			if !name[w.folded] {
				add(w.folded)
				if start, longer := firstOf(w.folded); longer {
					add(start + "*")
				}
				if w.mark != 0 {
					add(string(w.mark) + w.folded)
				}
				continue
			}
			add(caseOf(w))
			if i > 0 && !name[words[i-1].folded] {
				add(words[i-1].folded + " ~")
			}
			if i+1 < len(words) && !name[words[i+1].folded] {
				add("~ " + words[i+1].folded)
			}
		}
	}
	for _, tag := range p.Hashtags {
		add("#" + fold(strings.TrimPrefix(tag, "#")))
	}
	for _, handle := range p.Handles {
		add("@" + fold(strings.TrimPrefix(handle, "@")))
	}
	return out
}

// firstOf returns the first characters of a word, and whether it goes on.
func firstOf(folded string) (start string, longer bool) {
	n := 0
	for i := range folded {
		if n == beginning {
			return folded[:i], true
		}
		n++
	}
	return folded, false
}

func caseOf(w word) string {
	switch {
	case w.upper:
		return "~ in upper case"
	case w.lower:
		return "~ in lower case"
	default:
		return "~ in title case"
	}
}

// split cuts a text into words. Addresses are left out: their letters say nothing.
func split(text string) []word {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	var out []word
	for field := range strings.FieldsSeq(text) {
		if strings.Contains(field, "://") {
			continue
		}
		begin, mark := -1, byte(0)
		flush := func(end int) {
			if begin >= 0 {
				out = append(out, newWord(field[begin:end], mark))
			}
			begin, mark = -1, 0
		}
		for i, r := range field {
			switch {
			case unspaced(r):
				flush(i)
				out = append(out, newWord(string(r), 0))
			case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_':
				if begin < 0 {
					begin = i
				}
			default:
				flush(i)
				if r == '#' || r == '@' {
					mark = byte(r)
				}
			}
		}
		flush(len(field))
	}
	return out
}

// unspaced reports scripts that are written without spaces: each character is a word.
func unspaced(r rune) bool {
	return r > 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
}

func newWord(text string, mark byte) word {
	hasUpper := strings.ContainsFunc(text, unicode.IsUpper)
	return word{
		folded: fold(text),
		mark:   mark,
		upper:  hasUpper && !strings.ContainsFunc(text, unicode.IsLower),
		lower:  !hasUpper,
	}
}

// fold drops case, width and accents.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Thai, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}
