package kafka

import (
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestInspectChangesNothingAndTellsWhatDiffers(t *testing.T) {
	broker, err := StartEmbedded(EmbeddedConfig{Dir: t.TempDir(), Port: 21000, Logger: zerolog.Nop()})
	require.NoError(t, err)
	defer broker.Close()
	cfg := DefaultConfig()
	cfg.Brokers = []string{broker.Addr()}
	client, err := Open(cfg)
	require.NoError(t, err)
	defer client.Close()

	brokers, err := client.InspectBrokers(t.Context())
	require.NoError(t, err)
	require.Len(t, brokers, 1)
	require.NoError(t, brokers[0].Err)
	assert.Equal(t, broker.Addr(), brokers[0].Addr)

	for range 2 { // the second look finds the same: the first made nothing
		for _, answer := range client.InspectTopics(t.Context(), pipeline.LiveStream()) {
			require.NoError(t, answer.Err)
			assert.True(t, answer.Missing, answer.Name)
		}
	}
	_, err = client.EnsureTopics(t.Context(), pipeline.LiveStream())
	require.NoError(t, err)
	cfg.Partitions = 7
	other, err := Open(cfg)
	require.NoError(t, err)
	defer other.Close()
	for _, answer := range other.InspectTopics(t.Context(), pipeline.LiveStream()) {
		require.NoError(t, answer.Err)
		assert.False(t, answer.Missing)
		if answer.Name == "posts" {
			assert.Contains(t, answer.Warnings[0], "has 4 partitions, configured are 7")
		}
	}
}

func TestMissingRights(t *testing.T) {
	assert.Empty(t, missingRights(opsUnknown), "a broker that does not tell denies nothing")
	assert.Empty(t, missingRights(1<<opRead|1<<opWrite|1<<opDescribe))
	assert.Equal(t, []string{"WRITE"}, missingRights(1<<opRead|1<<opDescribe))
}
