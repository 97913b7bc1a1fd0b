package query

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Query is what counts as a mention of a brand; immutable. The zero Query matches
// nothing.
type Query struct {
	root      *node
	source    string
	canonical string
	warnings  []Warning
}

// op is what a node does.
type op uint8

const (
	opTerm   op = iota // term
	opWindow           // kids, each a term, within n extra tokens: "…"~n
	opNear             // kids[0] at most n tokens from kids[1], before it if ordered
	opRaw              // raw, character by character
	opField            // cond
	opAnd              // all kids
	opOr               // any kid
	opNot              // kids[0] and none of the others
)

// node is a part of a query.
type node struct {
	op      op
	kids    []*node
	term    term
	raw     string
	cond    *condition
	mask    mask // fields in which term, raw or window count
	n       int
	ordered bool
	grouped bool // by brackets
	at, end int  // where it stands in the source
}

// mask is a set of searched fields.
type mask uint8

const (
	inTitle mask = 1 << fieldTitle
	inWords mask = 1<<fieldTitle | 1<<fieldText
)

// String returns the canonical form: folded, sorted, with the brackets that are needed.
// Queries that mean the same by these rules have the same one.
func (q *Query) String() string { return q.canonical }

// Source is the query as it was written.
func (q *Query) Source() string { return q.source }

// Warnings are what is legal but probably not meant.
func (q *Query) Warnings() []Warning { return q.warnings }

// Version identifies what the query means: the first 12 hexadecimal digits of the
// SHA-256 of its canonical form.
func (q *Query) Version() string { return digest(q.canonical) }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// canonical writes the node such that it reads as the same node again.
func (n *node) canonical() string {
	switch n.op {
	case opTerm:
		return n.prefix() + n.term.canonical()
	case opRaw:
		return n.prefix() + `raw:"` + n.raw + `"`
	case opField:
		return n.cond.canonical()
	case opWindow:
		units := make([]string, len(n.kids))
		for i, kid := range n.kids {
			units[i] = kid.term.body()
		}
		slices.Sort(units)
		return n.prefix() + fmt.Sprintf(`"%s"~%d`, strings.Join(units, " "), n.n)
	case opNear:
		sides := []string{n.kids[0].bracketed(), n.kids[1].bracketed()}
		f := "f"
		if !n.ordered {
			f = ""
			slices.Sort(sides)
		}
		return fmt.Sprintf("%s NEAR/%d%s %s", sides[0], n.n, f, sides[1])
	case opNot:
		return n.kids[0].bracketed() + " NOT " + strings.Join(sorted(n.kids[1:]), " NOT ")
	case opAnd:
		return strings.Join(sorted(n.kids), " AND ")
	default:
		return strings.Join(sorted(n.kids), " OR ")
	}
}

func (n *node) prefix() string {
	if n.mask == inTitle {
		return "title:"
	}
	return ""
}

func (n *node) bracketed() string {
	if n.op <= opField {
		if n.op == opNear {
			return "(" + n.canonical() + ")"
		}
		return n.canonical()
	}
	return "(" + n.canonical() + ")"
}

// sorted are the canonical forms of nodes, each once.
func sorted(nodes []*node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.bracketed()
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// join makes one node of several of the same operator, flat.
func join(o op, nodes []*node) *node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	var kids []*node
	seen := map[string]bool{}
	for _, n := range nodes {
		parts := []*node{n}
		if n.op == o {
			parts = n.kids
		}
		for _, part := range parts {
			if name := part.canonical(); !seen[name] {
				seen[name] = true
				kids = append(kids, part)
			}
		}
	}
	if len(kids) == 1 {
		return kids[0]
	}
	return &node{op: o, kids: kids, at: nodes[0].at, end: nodes[len(nodes)-1].end}
}

// walk visits n and all below it.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, kid := range n.kids {
		kid.walk(visit)
	}
}

// walkWanted visits n and all below it, but not what a NOT excludes, nor the words of a
// window, which stand for nothing alone.
func (n *node) walkWanted(visit func(*node)) {
	visit(n)
	kids := n.kids
	switch n.op {
	case opNot:
		kids = kids[:1]
	case opWindow:
		kids = nil
	}
	for _, kid := range kids {
		kid.walkWanted(visit)
	}
}

// asksContext reports whether n depends on the brand's context model.
func (n *node) asksContext() bool {
	found := false
	n.walk(func(k *node) { found = found || k.op == opField && k.cond.field == "context" })
	return found
}

// Rules names the rules by which posts are cut into tokens and compared. It changes
// when the same query may find other posts.
const Rules = "q2"
