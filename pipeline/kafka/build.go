package kafka

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"earshot/pipeline"
)

// Limits of a batch. It is cut where the first of them is reached.
type Limits struct {
	Records int           // records in a batch
	Bytes   int64         // JSON of a batch, before decoding
	Wait    time.Duration // how long the first record of a batch waits for others
	Days    int           // distinct UTC days of seen_at: ClickHouse refuses an insert over 100 partitions
	Memory  int64         // JSON of all batches in hand together: a partition with a backlog may hold half of it, others an even share
}

// DefaultLimits keep a worker within about 64 MB of memory, however many partitions it
// has: decoded and on its way through a sink, a byte of JSON takes six to eight.
func DefaultLimits() Limits {
	return Limits{Records: 10_000, Bytes: 16 << 20, Wait: 500 * time.Millisecond, Days: 50, Memory: 6 << 20}
}

const (
	minBatchBytes = 64 << 10
	// usualBytes is the JSON of a post, before a batch has told the truth.
	usualBytes = 1 << 10
)

// builder turns the records of a partition into batches.
type builder struct {
	fetch  *fetcher
	stream pipeline.Stream
	epoch  pipeline.Epoch
	limits Limits
	share  int64            // bytes of a batch while there is no backlog
	held   *pipeline.Record // read, but it would have been one day too many

	budget *budget
	mean   int64     // JSON of a record of this partition, in bytes
	batch  *rawBatch // in hand, or nil: a sink must not hold records after Write has returned
}

// rawBatch is a batch before enrichment.
type rawBatch struct {
	records []pipeline.Record
	bytes   int64
	part    int64 // of the budget, in bytes
	days    map[pipeline.Time]struct{}
	letters []pipeline.DeadLetter // of records that could not be decoded or are not valid
}

func (b *rawBatch) reset() {
	clear(b.records)
	b.records, b.bytes, b.part, b.letters = b.records[:0], 0, 0, nil
	clear(b.days)
}

// ready waits until something has come and there is memory for a batch. It reports false
// if nothing came within a while.
func (b *builder) ready(ctx context.Context) (bool, error) {
	if b.held == nil && len(b.fetch.batches) == 0 {
		if err := b.fetch.fetch(ctx, 1, fetchWait); err != nil || len(b.fetch.batches) == 0 {
			return false, err
		}
	}
	bytes := b.share
	if (b.fetch.high-b.fetch.next)*b.mean > b.share {
		bytes = max(b.share, b.budget.slot())
	}
	return true, b.take(ctx, bytes)
}

func (b *builder) take(ctx context.Context, bytes int64) (err error) {
	b.batch, err = b.budget.take(ctx, bytes)
	return err
}

// release gives the batch in hand back.
func (b *builder) release() {
	if b.batch == nil {
		return
	}
	if n := int64(len(b.batch.records)); n > 0 {
		b.mean = max(b.batch.bytes/n, 1)
	}
	b.budget.give(b.batch)
	b.batch = nil
}

// next fills the batch for which there is memory. It may stay empty: what has come need
// not hold records.
func (b *builder) next(ctx context.Context) (*rawBatch, error) {
	if b.held != nil {
		*b.batch.grow() = *b.held
		b.batch.keep(0)
		b.held = nil
	}
	var deadline time.Time
	for {
		full, err := b.drain(b.limits.Days, -1)
		if err != nil || full || len(b.batch.records) == 0 {
			return b.batch, err
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(b.limits.Wait)
		}
		wait := time.Until(deadline)
		if wait <= 0 {
			return b.batch, nil
		}
		// Let the broker gather, instead of asking for each record.
		if err := b.fetch.fetch(ctx, b.fetch.maxBytes/4, wait); err != nil {
			return b.soFar(err)
		}
	}
}

// soFar returns what has come before an error, or the error if nothing has: it comes
// again with the next fetch.
func (b *builder) soFar(err error) (*rawBatch, error) {
	if len(b.batch.records) == 0 {
		return nil, err
	}
	return b.batch, nil
}

// exactly fills the batch with a span that was cut before: no limit applies to it.
func (b *builder) exactly(ctx context.Context, s span) (*rawBatch, error) {
	for b.fetch.next <= s.last {
		if _, err := b.drain(0, s.last); err != nil {
			return nil, err
		}
		if b.fetch.next > s.last {
			break
		}
		if err := b.fetch.fetch(ctx, 1, fetchWait); err != nil {
			return nil, err
		}
	}
	return b.batch, nil
}

// drain decodes what was fetched into the batch and reports whether the batch is full.
// With a last offset it stops there, else at the limits.
func (b *builder) drain(days int, last int64) (full bool, err error) {
	for {
		if last < 0 && (len(b.batch.records) >= b.limits.Records || b.batch.bytes >= min(b.limits.Bytes, b.batch.part)) {
			return true, nil
		}
		if last >= 0 && b.fetch.next > last {
			return true, nil
		}
		m, err := b.fetch.read()
		if err != nil || m == nil {
			return false, err
		}
		if last >= 0 && m.offset > last {
			return true, nil // the end of the span is a hole; the caller begins a new fetch
		}
		r := b.batch.grow()
		b.decode(m, r)
		if days > 0 && b.batch.overflows(r.Post.SeenAt, days) {
			b.hold()
			return true, nil
		}
		b.batch.keep(int64(len(m.value)))
	}
}

