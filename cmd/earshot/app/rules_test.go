package app

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSourceRulesShowsWhatIsLost(t *testing.T) {
	cfg, err := LoadConfig("earshot.yaml", []byte(`
brands:
  - name: Aurelia
    query: 'aurelia OR aureli*'
    channels: [x/aureliahelp]
sources:
  - {name: birds, type: x, token: canary-token}
  - {name: wiki, type: wikipedia}
`), nil)
	require.NoError(t, err)
	var out bytes.Buffer
	c, err := NewConsole(cfg.Log, &out, io.Discard)
	require.NoError(t, err)
	require.NoError(t, SourceRules(cfg, c, "birds"))
	for _, want := range []string{"1 rules\n", "#aurelia", "from:aureliahelp", "Aurelia: aureli*: the platform's language cannot say it", "note: X compares accents"} {
		assert.Contains(t, out.String(), want)
	}
	assert.NotContains(t, out.String(), "canary-token")
	require.ErrorContains(t, SourceRules(cfg, c, "wiki"), "no rules")
	require.ErrorContains(t, SourceRules(cfg, c, "none"), "no source is named")
}
