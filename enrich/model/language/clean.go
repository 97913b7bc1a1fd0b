package language

import (
	"unicode"
	"unicode/utf8"
)

// passOver says how many bytes at a sign are no words of the writer: handles, entities of
// HTML, escapes. It reports whether a hashtag begins.
func passOver(text string, sign rune) (skip int, tag bool) {
	switch sign {
	case '#', '＃':
		return 0, true
	case '@', '＠':
		skip = utf8.RuneLen(sign)
		for _, r := range text[skip:] {
			if !inHandle(r) {
				break
			}
			skip += utf8.RuneLen(r)
		}
	case '&': // &amp; &quot; &#39;
		for i := 1; i < len(text) && i < 8; i++ {
			switch c := text[i]; {
			case c == ';':
				return i + 1, false
			case c != '#' && c|0x20 < 'a' || c|0x20 > 'z':
				return 0, false
			}
		}
	case '\\': // \u2019, \n
		if len(text) >= 6 && text[1] == 'u' {
			return 6, false
		}
		return min(2, len(text)), false
	}
	return skip, false
}

func inHandle(r rune) bool {
	if r < utf8.RuneSelf {
		return r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-' || r == '@'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r))
}

// address reports whether a web address begins here.
func address(text string) bool {
	return hasFold(text, "http://") || hasFold(text, "https://") || hasFold(text, "www.")
}

func hasFold(text, prefix string) bool {
	if len(text) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != prefix[i] {
			return false
		}
	}
	return true
}

// untilSpace is the length of what stands before the next white space.
func untilSpace(text string) int {
	for i, r := range text {
		if unicode.IsSpace(r) {
			return i
		}
	}
	return len(text)
}
