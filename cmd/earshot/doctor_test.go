package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
)

func TestDoctorFindsNothingWrongAndSaysWhatWarns(t *testing.T) {
	p := newProgram(t, "")
	code, out, errs := p.run(t.Context(), "doctor")
	require.Zero(t, code, out+errs)
	assert.Contains(t, out, "every right that is needed")
	assert.Contains(t, out, "has no tables yet")
	assert.NotContains(t, out, "cannot be asked")

	file := filepath.Join(t.TempDir(), "posts.ndjson")
	require.NoError(t, os.WriteFile(file, []byte(`{"platform":"blog","id":"1","text":"acme"}`+"\nnot json\n"), 0o600))
	code, _, errs = p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)
	code, out, errs = p.run(t.Context(), "doctor")
	require.Zero(t, code, out+errs)
	assert.Contains(t, out, "is at migration")
	assert.Contains(t, out, "topic posts is as configured")
	assert.Contains(t, out, "1 dead letters of the last day in earshot")
	assert.NotContains(t, out, "cannot be asked")
}

func TestDoctorNamesWhatCannotBeReached(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a port that nobody listens on
	require.NoError(t, err)
	addr := closed.Addr().String()
	require.NoError(t, closed.Close())
	p := newProgram(t, "kafka: {brokers: ['"+addr+"']}\nclickhouse: {addr: 'http://"+addr+"'}\n")
	code, out, errs := p.run(t.Context(), "doctor", "--json")
	assert.Equal(t, app.ExitFindings, code, errs)
	for _, area := range []string{"kafka", "clickhouse"} {
		found := false
		for line := range strings.Lines(out) {
			found = found || strings.Contains(line, `"state":"fail","area":"`+area+`"`) && strings.Contains(line, `"mend":"`)
		}
		assert.True(t, found, "no failure of %s with a mend in\n%s", area, out)
	}
	assert.Contains(t, errs, "checks failed")
}
