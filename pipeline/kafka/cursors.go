package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"earshot/pipeline"
)

// SavedCursor is where a source stood, and where the stream's topic ended then.
type SavedCursor struct {
	Source string          `json:"source"`
	Cursor pipeline.Cursor `json:"cursor"`
	Ends   pipeline.Ends   `json:"ends,omitempty"`
	At     pipeline.Time   `json:"at"` // our clock, UTC
}

// Cursors keeps the cursors of sources in a compacted topic. It is safe for concurrent use.
type Cursors struct {
	producer *Producer

	mu    sync.Mutex
	epoch pipeline.Epoch
	next  int64 // offset up to which known was read
	known map[string]SavedCursor
}

// NewCursors returns the store; the topic is read when it is first asked.
func NewCursors(p *Producer) *Cursors {
	return &Cursors{producer: p, known: map[string]SavedCursor{}}
}

// Save returns once all in-sync replicas have the cursor. It tries until ctx ends. Only
// the owner of a source may save its cursor.
func (c *Cursors) Save(ctx context.Context, source string, cursor pipeline.Cursor, ends pipeline.Ends) error {
	value, err := json.Marshal(SavedCursor{Source: source, Cursor: cursor, Ends: ends, At: pipeline.At(time.Now())})
	if err != nil {
		return fmt.Errorf("kafka: encode cursor of %s: %w", source, err)
	}
	if err := c.producer.appendSafely(ctx, CursorTopic, []byte(source), value); err != nil {
		return fmt.Errorf("kafka: save cursor of %s: %w", source, err)
	}
	return nil
}

// Load returns the last cursor that anyone saved for the source, and false if there is none.
func (c *Cursors) Load(ctx context.Context, source string) (SavedCursor, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.catchUp(ctx); err != nil {
		return SavedCursor{}, false, fmt.Errorf("kafka: load cursor of %s: %w", source, err)
	}
	found, ok := c.known[source]
	return found, ok, nil
}

// All returns the last cursors of all sources, by name.
func (c *Cursors) All(ctx context.Context) (map[string]SavedCursor, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("kafka: load cursors: %w", err)
	}
	return maps.Clone(c.known), nil
}

// catchUp reads what was written since the last time.
func (c *Cursors) catchUp(ctx context.Context) error {
	client := c.producer.client
	topic := client.Name(CursorTopic)
	epoch, err := client.TopicEpoch(ctx, topic)
	if err != nil {
		return err
	}
	if epoch != c.epoch {
		c.epoch, c.next, c.known = epoch, 0, map[string]SavedCursor{}
	}
	ranges, err := client.ranges(ctx, topic)
	if err != nil {
		return err
	}
	for partition, r := range ranges {
		if partition > 0 {
			return fmt.Errorf("topic %s has %d partitions, but cursors need one: create it anew", topic, len(ranges))
		}
		err := client.scan(ctx, topic, partition, max(c.next, r.start), r.end, func(m *message) error {
			return c.take(m)
		})
		if err != nil {
			return err
		}
		c.next = r.end
	}
	return nil
}

func (c *Cursors) take(m *message) error {
	if len(m.value) == 0 {
		delete(c.known, string(m.key))
		return nil
	}
	var s SavedCursor
	if err := json.Unmarshal(m.value, &s); err != nil {
		// Nobody but us writes here: to go on would let a source begin anew, unseen.
		return fmt.Errorf("cursor at offset %d is broken: %w", m.offset, err)
	}
	c.known[string(m.key)] = s
	return nil
}