// hold puts the record that was decoded last aside for the next batch.
func (b *builder) hold() {
	last := len(b.batch.records) - 1
	held := b.batch.records[last]
	b.batch.records[last] = pipeline.Record{}
	b.batch.records = b.batch.records[:last]
	b.held = &held
}

const day = pipeline.Time(24 * time.Hour / time.Millisecond)

func (b *rawBatch) overflows(seen pipeline.Time, days int) bool {
	_, known := b.days[seen/day]
	return !known && len(b.days) >= days
}

// grow returns an empty record at the batch's end, to be filled where it stands.
func (b *rawBatch) grow() *pipeline.Record {
	b.records = append(b.records, pipeline.Record{})
	return &b.records[len(b.records)-1]
}

// keep counts the record that grow returned, of so many bytes.
func (b *rawBatch) keep(bytes int64) {
	b.bytes += bytes
	n := len(b.records)
	today := b.records[n-1].Post.SeenAt / day
	if n > 1 && b.records[n-2].Post.SeenAt/day == today {
		return
	}
	if b.days == nil {
		b.days = map[pipeline.Time]struct{}{}
	}
	b.days[today] = struct{}{}
}

// decode makes a message the record r, which is empty. It depends on the message alone,
// so a batch that is rebuilt has the same rows.
func (b *builder) decode(m *message, r *pipeline.Record) {
	r.Position = pipeline.Position{
		Epoch: b.epoch, Topic: b.fetch.topic, Partition: int32(b.fetch.partition), Offset: m.offset, Time: believable(m.time),
	}
	stage := "decode"
	var err error
	r.Repairs, err = pipeline.DecodePost(m.value, &r.Post)
	if err == nil {
		stage = "validate"
		b.repairSeen(r)
		err = b.valid(&r.Post)
	}
	if err != nil {
		b.batch.letters = append(b.batch.letters, kill(r, b.stream, stage, err.Error(), m.value))
	}
}

func (b *builder) valid(p *pipeline.Post) error {
	if p.Simulated != b.stream.Simulated {
		return fmt.Errorf("simulated is %t on the %s stream: send it to the other topic", p.Simulated, b.stream.Name)
	}
	return p.Validate()
}

// seenTolerance is how far a live post's seen_at may be from the time at which it
// reached Kafka: a collector that was cut off for longer has a broken clock.
const seenTolerance = 7 * day

// repairSeen mends seen_at, by which the ledger is partitioned.
func (b *builder) repairSeen(r *pipeline.Record) {
	seen := r.Post.SeenAt
	switch {
	case !seen.Known():
		r.Repairs = append(r.Repairs, "seen_at: missing, set to the time of the Kafka record")
	case !b.stream.Simulated && (seen < r.Position.Time-seenTolerance || seen > r.Position.Time+seenTolerance):
		r.Repairs = append(r.Repairs, "seen_at: more than 7 days from the time of the Kafka record, set to it")
	default:
		return
	}
	r.Post.SeenAt = r.Position.Time
}

// believable bounds a record's timestamp, which its producer claims, to what every
// store can hold: 2004 to 2100.
func believable(t pipeline.Time) pipeline.Time {
	const latest pipeline.Time = 4102444800000 // 2100-01-01T00:00:00Z
	return min(max(t, pipeline.EarliestBelievable), latest)
}

// kill marks a record as dead and returns its dead letter. The post is emptied, so that
// nothing of it counts; seen_at stays defined, because it places the ledger's row.
func kill(r *pipeline.Record, s pipeline.Stream, stage, reason string, payload []byte) pipeline.DeadLetter {
	at, seen := r.Position, r.Position.Time
	if stage == "enrich" { // its row must stand on the same day, whatever enrichment says
		seen = r.Post.SeenAt
	}
	r.Post = pipeline.Post{SeenAt: seen}
	r.Language, r.Mentions = pipeline.Language{}, nil
	r.Dead = &pipeline.Reject{Position: at, Stage: stage, Reason: reason}
	return NewDeadLetter(s, stage, reason, originOf(at), payload)
}

func originOf(at pipeline.Position) string {
	return fmt.Sprintf("%s/%d/%d/%s", at.Topic, at.Partition, at.Offset, epochText(at.Epoch))
}

// enrich runs the chain over a batch. A record at which it fails or panics becomes
// dead; its neighbours are unharmed.
func (b *rawBatch) enrich(chain pipeline.Enricher, s pipeline.Stream) {
	for i := range b.records {
		r := &b.records[i]
		if r.Dead != nil {
			continue
		}
		if err := enrichOne(chain, r); err != nil {
			payload := r.Post.AppendJSON(nil)
			b.letters = append(b.letters, kill(r, s, "enrich", err.Error(), payload))
		}
	}
}

func enrichOne(chain pipeline.Enricher, r *pipeline.Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in %s: %v\n%s", chain.Version(), p, debug.Stack())
		}
	}()
	return chain.Enrich(r)
}
