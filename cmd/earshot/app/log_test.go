package app

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLogIsJSONOutsideATerminal(t *testing.T) {
	var out bytes.Buffer
	c, err := NewConsole(Log{Level: "warn", Format: "auto"}, nil, &out)
	require.NoError(t, err)
	c.Log.Info().Msg("hidden")
	c.Log.Warn().Str("a", "b").Msg("shown")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	assert.Equal(t, "shown", line["message"])

	_, err = NewConsole(Log{Level: "loud"}, nil, &out)
	assert.ErrorContains(t, err, "log.level")
}

func TestStatusLineStaysBelowTheLog(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, fd: 0, line: "status"}
	_, err := s.Write([]byte("message\n"))
	require.NoError(t, err)
	assert.Equal(t, eraseLine+"message\nstatus", out.String())
}

func TestCutTo(t *testing.T) {
	assert.Equal(t, "abc", cutTo("abc", 3))
	assert.Equal(t, "ä…", cutTo("äöü", 2))
	assert.Equal(t, "…", cutTo("äöü", 1))
}
