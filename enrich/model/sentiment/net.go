package sentiment

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The net is a convolution over three words, made of look-ups: each token has a row of
// int8 weights, window*filters of them. A filter's value at a word is the sum of what the
// word itself and its two neighbours give it at their places; its greatest value in the text
// counts if it is positive (max-pooling over time, Kim 2014), and a small matrix turns the
// filters into scores of the classes. So it sees which words stand together, which a sum of
// weights cannot.
const (
	filters    = 32
	window     = 3
	netRow     = window * filters // weights of a token
	netEnd     = 0x1100           // words are read of the scripts before: those of Korean and Ethiopic are long and rare
	maxNetBits = 20
	lexRows    = 32              // rows of their own for what the lexicon says of a token
	netWords   = 2 * filters / 8 // machine words that hold a 16-bit lane for each filter
	laneEven   = 0x00ff00ff00ff00ff
	laneTop    = 0x8000800080008000
	laneOnes   = 0x0001000100010001
)

// Weights stand in the file with 128 added, so that bytes can be summed four at a time. A
// word's value is the sum of two rows (its own and the lexicon's) of three tokens; start
// keeps each sum of lanes between 0 and 2^15, whatever the biases are.
const (
	zero     = 128
	perToken = 2 * zero
	start    = 8192
	maxBias  = 4096
)

// netHeader describes a net in the header of a file.
type netHeader struct {
	Bits  int              `json:"bits"`  // 2^Bits rows for words; 0: there is no net
	Scale float64          `json:"scale"` // of the sums of Out
	Bias  [filters]int16   `json:"bias"`
	Out   [classes][]int16 `json:"out"`  // a weight for each filter
	Base  [classes]float64 `json:"base"` // score of a text in which no filter fires
}

// bytes is the size of the rows in the file.
func (h netHeader) bytes() int {
	if h.Bits == 0 {
		return 0
	}
	return (1<<h.Bits + lexRows) * netRow
}

func (h netHeader) validate() error {
	if h.Bits == 0 {
		return nil
	}
	if h.Bits < minBits || h.Bits > maxNetBits {
		return fmt.Errorf("sentiment: a net of 2^%d rows", h.Bits)
	}
	for k := range h.Out {
		if len(h.Out[k]) != filters {
			return fmt.Errorf("sentiment: the net has %d filters instead of %d", len(h.Out[k]), filters)
		}
	}
	for _, b := range h.Bias {
		if b < -maxBias || b > maxBias {
			return fmt.Errorf("sentiment: a bias of the net is %d", b)
		}
	}
	return nil
}

// netToken is what the net reads of a token: a word's place and a row of the lexicon.
type netToken struct {
	word uint32
	lex  uint8
}

// netTokens appends the tokens of the last text that was extracted; none of a script without
// spaces, whose words are not known, or beyond netEnd.
func (x *Extractor) netTokens(to []netToken, bits int) []netToken {
	for i := range x.tokens {
		t := &x.tokens[i]
		if t.kind == kindDense || t.kind == kindWord && x.text[t.begin] >= netEnd {
			continue
		}
		row := 5 + max(-5, min(5, int(t.score))) // 0 to 10
		switch {
		case t.negator:
			row = 11
		case t.kind == kindSign && t.score != 0:
			row += 16
		}
		to = append(to, netToken{uint32(t.hash * spread >> (64 - bits)), uint8(row)})
	}
	return to
}

// net is the part of a model that runs; immutable.
type net struct {
	netHeader
	rows []byte           // of the words, then of the lexicon
	from [netWords]uint64 // what a filter's sum begins with, in lanes
}

func newNet(h netHeader, rows []byte) *net {
	n := &net{netHeader: h, rows: rows}
	for f, b := range h.Bias {
		at, shift := laneOf(f)
		n.from[at] |= uint64(start+int(b)) << shift
	}
	return n
}

// laneOf tells where a filter's value stands: eight filters of a row are eight bytes; the
// even ones become one machine word of four lanes, the odd ones the next.
func laneOf(f int) (at, shift int) { return 2*(f/8) + f%2, 16 * (f % 8 / 2) }

