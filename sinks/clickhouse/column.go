package clickhouse

import (
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// The columns of strings, by far the most of a row, are our own: they are built in the
// form in which they are sent, so that encoding a block is copying it, and they hold no
// string of a post. Numbers use those of ch-go.

// textColumn is a column of String.
type textColumn struct {
	data []byte // each string behind its length, as it is sent
	rows int
}

func (c *textColumn) Append(s string) {
	n := uint(len(s))
	for n >= 0x80 {
		c.data = append(c.data, byte(n)|0x80)
		n >>= 7
	}
	c.data = append(append(c.data, byte(n)), s...)
	c.rows++
}

func (c *textColumn) Type() proto.ColumnType       { return proto.ColumnTypeString }
func (c *textColumn) Rows() int                    { return c.rows }
func (c *textColumn) Reset()                       { c.data, c.rows = c.data[:0], 0 }
func (c *textColumn) EncodeColumn(b *proto.Buffer) { b.Buf = append(b.Buf, c.data...) }
func (c *textColumn) WriteColumn(w *proto.Writer)  { w.ChainWrite(c.data) }

// wordColumn is a column of LowCardinality(String): a dictionary, and for each row the
// place of its word in it.
type wordColumn struct {
	dictionary textColumn
	places     map[string]uint32
	keys       []uint32
	last       string // the word of the row before, most often that of the next
	lastKey    uint32
}

func (c *wordColumn) Append(s string) {
	if len(c.keys) == 0 || s != c.last {
		c.turn(s)
	}
	c.keys = append(c.keys, c.lastKey)
}

// turn makes a word the last one.
func (c *wordColumn) turn(s string) {
	key, known := c.places[s]
	if !known {
		key = uint32(len(c.places))
		s = strings.Clone(s) // a word must not keep its post's memory
		if c.places == nil {
			c.places = map[string]uint32{}
		}
		c.places[s] = key
		c.dictionary.Append(s)
	}
	c.last, c.lastKey = s, key
}

func (c *wordColumn) Type() proto.ColumnType {
	return proto.ColumnTypeLowCardinality.Sub(proto.ColumnTypeString)
}
func (c *wordColumn) Rows() int { return len(c.keys) }

func (c *wordColumn) Reset() {
	c.dictionary.Reset()
	clear(c.places)
	c.keys, c.last = c.keys[:0], ""
}

// EncodeState writes the version of the form of dictionaries.
func (c *wordColumn) EncodeState(b *proto.Buffer) { b.PutInt64(1) }

// EncodeColumn follows ClickHouse's SerializationLowCardinality: what the block holds
// and the width of its keys, the dictionary, the keys.
func (c *wordColumn) EncodeColumn(b *proto.Buffer) {
	if len(c.keys) == 0 {
		return
	}
	const additionalKeys, updateDictionary = 1 << 9, 1 << 10
	width := proto.KeyUInt8
	switch n := c.dictionary.rows; {
	case n > 1<<16:
		width = proto.KeyUInt32
	case n > 1<<8:
		width = proto.KeyUInt16
	}
	b.PutInt64(additionalKeys | updateDictionary | int64(width))
	b.PutInt64(int64(c.dictionary.rows))
	c.dictionary.EncodeColumn(b)
	b.PutInt64(int64(len(c.keys)))
	for _, key := range c.keys {
		switch width {
		case proto.KeyUInt8:
			b.Buf = append(b.Buf, byte(key))
		case proto.KeyUInt16:
			b.Buf = append(b.Buf, byte(key), byte(key>>8))
		default:
			b.PutUInt32(key)
		}
	}
}

func (c *wordColumn) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }

// stringColumn is one of the two above.
type stringColumn interface {
	proto.ColInput
	Append(s string)
	Reset()
}

// listColumn is a column of Array over strings.
type listColumn struct {
	offsets proto.ColUInt64
	each    stringColumn
}

func (c *listColumn) Append(list []string) {
	for _, s := range list {
		c.each.Append(s)
	}
	c.offsets.Append(uint64(c.each.Rows()))
}

func (c *listColumn) Type() proto.ColumnType { return proto.ColumnTypeArray.Sub(c.each.Type()) }
func (c *listColumn) Rows() int              { return len(c.offsets) }

func (c *listColumn) Reset() {
	c.offsets.Reset()
	c.each.Reset()
}

// EncodeState writes that of the strings, if they have one.
func (c *listColumn) EncodeState(b *proto.Buffer) {
	if each, ok := c.each.(proto.StateEncoder); ok {
		each.EncodeState(b)
	}
}

func (c *listColumn) EncodeColumn(b *proto.Buffer) {
	c.offsets.EncodeColumn(b)
	c.each.EncodeColumn(b)
}

func (c *listColumn) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }
