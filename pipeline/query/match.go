package query

import (
	"slices"
	"strings"

	"earshot/pipeline"
)

// MaxSpans bounds the spans that are kept of one brand in one post.
const MaxSpans = 64

// Match is a brand that a post mentions.
type Match struct {
	Brand      int             // index into the brands that were compiled
	Via        pipeline.Via    // ViaText, or ViaChannel if the place alone made it count
	Spans      []pipeline.Span // what matched, in order; at most MaxSpans; none of a channel
	Categories []string        // names of the categories that matched too, as configured
}

// Matcher finds mentions; not safe for concurrent use. It allocates only while its
// buffers grow.
type Matcher struct {
	engine *Engine
	tokens tokens
	record *pipeline.Record

	epoch      uint32
	lists      []list   // of each atom
	occurs     []occur  // all lists
	fired      []int32  // atoms that occurred and make candidates
	marked     []uint32 // epoch in which a brand became a candidate
	candidates []int32
	hit        func(atom int32) // bound once, so that it does not allocate
	at         int32            // token that hit is about
	work       int              // steps for this post: tokens, occurrences, places, bytes compared with patterns

	places []place // stack of evaluation
	byLast []place
	buffer []byte
	side   *scanner // for fields beside title and text

	matches    []Match
	spans      []found
	out        []pipeline.Span
	categories []string
}

// list is where an atom occurs in this post.
type list struct {
	epoch      uint32
	head, tail int32
}

// occur is one occurrence of an atom.
type occur struct {
	token, next int32
}

// found is a span on its way out.
type found struct {
	field      field
	begin, end int32
}

// none is the number of a token, hashtag or handle that no query has.
const none = -1

// NewMatcher returns a Matcher for one goroutine.
func (e *Engine) NewMatcher() *Matcher {
	m := &Matcher{engine: e, side: newScanner(), lists: make([]list, e.index.size), marked: make([]uint32, len(e.brands))}
	m.tokens.scan = newScanner()
	m.hit = func(atom int32) { m.link(atom, m.at) }
	return m
}

// Match returns the brands that the record's post mentions, in the order in which they
// were compiled. Spans of hashtags and handles count bytes in the list's entries joined
// by a space. The result is valid until the next call.
func (m *Matcher) Match(r *pipeline.Record) []Match {
	m.begin(r)
	m.find(fieldTitle, r.Post.Title)
	m.find(fieldText, r.Post.Text)
	m.findMarks(fieldHashtags, r.Post.Hashtags, '#')
	m.findMarks(fieldHandles, r.Post.Handles, '@')
	m.nominate()
	channels := m.channels(&r.Post)
	if len(m.candidates) == 0 {
		return nil
	}
	slices.Sort(m.candidates)
	for _, brand := range m.candidates {
		m.try(brand, slices.Contains(channels, brand) || channels != nil && m.inChannel(&r.Post, brand))
	}
	return m.matches
}

func (m *Matcher) begin(r *pipeline.Record) {
	m.record = r
	m.epoch++
	if m.epoch == 0 { // after four thousand million posts
		clear(m.lists)
		clear(m.marked)
		m.epoch = 1
	}
	m.tokens.clear()
	m.work = 0
	m.occurs, m.fired, m.candidates = m.occurs[:0], m.fired[:0], m.candidates[:0]
	m.matches, m.out, m.categories = m.matches[:0], m.out[:0], m.categories[:0]
}

// find enters the tokens of a text.
func (m *Matcher) find(f field, text string) {
	if text == "" {
		return
	}
	begin := len(m.tokens.list)
	m.tokens.read(&m.engine.index, f, text, 0, 0)
	m.tokens.split(&m.engine.index, f, begin)
	m.enter(begin, true)
}

func (m *Matcher) findMarks(f field, entries []string, mark byte) {
	base := 0
	for _, entry := range entries {
		skip := 0
		if entry != "" && entry[0] == mark { // some platforms mark with the sign
			skip = 1
		}
		begin := len(m.tokens.list)
		m.tokens.read(&m.engine.index, f, entry[skip:], mark, base+skip)
		m.enter(begin, false)
		base += len(entry) + 1
	}
}

// enter lists the occurrences of the tokens from index begin; of what a platform marks
// the hashtag or handle alone.
func (m *Matcher) enter(begin int, words bool) {
	x := &m.engine.index
	patterns := len(x.patterns) > 0
	m.work += len(m.tokens.list) - begin
	for i := begin; i < len(m.tokens.list); i++ {
		t := &m.tokens.list[i]
		if words {
			if t.word != none {
				m.link(t.word, int32(i))
			}
			if patterns && (t.foldedEnd-t.folded >= 3 || len(x.loose) > 0) {
				m.at = int32(i)
				m.work += x.match(m.tokens.foldedOf(t), m.hit)
			}
		}
		if t.sigilEnd > 0 {
			if t.sigil != none {
				m.link(t.sigil, int32(i))
			}
			if patterns {
				m.at = int32(i)
				m.work += x.match(m.tokens.sigilOf(t), m.hit)
			}
		}
	}
}

