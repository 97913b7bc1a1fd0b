package query

import (
	"errors"
	"fmt"
	"strings"

	"earshot/pipeline"
)

// Inspector tells which parts of a brand's query hold for a record, and which of them
// decided. It is not safe for concurrent use.
type Inspector struct {
	parts   []part // the whole first
	at      map[*node]int
	matcher *Matcher
	held    []*Match // of each part, for the record that was asked last
	record  *pipeline.Record
}

// part is a node of a query and how it is written.
type part struct {
	node *node
	text string
}

// Part is a part of a query as it stands to a record.
type Part struct {
	Text  string // as written, on one line
	Holds bool
	Spans []pipeline.Span // the words that matched
}

// Inspect compiles every part of the brand's query and exclusions as if it were a query
// of its own.
func Inspect(b Brand) (*Inspector, error) {
	if b.Query == nil || b.Query.root == nil {
		return nil, fmt.Errorf("query: brand %q: %w", b.Name, errNoQuery)
	}
	in := &Inspector{at: map[*node]int{}}
	in.enter(b.whole(), oneLine(b.Query.source))
	for _, q := range append([]*Query{b.Query}, b.Exclusions...) {
		q.root.walk(func(n *node) {
			in.enter(n, oneLine(q.source[n.at:n.end]))
			if n.op == opWindow {
				for _, word := range n.kids {
					in.enter(word, word.term.canonical())
				}
			}
		})
	}
	brands := make([]Brand, len(in.parts))
	for i, p := range in.parts {
		brands[i] = Brand{Name: fmt.Sprint(i), Query: &Query{root: p.node, canonical: p.node.canonical()},
			Context: b.Context, ContextVersion: b.ContextVersion}
	}
	e, err := Compile(brands)
	if err != nil {
		return nil, errors.Unwrap(err) // without the number of the part
	}
	in.matcher, in.held = e.NewMatcher(), make([]*Match, len(in.parts))
	return in, nil
}

// enter makes a node a part, unless it is one.
func (in *Inspector) enter(n *node, text string) {
	if _, known := in.at[n]; !known {
		in.at[n] = len(in.parts)
		in.parts = append(in.parts, part{node: n, text: text})
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Match asks a record and reports whether the query matches it. The answers of the other
// methods are about the record that was asked last.
func (in *Inspector) Match(r *pipeline.Record) bool {
	clear(in.held)
	matches := in.matcher.Match(r)
	for i := range matches {
		in.held[matches[i].Brand] = &matches[i]
	}
	in.record = r
	return in.held[0] != nil
}

// Parts are all parts of the query, the whole first; valid until the next Match.
func (in *Inspector) Parts() []Part {
	out := make([]Part, len(in.parts))
	for i := range in.parts {
		out[i] = in.part(i)
	}
	return out
}

func (in *Inspector) part(i int) Part {
	p := Part{Text: in.parts[i].text}
	if m := in.held[i]; m != nil {
		p.Holds, p.Spans = true, m.Spans
	}
	return p
}

// Decided are the smallest parts that made the query match, or kept it from matching: had
// they been otherwise, the answer would have been too. Of alternatives that all failed
// those count of which some word stands in the record, and if there is none, the whole
// group.
func (in *Inspector) Decided() []Part {
	var out []Part
	in.decide(in.parts[0].node, func(n *node) { out = append(out, in.part(in.at[n])) })
	return out
}

func (in *Inspector) holds(n *node) bool { return in.held[in.at[n]] != nil }

func (in *Inspector) decide(n *node, found func(*node)) {
	all := func(kids []*node) {
		for _, kid := range kids {
			in.decide(kid, found)
		}
	}
	switch holds := in.holds(n); {
	case n.op == opOr && holds:
		all(in.those(n.kids, in.holds))
	case n.op == opOr:
		near := in.those(n.kids, in.stirs)
		if len(near) == 0 {
			found(n)
			return
		}
		all(near)
	case n.op == opAnd && !holds:
		all(in.those(n.kids, func(k *node) bool { return !in.holds(k) }))
	case n.op == opNot && (holds || !in.holds(n.kids[0])):
		in.decide(n.kids[0], found)
	case n.op == opNot:
		all(in.those(n.kids[1:], in.holds))
	default:
		found(n)
	}
}

func (in *Inspector) those(nodes []*node, which func(*node) bool) []*node {
	var out []*node
	for _, n := range nodes {
		if which(n) {
			out = append(out, n)
		}
	}
	return out
}

// stirs reports whether some word that counts for n stands in the record.
func (in *Inspector) stirs(n *node) bool {
	switch n.op {
	case opTerm, opRaw:
		return in.holds(n)
	case opNot:
		return in.stirs(n.kids[0])
	case opField:
		return false
	default:
		return len(in.those(n.kids, in.stirs)) > 0
	}
}
