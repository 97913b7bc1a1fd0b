package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneOwnerOthersAttach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	dir, rt, err := claim(t.Context(), path, nil, zerolog.Nop())
	require.NoError(t, err)
	require.Nil(t, rt)
	require.NoError(t, dir.publish(Runtime{PID: 7, Command: "run", Kafka: "127.0.0.1:1"}))

	info, err := os.Stat(filepath.Join(path, runtimeFile))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	other, rt, err := claim(t.Context(), path, []string{"run"}, zerolog.Nop())
	require.NoError(t, err)
	assert.Nil(t, other)
	assert.Equal(t, "127.0.0.1:1", rt.Kafka)

	_, _, err = claim(t.Context(), path, nil, zerolog.Nop())
	require.ErrorContains(t, err, "process 7")

	require.NoError(t, dir.release())
	again, rt, err := claim(t.Context(), path, []string{"run"}, zerolog.Nop())
	require.NoError(t, err)
	assert.Nil(t, rt, "nobody runs, so there is nobody to attach to")
	require.NoError(t, again.release())
}

func TestClaimWaitsForWhatEndsSoon(t *testing.T) {
	path := t.TempDir()
	dir, _, err := claim(t.Context(), path, nil, zerolog.Nop())
	require.NoError(t, err)
	require.NoError(t, dir.publish(Runtime{PID: 7, Command: "sql"}))
	done := make(chan error)
	go func() {
		next, _, err := claim(t.Context(), path, []string{"run"}, zerolog.Nop())
		if err == nil {
			err = next.release()
		}
		done <- err
	}()
	require.NoError(t, dir.release())
	require.NoError(t, <-done)
}

func TestClaimEndsWithItsContext(t *testing.T) {
	path := t.TempDir()
	dir, _, err := claim(t.Context(), path, nil, zerolog.Nop())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = claim(ctx, path, nil, zerolog.Nop())
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, dir.release())
}

func TestARuntimeFileOfTheDeadIsForgotten(t *testing.T) {
	path := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(path, runtimeFile), []byte(`{"command":"run"}`), 0o600))
	dir, rt, err := claim(t.Context(), path, []string{"run"}, zerolog.Nop())
	require.NoError(t, err)
	assert.Nil(t, rt)
	assert.NoFileExists(t, filepath.Join(path, runtimeFile))
	require.NoError(t, dir.release())
}
