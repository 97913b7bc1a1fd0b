package language

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// MaxOrder is the length in letters of the longest n-gram.
const MaxOrder = 5

// MaxPenalty is the worst that a row says against a language; a thousand of them still fit
// the 16 bits in which they are summed.
const MaxPenalty = 20

// magic begins the tables; it changes with their format.
const magic = "earshot language tables 1\n"

// Group is the languages of one script and what the tables know of them.
type Group struct {
	Script  Script
	Codes   []string // ISO 639-1, one a lane
	Letters []rune   // lower case; the code of Letters[i] is i+1
	Keys    []uint64 // packed n-grams, ascending
	Rows    []byte   // penalties, 0 to MaxPenalty: those of all keys for the first language, then for the next
}

// Pack makes the key of an n-gram of letter codes: the first letter in the lowest byte.
func Pack(codes []byte) uint64 {
	var key uint64
	for i, c := range codes {
		key |= uint64(c) << (8 * i)
	}
	return key
}

// Encode writes groups, compressed.
func Encode(w io.Writer, groups []Group) error {
	packed, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("language: encode: %w", err)
	}
	out := []byte(magic)
	out = binary.AppendUvarint(out, uint64(len(groups)))
	for i := range groups {
		out = groups[i].append(out)
	}
	if _, err := packed.Write(out); err != nil {
		return fmt.Errorf("language: encode: %w", err)
	}
	if err := packed.Close(); err != nil {
		return fmt.Errorf("language: encode: %w", err)
	}
	return nil
}

// append writes a group. Keys are ordered by their first letter, then the second and so
// on, so that neighbours are alike.
func (g *Group) append(out []byte) []byte {
	out = append(out, byte(g.Script), byte(len(g.Codes)))
	for _, c := range g.Codes {
		out = append(append(out, byte(len(c))), c...)
	}
	out = binary.AppendUvarint(out, uint64(len(g.Letters)))
	for _, r := range g.Letters {
		out = binary.AppendUvarint(out, uint64(r))
	}
	out = binary.AppendUvarint(out, uint64(len(g.Keys)))
	last := uint64(0)
	for _, k := range g.Keys {
		ordered := bits.ReverseBytes64(k)
		out = binary.AppendUvarint(out, (ordered-last)>>(64-8*MaxOrder))
		last = ordered
	}
	return append(out, g.Rows...)
}

// Decode reads what Encode wrote.
func Decode(packed []byte) ([]Group, error) {
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("language: decode: %w", err)
	}
	defer unpacker.Close()
	content, err := unpacker.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("language: decode: %w", err)
	}
	rest, ok := bytes.CutPrefix(content, []byte(magic))
	if !ok {
		return nil, errors.New("language: decode: not tables of this version; run `go generate ./enrich/model/language`")
	}
	r := &reader{rest: rest}
	groups := make([]Group, r.count(16))
	for i := range groups {
		groups[i] = r.group()
	}
	if r.broken {
		return nil, errors.New("language: decode: the tables are cut short or damaged")
	}
	return groups, nil
}

// reader reads numbers and bytes until something is missing.
type reader struct {
	rest   []byte
	broken bool
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.broken, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count reads a number that may not exceed most.
func (r *reader) count(most uint64) int {
	n := r.uvarint()
	if n > most {
		r.broken = true
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.broken, r.rest = true, nil
		return make([]byte, min(n, 1<<10))
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) group() Group {
	g := Group{Script: Script(r.bytes(1)[0])}
	g.Codes = make([]string, r.bytes(1)[0])
	for i := range g.Codes {
		g.Codes[i] = string(r.bytes(int(r.bytes(1)[0])))
	}
	g.Letters = make([]rune, r.count(255))
	for i := range g.Letters {
		g.Letters[i] = rune(r.uvarint())
	}
	g.Keys = make([]uint64, r.count(uint64(len(r.rest))))
	ordered := uint64(0)
	for i := range g.Keys {
		ordered += r.uvarint() << (64 - 8*MaxOrder)
		g.Keys[i] = bits.ReverseBytes64(ordered)
	}
	g.Rows = r.bytes(len(g.Keys) * len(g.Codes))
	return g
}
