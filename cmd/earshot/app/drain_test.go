package app

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorder notes in which order tasks end.
type recorder struct {
	mu    sync.Mutex
	ended []string
}

func (r *recorder) task(name string, takes time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(takes)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended = append(r.ended, name)
		return ctx.Err()
	}
}

func TestStagesDrainInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- runStages(ctx, []stage{
				{"sources", []func(context.Context) error{r.task("slow source", 2*time.Second), r.task("source", 0)}},
				{"workers", []func(context.Context) error{r.task("worker", time.Second)}},
				{"fold", []func(context.Context) error{r.task("fold", 0), func(context.Context) error { return nil }}},
			})
		}()
		synctest.Wait()
		assert.Empty(t, r.ended)
		cancel()
		require.NoError(t, <-done)
		assert.Equal(t, []string{"source", "slow source", "worker", "fold"}, r.ended)
	})
}

func TestAFailedTaskStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		broken := errors.New("broken")
		err := runStages(t.Context(), []stage{
			{"sources", []func(context.Context) error{r.task("source", 0)}},
			{"workers", []func(context.Context) error{func(context.Context) error { return broken }}},
		})
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, "workers: ")
		assert.Equal(t, []string{"source"}, r.ended)
	})
}

func TestDrainIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := &recorder{}
		begin := time.Now()
		err := runStages(ctx, []stage{{"workers", []func(context.Context) error{r.task("stuck", time.Hour)}}})
		require.ErrorIs(t, err, errDrain)
		assert.Equal(t, drainTime, time.Since(begin))
		time.Sleep(time.Hour)
	})
}
