package query

import (
	"errors"
	"fmt"
	"slices"
)

// Brand is a name and what counts as a mention of it.
type Brand struct {
	Name  string
	Query *Query
}

// Engine finds the mentions of all its brands; immutable and safe for concurrent use.
// Each goroutine matches through a Matcher of its own.
type Engine struct {
	brands   []Brand
	versions []string
	words    map[string]int32 // folded token, with its # or @, to its number
	starts   [][]int32        // number of a token to the sequences that begin with it
	seqs     []sequence
	lengths  [256]uint64 // of the words with the same ends: bit n is n bytes, the last one more
}

// sequence is a term of one or more brands.
type sequence struct {
	rest   []hop   // after the first token
	brands []int32 // whose query has this term
}

// hop is a further token of a sequence.
type hop struct {
	word int32
	gap  gap
}

// Compile joins the queries of all brands. Names must be set and differ.
func Compile(brands []Brand) (*Engine, error) {
	e := &Engine{brands: slices.Clone(brands), words: map[string]int32{}}
	names := map[string]bool{}
	terms := map[string]int32{}
	for i, b := range brands {
		switch {
		case b.Name == "":
			return nil, fmt.Errorf("query: brand %d has no name", i+1)
		case names[b.Name]:
			return nil, fmt.Errorf("query: two brands are named %q", b.Name)
		case b.Query == nil || len(b.Query.terms) == 0:
			return nil, fmt.Errorf("query: brand %q: %w", b.Name, errNoQuery)
		}
		names[b.Name] = true
		e.versions = append(e.versions, b.Query.Version())
		for _, t := range b.Query.terms {
			e.add(t, int32(i), terms)
		}
	}
	return e, nil
}

var errNoQuery = errors.New("it has no query")

// add enters a term of a brand; terms maps canonical forms to sequences.
func (e *Engine) add(t term, brand int32, terms map[string]int32) {
	name := t.canonical()
	if seq, ok := terms[name]; ok {
		e.seqs[seq].brands = append(e.seqs[seq].brands, brand)
		return
	}
	seq := int32(len(e.seqs))
	terms[name] = seq
	s := sequence{brands: []int32{brand}}
	for _, st := range t[1:] {
		s.rest = append(s.rest, hop{word: e.number(st.key), gap: st.gap})
	}
	e.seqs = append(e.seqs, s)
	first := e.number(t[0].key)
	e.starts[first] = append(e.starts[first], seq)
}

func (e *Engine) number(key string) int32 {
	n, ok := e.words[key]
	if !ok {
		n = int32(len(e.starts))
		e.words[key] = n
		e.lengths[ends(key)] |= lengthBit(len(key))
		e.starts = append(e.starts, nil)
	}
	return n
}

// find returns the number of a token, or none. Nearly all tokens of a post are no word
// of any query, and most of these show it by their first byte, last byte and length.
func (e *Engine) find(token []byte) int32 {
	if len(token) == 0 || e.lengths[ends(token)]&lengthBit(len(token)) == 0 {
		return none
	}
	if n, ok := e.words[string(token)]; ok {
		return n
	}
	return none
}

// ends mixes the first and the last byte.
func ends[T string | []byte](word T) byte { return 31*word[0] + word[len(word)-1] }

func lengthBit(n int) uint64 { return 1 << min(n, 63) }

// Len is the number of brands.
func (e *Engine) Len() int { return len(e.brands) }

// Name of the brand with this index.
func (e *Engine) Name(brand int) string { return e.brands[brand].Name }

// Version of the query of the brand with this index; see Query.Version.
func (e *Engine) Version(brand int) string { return e.versions[brand] }
