// Package graph computes what SQL cannot say well about who answers whom: the weight of an
// account (PageRank), the circles that people form (label propagation), and who bridges them.
// It is pure: the same ties give the same answer.
package graph

import (
	"cmp"
	"math"
	"slices"
)

// Person is an account on a platform.
type Person struct{ Platform, ID string }

// Tie says how often From replied to, reposted or quoted To.
type Tie struct {
	From, To Person
	Weight   float64 // > 0
}

// Standing is what the graph says of a person.
type Standing struct {
	Person
	Received, Given float64 // weighted degrees
	Rank            float64 // PageRank; 1 on the mean
	Circle          Person  // member of the person's circle with the highest rank
	Circles         int     // in which the neighbours are
	Bridging        float64 // participation coefficient, 0 to 1
}

const (
	// damping is that of Brin and Page, The anatomy of a large-scale hypertextual Web search
	// engine (1998).
	damping = 0.85
	// rounds bound both iterations; ranks stop moving long before.
	rounds    = 50
	stillness = 1e-10 // change of a rank, on the mean, at which PageRank has converged
)

// link is one end of a tie, seen from the other.
type link struct {
	to     int
	weight float64
}

// network is the graph by number of person.
type network struct {
	people    []Person
	out, ties [][]link // directed; both directions, one link a neighbour
	received  []float64
	given     []float64
}

// Standings returns everybody who is in a tie, in the order of platform and id. Ties of a person with
// himself are left out.
func Standings(ties []Tie) []Standing {
	n := build(ties)
	ranks := n.ranks()
	circles := n.circles()
	heads := map[int]int{} // of each circle, its member with the highest rank
	for i, c := range circles {
		head, known := heads[c]
		if !known || ranks[i] > ranks[head] {
			heads[c] = i
		}
	}
	out := make([]Standing, len(n.people))
	for i, p := range n.people {
		count, bridging := n.participation(i, circles)
		out[i] = Standing{
			Person: p, Received: n.received[i], Given: n.given[i], Rank: ranks[i],
			Circle: n.people[heads[circles[i]]], Circles: count, Bridging: bridging,
		}
	}
	return out
}

func build(ties []Tie) *network {
	n := &network{}
	for _, t := range ties {
		if t.From != t.To {
			n.people = append(n.people, t.From, t.To)
		}
	}
	slices.SortFunc(n.people, func(a, b Person) int {
		return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.ID, b.ID))
	})
	n.people = slices.Compact(n.people)
	number := make(map[Person]int, len(n.people))
	for i, p := range n.people {
		number[p] = i
	}
	size := len(n.people)
	n.out, n.ties = make([][]link, size), make([][]link, size)
	n.received, n.given = make([]float64, size), make([]float64, size)
	for _, t := range ties {
		if t.From == t.To {
			continue
		}
		from, to := number[t.From], number[t.To]
		n.out[from] = append(n.out[from], link{to, t.Weight})
		n.ties[from] = append(n.ties[from], link{to, t.Weight})
		n.ties[to] = append(n.ties[to], link{from, t.Weight})
		n.given[from] += t.Weight
		n.received[to] += t.Weight
	}
	for i := range n.ties {
		n.ties[i] = merged(n.ties[i])
		n.out[i] = merged(n.out[i])
	}
	return n
}

// merged joins links to the same person, in the order of persons: so sums do not depend
// on the order of the ties.
func merged(links []link) []link {
	slices.SortFunc(links, func(a, b link) int { return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.weight, b.weight)) })
	out := links[:0]
	for _, l := range links {
		if len(out) > 0 && out[len(out)-1].to == l.to {
			out[len(out)-1].weight += l.weight
			continue
		}
		out = append(out, l)
	}
	return out
}

// ranks is PageRank by power iteration. The rank of those who answer nobody goes to all alike.
func (n *network) ranks() []float64 {
	size := len(n.people)
	ranks, next := make([]float64, size), make([]float64, size)
	for i := range ranks {
		ranks[i] = 1
	}
	for range rounds {
		idle := 0.0
		for i := range next {
			next[i] = 0
			if n.given[i] == 0 {
				idle += ranks[i]
			}
		}
		for i, links := range n.out {
			for _, l := range links {
				next[l.to] += ranks[i] * l.weight / n.given[i]
			}
		}
		moved := 0.0
		for i := range next {
			next[i] = 1 - damping + damping*(next[i]+idle/float64(size))
			moved += math.Abs(next[i] - ranks[i])
		}
		ranks, next = next, ranks
		if moved < stillness*float64(size) {
			break
		}
	}
	return ranks
}

// circles is label propagation (Raghavan, Albert and Kumara 2007), one person after the
// other in a fixed order; of labels that weigh the same a person keeps his own, or takes the smallest.
func (n *network) circles() []int {
	labels := make([]int, len(n.people))
	for i := range labels {
		labels[i] = i
	}
	weights := map[int]float64{}
	for range rounds {
		changed := false
		for i, links := range n.ties {
			clear(weights)
			for _, l := range links {
				weights[labels[l.to]] += l.weight
			}
			best, most := labels[i], weights[labels[i]]
			for label, w := range weights {
				if w > most || w == most && best != labels[i] && label < best {
					best, most = label, w
				}
			}
			if best != labels[i] {
				labels[i], changed = best, true
			}
		}
		if !changed {
			break
		}
	}
	return labels
}

// participation counts the circles of a person's neighbours and how evenly the ties spread
// over them: 1 - sum of squared shares (Guimerà and Amaral 2005).
func (n *network) participation(i int, circles []int) (count int, coefficient float64) {
	shares, total := map[int]float64{}, 0.0
	for _, l := range n.ties[i] {
		shares[circles[l.to]] += l.weight
		total += l.weight
	}
	parts := make([]float64, 0, len(shares))
	for _, w := range shares {
		parts = append(parts, w/total)
	}
	slices.Sort(parts)
	coefficient = 1
	for _, p := range parts {
		coefficient -= p * p
	}
	return len(shares), max(coefficient, 0)
}
