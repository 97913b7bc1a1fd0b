package clickhouse

import (
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"

	"earshot/pipeline"
)

// block collects the rows of one table, column by column, and is reused: appending
// costs a copy of the bytes and nothing on the heap once it has grown.
type block struct {
	table string
	input proto.Input
	buf   *proto.Buffer // where it is encoded; blocks that are sent in turn share one
}

func (b *block) add(name string, c proto.ColInput) {
	b.input = append(b.input, proto.InputColumn{Name: name, Data: c})
}

func (b *block) rows() int { return b.input[0].Data.Rows() }

func (b *block) reset() { b.input.Reset() }

// encode returns the block in the format Native, valid until the buffer's next use.
func (b *block) encode() ([]byte, error) {
	if b.buf == nil {
		b.buf = new(proto.Buffer)
	}
	b.buf.Reset()
	if err := (proto.Block{Columns: len(b.input), Rows: b.rows()}).EncodeRawBlock(b.buf, 0, b.input); err != nil {
		return nil, fmt.Errorf("clickhouse: encode %s: %w", b.table, err)
	}
	return b.buf.Buf, nil
}

// statement is the insert that the encoded block follows.
func (b *block) statement() string {
	var s strings.Builder
	s.WriteString("INSERT INTO " + b.table + " (")
	for i, c := range b.input {
		if i > 0 {
			s.WriteByte(',')
		}
		s.WriteString("`" + c.Name + "`")
	}
	s.WriteString(") FORMAT Native")
	return s.String()
}

// The constructors below name a column and give its buffer; types are those of schemas/sql.

func (b *block) text(name string) *textColumn {
	c := new(textColumn)
	b.add(name, c)
	return c
}

func (b *block) word(name string) *wordColumn {
	c := new(wordColumn)
	b.add(name, c)
	return c
}

func (b *block) texts(name string) *listColumn {
	c := &listColumn{each: new(textColumn)}
	b.add(name, c)
	return c
}

func (b *block) words(name string) *listColumn {
	c := &listColumn{each: new(wordColumn)}
	b.add(name, c)
	return c
}

func (b *block) int64(name string) *proto.ColInt64 {
	c := new(proto.ColInt64)
	b.add(name, c)
	return c
}

func (b *block) int32(name string) *proto.ColInt32 {
	c := new(proto.ColInt32)
	b.add(name, c)
	return c
}

func (b *block) uint64(name string) *proto.ColUInt64 {
	c := new(proto.ColUInt64)
	b.add(name, c)
	return c
}

func (b *block) uint16(name string) *proto.ColUInt16 {
	c := new(proto.ColUInt16)
	b.add(name, c)
	return c
}

func (b *block) uint8(name string) *proto.ColUInt8 {
	c := new(proto.ColUInt8)
	b.add(name, c)
	return c
}

func (b *block) uint128(name string) *proto.ColUInt128 {
	c := new(proto.ColUInt128)
	b.add(name, c)
	return c
}

func (b *block) flag(name string) *proto.ColBool {
	c := new(proto.ColBool)
	b.add(name, c)
	return c
}

func (b *block) float32(name string) *proto.ColFloat32 {
	c := new(proto.ColFloat32)
	b.add(name, c)
	return c
}

func (b *block) maybe64(name string) *proto.ColNullable[float64] {
	c := new(proto.ColFloat64).Nullable()
	b.add(name, c)
	return c
}

func (b *block) maybe32(name string) *proto.ColNullable[float32] {
	c := new(proto.ColFloat32).Nullable()
	b.add(name, c)
	return c
}

func (b *block) float64(name string) *proto.ColFloat64 {
	c := new(proto.ColFloat64)
	b.add(name, c)
	return c
}

func (b *block) float64s(name string) *proto.ColArr[float64] {
	c := new(proto.ColFloat64).Array()
	b.add(name, c)
	return c
}

func (b *block) uint32(name string) *proto.ColUInt32 {
	c := new(proto.ColUInt32)
	b.add(name, c)
	return c
}

func (b *block) uuid(name string) *proto.ColUUID {
	c := new(proto.ColUUID)
	b.add(name, c)
	return c
}

// moments is a column of DateTime64(3, 'UTC').
type moments struct{ *proto.ColDateTime64 }

func (b *block) moment(name string) moments {
	c := new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(time.UTC)
	b.add(name, c)
	return moments{c}
}

func (m moments) append(t pipeline.Time) { m.AppendRaw(proto.DateTime64(clamp(t))) }

// seconds is a column of DateTime('UTC').
type seconds struct{ *proto.ColDateTime }

func (b *block) second(name string) seconds {
	c := &proto.ColDateTime{Location: time.UTC}
	b.add(name, c)
	return seconds{c}
}

func (s seconds) append(t pipeline.Time) {
	s.Data = append(s.Data, proto.DateTime(min(max(t/1000, 0), 1<<32-1)))
}

// The bounds of DateTime64(3): 1900-01-01 and the last millisecond of 2299.
const (
	earliestStored pipeline.Time = -2208988800000
	latestStored   pipeline.Time = 10413791999999
)

// clamp brings a time into what ClickHouse can hold.
func clamp(t pipeline.Time) pipeline.Time { return min(max(t, earliestStored), latestStored) }

// hourOf is the begin of a time's hour.
func hourOf(t pipeline.Time) pipeline.Time { return t - ((t%hour)+hour)%hour }

const hour = pipeline.Time(time.Hour / time.Millisecond)

func nullable64(v *float64) proto.Nullable[float64] {
	if v == nil {
		return proto.Null[float64]()
	}
	return proto.NewNullable(*v)
}

func nullableRating(v *pipeline.Rating) proto.Nullable[float32] {
	if v == nil {
		return proto.Null[float32]()
	}
	return proto.NewNullable(float32(*v))
}

// version orders what is known of a post: the platform's revision, then when we saw it,
// then where it stands on its partition. See the column version of mentions.
func version(p *pipeline.Post, seen pipeline.Time, offset int64) proto.UInt128 {
	revision := p.EditedAt
	if !revision.Known() {
		revision = p.CreatedAt
	}
	return pack(clamp(revision), seen, offset) // as the ledger holds it, so that a replay finds the same
}

// deletedVersion is above every version that a post can have.
func deletedVersion(seen pipeline.Time, offset int64) proto.UInt128 {
	return pack(1<<48-1, seen, offset)
}

func pack(revision, seen pipeline.Time, offset int64) proto.UInt128 {
	r := uint64(min(max(revision, 0), 1<<48-1))
	s := uint64(min(max(seen, 0), 1<<48-1))
	return proto.UInt128{High: r<<16 | s>>32, Low: s<<32 | uint64(uint32(offset))}
}

// positions are the columns that say where in Kafka a row comes from.
type positions struct {
	epoch     *proto.ColUUID
	topic     *wordColumn
	partition *proto.ColInt32
	offset    *proto.ColInt64
}

func (b *block) positions() positions {
	return positions{b.uuid("epoch"), b.word("topic"), b.int32("partition"), b.int64("offset")}
}

func (c positions) append(p pipeline.Position) {
	c.epoch.Append(uuid.UUID(p.Epoch))
	c.topic.Append(p.Topic)
	c.partition.Append(p.Partition)
	c.offset.Append(p.Offset)
}
