package query

import (
	"slices"
	"sort"
)

// pairs adds, on top of the stack, the pairs of a place of one side and a place of the
// other behind it, at most n positions on. Of each place its nearest partner is kept,
// which finds each post that any pair would find (parser.side bounds how NEAR nests) at a
// cost that is linear in the places.
func (m *Matcher) pairs(left, right []place, n int32) {
	m.work += len(left) + len(right)
	slices.SortFunc(right, byFirst)
	for _, x := range left {
		i := sort.Search(len(right), func(i int) bool { return right[i].first > x.last })
		if i < len(right) && right[i].first-x.last <= n {
			m.pair(x, right[i])
		}
	}
	m.byLast = append(m.byLast[:0], left...)
	slices.SortFunc(m.byLast, byLast)
	for _, y := range right {
		i := sort.Search(len(m.byLast), func(i int) bool { return m.byLast[i].last >= y.first }) - 1
		if i >= 0 && y.first-m.byLast[i].last <= n {
			m.pair(m.byLast[i], y)
		}
	}
}

// pair adds two places as one.
func (m *Matcher) pair(x, y place) {
	p := place{first: x.first, last: max(x.last, y.last), spans: x.spans}
	n := 0
	for n < len(p.spans) && p.spans[n].end > 0 {
		n++
	}
	copy(p.spans[n:], y.spans[:])
	m.places = append(m.places, p)
}

// window reports whether all words of "…"~n stand within n extra ones. A word that is
// named twice has to stand there twice.
func (m *Matcher) window(in *instruction, show bool) bool {
	bottom := len(m.places)
	defer func() { m.places = m.places[:bottom] }()
	width := int32(in.node.n)
	var need, have [maxUnits]int32
	missing := 0
	for i := range in.kids {
		s := &m.engine.terms[in.kids[i].term]
		width += int32(len(s.steps))
		unit := i // a word that is named twice is one unit, needed twice
		for j := range i {
			if in.kids[j].term == in.kids[i].term {
				unit = j
				break
			}
		}
		need[unit]++
		if unit < i {
			continue
		}
		missing++
		begin := len(m.places)
		m.pushTerm(s)
		for j := begin; j < len(m.places); j++ {
			m.places[j].unit = int32(unit)
		}
	}
	places := m.places[bottom:]
	slices.SortFunc(places, byFirst)
	m.byLast = append(m.byLast[:0], places...)
	slices.SortFunc(m.byLast, byLast)
	next, shown, held := 0, 0, false
	for i, p := range places {
		m.work++
		for next < len(m.byLast) && m.byLast[next].last < p.first+width {
			unit := m.byLast[next].unit
			have[unit]++
			if have[unit] == need[unit] {
				missing--
			}
			next++
		}
		if missing == 0 {
			held = true
			if !show {
				return true
			}
			shown = m.showUpTo(places, max(shown, i), p.first+width)
		}
		if have[p.unit] == need[p.unit] {
			missing++
		}
		have[p.unit]--
	}
	return held
}

// showUpTo shows the places from index i on that end before a position. It returns the
// index from which on some are not shown, so that windows that overlap do not show a place
// again and again.
func (m *Matcher) showUpTo(places []place, i int, end int32) int {
	shown := i
	for j := i; j < len(places) && places[j].first < end; j++ {
		m.work++
		if places[j].last < end {
			m.show(places[j].spans[0])
			if j == shown {
				shown++
			}
		}
	}
	return shown
}
