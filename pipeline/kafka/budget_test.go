package kafka

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(8 << 20)
		assert.Equal(t, int64(2<<20), b.share(4))
		assert.Equal(t, int64(minBatchBytes), b.share(1000))
		small, err := b.take(t.Context(), b.share(4))
		require.NoError(t, err)
		one, err := b.take(t.Context(), b.slot())
		require.NoError(t, err)

		ended, end := context.WithCancel(t.Context())
		givenUp := make(chan error, 1)
		go func() { _, err := b.take(ended, b.slot()); givenUp <- err }()
		synctest.Wait()
		var order []string
		for _, want := range []struct {
			name  string
			bytes int64
		}{{"big", b.slot()}, {"small", b.share(4)}} {
			go func() {
				batch, err := b.take(t.Context(), want.bytes)
				assert.NoError(t, err)
				order = append(order, want.name)
				b.give(batch)
			}()
			synctest.Wait()
		}
		end() // a generation that ends while it waits leaves nothing behind
		require.ErrorIs(t, <-givenUp, context.Canceled)
		synctest.Wait()
		assert.Empty(t, order, "who came first is served first: small ones do not overtake a big one for ever")
		b.give(small)
		synctest.Wait()
		assert.Equal(t, []string{"big", "small"}, order)
		b.give(one)
		all, err := b.take(t.Context(), b.size)
		require.NoError(t, err, "everything was given back")
		assert.Empty(t, all.records)
		b.give(all)
	})
}

// A backlog makes big batches, and all in hand together stay within the worker's memory.
func testBacklog(t *testing.T, addr string) {
	c := ready(t, addr, func(cfg *Config) { cfg.Partitions = 4 })
	list := posts(0, 8000)
	publish(t, c, list)
	total := int64(0)
	for i := range list {
		total += int64(len(list[i].AppendJSON(nil)))
	}
	sink := newLedger()
	var inHand, most, biggest atomic.Int64
	sink.fail = func(b *pipeline.Batch) error {
		bytes := int64(0)
		for i := range b.Records {
			bytes += int64(len(b.Records[i].Post.AppendJSON(nil)))
		}
		raise(&most, inHand.Add(bytes))
		raise(&biggest, bytes)
		time.Sleep(20 * time.Millisecond) // others come meanwhile
		inHand.Add(-bytes)
		return nil
	}
	w := worker(t, c, sink, &box{})
	w.Limits = Limits{Wait: 20 * time.Millisecond, Memory: total / 2}
	stop := background(t, w.Run)
	eventually(t, "stored", func() bool { return w.Stats().Posts >= 8000 })
	stop()
	exactly(t, sink, 8000)
	assert.Greater(t, biggest.Load(), w.Limits.Memory/4+1000, "more than an even share")
	assert.LessOrEqual(t, most.Load(), w.Limits.Memory+4000, "a batch ends with the record that fills it")
}

func raise(most *atomic.Int64, to int64) {
	for old := most.Load(); to > old && !most.CompareAndSwap(old, to); old = most.Load() {
	}
}
