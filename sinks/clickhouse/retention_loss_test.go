package clickhouse

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestALossIsAnAlert(t *testing.T) {
	db := fresh(t)
	loss := pipeline.CoverageEvent{
		Type: "gap", Stream: "live", Source: "kafka/posts/3", From: 1_700_000_000_000, To: 1_700_000_120_000,
		Reason: `offsets 100 to 249 of posts/3: removed by retention, 'quoted' and \ slashed`,
	}
	other := loss
	other.Source = "bluesky" // a gap of a source is the detector's
	minute := loss
	minute.Type = "minute"
	for range 2 {
		require.NoError(t, db.PutLosses(t.Context(), []pipeline.CoverageEvent{loss, other, minute}))
	}
	assert.Equal(t, "1", answer(t, db, "SELECT count() FROM alerts"))
	assert.Equal(t, "resolved\tcritical\tkafka/posts/3\t['coverage']\t2023-11-14 22:13:20.000\t2",
		answer(t, db, "SELECT state, severity, source, kinds, opened_at, window_minutes FROM alerts"))
	assert.Equal(t, "kafka/posts/3: "+`offsets 100 to 249 of posts/3: removed by retention, \'quoted\' and \\ slashed`,
		answer(t, db, "SELECT JSONExtractString(evidence, 1, 'subject') FROM alerts"))
}
