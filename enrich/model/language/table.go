package language

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// table finds the row of an n-gram in constant time: the keys lie in buckets by their
// hash, one after the other, and the rows in the same order.
type table struct {
	codes []string
	words int      // of 8 bytes, in a row
	shift uint     // of a hash, to its bucket
	first []uint32 // the first key of each bucket; one more at the end
	keys  []uint32 // short, see shorten
	rows  []uint64 // lane i of a row is byte i%8 of its word i/8
}

// hash spreads a key (Fibonacci hashing, Knuth volume 3, 6.4).
func hash(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 }

// shorten is exact up to four letters. A fifth is mixed in: together with the bucket,
// which depends on the whole key, a false hit has odds of one in billions.
func shorten(key uint64) uint32 { return uint32(key) ^ uint32(key>>32)*0x9e3779b1 }

// newTable orders a group's rows for look-up.
func newTable(g *Group) *table {
	n, lanes := len(g.Keys), len(g.Codes)
	t := &table{codes: g.Codes, words: (lanes + 7) / 8}
	t.shift = uint(64 - bits.Len(uint(max(n, 2))))
	t.first = make([]uint32, 1<<(64-t.shift)+1)
	for _, k := range g.Keys {
		t.first[hash(k)>>t.shift+1]++
	}
	for i := 1; i < len(t.first); i++ {
		t.first[i] += t.first[i-1]
	}
	next := slices.Clone(t.first)
	t.keys = make([]uint32, n)
	place := make([]uint32, n)
	for i, k := range g.Keys {
		bucket := hash(k) >> t.shift
		place[i] = next[bucket]
		t.keys[place[i]] = shorten(k)
		next[bucket]++
	}
	t.rows = make([]uint64, n*t.words)
	row := make([]byte, 8*t.words)
	for i, at := range place {
		for lane := range lanes {
			row[lane] = g.Rows[lane*n+i]
		}
		for w := range t.words {
			t.rows[int(at)*t.words+w] = binary.LittleEndian.Uint64(row[8*w:])
		}
	}
	return t
}

// find returns the place of a key's row, or -1.
func (t *table) find(key uint64) int {
	bucket := hash(key) >> t.shift
	short := shorten(key)
	for at, end := t.first[bucket], t.first[bucket+1]; at < end; at++ {
		if t.keys[at] == short {
			return int(at)
		}
	}
	return -1
}

// longest returns the longest n-gram that begins at letter i of a word and is known, and
// the place of its row; -1 if there is none. Codes past the word are zero.
func (t *table) longest(word *[maxWord + 8]byte, i int) (key uint64, at int) {
	key = binary.LittleEndian.Uint64(word[i:]) & (1<<(8*MaxOrder) - 1)
	length := MaxOrder
	if gap := (key - 0x0101010101) &^ key & 0x8080808080; gap != 0 { // the lowest bit is at the first zero
		length = bits.TrailingZeros64(gap) / 8
		key &= 1<<(8*length) - 1
	}
	for ; length > 0; length-- {
		if at = t.find(key); at >= 0 {
			return key, at
		}
		key &= 1<<(8*(length-1)) - 1
	}
	return 0, -1
}

// size is the memory of the table in bytes.
func (t *table) size() int { return 4*len(t.first) + 4*len(t.keys) + 8*len(t.rows) }

// maxLanes is the most languages that a script may have.
const maxLanes = 56

// sums are the penalties of all lanes, in 16 bits each: even and odd bytes of each word of
// a row are added apart.
type sums [maxLanes / 4]uint64

const evenBytes = 0x00ff00ff00ff00ff

// add adds a row.
func (s *sums) add(row []uint64) {
	if len(row) == maxLanes/8 {
		row := (*[maxLanes / 8]uint64)(row)
		for i, w := range row {
			s[2*i] += w & evenBytes
			s[2*i+1] += w >> 8 & evenBytes
		}
		return
	}
	for i, w := range row {
		s[2*i] += w & evenBytes
		s[2*i+1] += w >> 8 & evenBytes
	}
}

// lane is the sum of one lane.
func (s *sums) lane(i int) int {
	return int(s[i/8*2+i%2] >> (16 * (i % 8 / 2)) & 0xffff)
}

// score adds the rows of a word of n letters: for each the longest n-gram that begins there
// and is known.
func (t *table) score(s *sums, word *[maxWord + 8]byte, n int) {
	for i := range n {
		if _, at := t.longest(word, i); at >= 0 {
			s.add(t.rows[at*t.words:][:t.words])
		}
	}
}
