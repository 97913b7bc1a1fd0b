package query

// triggers returns terms of which at least one stands in every post that n matches: the
// rarest such set, by a guess. It is nil if there is none.
func triggers(n *node) []*node {
	set, _ := necessary(n)
	return set
}

// necessary returns the set and its weight.
func necessary(n *node) ([]*node, int) {
	switch n.op {
	case opTerm:
		return []*node{n}, n.weight()
	case opOr:
		var all []*node
		total := 0
		for _, kid := range n.kids {
			set, weight := necessary(kid)
			if set == nil {
				return nil, 0
			}
			all, total = append(all, set...), total+weight
		}
		return all, total
	case opNot:
		return necessary(n.kids[0])
	case opAnd, opWindow, opNear:
		var best []*node
		least := 0
		for _, kid := range n.kids {
			set, weight := necessary(kid)
			if set != nil && (best == nil || weight < least) {
				best, least = set, weight
			}
		}
		return best, least
	case opRaw:
		if word := rawWord(n.raw); word != "" {
			t := term{{key: word}}
			return []*node{{op: opTerm, term: t, mask: n.mask}}, weigh(word)
		}
	}
	return nil, 0
}

// rawWord returns a word that surely is a token wherever the characters stand: ASCII
// letters between other ASCII characters that never join a word.
func rawWord(raw string) string {
	best := ""
	begin := -1
	for i := 0; i <= len(raw); i++ {
		if i < len(raw) && isLetter(raw[i]) {
			if begin < 0 {
				begin = i
			}
			continue
		}
		if begin >= 0 && aside(raw, begin-1) && aside(raw, i) && i-begin > len(best) {
			best = raw[begin:i]
		}
		begin = -1
	}
	return string(newFolder().append(nil, best))
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// aside reports whether the byte at i is an end of s or surely no part of a word.
func aside(s string, i int) bool {
	return i < 0 || i >= len(s) || s[i] < 0x80 && s[i] != '_' && !isDigit(s[i]) && !isLetter(s[i])
}

// weight guesses how often a term occurs, in occurrences a hundred thousand posts.
func (n *node) weight() int {
	t := n.term
	w := weigh(t[anchor(t)].key)
	if t[anchor(t)].pattern {
		w *= 2
	}
	if len(t) > 1 {
		w = w/4 + 1
	}
	return w
}

// weigh guesses by length: the classic inverse relation of length and frequency (Zipf).
func weigh(key string) int {
	byLength := [...]int{2000, 2000, 2000, 1000, 400, 200, 100, 60, 40, 30, 20}
	n := len(key)
	if key[0] == '#' || key[0] == '@' {
		return 10
	}
	if key[0] >= 0x80 {
		n = n/2 + 1
	}
	return byLength[min(n, len(byLength)-1)]
}

// anchor is the step by which a term is looked up: its first one if a hashtag or handle
// is in it, since these span several tokens; else the one that is probably rarest.
func anchor(t term) int {
	best, least := 0, 0
	for i, st := range t {
		if st.isSigil() {
			return 0
		}
		w := weigh(st.key)
		if st.pattern {
			w += 4000
		}
		if i == 0 || w < least {
			best, least = i, w
		}
	}
	return best
}