// link adds an occurrence to the list of its atom.
func (m *Matcher) link(atom, token int32) {
	at := int32(len(m.occurs))
	m.occurs = append(m.occurs, occur{token: token, next: none})
	l := &m.lists[atom]
	if l.epoch == m.epoch {
		m.occurs[l.tail].next = at
		l.tail = at
		return
	}
	*l = list{epoch: m.epoch, head: at, tail: at}
	if len(m.engine.triggers[atom]) > 0 {
		m.fired = append(m.fired, atom)
	}
}

// nominate finds the brands of which a necessary term occurred.
func (m *Matcher) nominate() {
	for _, atom := range m.fired {
		for _, id := range m.engine.triggers[atom] {
			s := &m.engine.terms[id]
			if !s.simple && !m.occurs1(s) {
				continue
			}
			for _, brand := range s.brands {
				m.nominateBrand(brand)
			}
		}
	}
	for _, brand := range m.engine.always {
		m.nominateBrand(brand)
	}
}

func (m *Matcher) nominateBrand(brand int32) {
	if m.marked[brand] != m.epoch {
		m.marked[brand] = m.epoch
		m.candidates = append(m.candidates, brand)
	}
}

// channels nominates the brands whose page or account the post stands under or comes from.
func (m *Matcher) channels(p *pipeline.Post) []int32 {
	if len(m.engine.channels) == 0 {
		return nil
	}
	first := len(m.candidates)
	for _, name := range [...]string{p.Channel, p.Author.Handle} {
		for _, brand := range m.channel("", name) {
			m.nominateBrand(brand)
		}
		for _, brand := range m.channel(p.Platform, name) {
			m.nominateBrand(brand)
		}
	}
	return m.candidates[first:]
}

// channel looks a name up, on a platform or on any.
func (m *Matcher) channel(platform, name string) []int32 {
	if name == "" {
		return nil
	}
	m.buffer = append(m.side.fold.append(m.buffer[:0], platform), '/')
	begin := len(m.buffer)
	m.buffer = m.side.fold.append(m.buffer[:begin], strings.TrimPrefix(name, "@"))
	return m.engine.channels[string(m.buffer)]
}

func (m *Matcher) inChannel(p *pipeline.Post, brand int32) bool {
	for _, name := range [...]string{p.Channel, p.Author.Handle} {
		if slices.Contains(m.channel("", name), brand) || slices.Contains(m.channel(p.Platform, name), brand) {
			return true
		}
	}
	return false
}

// try evaluates a candidate.
func (m *Matcher) try(brand int32, channel bool) {
	p := &m.engine.programs[brand]
	via := pipeline.ViaText
	text := m.speaks(p.languages) && m.holds(&p.root)
	switch {
	case text:
	case channel:
		via = pipeline.ViaChannel
	default:
		return
	}
	m.spans = m.spans[:0]
	if text {
		m.collect(&p.root)
	}
	out := Match{Brand: int(brand), Via: via, Spans: m.finish()}
	begin := len(m.categories)
	for i := range p.categories {
		if m.holds(&p.categories[i]) {
			m.categories = append(m.categories, m.engine.brands[brand].Categories[i].Name)
		}
	}
	out.Categories = m.categories[begin:len(m.categories):len(m.categories)]
	if begin == len(m.categories) {
		out.Categories = nil
	}
	m.matches = append(m.matches, out)
}

// speaks reports whether the language of the post is one of those, or not known.
func (m *Matcher) speaks(languages []string) bool {
	if len(languages) == 0 {
		return true
	}
	code := m.language()
	if code == "" || code == pipeline.Undetermined {
		return true
	}
	for _, l := range languages {
		if sameLanguage(code, l) {
			return true
		}
	}
	return false
}

// finish sorts the spans of a brand and drops repeated ones.
func (m *Matcher) finish() []pipeline.Span {
	if len(m.spans) == 0 {
		return nil
	}
	slices.SortFunc(m.spans, compareFound)
	begin := len(m.out)
	for i, s := range m.spans {
		if i > 0 && s == m.spans[i-1] || len(m.out)-begin == MaxSpans {
			continue
		}
		m.out = append(m.out, pipeline.Span{Field: s.field.String(), Begin: int(s.begin), End: int(s.end)})
	}
	return m.out[begin:len(m.out):len(m.out)]
}
