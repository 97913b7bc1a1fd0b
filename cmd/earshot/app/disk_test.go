package app

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestTheDiskGuardStopsAndGoesOn(t *testing.T) {
	room := space{free: 500 << 20}
	var broken error
	g := &diskGuard{reserve: 400 << 20, log: zerolog.Nop(), space: func() (space, error) { return room, broken }}
	again := func() { g.looked = g.looked.Add(-2 * lookEvery) }
	require.NoError(t, g.low())
	room.free = 300 << 20
	again()
	require.ErrorContains(t, g.low(), "disk.reserve_mb")
	_, err := guardedPublisher{nil, g}.PublishRest(t.Context(), pipeline.LiveStream(), nil, pipeline.Handover{}, nil)
	require.Error(t, err, "nothing is taken from a source")
	_, err = guardedSink{nil, g}.Write(t.Context(), nil)
	require.Error(t, err, "nothing is stored")
	room.free = 450 << 20
	again()
	require.NoError(t, g.low(), "it goes on by itself")
	broken = errors.New("no answer")
	again()
	require.NoError(t, g.low(), "what cannot be asked is no reason to stop")
	var none *diskGuard
	require.NoError(t, none.low())
}

func TestSpaceOfAPathThatIsNotThereYet(t *testing.T) {
	s, err := spaceOf(filepath.Join(t.TempDir(), "a", "b"))
	require.NoError(t, err)
	assert.Positive(t, s.total)
	assert.LessOrEqual(t, s.free, s.total)
}
