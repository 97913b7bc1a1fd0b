package app

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect"
	"earshot/pipeline/collect/rules"
	"earshot/pipeline/kafka"
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

func TestWhichSourcesAskWhatBrandsLookFor(t *testing.T) {
	cfg, err := LoadConfig("earshot.yaml", []byte(`
sources:
  - {name: x, type: x, token: t}
  - {name: reddit, type: reddit, client_id: c, client_secret: t, brands: true}
  - {name: bluesky, type: bluesky}
  - {name: mastodon, type: mastodon, server: 'https://mastodon.example', token: t}
`), nil)
	require.NoError(t, err)
	entries, err := cfg.entries()
	require.NoError(t, err)
	for _, e := range entries {
		assert.Implements(t, (*follower)(nil), e.Source, "%s would never hear of the brands, without a word", e.Name)
	}
}

// listener is a source that only wants to know the brands.
type listener struct{ brands rules.Brands }

func (*listener) Run(context.Context, pipeline.Cursor, pipeline.Session) error { return nil }
func (l *listener) Follow(brands rules.Brands)                                 { l.brands = brands }

func TestSourcesFollowTheBrandsOfTheTopic(t *testing.T) {
	broker, err := kafka.StartEmbedded(kafka.EmbeddedConfig{Dir: t.TempDir(), Port: 22600, Logger: zerolog.Nop()})
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	settings := kafka.DefaultConfig()
	settings.Brokers = []string{broker.Addr()}
	client, err := openKafka(t.Context(), settings, zerolog.Nop(), pipeline.LiveStream())
	require.NoError(t, err)
	t.Cleanup(client.Close)
	cfg := DefaultConfig()
	cfg.Brands = []Brand{{Name: "Aurelia", Query: "aurelia"}}
	l := &line{cfg: cfg, producer: kafka.NewProducer(client), log: zerolog.Nop()}
	source := &listener{}
	l.follow([]collect.Entry{{Name: "a", Source: source}, {Name: "b", Source: &listener{}, Stream: pipeline.Stream{Simulated: true}}})
	names := func() (out []string, edition string) {
		list, edition, err := source.brands(t.Context())
		require.NoError(t, err)
		for _, b := range list {
			out = append(out, b.Name)
		}
		return out, edition
	}
	have, before := names()
	assert.Equal(t, []string{"Aurelia"}, have, "the configuration speaks until somebody has published it")
	table := kafka.NewTable[brandEntry](l.producer, kafka.BrandTopic)
	require.NoError(t, table.Put(t.Context(), "globex", brandEntry{Brand: Brand{Name: "Globex", Query: "globex"}}))
	require.NoError(t, table.Put(t.Context(), "newer", brandEntry{Brand: Brand{Name: "Newer", Query: "(a query of a newer program"}}))
	have, after := names()
	assert.Equal(t, []string{"Globex"}, have, "what cannot be read is left out")
	assert.NotEqual(t, before, after)
	require.NoError(t, table.Put(t.Context(), "globex", brandEntry{Brand: Brand{Name: "Globex", Query: "globex"}, Paused: true}))
	have, _ = names()
	assert.Empty(t, have)
}
