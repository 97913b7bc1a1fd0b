package query

import (
	"fmt"

	"earshot/pipeline"
)

// Measure warns of what the brand's query does on real posts: a term that alone matches
// more than CommonShare of them, a NOT that removes all that stands before it, and a group
// that matches none of them; what is excluded may be common. It counts the posts that the whole query matches.
func Measure(b Brand, posts func(use func(*pipeline.Record)) error) (Measured, error) {
	in, err := Inspect(b)
	if err != nil {
		return Measured{}, err
	}
	counts := make([]int, len(in.parts))
	var out Measured
	err = posts(func(r *pipeline.Record) {
		out.Posts++
		in.Match(r)
		for i, m := range in.held {
			if m != nil {
				counts[i]++
			}
		}
	})
	if err != nil || out.Posts == 0 {
		return out, err
	}
	out.Matches = counts[0]
	b.Query.root.walkWanted(func(n *node) {
		if kind, text := in.hurts(n, counts, out.Posts); kind != "" {
			out.Warnings = append(out.Warnings, warningAt(b.Query.source, n.at, kind, text))
		}
	})
	return out, nil
}

// hurts says what to be warned of in a part, given how many posts each part matches.
func (in *Inspector) hurts(n *node, counts []int, posts int) (kind, text string) {
	count, written := counts[in.at[n]], in.parts[in.at[n]].text
	switch {
	case n.op == opTerm && float64(count) > CommonShare*float64(posts):
		return "common", fmt.Sprintf("%s alone matches %d of %d posts (%.1f %%)", written, count, posts, 100*float64(count)/float64(posts))
	case n.op == opNot && count == 0 && counts[in.at[n.kids[0]]] > 0:
		return "removes", fmt.Sprintf("the NOT removes all %d posts that stand before it", counts[in.at[n.kids[0]]])
	case (n.op == opAnd || n.op == opNear || n.op == opWindow) && count == 0:
		return "silent", fmt.Sprintf("%s matches none of %d posts", written, posts)
	default:
		return "", ""
	}
}

// Measured is what a query does on some posts.
type Measured struct {
	Posts, Matches int
	Warnings       []Warning
}
