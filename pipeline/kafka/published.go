package kafka

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"earshot/pipeline"
)

// Published returns which posts of an Emit are on Kafka, by their index in it, and the
// ends up to which it looked. It reads the stream's topic from since (a partition that
// is missing there is read from its beginning), so since should be the ends that were
// saved with the cursor from which the Emit was made.
func (p *Producer) Published(ctx context.Context, s pipeline.Stream, h pipeline.Handover, since pipeline.Ends) (map[int]bool, pipeline.Ends, error) {
	if h.Source == "" {
		return nil, nil, fmt.Errorf("kafka: published: the source is not deterministic")
	}
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-time.After(p.Settle):
	}
	topic := p.client.Name(s.Topic)
	ranges, err := p.client.ranges(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	found := map[int]bool{}
	ends := make(pipeline.Ends, len(ranges))
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for partition, r := range ranges {
		ends[int32(partition)] = r.end
		from := max(r.start, since[int32(partition)])
		group.Go(func() error {
			return p.client.scan(ctx, topic, partition, from, r.end, func(m *message) error {
				if n, ok := indexIn(h, m.headers); ok {
					mu.Lock()
					found[n] = true
					mu.Unlock()
				}
				return nil
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	return found, ends, nil
}

// indexIn returns the index in the Emit that headers name, if they name that Emit.
func indexIn(h pipeline.Handover, headers []kafkago.Header) (int, bool) {
	index, source, from := -1, "", ""
	for _, header := range headers {
		switch header.Key {
		case headerSource:
			source = string(header.Value)
		case headerFrom:
			from = string(header.Value)
		case headerIndex:
			n, err := strconv.Atoi(string(header.Value))
			if err != nil || n < 0 {
				return 0, false
			}
			index = n
		}
	}
	return index, index >= 0 && source == h.Source && from == h.From
}

// scan hands every record of a partition in from..end-1 to fn.
func (c *Client) scan(ctx context.Context, topic string, partition int, from, end int64, fn func(*message) error) error {
	f := newFetcher(c, topic, partition, from, scanBytes)
	wait := retryBackoff()
	for f.next < end {
		m, err := f.read()
		if err != nil {
			return err
		}
		if m != nil {
			if m.offset >= end {
				return nil
			}
			if err := fn(m); err != nil {
				return err
			}
			continue
		}
		if err := f.fetch(ctx, 1, fetchWait); err != nil {
			if ctx.Err() != nil || wait.sleep(ctx) != nil {
				return err
			}
			continue
		}
		wait.reset()
		if f.high < end && f.next >= f.high {
			return nil // the log became shorter
		}
	}
	return nil
}