// judge returns the scores of a text.
func (n *net) judge(tokens []netToken) (z [classes]float64) {
	if n.Bits == 0 || len(tokens) == 0 {
		return z
	}
	var most [netWords]uint64
	for c := range filters / 8 {
		most[2*c], most[2*c+1] = n.pool(tokens, c)
	}
	for k := range z {
		sum := int64(0)
		for f, weight := range n.Out[k] {
			at, shift := laneOf(f)
			value := int64(most[at]>>shift&0xffff) - start - window*perToken
			sum += value * int64(weight)
		}
		z[k] = n.Base[k] + float64(n.Scale*float64(sum))
	}
	return z
}

// pool returns the greatest values of eight filters in lanes, the even ones and the odd ones.
// It goes through the text once: a token adds to the sums of the word before it, which is
// then whole, of itself, and of the word behind it.
func (n *net) pool(tokens []netToken, eight int) (even, odd uint64) {
	const none = (start + window*perToken) * laneOnes // below it a filter counts as zero
	even, odd = none, none
	fromEven, fromOdd := n.from[2*eight], n.from[2*eight+1]
	// A word that has no neighbour on a side is taken as if that gave zeros. Nothing stands
	// before the first word: 0 is less than any sum.
	beforeEven, beforeOdd := uint64(0), uint64(0)
	thisEven, thisOdd := fromEven+perToken*laneOnes, fromOdd+perToken*laneOnes
	at := 8 * eight
	rows, lexicon := n.rows[at:], n.rows[at+netRow<<n.Bits:]
	for _, t := range tokens {
		word := (*[2*filters + 8]byte)(rows[int(t.word)*netRow:])
		lex := (*[2*filters + 8]byte)(lexicon[int(t.lex)*netRow:])
		a, b := binary.LittleEndian.Uint64(word[2*filters:]), binary.LittleEndian.Uint64(lex[2*filters:])
		even = maxLanes(even, beforeEven+a&laneEven+b&laneEven)
		odd = maxLanes(odd, beforeOdd+a>>8&laneEven+b>>8&laneEven)
		a, b = binary.LittleEndian.Uint64(word[filters:]), binary.LittleEndian.Uint64(lex[filters:])
		beforeEven = thisEven + a&laneEven + b&laneEven
		beforeOdd = thisOdd + a>>8&laneEven + b>>8&laneEven
		a, b = binary.LittleEndian.Uint64(word[:]), binary.LittleEndian.Uint64(lex[:])
		thisEven = fromEven + a&laneEven + b&laneEven
		thisOdd = fromOdd + a>>8&laneEven + b>>8&laneEven
	}
	return maxLanes(even, beforeEven+perToken*laneOnes), maxLanes(odd, beforeOdd+perToken*laneOnes)
}

// maxLanes takes the greater of each pair of lanes, all below 2^15.
func maxLanes(a, b uint64) uint64 {
	greater := ((a | laneTop) - b) & laneTop >> 15 // 1 in each lane where a >= b
	mask := greater * 0xffff
	return a&mask | b&^mask
}

// quantized returns the file's form of trained weights. Rows beyond 127 units are cut; a unit
// is a 127th of six standard deviations of the weights that were trained.
func (t *netTrainer) quantized() (netHeader, []byte) {
	sum, n := 0.0, 0
	for i, w := range t.rows {
		if t.squares[i] > 0 {
			sum += float64(w) * float64(w)
			n++
		}
	}
	unit := 6 * math.Sqrt(sum/float64(max(1, n))) / 127
	if unit == 0 {
		unit = 1
	}
	whole := func(x, unit float64, bound float64) float64 { return math.Round(max(-bound, min(bound, x/unit))) }
	rows := make([]byte, len(t.rows))
	for i, w := range t.rows {
		q := 0.0
		if t.squares[i] > 0 { // what was never trained is chance
			q = whole(float64(w), unit, 127)
		}
		rows[i] = byte(int(q) + zero)
	}
	h := netHeader{Bits: t.Net.Bits}
	most := 0.0
	for f := range filters {
		h.Bias[f] = int16(whole(float64(t.bias[f]), unit, maxBias))
		for k := range classes {
			most = max(most, math.Abs(float64(t.out[k][f])))
		}
	}
	if most == 0 {
		most = 1
	}
	for k := range classes {
		h.Base[k] = float64(t.base[k])
		h.Out[k] = make([]int16, filters)
		for f := range filters {
			h.Out[k][f] = int16(whole(float64(t.out[k][f]), most/math.MaxInt16, math.MaxInt16))
		}
	}
	h.Scale = unit * most / math.MaxInt16
	return h, rows
}
