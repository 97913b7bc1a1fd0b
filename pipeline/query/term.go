package query

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// term is a word, phrase, handle or hashtag: tokens that follow one another.
type term []step

// step is one token of a term.
type step struct {
	key     string // folded; of a hashtag or handle with its sign; of a pattern with * and ?
	exact   string // as written, where case and accents count; else empty
	pattern bool   // key holds * or ?
	kind    tokenKind
	gap     gap // what may stand between the step before and this one
}

// gap bounds what may stand between two tokens of a term.
type gap uint8

const (
	anyGap  gap = iota // whatever is no token
	nearGap            // at most one character: L'Oréal, 7-Eleven, AT&T
	noGap              // nothing: characters of a word in a script without spaces
)

// gapOf derives the gap from what stands between two tokens in the query.
func gapOf(between string, before, after tokenKind) gap {
	switch {
	case between == "" && before == charToken && after == charToken:
		return noGap
	case strings.ContainsFunc(between, isBlank):
		return anyGap
	default:
		return nearGap
	}
}

// Letters that stand for * and ? while a term is cut into tokens: they are simple
// letters, so that a pattern stays one token.
const (
	starLetter = "ǀ"
	anyLetter  = "ǁ"
)

// steps cuts the text of a term into the tokens to be found one after the other.
func steps(s *scanner, text string, wild, exact bool) term {
	var t term
	wild = wild && strings.ContainsAny(text, "*?＊？")
	if wild {
		text = strings.NewReplacer("*", starLetter, "?", anyLetter, "＊", starLetter, "？", anyLetter).Replace(text)
	}
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
		if exact {
			st.exact = text[begin:end]
		}
		if wild && strings.ContainsAny(st.key, starLetter+anyLetter) {
			st.pattern = true
			st.key = strings.NewReplacer(starLetter, "*", anyLetter, "?").Replace(st.key)
			glued := len(t) > 0 && prev.kind == charToken && begin == prev.end
			if st.key == "*" && glued {
				continue // whatever follows a character follows it anyway
			}
			if strings.Trim(st.key, "?") == "" && glued {
				for range len(st.key) {
					t = append(t, step{key: "?", pattern: true, kind: charToken, gap: noGap})
				}
				prev.end, prev.kind = end, charToken
				continue
			}
		}
		t = append(t, st)
		prev.end, prev.kind, prev.sigil = end, s.kind, sigil
	}
	return t
}

// fixed counts the characters of a pattern that are given, without its sign.
func (st step) fixed() int {
	n := 0
	for _, r := range strings.TrimLeft(st.key, "#@") {
		if r != '*' && r != '?' {
			n++
		}
	}
	return n
}

// matches reports whether the folded token fits the pattern.
func (st step) matches(token []byte) bool {
	p := st.key
	for p != "" {
		r, n := utf8.DecodeRuneInString(p)
		switch {
		case r == '*':
			return true // it stands at the end alone
		case len(token) == 0:
			return false
		case r == '?':
			_, size := utf8.DecodeRune(token)
			token = token[size:]
		case len(token) < n || string(token[:n]) != p[:n]:
			return false
		default:
			token = token[n:]
		}
		p = p[n:]
	}
	return len(token) == 0
}

// canonical writes the term such that it reads as the same term again.
func (t term) canonical() string {
	body := t.body()
	switch {
	case t[0].exact != "":
		return "{" + body + "}"
	case t.isSigil():
		return body
	default:
		return `"` + body + `"`
	}
}

func (t term) body() string {
	var b strings.Builder
	for i, st := range t {
		if i > 0 {
			b.WriteString(joint(t[i-1], st))
		}
		if st.exact != "" {
			b.WriteString(st.exact)
		} else {
			b.WriteString(st.key)
		}
	}
	return b.String()
}

func joint(before, after step) string {
	switch {
	case after.gap == anyGap:
		return " "
	case after.gap == noGap, before.kind != after.kind && !before.isSigil():
		return "" // no mark is needed to tell them apart
	default:
		return "-"
	}
}

// isSigil reports whether the whole term can be written as one #hashtag or @handle.
func (t term) isSigil() bool {
	if !t[0].isSigil() || t[0].key[0] == '#' && len(t) > 1 {
		return false
	}
	return !slices.ContainsFunc(t[1:], func(st step) bool { return st.gap == anyGap })
}

// isSigil reports whether the step is a #hashtag or @handle.
func (st step) isSigil() bool { return st.key[0] == '#' || st.key[0] == '@' }

// isWordEdge reports whether the character of text before or after a match ends a word.
func isWordEdge(r rune) bool { return !isWordRune(r) || isChar(r) }
