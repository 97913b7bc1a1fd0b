package query

import (
	"slices"
	"strings"
)

// Outline is the shape of a query, for those who translate it into the language of a
// platform. It says what must hold, not how it is found.
type Outline struct {
	Op   OutlineOp
	Kids []*Outline

	// Of OutlineWords: the words as posts are compared with them (folded), side by side,
	// each with its # or @ if it has one; signs such as & and emoji are words too. Spelled
	// are the same words as the analyst wrote them, where accents count.
	Words   []string
	Spelled []string
	Pattern []bool // the word at this place has * or ?
	Joined  []bool // nothing stands before the word at this place: Chinese, Japanese, Thai
	Title   bool   // only there

	Field, Value string // of OutlineCondition
	Prefix       bool   // the value is only its beginning

	Source string // as it was written
}

// OutlineOp is what an Outline asks for.
type OutlineOp uint8

// The operators. OutlineExcept is its first kid without the others; of OutlineAll that
// come from NEAR and windows, distances are left out.
const (
	OutlineAll OutlineOp = iota
	OutlineAny
	OutlineExcept
	OutlineWords
	OutlineCondition
)

// Outline returns the shape of the query; nil of the zero Query.
func (q *Query) Outline() *Outline {
	if q == nil || q.root == nil {
		return nil
	}
	return q.root.outline(newScanner(), q.source)
}

func (n *node) outline(s *scanner, source string) *Outline {
	out := &Outline{Title: n.mask == inTitle && n.op != opField}
	if n.at < n.end && n.end <= len(source) {
		out.Source = strings.Join(strings.Fields(source[n.at:n.end]), " ")
	}
	switch n.op {
	case opTerm:
		out.Op = OutlineWords
		out.term(n.term, s, out.Source)
		return out
	case opRaw:
		out.Op = OutlineWords
		out.term(steps(s, n.raw, false, false), s, n.raw)
		return out
	case opField:
		out.Op, out.Field, out.Value, out.Prefix = OutlineCondition, n.cond.field, n.cond.value, n.cond.prefix
		return out
	case opOr:
		out.Op = OutlineAny
	case opNot:
		out.Op = OutlineExcept
	}
	spelled := n.windowWords(out.Source)
	for i, kid := range n.kids {
		if spelled != nil {
			k := &Outline{Op: OutlineWords, Title: out.Title, Source: spelled[i]}
			k.term(kid.term, s, spelled[i])
			out.Kids = append(out.Kids, k)
			continue
		}
		out.Kids = append(out.Kids, kid.outline(s, source))
	}
	return out
}

// windowWords are the words of "…"~n as written, one a kid; nil of all else.
func (n *node) windowWords(source string) []string {
	begin, end := strings.IndexFunc(source, isQuote), strings.LastIndexFunc(source, isQuote)
	if n.op != opWindow || begin < 0 || begin == end {
		return nil
	}
	words := strings.FieldsFunc(strings.TrimLeftFunc(source[begin:end], isQuote), isBlank)
	if len(words) != len(n.kids) {
		return nil
	}
	return words
}

// term fills in the words. The spelling is what the scanner cuts out of the source, if
// that comes to the same words.
func (o *Outline) term(t term, s *scanner, source string) {
	for _, st := range t {
		o.Words = append(o.Words, st.key)
		o.Pattern = append(o.Pattern, st.pattern)
		o.Joined = append(o.Joined, st.gap == noGap)
	}
	o.Spelled = slices.Clone(o.Words)
	if i := strings.IndexByte(source, ':'); i >= 0 && !strings.ContainsAny(source[:i], ` "#@{`) {
		source = source[i+1:]
	}
	var spelled []string
	s.reset(source, 0)
	for s.next() {
		spelled = append(spelled, strings.ToLower(source[s.begin:s.end]))
	}
	if len(spelled) != len(o.Words) {
		return
	}
	for i, word := range spelled {
		sign := ""
		if w := o.Words[i]; w[0] == '#' || w[0] == '@' {
			sign = w[:1]
		}
		o.Spelled[i] = sign + word
	}
}
