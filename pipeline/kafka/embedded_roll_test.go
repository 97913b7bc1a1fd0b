package kafka

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"earshot/pipeline"
)

// TestOldSegmentsEnd: a segment of the embedded broker ends by its age, so that retention
// can take it although its topic is still written to, slowly.
func TestOldSegmentsEnd(t *testing.T) {
	dir := t.TempDir()
	e, err := StartEmbedded(EmbeddedConfig{Dir: dir, Port: freePort(t), Logger: zerolog.Nop()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(e.Addr()))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	c := ready(t, e.Addr(), func(cfg *Config) { cfg.Partitions, cfg.TopicPrefix = 1, "" })
	r := &roller{dir: dir, client: client, log: testLog(t), rolling: map[string]string{}}
	topic, ctx := pipeline.LiveStream().Topic, t.Context()
	say := func(word string) {
		p := post(1)
		p.Text = word
		publish(t, c, []pipeline.Post{p})
	}
	segments := func() int {
		files, err := filepath.Glob(filepath.Join(dir, "partitions", topic+"-0", "*.dat"))
		require.NoError(t, err)
		return len(files)
	}
	size := func() string {
		configs, err := r.describe(ctx, topic)
		require.NoError(t, err)
		return configs["segment.bytes"]
	}
	usual := size()
	require.NoError(t, r.look(ctx, time.Now()), "a topic without records")
	say("first")
	require.NoError(t, r.look(ctx, time.Now()))
	say("young")
	assert.Equal(t, 1, segments(), "a young segment goes on")
	assert.Equal(t, usual, size())

	later := time.Now().Add(segmentSpan(c.cfg.Retention) + time.Minute)
	require.NoError(t, r.look(ctx, later))
	say("next")
	assert.Equal(t, 2, segments(), "an old segment ends with the next record")
	require.NoError(t, r.look(ctx, time.Now()))
	assert.Equal(t, usual, size())
	say("and on")
	assert.Equal(t, 2, segments())

	require.NoError(t, r.look(ctx, later))
	killed := &roller{dir: dir, client: client, log: testLog(t), rolling: map[string]string{}}
	say("new process")
	require.NoError(t, killed.look(ctx, time.Now()))
	assert.NotEqual(t, "1", size(), "what a killed process left is mended")
}
