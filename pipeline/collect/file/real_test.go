package file_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/file"
	"earshot/pipeline/testclaim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// load reads a file to its end through the real runner.
func load(t *testing.T, k *collecttest.Kafka, src pipeline.Source) *collect.Runner {
	t.Helper()
	r, err := collect.New(collect.Parts{Publisher: k, Ends: k.Ends, Cursors: k, DeadLetters: k, Reporter: k, Collector: "test", Logger: zerolog.Nop()},
		[]collect.Entry{{Name: "import", Platform: "file", Stream: pipeline.LiveStream(), Source: src}})
	require.NoError(t, err)
	require.NoError(t, r.Run(t.Context()))
	return r
}

func TestRealTweets(t *testing.T) {
	c := file.DefaultConfig()
	c.Path = testclaim.Data(t, "sentiment/target.tsv")
	src, err := file.Open(c)
	require.NoError(t, err)
	assert.Equal(t, "columns guessed from the first 200 rows: 3 = id (tweet ids: platform x, times from them), 5 = text; say --columns to change", src.Columns())

	k := &collecttest.Kafka{}
	load(t, k, src)
	records := k.Records()
	assert.Len(t, records, 30621)
	assert.Len(t, k.Count(), 30421)
	assert.Empty(t, k.Letters())
	assert.Equal(t, file.Counters{Read: 30621, Emitted: 30621, Bytes: src.Counters().Size, Size: src.Counters().Size}, src.Counters())
	for _, r := range records {
		p := &r.Post
		require.Equal(t, "x", p.Platform)
		require.NotEmpty(t, p.Text)
		id, err := strconv.ParseInt(p.ID, 10, 64)
		require.NoError(t, err)
		epoch := time.Date(2010, 11, 4, 1, 42, 54, 657e6, time.UTC)
		require.Equal(t, epoch.Add(time.Duration(id/4194304)*time.Millisecond), p.CreatedAt.Time())
		require.GreaterOrEqual(t, p.CreatedAt.Time().Year(), 2010)
		require.Less(t, p.CreatedAt.Time().Year(), 2020)
	}
}
