package main

import (
	"bytes"
	"math"
	"slices"

	"earshot/enrich/model/language"
)

// What shapes the rows; chosen on the even rows of the test files and on tweets.
const (
	floor = -14.0 // ln P of a letter that a language never uses
	step  = 0.5   // nats that one point of penalty stands for
	heat  = 0.35  // the rows of overlapping n-grams repeat each other: what a row is worth by itself
)

// sum is what is known of an n-gram, for each lane.
type sum struct {
	total []float32 // lingua's sum over the n-gram's own beginnings, each backed off to the longest known
	last  []float32 // its last term
	joint []float32 // ln P of the n-gram itself; -Inf if the language does not have it
}

// candidate is a row that may be kept.
type candidate struct {
	key  uint64
	row  []byte
	gain float64
}

type maker struct {
	codes []string
	lower map[uint64]sum // of the order before
	all   []candidate
}

func newMaker(codes []string) *maker {
	return &maker{codes: codes, lower: map[uint64]sum{0: {
		total: make([]float32, len(codes)), last: slices.Repeat([]float32{floor}, len(codes)), joint: make([]float32, len(codes)),
	}}}
}

// add makes the rows of an order from its entries, ordered by key.
func (m *maker) add(order int, entries []entry) {
	upper := map[uint64]sum{}
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].key == entries[0].key {
			n++
		}
		key := entries[0].key
		prefix := key &^ (0xff << (8 * (order - 1)))
		parent, ok := m.lower[prefix]
		if ok {
			s := m.extend(parent, entries[:n])
			m.all = append(m.all, candidate{key, penalties(s.total), m.gain(order, parent, s)})
			if order < language.MaxOrder {
				upper[key] = s
			}
		}
		entries = entries[n:]
	}
	m.lower = upper
}

// extend adds one letter to the n-gram of parent.
func (m *maker) extend(parent sum, entries []entry) sum {
	lanes := len(m.codes)
	buffer := make([]float32, 3*lanes)
	s := sum{buffer[:lanes], buffer[lanes : 2*lanes], buffer[2*lanes:]}
	copy(s.last, parent.last)
	for i := range s.joint {
		s.joint[i] = float32(math.Inf(-1))
	}
	for _, e := range entries {
		s.last[e.lane] = e.logp
		s.joint[e.lane] = parent.joint[e.lane] + e.logp
	}
	for i := range s.total {
		s.total[i] = parent.total[i] + s.last[i]
	}
	return s
}

// gain is how much better the languages that write an n-gram are told by its own row
// than by that of the n-gram one letter shorter, weighted by how often they write it.
func (m *maker) gain(order int, parent, s sum) float64 {
	if order <= 2 {
		return math.Inf(1) // the last resort of all others
	}
	before, after := normal(parent.total), normal(s.total)
	gain := 0.0
	for i, j := range s.joint {
		if math.IsInf(float64(j), -1) {
			continue
		}
		gain += math.Exp(float64(j)) * (logp(s.total, i, after) - logp(parent.total, i, before))
	}
	return gain
}

// normal is the logarithm of what the probabilities sum to.
func normal(total []float32) float64 {
	most := float64(slices.Max(total))
	sum := 0.0
	for _, t := range total {
		sum += math.Exp(heat * (float64(t) - most))
	}
	return heat*most + math.Log(sum)
}

func logp(total []float32, i int, normal float64) float64 { return heat*float64(total[i]) - normal }

// penalties are how far each lane is behind the best.
func penalties(total []float32) []byte {
	row := make([]byte, len(total))
	most := slices.Max(total)
	for i, t := range total {
		row[i] = byte(min(language.MaxPenalty, math.Round(float64(most-t)/step)))
	}
	return row
}

// choose keeps the most telling rows.
func (m *maker) choose(g *language.Group, rows int) {
	slices.SortStableFunc(m.all, func(a, b candidate) int {
		switch {
		case a.gain > b.gain:
			return -1
		case a.gain < b.gain:
			return 1
		}
		return 0
	})
	kept := m.all[:min(rows, len(m.all))]
	slices.SortFunc(kept, func(a, b candidate) int { return bytes.Compare(ordered(a.key), ordered(b.key)) })
	for _, c := range kept {
		g.Keys = append(g.Keys, c.key)
	}
	for lane := range g.Codes {
		for _, c := range kept {
			g.Rows = append(g.Rows, c.row[lane])
		}
	}
}
