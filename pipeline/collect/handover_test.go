package collect_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
)

// A file that is followed makes a longer batch from the same cursor after a crash.
func TestASourceThatHasGrownHandsOverOnlyTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		n := 0
		run := func() error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := parts(k)
			p.Grace = 1
			k.OnPublish = func(_ context.Context, left int) (int, error) {
				if n < 3 {
					cancel()
					return left / 2, collecttest.ErrInjected
				}
				return left, nil
			}
			n++
			src := &script{deterministic: true, run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
				return s.Emit(ctx, posts(0, 1200*n), pipeline.Cursor{byte(n)})
			}}
			return start(t, p, entry("one", src)).Run(ctx)
		}
		for range 3 {
			require.NoError(t, run())
		}
		count := k.Count()
		assert.Len(t, count, 3600)
		for key, times := range count {
			assert.Equal(t, 1, times, key)
		}
	})
}

func TestASourceWithoutThePromiseIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		src := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			return s.Emit(ctx, posts(0, 3), nil)
		}}
		require.NoError(t, start(t, parts(k), entry("one", src)).Run(t.Context()))
		assert.Zero(t, k.Asked())
		for _, r := range k.Records() {
			assert.Equal(t, pipeline.Handover{}, r.Handover)
		}
	})
}

func TestAPostThatKafkaWouldNotTakeIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		src := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			all := posts(0, 3)
			all[1].Text = strings.Repeat("\x01", 1<<20) // six bytes each as JSON
			return s.Emit(ctx, all, nil)
		}}
		require.NoError(t, start(t, parts(k), entry("one", src)).Run(t.Context()))
		assert.Len(t, k.Records(), 2)
		require.Len(t, k.Letters(), 1)
		assert.Contains(t, k.Letters()[0].Reason, "as JSON")
	})
}
