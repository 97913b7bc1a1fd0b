package query

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"earshot/pipeline"
)

// MaxSpans bounds the spans that are kept of one brand in one post.
const MaxSpans = 64

// Match is a brand that a post mentions.
type Match struct {
	Brand int             // index into the brands that were compiled
	Spans []pipeline.Span // what matched, in order; at most MaxSpans
}

// Matcher finds mentions; not safe for concurrent use. It allocates only while its
// buffers grow.
type Matcher struct {
	engine  *Engine
	scan    *scanner
	tokens  []token
	hits    []hit
	counts  []int32 // hits of each brand in this post
	matches []Match
	spans   []pipeline.Span
}

// token is a token of the post. A hashtag or handle stands at its first token.
type token struct {
	word       int32 // number of the token, or none
	begin, end int32

	sigil                int32 // number of the hashtag or handle that begins here, or none
	sigilBegin, sigilEnd int32
	sigilLast            int32 // index of its last token
}

// none is the number of a token, hashtag or handle that no query has.
const none = -1

// field is a searched field of a post.
type field uint8

const (
	fieldTitle field = iota
	fieldText
	fieldHashtags
	fieldHandles
)

func (f field) String() string {
	return [...]string{"title", "text", "hashtags", "handles"}[f]
}

// hit is one occurrence of a term of a brand.
type hit struct {
	brand      int32
	field      field
	begin, end int32
}

// NewMatcher returns a Matcher for one goroutine.
func (e *Engine) NewMatcher() *Matcher {
	return &Matcher{engine: e, scan: newScanner(), counts: make([]int32, len(e.brands))}
}

// Match returns the brands that the post mentions, in the order in which they were
// compiled. Spans of hashtags and handles count bytes in the list's entries joined by a
// space. The result is valid until the next call.
func (m *Matcher) Match(p *pipeline.Post) []Match {
	m.hits = m.hits[:0]
	m.find(fieldTitle, p.Title, 0, 0)
	m.find(fieldText, p.Text, 0, 0)
	m.findMarks(fieldHashtags, p.Hashtags, '#')
	m.findMarks(fieldHandles, p.Handles, '@')
	if len(m.hits) == 0 {
		return nil
	}
	return m.collect()
}

func (m *Matcher) findMarks(f field, entries []string, mark byte) {
	base := 0
	for _, entry := range entries {
		skip := 0
		if entry != "" && entry[0] == mark { // some platforms mark with the sign
			skip = 1
		}
		m.find(f, entry[skip:], mark, base+skip)
		base += len(entry) + 1
	}
}

// find looks for all terms in a text that begins at byte base of its field. With a mark
// only terms that begin with the marked hashtag or handle count.
func (m *Matcher) find(f field, text string, mark byte, base int) {
	if text == "" {
		return
	}
	m.tokenize(text, mark)
	for at := range m.tokens {
		t := &m.tokens[at]
		if t.word != none && mark == 0 {
			m.start(f, at, t.word, t.begin, t.end, base)
		}
		if t.sigil != none {
			m.start(f, int(t.sigilLast), t.sigil, t.sigilBegin, t.sigilEnd, base)
		}
	}
}

// start tries the sequences whose first token is word; it is found up to index at.
func (m *Matcher) start(f field, at int, word, begin, end int32, base int) {
	for _, seq := range m.engine.starts[word] {
		s := &m.engine.seqs[seq]
		last, ok := m.follow(s.rest, at, end)
		if !ok {
			continue
		}
		for _, brand := range s.brands {
			if m.counts[brand] < MaxSpans {
				m.counts[brand]++
				m.hits = append(m.hits, hit{brand: brand, field: f, begin: begin + int32(base), end: last + int32(base)})
			}
		}
	}
}

// follow checks the further tokens of a sequence and returns the end of the last one.
func (m *Matcher) follow(rest []hop, at int, end int32) (int32, bool) {
	for _, h := range rest {
		at++
		if at >= len(m.tokens) {
			return 0, false
		}
		t := &m.tokens[at]
		begin, next := t.begin, t.end
		switch h.word {
		case t.word:
		case t.sigil:
			begin, next, at = t.sigilBegin, t.sigilEnd, int(t.sigilLast)
		default:
			return 0, false
		}
		if !m.allows(h.gap, end, begin) {
			return 0, false
		}
		end = next
	}
	return end, true
}

func (m *Matcher) allows(g gap, end, begin int32) bool {
	switch {
	case g == anyGap || begin <= end:
		return true
	case g == noGap:
		return false
	default:
		_, n := utf8.DecodeRuneInString(m.scan.text[end:])
		return end+int32(n) >= begin
	}
}

// tokenize fills m.tokens.
func (m *Matcher) tokenize(text string, mark byte) {
	s := m.scan
	m.tokens = m.tokens[:0]
	first, begun := 0, -1 // the last sigil: index of its first token, and its place
	s.reset(text, mark)
	for s.next() {
		t := token{word: m.engine.find(s.folded), sigil: none, begin: int32(s.begin), end: int32(s.end)}
		switch {
		case !s.inSigil():
		case begun == s.sigil.begin:
			m.tokens[first].sigilLast = int32(len(m.tokens))
		default:
			first, begun = len(m.tokens), s.sigil.begin
			t.sigilBegin, t.sigilEnd, t.sigilLast = int32(s.sigil.begin), int32(s.sigil.end), int32(first)
			t.sigil = m.engine.find(s.sigil.folded)
		}
		m.tokens = append(m.tokens, t)
	}
}

// collect turns the hits into matches.
func (m *Matcher) collect() []Match {
	slices.SortFunc(m.hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.brand, b.brand), cmp.Compare(a.field, b.field),
			cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	m.matches = m.matches[:0]
	m.spans = m.spans[:0]
	for i, h := range m.hits {
		m.counts[h.brand] = 0
		if i > 0 && h == m.hits[i-1] {
			continue
		}
		m.spans = append(m.spans, pipeline.Span{Field: h.field.String(), Begin: int(h.begin), End: int(h.end)})
		if i == 0 || h.brand != m.hits[i-1].brand {
			m.matches = append(m.matches, Match{Brand: int(h.brand)})
		}
		match := &m.matches[len(m.matches)-1]
		match.Spans = m.spans[len(m.spans)-len(match.Spans)-1:]
	}
	return m.matches
}
