package query

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Query is what counts as a mention of a brand; immutable. The zero Query matches
// nothing.
type Query struct {
	terms     []term // any of them; sorted, no two alike
	canonical string
}

// term is a word, phrase, handle or hashtag: tokens that follow one another.
type term []step

// step is one token of a term.
type step struct {
	key  string // folded; of a hashtag or handle with its sign
	kind tokenKind
	gap  gap // what may stand between the step before and this one
}

// gap bounds what may stand between two tokens of a term.
type gap uint8

const (
	anyGap  gap = iota // whatever is no token
	nearGap            // at most one character: L'Oréal, 7-Eleven, AT&T
	noGap              // nothing: characters of a word in a script without spaces
)

// gapOf derives the gap from what stands between two tokens in the query.
func gapOf(between string, before, after tokenKind) gap {
	switch {
	case between == "" && before == charToken && after == charToken:
		return noGap
	case strings.ContainsFunc(between, isBlank):
		return anyGap
	default:
		return nearGap
	}
}

func newQuery(terms []term) *Query {
	names := make(map[string]term, len(terms))
	for _, t := range terms {
		names[t.canonical()] = t
	}
	q := &Query{}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		q.terms = append(q.terms, names[name])
	}
	q.canonical = strings.Join(sorted, " OR ")
	return q
}

// String returns the canonical form: folded, without brackets, sorted. Queries that
// mean the same by these rules have the same one.
func (q *Query) String() string { return q.canonical }

// Version identifies what the query means: the first 12 hexadecimal digits of the
// SHA-256 of its canonical form.
func (q *Query) Version() string {
	sum := sha256.Sum256([]byte(q.canonical))
	return hex.EncodeToString(sum[:6])
}

// canonical writes the term such that it reads as the same term again.
func (t term) canonical() string {
	var b strings.Builder
	for i, st := range t {
		if i > 0 {
			b.WriteString(joint(t[i-1], st))
		}
		b.WriteString(st.key)
	}
	if t.isSigil() {
		return b.String()
	}
	return `"` + b.String() + `"`
}

func joint(before, after step) string {
	switch {
	case after.gap == anyGap:
		return " "
	case after.gap == noGap, before.kind != after.kind && !before.isSigil():
		return "" // no mark is needed to tell them apart
	default:
		return "-"
	}
}

// isSigil reports whether the whole term can be written as one #hashtag or @handle.
func (t term) isSigil() bool {
	if !t[0].isSigil() || t[0].key[0] == '#' && len(t) > 1 {
		return false
	}
	return !slices.ContainsFunc(t[1:], func(st step) bool { return st.gap == anyGap })
}

// isSigil reports whether the step is a #hashtag or @handle.
func (st step) isSigil() bool { return st.key[0] == '#' || st.key[0] == '@' }

// Rules names the rules by which posts are cut into tokens and compared. It changes
// when the same query may find other posts.
const Rules = "q1"
