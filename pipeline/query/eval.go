package query

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// place is where a term, or a pair of them, stands.
type place struct {
	first, last int32    // positions
	spans       [4]found // what to show: one of a term, up to four of a NEAR beside a NEAR
	unit        int32    // of a window: which word it is
}

// holds evaluates an instruction.
func (m *Matcher) holds(in *instruction) bool {
	switch in.op {
	case opTerm:
		s := &m.engine.terms[in.term]
		if s.simple {
			return m.lists[s.atom].epoch == m.epoch
		}
		return m.occurs1(s)
	case opAnd:
		for i := range in.kids {
			if m.holds(&in.kids[i]) == in.kids[i].negated {
				return false
			}
		}
		return true
	case opOr:
		for i := range in.kids {
			if m.holds(&in.kids[i]) {
				return true
			}
		}
		return false
	case opNear:
		return m.withPlaces(in, func(pairs []place) bool { return len(pairs) > 0 })
	case opWindow:
		for i := range in.kids { // nearly always one of the words is missing
			if !m.holds(&in.kids[i]) {
				return false
			}
		}
		return m.window(in, false)
	case opRaw:
		return m.raw(in.node.raw, fieldTitle, m.record.Post.Title, false) || m.raw(in.node.raw, fieldText, m.record.Post.Text, false)
	default:
		return m.fulfils(in)
	}
}

// collect keeps the spans of an instruction that holds.
func (m *Matcher) collect(in *instruction) {
	switch in.op {
	case opTerm, opNear:
		m.withPlaces(in, func(places []place) bool {
			for _, p := range places {
				for _, s := range p.spans {
					m.show(s)
				}
			}
			return true
		})
	case opAnd:
		for i := range in.kids {
			if !in.kids[i].negated {
				m.collect(&in.kids[i])
			}
		}
	case opOr:
		for i := range in.kids {
			if m.holds(&in.kids[i]) {
				m.collect(&in.kids[i])
			}
		}
	case opWindow:
		m.window(in, true)
	case opRaw:
		m.raw(in.node.raw, fieldTitle, m.record.Post.Title, true)
		m.raw(in.node.raw, fieldText, m.record.Post.Text, true)
	}
}

func (m *Matcher) show(f found) {
	if f.end > f.begin && len(m.spans) < 4*MaxSpans {
		m.spans = append(m.spans, f)
	}
}

func compareFound(a, b found) int {
	return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
}

// withPlaces calls use with the places of an instruction, and takes them off the stack.
func (m *Matcher) withPlaces(in *instruction, use func([]place) bool) bool {
	bottom := len(m.places)
	m.push(in)
	ok := use(m.places[bottom:])
	m.places = m.places[:bottom]
	return ok
}

// push adds the places of a term, of a group of them, or of a NEAR.
func (m *Matcher) push(in *instruction) {
	switch in.op {
	case opTerm:
		m.pushTerm(&m.engine.terms[in.term])
	case opOr:
		for i := range in.kids {
			m.push(&in.kids[i])
		}
	case opNear:
		bottom := len(m.places)
		m.push(&in.kids[0])
		middle := len(m.places)
		if middle == bottom {
			return
		}
		m.push(&in.kids[1])
		top := len(m.places)
		left, right := m.places[bottom:middle], m.places[middle:top]
		m.pairs(left, right, int32(in.node.n))
		if !in.node.ordered {
			m.pairs(right, left, int32(in.node.n))
		}
		n := copy(m.places[bottom:], m.places[top:])
		m.places = m.places[:bottom+n]
	}
}

func byFirst(a, b place) int {
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last))
}

func byLast(a, b place) int {
	return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(b.first, a.first))
}

// pushTerm adds the places where a term stands.
func (m *Matcher) pushTerm(s *sequence) {
	l := m.lists[s.atom]
	if l.epoch != m.epoch {
		return
	}
	for at := l.head; at != none; at = m.occurs[at].next {
		if p, ok := m.follow(s, m.occurs[at].token); ok {
			m.places = append(m.places, p)
		}
	}
}

// occurs1 reports whether a term stands anywhere.
func (m *Matcher) occurs1(s *sequence) bool {
	l := m.lists[s.atom]
	if l.epoch != m.epoch {
		return false
	}
	for at := l.head; at != none; at = m.occurs[at].next {
		if _, ok := m.follow(s, m.occurs[at].token); ok {
			return true
		}
	}
	return false
}

