package clickhouse

import (
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
	lent  []*proto.ColLowCardinality[string] // columns that hold the words of posts, not copies
}

func (b *block) add(name string, c proto.ColInput) {
	b.input = append(b.input, proto.InputColumn{Name: name, Data: c})
}

func (b *block) rows() int { return b.input[0].Data.Rows() }

func (b *block) reset() { b.input.Reset() }

// forget lets go of the words of posts, so that a block that waits for its next use keeps
// no batch alive.
func (b *block) forget() {
	for _, c := range b.lent {
		clear(c.Values)
	}
}

// The constructors below name a column and give its buffer; types are those of schemas/sql.

func (b *block) text(name string) *proto.ColStr {
	c := new(proto.ColStr)
	b.add(name, c)
	return c
}

func (b *block) word(name string) *proto.ColLowCardinality[string] {
	c := new(proto.ColStr).LowCardinality()
	b.add(name, c)
	b.lent = append(b.lent, c)
	return c
}

func (b *block) texts(name string) *proto.ColArr[string] {
	c := new(proto.ColStr).Array()
	b.add(name, c)
	return c
}

func (b *block) words(name string) *proto.ColArr[string] {
	each := new(proto.ColStr).LowCardinality()
	c := proto.NewArray(each)
	b.add(name, c)
	b.lent = append(b.lent, each)
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
	return pack(revision, seen, offset)
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
	topic     *proto.ColLowCardinality[string]
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
