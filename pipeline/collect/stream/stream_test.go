package stream

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kept is a session that counts.
type kept struct {
	collecttest.Quiet
	posts int
}

func (k *kept) Emit(_ context.Context, posts []pipeline.Post, _ pipeline.Cursor) error {
	k.posts += len(posts)
	return nil
}

func TestAPanicOfTheReaderComesOutOfPump(t *testing.T) {
	k := &kept{}
	assert.PanicsWithValue(t, "boom", func() {
		_ = Pump(t.Context(), k, func(_ context.Context, put func(Item) error) error {
			assert.NoError(t, put(Item{Posts: make([]pipeline.Post, 3), UpTo: pipeline.Cursor("3")}))
			panic("boom")
		})
	})
	assert.Equal(t, 3, k.posts, "what was read before is handed over")
}

func TestWhatWasReadIsHandedOverBeforeTheError(t *testing.T) {
	k, errCut := &kept{}, errors.New("cut")
	err := Pump(t.Context(), k, func(_ context.Context, put func(Item) error) error {
		for range 2 * most {
			if err := put(Item{Posts: make([]pipeline.Post, 1), UpTo: pipeline.Cursor("1")}); err != nil {
				return err
			}
		}
		return errCut
	})
	require.ErrorIs(t, err, errCut)
	assert.Equal(t, 2*most, k.posts)
}
