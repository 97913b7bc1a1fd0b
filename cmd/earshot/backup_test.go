package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABackupRestoresEverything(t *testing.T) {
	t.Parallel()
	p, restored := newProgram(t, ""), newProgram(t, "")
	file, acme, _ := tweets(t, 500)
	code, _, errs := p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)
	const everything = "SELECT (SELECT count() FROM posts), (SELECT count() FROM mentions_current), (SELECT sum(mentions) FROM mentions_hour)," +
		" (SELECT groupBitXor(cityHash64(platform, id, text, offset)) FROM posts)"
	before := p.ask(everything)
	backup := filepath.Join(t.TempDir(), "earshot.tar.zst")
	code, out, errs := p.run(t.Context(), "backup", backup)
	require.Zero(t, code, errs)
	assert.Contains(t, out, "restore")

	code, _, errs = p.run(t.Context(), "restore", backup)
	assert.Equal(t, 1, code)
	assert.Contains(t, errs, "is not empty", "a restore overwrites nothing")

	code, _, errs = restored.run(t.Context(), "restore", backup)
	require.Zero(t, code, errs)
	require.NoError(t, os.RemoveAll(filepath.Join(filepath.Dir(p.config), "data")), "the copy must not need the original")
	assert.Equal(t, before, restored.ask(everything))
	require.NotZero(t, acme)
	code, out, errs = restored.run(t.Context(), "import", file)
	require.Zero(t, code, errs)
	assert.Contains(t, out, "nothing new", "the cursors are restored as well")
}

func TestADamagedBackupIsRefused(t *testing.T) {
	p := newProgram(t, "")
	data := filepath.Join(filepath.Dir(p.config), "data")
	require.NoError(t, os.MkdirAll(data, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(data, "a"), bytes.Repeat([]byte("0123456789abcdef"), 4<<10), 0o600))
	backup := filepath.Join(t.TempDir(), "b")
	code, _, errs := p.run(t.Context(), "backup", backup)
	require.Zero(t, code, errs)
	require.NoError(t, os.RemoveAll(data))
	whole, err := os.ReadFile(backup)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(backup, whole[:len(whole)/2], 0o600))
	code, _, errs = p.run(t.Context(), "restore", backup)
	assert.Equal(t, 1, code)
	assert.Contains(t, errs, "damaged")
	assert.NoDirExists(t, data)
	assert.NoDirExists(t, data+".restoring")
	require.NoError(t, os.WriteFile(backup, whole, 0o600))
	code, _, errs = p.run(t.Context(), "restore", backup)
	require.Zero(t, code, errs)
	assert.FileExists(t, filepath.Join(data, "a"))

	elsewhere := filepath.Join(t.TempDir(), "a", "new", "place") // a new machine has nothing of it yet
	var out, said output
	t.Setenv("EARSHOT_DATA_DIR", elsewhere)
	require.Zero(t, execute(t.Context(), []string{"restore", backup}, strings.NewReader(""), &out, &said), "%v", &said)
	assert.FileExists(t, filepath.Join(elsewhere, "a"))
}
