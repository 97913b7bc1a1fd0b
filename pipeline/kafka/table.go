package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	"earshot/pipeline"
)

// Table keeps the last value of each key, as JSON, in a compacted topic with one
// partition. It is safe for concurrent use, and several processes may write it.
type Table[V any] struct {
	producer *Producer
	topic    string

	mu    sync.Mutex
	epoch pipeline.Epoch
	next  int64 // offset up to which known was read
	known map[string]V
}

// NewTable returns the table in a topic, named without prefix; it is read when it is first asked.
func NewTable[V any](p *Producer, topic string) *Table[V] {
	return &Table[V]{producer: p, topic: topic, known: map[string]V{}}
}

// Put returns once all in-sync replicas have the value. It tries until ctx ends.
func (t *Table[V]) Put(ctx context.Context, key string, value V) error {
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("kafka: encode %s of %s: %w", key, t.topic, err)
	}
	if err := t.producer.appendSafely(ctx, t.topic, []byte(key), b); err != nil {
		return fmt.Errorf("kafka: save %s in %s: %w", key, t.topic, err)
	}
	return nil
}

// Get returns the last value that anyone put under the key, and false if there is none.
func (t *Table[V]) Get(ctx context.Context, key string) (V, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.catchUp(ctx); err != nil {
		var none V
		return none, false, fmt.Errorf("kafka: load %s of %s: %w", key, t.topic, err)
	}
	found, ok := t.known[key]
	return found, ok, nil
}

// All returns the last values of all keys, and an edition that changes whenever one of
// them does.
func (t *Table[V]) All(ctx context.Context) (values map[string]V, edition string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.catchUp(ctx); err != nil {
		return nil, "", fmt.Errorf("kafka: load %s: %w", t.topic, err)
	}
	return maps.Clone(t.known), fmt.Sprintf("%x/%d", t.epoch, t.next), nil
}

// catchUp reads what was written since the last time.
func (t *Table[V]) catchUp(ctx context.Context) error {
	client := t.producer.client
	topic := client.Name(t.topic)
	epoch, err := client.TopicEpoch(ctx, topic)
	if err != nil {
		return err
	}
	if epoch != t.epoch {
		t.epoch, t.next, t.known = epoch, 0, map[string]V{}
	}
	ranges, err := client.ranges(ctx, topic)
	if err != nil {
		return err
	}
	for partition, r := range ranges {
		if partition > 0 {
			return fmt.Errorf("topic %s has %d partitions, but needs exactly one: create it anew", topic, len(ranges))
		}
		if err := client.scan(ctx, topic, partition, max(t.next, r.start), r.end, t.take); err != nil {
			return err
		}
		t.next = r.end
	}
	return nil
}

func (t *Table[V]) take(m *message) error {
	if len(m.value) == 0 {
		delete(t.known, string(m.key))
		return nil
	}
	var v V
	if err := json.Unmarshal(m.value, &v); err != nil {
		// Nobody but us writes here: to go on would let a source begin anew, unseen.
		return fmt.Errorf("the value at offset %d is broken: %w", m.offset, err)
	}
	t.known[string(m.key)] = v
	return nil
}
