package query

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"earshot/pipeline"
)

// Warning is what is legal in a query but probably not meant.
type Warning struct {
	Line, Column int
	Kind         string // mixed, removes, everywhere, common, silent
	Text         string
}

func (w Warning) String() string {
	return fmt.Sprintf("line %d, column %d: %s", w.Line, w.Column, w.Text)
}

func warningAt(source string, at int, kind, text string) Warning {
	e := errorAt(source, at, text, "", "")
	return Warning{Line: e.Line, Column: e.Column, Kind: kind, Text: text}
}

// check finds what can be told from the query alone.
func check(root *node, source string) []Warning {
	var out []Warning
	root.walk(func(n *node) {
		if n.op == opNot && removesAll(n) {
			out = append(out, warningAt(source, n.at, "removes", "the NOT removes everything that stands before it"))
		}
		if n.op == opField && n.cond.impossible() {
			out = append(out, warningAt(source, n.at, "removes", fmt.Sprintf("%s cannot match: %s", n.cond.canonical(), n.cond.holds())))
		}
		if n.op == opAnd && slices.ContainsFunc(n.kids, func(k *node) bool { return contradicts(n.kids, k) }) {
			out = append(out, warningAt(source, n.at, "removes", "this group cannot match: its conditions exclude each other"))
		}
	})
	if triggers(root) == nil {
		out = append(out, warningAt(source, 0, "everywhere",
			"no word is necessary for a match, so the query is tried on every post"))
	}
	return out
}

// kinds are what a post can be.
func kinds() []string {
	var out []string
	for _, k := range []pipeline.Kind{pipeline.KindPost, pipeline.KindComment, pipeline.KindRepost, pipeline.KindQuote, pipeline.KindReview, pipeline.KindArticle, pipeline.KindEdit} {
		out = append(out, string(k))
	}
	return out
}

// holds says what a field can have in it, for a condition that asks something else.
func (c *condition) holds() string {
	switch c.field {
	case "kind":
		return "a kind is one of " + strings.Join(kinds(), ", ")
	case "country":
		return "a country is written as two letters (ISO 3166-1), as in country:de"
	case "rating", "context":
		return "it is a number from 0 to 1"
	}
	return "it counts from 0"
}

// impossible reports whether no post can have in the field what the condition asks.
func (c *condition) impossible() bool {
	switch c.field {
	case "kind":
		return !slices.ContainsFunc(kinds(), func(k string) bool { return k == c.value || c.prefix && strings.HasPrefix(k, c.value) })
	case "country":
		return len(c.value) > 2 || len(c.value) < 2 && !c.prefix
	}
	most := math.Inf(1)
	if c.field == "rating" || c.field == "context" {
		most = 1
	}
	switch c.compare {
	case ">":
		return c.number >= most
	case ">=":
		return c.number > most
	case "<":
		return c.number <= 0
	case "<=":
		return c.number < 0
	case "=":
		return c.number < 0 || c.number > most
	}
	return false
}

// removesAll reports whether each way to match is excluded too.
func removesAll(n *node) bool {
	excluded := map[string]bool{}
	for _, kid := range n.kids[1:] {
		for _, alternative := range alternatives(kid) {
			excluded[alternative.canonical()] = true
		}
	}
	for _, alternative := range alternatives(n.kids[0]) {
		all := []*node{alternative}
		if alternative.op == opAnd {
			all = append(all, alternative.kids...)
		}
		if !slices.ContainsFunc(all, func(k *node) bool { return excluded[k.canonical()] }) {
			return false
		}
	}
	return true
}

func alternatives(n *node) []*node {
	if n.op == opOr {
		return n.kids
	}
	return []*node{n}
}

// contradicts reports whether a number cannot fulfil k and another of the conditions, or
// a field with one value had to have two.
func contradicts(all []*node, k *node) bool {
	if k.op != opField {
		return false
	}
	for _, other := range all {
		if other.op != opField || other.cond.field != k.cond.field || other == k {
			continue
		}
		a, b := k.cond, other.cond
		switch {
		case a.compare != "":
			if a.compare[0] == '<' && b.compare[0] == '>' && a.number <= b.number && (a.number < b.number || a.compare == "<" || b.compare == ">") {
				return true
			}
		case slices.Contains(exactFields, a.field) || slices.Contains(flagFields, a.field):
			if !a.prefix && !b.prefix && a.value != b.value {
				return true
			}
		}
	}
	return false
}

// CommonShare is the share of posts above which a term that matches alone is warned of.
const CommonShare = 0.01
