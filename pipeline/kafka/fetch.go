package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"earshot/pipeline"
)

const (
	fetchWait  = 500 * time.Millisecond
	scanBytes  = 1 << 20
	arenaBytes = 256 << 10
)

// message is a Kafka record. Its value lives as long as anyone holds it.
type message struct {
	offset  int64
	time    pipeline.Time
	key     []byte
	value   []byte
	headers []kafkago.Header
}

// fetcher reads one partition forward. It holds at most one answer of the broker.
type fetcher struct {
	client    *Client
	topic     string
	partition int
	maxBytes  int64

	next int64 // offset of the next record
	high int64 // high watermark as last heard

	batches []protocol.RecordReader // not yet read, of the last answer
	hole    bool                    // nothing of the last answer was of use so far
	arena   []byte                  // where values are put, a chunk at a time
	current message
}

func newFetcher(c *Client, topic string, partition int, from, maxBytes int64) *fetcher {
	return &fetcher{client: c, topic: topic, partition: partition, next: from, high: -1, maxBytes: maxBytes}
}

// fetch asks the broker for more, when all that it sent before has been read.
func (f *fetcher) fetch(ctx context.Context, minBytes int64, wait time.Duration) error {
	res, err := f.client.requests.Fetch(ctx, &kafkago.FetchRequest{
		Topic: f.topic, Partition: f.partition, Offset: f.next,
		MinBytes: minBytes, MaxBytes: f.maxBytes, MaxWait: max(wait, time.Millisecond),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("kafka: fetch %s/%d at %d: %w", f.topic, f.partition, f.next, err)
	}
	f.high = res.HighWatermark
	f.batches = nil
	if stream, ok := res.Records.(*protocol.RecordStream); ok {
		f.batches = stream.Records
	}
	f.hole = len(f.batches) > 0
	return nil
}

// read returns the next record of the last answer, or nil when it is used up. The
// message is valid until the next call, its value and headers for ever.
func (f *fetcher) read() (*message, error) {
	for len(f.batches) > 0 {
		batch := f.batches[0]
		if _, control := batch.(*protocol.ControlBatch); control {
			f.batches = f.batches[1:]
			continue
		}
		r, err := batch.ReadRecord()
		if errors.Is(err, io.EOF) {
			f.batches = f.batches[1:]
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("kafka: read %s/%d at %d: %w", f.topic, f.partition, f.next, err)
		}
		if r.Offset < f.next { // a batch is sent whole, also when its middle was asked for
			release(r)
			continue
		}
		if err := f.take(r); err != nil {
			return nil, err
		}
		return &f.current, nil
	}
	if f.hole {
		// The markers of a foreign transaction, or what compaction took away: a broker
		// answers with the batch that covers next or the first one after it, so if nothing
		// in the answer stands at next or later, there is no record at next.
		f.next++
		f.hole = false
	}
	return nil, nil
}

// take copies a record out of the broker's answer.
func (f *fetcher) take(r *kafkago.Record) error {
	defer release(r)
	f.current = message{offset: r.Offset, time: pipeline.At(r.Time), headers: r.Headers}
	var err error
	if f.current.key, err = f.copy(r.Key); err != nil {
		return fmt.Errorf("kafka: read key of %s/%d at %d: %w", f.topic, f.partition, r.Offset, err)
	}
	if f.current.value, err = f.copy(r.Value); err != nil {
		return fmt.Errorf("kafka: read value of %s/%d at %d: %w", f.topic, f.partition, r.Offset, err)
	}
	f.next, f.hole = r.Offset+1, false
	return nil
}

// copy puts bytes into the arena. Chunks are never used twice: strings of posts point
// into them for as long as somebody holds one.
func (f *fetcher) copy(b kafkago.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	n := b.Len()
	if n > arenaBytes/4 {
		out := make([]byte, n)
		_, err := io.ReadFull(b, out)
		return out, err
	}
	if cap(f.arena)-len(f.arena) < n {
		f.arena = make([]byte, 0, arenaBytes)
	}
	begin := len(f.arena)
	f.arena = f.arena[:begin+n]
	out := f.arena[begin : begin+n : begin+n]
	_, err := io.ReadFull(b, out)
	return out, err
}

func release(r *kafkago.Record) {
	if r.Key != nil {
		_ = r.Key.Close()
	}
	if r.Value != nil {
		_ = r.Value.Close()
	}
}