// follow checks a sequence whose anchor occurs at a token.
func (m *Matcher) follow(s *sequence, anchor int32) (place, bool) {
	m.work++
	list := m.tokens.list
	at := int(anchor) - s.anchor
	if at < 0 || list[at].segment != list[anchor].segment || s.mask == inTitle && list[at].field != fieldTitle {
		return place{}, false
	}
	begin, end, last, ok := m.step(&s.steps[0], at)
	if !ok {
		return place{}, false
	}
	first := at
	for i := range s.steps[1:] {
		h := &s.steps[i+1]
		m.work++
		at = last + 1
		if at >= len(list) || list[at].segment != list[first].segment {
			return place{}, false
		}
		next, stop, until, ok := m.step(h, at)
		if !ok || !m.allows(h.gap, list[at].segment, end, next) {
			return place{}, false
		}
		end, last = stop, until
	}
	base := m.tokens.segments[list[first].segment].base
	return place{first: list[first].pos, last: list[last].pos,
		spans: [4]found{{field: list[first].field, begin: begin + base, end: end + base}}}, true
}

// step checks one token; last is the index of the last token that it covers.
func (m *Matcher) step(h *hop, at int) (begin, end int32, last int, ok bool) {
	t := &m.tokens.list[at]
	begin, end, last = t.begin, t.end, at
	if h.sign {
		if t.sigilEnd == 0 {
			return 0, 0, 0, false
		}
		begin, end, last = t.sigilBegin, t.sigilEnd, int(t.sigilLast)
	}
	switch {
	case h.step != nil && h.step.pattern:
		folded := m.tokens.foldedOf(t)
		if h.sign {
			folded = m.tokens.sigilOf(t)
		}
		ok = h.step.matches(folded)
	case h.sign:
		ok = h.atom == t.sigil
	default:
		ok = h.atom == t.word
	}
	if ok && h.step != nil && h.step.exact != "" {
		exact := h.step.exact
		if h.sign && t.field >= fieldHashtags {
			exact = exact[1:] // marks stand there without their sign
		}
		ok = m.tokens.segments[t.segment].text[begin:end] == exact
	}
	return begin, end, last, ok
}

func (m *Matcher) allows(g gap, segment, end, begin int32) bool {
	switch {
	case g == anyGap || begin <= end:
		return true
	case g == noGap:
		return false
	default:
		_, n := utf8.DecodeRuneInString(m.tokens.segments[segment].text[end:])
		return end+int32(n) >= begin
	}
}

// raw looks for characters as they are, not in the middle of a word.
func (m *Matcher) raw(raw string, f field, text string, show bool) bool {
	shown := false
	for base := 0; ; {
		i := strings.Index(text[base:], raw)
		if i < 0 {
			return shown
		}
		begin := base + i
		end := begin + len(raw)
		if edges(raw, text, begin, end) {
			if !show {
				return true
			}
			shown = true
			m.show(found{field: f, begin: int32(begin), end: int32(end)})
		}
		_, n := utf8.DecodeRuneInString(text[begin:])
		base = begin + n
	}
}

// edges reports whether raw does not begin or end inside a word of text.
func edges(raw, text string, begin, end int) bool {
	first, _ := utf8.DecodeRuneInString(raw)
	last, _ := utf8.DecodeLastRuneInString(raw)
	before, n := utf8.DecodeLastRuneInString(text[:begin])
	after, k := utf8.DecodeRuneInString(text[end:])
	return (n == 0 || isWordEdge(first) || isWordEdge(before)) && (k == 0 || isWordEdge(last) || isWordEdge(after))
}

func (m *Matcher) language() string {
	if code := m.record.Language.Code; code != "" {
		return code
	}
	return m.record.Post.Lang
}

// sameLanguage compares a code (de, zh-Hant) with a wanted one, by its first part unless
// the wanted one has more.
func sameLanguage(code, want string) bool {
	if strings.EqualFold(code, want) {
		return true
	}
	i := strings.IndexAny(code, "-_")
	return i > 0 && strings.EqualFold(code[:i], want)
}
