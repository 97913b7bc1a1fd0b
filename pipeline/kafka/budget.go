package kafka

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"
)

// slots is how many partitions with a backlog may hold a big batch at once: one is read
// and enriched while the other is stored.
const slots = 2

// budget is the memory of a worker, in bytes of JSON. A partition takes its part of it
// before it gathers a batch and gives it back when the batch is stored or given up. Who
// waits holds nothing of it, so nobody waits for ever; who came first is served first,
// however much he wants.
type budget struct {
	size  int64
	free  *semaphore.Weighted
	spare chan *rawBatch // that wait for their next use
}

func newBudget(size int64) *budget {
	return &budget{size: size, free: semaphore.NewWeighted(size), spare: make(chan *rawBatch, slots)}
}

// share is the part of each of n partitions without a backlog.
func (b *budget) share(n int) int64 { return min(max(b.size/int64(n), minBatchBytes), b.size) }

// slot is the part of a partition with a backlog.
func (b *budget) slot() int64 { return b.size / slots }

// take waits for a part of the budget and returns an empty batch to fill.
func (b *budget) take(ctx context.Context, bytes int64) (*rawBatch, error) {
	if err := b.free.Acquire(ctx, bytes); err != nil {
		return nil, fmt.Errorf("kafka: wait for memory: %w", err)
	}
	select {
	case batch := <-b.spare:
		batch.part = bytes
		return batch, nil
	default:
		return &rawBatch{part: bytes}, nil
	}
}

// give returns a batch and its part of the budget.
func (b *budget) give(batch *rawBatch) {
	part := batch.part
	batch.reset() // what its posts point to must not outlive it
	select {
	case b.spare <- batch:
	default: // there are enough
	}
	b.free.Release(part)
}
