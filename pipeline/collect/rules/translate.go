package rules

import (
	"slices"
	"strings"

	"earshot/pipeline/query"
)

// expression is a part of a rule.
type expression struct {
	op   op
	kids []*expression
	text string // of a leaf
}

type op uint8

const (
	opLeaf op = iota
	opAll
	opAny
	opNever // cannot match on this platform
)

func leaf(text string) *expression { return &expression{text: text} }
func never() *expression           { return &expression{op: opNever} }

// anyOf and allOf are flat and name each part once.
func anyOf(kids ...*expression) *expression { return join(opAny, kids) }
func allOf(kids ...*expression) *expression { return join(opAll, kids) }

func join(o op, kids []*expression) *expression {
	out := &expression{op: o}
	for _, k := range kids {
		parts := []*expression{k}
		if k.op == o {
			parts = k.kids
		}
		for _, p := range parts {
			if !slices.ContainsFunc(out.kids, func(have *expression) bool { return have.key() == p.key() }) {
				out.kids = append(out.kids, p)
			}
		}
	}
	if len(out.kids) == 1 {
		return out.kids[0]
	}
	return out
}

// key tells expressions apart.
func (e *expression) key() string { return e.render(" & ", true) }

// render writes the expression; nested puts brackets around what has several parts.
func (e *expression) render(and string, nested bool) string {
	switch e.op {
	case opLeaf:
		return e.text
	case opNever:
		return ""
	}
	sep := and
	if e.op == opAny {
		sep = " OR "
	}
	parts := make([]string, len(e.kids))
	for i, k := range e.kids {
		parts[i] = k.render(and, true)
	}
	text := strings.Join(parts, sep)
	if nested {
		return "(" + text + ")"
	}
	return text
}

// translate returns an expression that matches wherever the outline does; nil if only
// "everything" would.
func (d *Dialect) translate(o *query.Outline) *expression {
	switch o.Op {
	case query.OutlineWords:
		return d.words(o)
	case query.OutlineCondition:
		e, cannot := d.condition(o)
		if cannot {
			return never()
		}
		return e
	case query.OutlineExcept:
		return d.translate(o.Kids[0])
	case query.OutlineAny:
		var kids []*expression
		for _, k := range o.Kids {
			e := d.translate(k)
			if e == nil {
				return nil
			}
			if e.op != opNever {
				kids = append(kids, e)
			}
		}
		if len(kids) == 0 {
			return never()
		}
		return anyOf(kids...)
	default:
		var kids []*expression
		for _, k := range o.Kids {
			e := d.translate(k)
			switch {
			case e == nil: // left out: more is read
			case e.op == opNever:
				return e
			default:
				kids = append(kids, e)
			}
		}
		if len(kids) == 0 {
			return nil
		}
		return allOf(kids...)
	}
}

// alternatives translates each way in which a query can match, and hears of the ones that
// cannot be said.
func (d *Dialect) alternatives(o *query.Outline, lost func(part string)) []*expression {
	if o.Op == query.OutlineExcept {
		return d.alternatives(o.Kids[0], lost)
	}
	if o.Op == query.OutlineAny {
		var all []*expression
		for _, k := range o.Kids {
			all = append(all, d.alternatives(k, lost)...)
		}
		return all
	}
	e := d.translate(o)
	switch {
	case e == nil:
		lost(o.Source)
		return nil
	case e.op == opNever:
		return nil
	case e.op == opAny:
		return e.kids
	}
	return []*expression{e}
}
