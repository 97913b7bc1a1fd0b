package simulate_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/simulate"
)

// counter counts what a source emits.
type counter map[string]int

func (c counter) Emit(_ context.Context, posts []pipeline.Post, _ pipeline.Cursor) error {
	for i := range posts {
		c[string(posts[i].Key())]++
	}
	return nil
}
func (c counter) Refuse(context.Context, []byte, string, string) error { return nil }
func (c counter) Gap(time.Time, time.Time, string)                     {}
func (c counter) Limited(time.Time, string)                            {}
func (c counter) Alive()                                               {}

func TestContract(t *testing.T) {
	c := simulate.DefaultConfig()
	c.From = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	c.Limit = 4321
	open := func(t testing.TB) pipeline.Source {
		t.Helper()
		s, err := simulate.New(c)
		require.NoError(t, err)
		return s
	}
	want := counter{}
	require.NoError(t, open(t).Run(t.Context(), nil, want))
	collecttest.Source(t, collecttest.Case{New: open, Want: want, Stream: pipeline.SimulatedStream()})
}
