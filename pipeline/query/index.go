package query

import (
	"math/bits"
	"slices"
	"strings"
)

// index numbers the tokens and patterns of all queries and finds them again.
type index struct {
	size    int
	words   map[string]int32 // folded token, with its # or @
	lengths [256]uint64      // of the words with the same ends: bit n is n bytes, the last one more

	known    map[string]int32   // pattern
	patterns []*indexed         // in the order of their numbers
	prefixes map[string][]int32 // fixed beginning of at least three bytes, to patterns
	begins   []uint64           // lengths of the prefixes with the same first three bytes
	long     []int              // lengths of the prefixes that begins cannot tell apart, in order
	loose    []int32            // patterns without such a beginning
}

type indexed struct {
	step *step
	atom int32
}

const beginBits = 14

func newIndex() index {
	return index{words: map[string]int32{}, known: map[string]int32{}, prefixes: map[string][]int32{}}
}

func (x *index) number(key string) int32 {
	n, ok := x.words[key]
	if !ok {
		n = int32(x.size)
		x.size++
		x.words[key] = n
		x.lengths[ends(key)] |= lengthBit(len(key))
	}
	return n
}

func (x *index) pattern(st *step) int32 {
	if id, ok := x.known[st.key]; ok {
		return x.patterns[id].atom
	}
	id, atom := int32(len(x.patterns)), int32(x.size)
	x.size++
	x.known[st.key] = id
	x.patterns = append(x.patterns, &indexed{step: st, atom: atom})
	fixed := st.key[:strings.IndexAny(st.key, "*?")]
	if len(fixed) < 3 {
		x.loose = append(x.loose, id)
		return atom
	}
	if x.begins == nil {
		x.begins = make([]uint64, 1<<beginBits)
	}
	x.begins[begin(fixed)] |= lengthBit(len(fixed))
	if at, known := slices.BinarySearch(x.long, len(fixed)); !known && len(fixed) >= 63 {
		x.long = slices.Insert(x.long, at, len(fixed))
	}
	x.prefixes[fixed] = append(x.prefixes[fixed], id)
	return atom
}

// close drops what only building needs.
func (x *index) close() { x.known = nil }

// find returns the number of a token, or none. Nearly all tokens of a post are no word
// of any query, and most of these show it by their first byte, last byte and length.
func (x *index) find(token []byte) int32 {
	if len(token) == 0 || x.lengths[ends(token)]&lengthBit(len(token)) == 0 {
		return none
	}
	if n, ok := x.words[string(token)]; ok {
		return n
	}
	return none
}

// match calls found with each pattern that the token fits. It returns how many bytes it
// has looked at.
func (x *index) match(token []byte, found func(atom int32)) (read int) {
	if len(token) >= 3 && x.begins != nil {
		for lengths := x.begins[begin(token)]; lengths != 0; lengths &= lengths - 1 {
			n := bits.TrailingZeros64(lengths)
			if n > len(token) {
				break
			}
			if n < 63 {
				read += n
				x.try(x.prefixes[string(token[:n])], token, found)
				continue
			}
			for _, n := range x.long {
				if n > len(token) {
					break
				}
				read += n
				x.try(x.prefixes[string(token[:n])], token, found)
			}
		}
	}
	if len(token) > 0 {
		read += len(x.loose)
		x.try(x.loose, token, found)
	}
	return read
}

func (x *index) try(ids []int32, token []byte, found func(atom int32)) {
	for _, id := range ids {
		if p := x.patterns[id]; p.step.matches(token) {
			found(p.atom)
		}
	}
}

// ends mixes the first and the last byte.
func ends[T string | []byte](word T) byte { return 31*word[0] + word[len(word)-1] }

// begin mixes the first three bytes.
func begin[T string | []byte](word T) uint32 {
	return (uint32(word[0])<<16 | uint32(word[1])<<8 | uint32(word[2])) * 2654435761 >> (32 - beginBits)
}

func lengthBit(n int) uint64 { return 1 << min(n, 63) }
