package collecttest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// Until runs a source from a cursor until done says that enough came, and returns what
// came. It fails the test if that takes too long or the source ends before.
func Until(t *testing.T, source pipeline.Source, from pipeline.Cursor, done func(posts []pipeline.Post) bool) []pipeline.Post {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), dayLimit)
	defer cancel()
	j := &journal{cursor: from, stop: cancel, done: func(j *journal) bool { return done(j.posts) }}
	err := source.Run(ctx, from, j)
	require.ErrorIs(t, err, context.Canceled)
	return j.posts
}
