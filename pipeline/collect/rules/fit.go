package rules

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// size in characters, as platforms count.
func (d *Dialect) size(e *expression, nested bool) int {
	return utf8.RuneCountInString(e.render(d.and, nested))
}

// fit makes of an expression several that are short enough, and that together match
// wherever it does. Where nothing else helps, parts of an AND are left out.
func (d *Dialect) fit(e *expression) []*expression {
	if d.size(e, false) <= d.MaxLength {
		return []*expression{e}
	}
	switch e.op {
	case opAny:
		var out []*expression
		for _, k := range e.kids {
			out = append(out, d.fit(k)...)
		}
		return out
	case opAll:
		return d.fitAll(e)
	}
	return d.fitLeaf(e)
}

// fitAll splits the longest group of alternatives in two, or leaves out the longest part.
func (d *Dialect) fitAll(e *expression) []*expression {
	longest := -1
	for i, k := range e.kids {
		if k.op == opAny && (longest < 0 || d.size(k, true) > d.size(e.kids[longest], true)) {
			longest = i
		}
	}
	if longest < 0 || len(e.kids[longest].kids) > 64 { // splitting would make too many
		drop := 0
		for i, k := range e.kids {
			if d.size(k, true) > d.size(e.kids[drop], true) {
				drop = i
			}
		}
		return d.fit(allOf(slices.Delete(slices.Clone(e.kids), drop, drop+1)...))
	}
	group := e.kids[longest].kids
	var out []*expression
	for _, half := range [][]*expression{group[:len(group)/2], group[len(group)/2:]} {
		kids := slices.Clone(e.kids)
		kids[longest] = anyOf(half...)
		out = append(out, d.fit(allOf(kids...))...)
	}
	return out
}

// fitLeaf cuts a phrase after as many words as fit: fewer words match no less.
func (d *Dialect) fitLeaf(e *expression) []*expression {
	text, quoted := strings.CutSuffix(e.text, `"`)
	for quoted && utf8.RuneCountInString(text)+1 > d.MaxLength {
		cut := strings.LastIndexByte(text, ' ')
		if cut < 0 {
			return nil
		}
		text = text[:cut]
	}
	if !quoted {
		return nil
	}
	return []*expression{leaf(text + `"`)}
}

// pack joins short expressions by OR as long as they fit.
func (d *Dialect) pack(all []*expression) []string {
	var out []string
	rule, length := "", 0
	for _, e := range all {
		text := e.render(d.and, true)
		n := utf8.RuneCountInString(text)
		if bare := e.render(d.and, false); n > d.MaxLength { // alone it needs no brackets
			out = append(out, bare)
			continue
		}
		if rule != "" && length+len(" OR ")+n > d.MaxLength {
			out = append(out, rule)
			rule, length = "", 0
		}
		if rule != "" {
			rule, length = rule+" OR ", length+len(" OR ")
		}
		rule, length = rule+text, length+n
	}
	if rule != "" {
		out = append(out, rule)
	}
	return out
}
