package query

import (
	"fmt"
	"strings"

	"earshot/pipeline"
)

// Explain returns a function that tells whether a record matches, and which parts of the
// query held, one line a part, with the words that matched.
func Explain(q *Query) (func(*pipeline.Record) (bool, string), error) {
	nodes, m, err := parts(q)
	if err != nil {
		return nil, err
	}
	return func(r *pipeline.Record) (bool, string) {
		held := map[int]Match{}
		for _, match := range m.Match(r) {
			held[match.Brand] = match
		}
		var b strings.Builder
		for i, n := range nodes {
			match, ok := held[i]
			sign := "no "
			if ok {
				sign = "yes"
			}
			fmt.Fprintf(&b, "  %s  %s", sign, strings.Join(strings.Fields(q.source[n.at:n.end]), " "))
			for _, s := range match.Spans {
				fmt.Fprintf(&b, "  %s[%d:%d]", s.Field, s.Begin, s.End)
				switch s.Field {
				case "text":
					fmt.Fprintf(&b, " %q", r.Post.Text[s.Begin:s.End])
				case "title":
					fmt.Fprintf(&b, " %q", r.Post.Title[s.Begin:s.End])
				}
			}
			b.WriteByte('\n')
		}
		_, ok := held[0]
		return ok, b.String()
	}, nil
}

// parts compiles each node of a query, the whole first, as a brand of its own.
func parts(q *Query) ([]*node, *Matcher, error) {
	var nodes []*node
	var brands []Brand
	q.root.walk(func(n *node) {
		nodes = append(nodes, n)
		brands = append(brands, Brand{Name: fmt.Sprint(len(nodes)), Query: &Query{root: n, canonical: n.canonical()}})
	})
	e, err := Compile(brands)
	if err != nil {
		return nil, nil, err
	}
	return nodes, e.NewMatcher(), nil
}

// Measure warns of what the query does on real posts: a term that alone matches more than
// CommonShare of them, and a NOT that removes all that stands before it.
func Measure(q *Query, records []pipeline.Record) ([]Warning, error) {
	nodes, m, err := parts(q)
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(nodes))
	at := map[*node]int{}
	for i, n := range nodes {
		at[n] = i
	}
	for i := range records {
		for _, match := range m.Match(&records[i]) {
			counts[match.Brand]++
		}
	}
	var out []Warning
	for i, n := range nodes {
		switch {
		case n.op == opTerm && float64(counts[i]) > CommonShare*float64(len(records)):
			out = append(out, warningAt(q.source, n.at, "common", fmt.Sprintf("%s alone matches %d of %d posts", q.source[n.at:n.end], counts[i], len(records))))
		case n.op == opNot && counts[i] == 0 && counts[at[n.kids[0]]] > 0:
			out = append(out, warningAt(q.source, n.at, "removes", fmt.Sprintf("the NOT removes all %d posts that stand before it", counts[at[n.kids[0]]])))
		case (n.op == opAnd || n.op == opNear || n.op == opWindow) && counts[i] == 0:
			out = append(out, warningAt(q.source, n.at, "silent", fmt.Sprintf("%s matches none of %d posts", strings.Join(strings.Fields(q.source[n.at:n.end]), " "), len(records))))
		}
	}
	return out, nil
}
