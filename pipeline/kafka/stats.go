package kafka

import (
	"maps"
	"sync"

	"earshot/pipeline"
)

// Stats is what a worker has done since it was started.
type Stats struct {
	Posts    int64         // records stored, dead ones included
	Mentions int64         // mentions stored
	Dead     int64         // dead letters
	Bytes    int64         // JSON of the records
	Lost     int64         // records that retention took
	Failures int64         // attempts that the sink refused
	Lag      map[int]int64 // records behind the end, by partition that is owned now
}

// counters are Stats under a lock: they change once a batch.
type counters struct {
	mu  sync.Mutex
	now Stats
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.now
	out.Lag = maps.Clone(c.now.Lag)
	return out
}

func (c *counters) stored(records []pipeline.Record, bytes int64, dead int) {
	mentions := 0
	for i := range records {
		mentions += len(records[i].Mentions)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Posts += int64(len(records))
	c.now.Mentions += int64(mentions)
	c.now.Bytes += bytes
	c.now.Dead += int64(dead)
}

func (c *counters) lag(partition int, records int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.Lag == nil {
		c.now.Lag = map[int]int64{}
	}
	c.now.Lag[partition] = records
}

func (c *counters) leave(partition int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.now.Lag, partition)
}

func (c *counters) lost(records int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Lost += records
}

func (c *counters) failed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Failures++
}
