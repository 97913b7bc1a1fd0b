package clickhouse

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/sinks"
)

func TestDeadLettersFold(t *testing.T) {
	db := fresh(t)
	now := pipeline.At(time.Now())
	letters := []pipeline.DeadLetter{
		{ID: "1", Stage: "decode", Reason: "no id", Origin: "posts/1/2", At: now, Size: 3, SHA256: "ab", Payload: []byte("{\x00'")},
		{ID: "2", Stage: "collect", Reason: "too large", Origin: "file", At: now, Payload: make([]byte, pipeline.MaxDeadPayload+1)},
	}
	require.NoError(t, db.PutDeadLetters(t.Context(), letters))
	require.NoError(t, db.PutDeadLetters(t.Context(), letters))
	require.NoError(t, db.PutDeadLetters(t.Context(), nil))
	assert.Equal(t, "2\t65536", answer(t, db, "SELECT count(), max(length(payload)) FROM dead_letters FINAL"))
	assert.Equal(t, "decode\tno id\t7B0027", answer(t, db, "SELECT stage, reason, hex(payload) FROM dead_letters FINAL WHERE id = '1'"))
}

func TestCoverageShowsGaps(t *testing.T) {
	db := fresh(t)
	from := pipeline.At(time.Now().UTC().Truncate(time.Minute)) - 10*minute
	events := []pipeline.CoverageEvent{
		{Type: "expected", Source: "s", Platform: "p", From: from, To: from + 5*minute, At: from},
		{Type: "minute", Source: "s", Platform: "p", Collector: "a", From: from, State: pipeline.CoverageOK, Posts: 1, At: from + 1},
		{Type: "minute", Source: "s", Platform: "p", Collector: "a", From: from, State: pipeline.CoverageOK, Posts: 7, LagMillis: 30, At: from + 2},
		{Type: "minute", Source: "s", Platform: "p", Collector: "b", From: from, State: pipeline.CoverageDown, Posts: 2, LagMillis: 20, At: from + 2},
		{Type: "minute", Source: "s", Platform: "p", Collector: "b", From: from + 3*minute, State: pipeline.CoverageLimited, Refused: 4, Errors: 5, At: from + 9},
		{Type: "gap", Source: "s", Platform: "p", From: from, Reason: "cursor too old", At: from},
		{Type: "gap", Source: "s", Platform: "p", From: from, To: from + minute, Reason: "cursor too old", At: from + 1},
	}
	require.NoError(t, db.PutCoverage(t.Context(), events))
	require.NoError(t, db.PutCoverage(t.Context(), events))
	assert.Equal(t, "0\tok\t9\t0\t0\t20\n1\tgap\t0\t0\t0\t0\n1\tgap\t0\t0\t0\t0\n0\tlimited\t0\t4\t5\t0\n1\tgap\t0\t0\t0\t0",
		answer(t, db, "SELECT is_gap, state, posts, refused, errors, lag_ms FROM coverage_spine ORDER BY minute"))
	assert.Equal(t, "1\t1", answer(t, db, "SELECT count(), countIf(gap_to > gap_from) FROM gaps FINAL"))
	require.Error(t, db.PutCoverage(t.Context(), []pipeline.CoverageEvent{{Type: "other"}}))
}

func TestBrandsFold(t *testing.T) {
	db := fresh(t)
	v := []BrandVersion{{Brand: "Acme", Version: "h1", Query: `acme OR "a c"`, Since: 1769990000000}, {Brand: "Acme", Version: "h2", Query: "acme", Since: 1769990000001}}
	require.NoError(t, db.PutBrands(t.Context(), v))
	require.NoError(t, db.PutBrands(t.Context(), v))
	assert.Equal(t, "2", answer(t, db, "SELECT count() FROM brands FINAL"))
}

func TestArchive(t *testing.T) {
	db := fresh(t)
	a := DefaultArchive()
	a.EdgeDays = 10000 // the rows below lie in the past
	require.NoError(t, ApplyArchive(t.Context(), db, a))
	definition := func() string {
		return answer(t, db, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = 'posts' FORMAT TSVRaw")
	}
	assert.True(t, archiveStands(definition(), a), definition())
	a.Days = 10000
	assert.False(t, archiveStands(definition(), a))
	require.NoError(t, ApplyArchive(t.Context(), db, a))
	assert.True(t, archiveStands(definition(), a), definition())
	assert.False(t, archiveStands(definition(), DefaultArchive()))

	l := openLedger(t, db)
	b := benchBatch(0, 2000)
	for i := range b.Records { // two days
		b.Records[i].Post.SeenAt += pipeline.Time(i%2) * 24 * hour
		b.Records[i].Post.Text = rand.Text() + rand.Text() + rand.Text() // does not compress
	}
	_, err := l.Write(t.Context(), b)
	require.NoError(t, err)
	touched, err := EnforceCap(t.Context(), db, a, quiet())
	require.NoError(t, err)
	assert.Empty(t, touched)
	days, err := pastDays(t.Context(), db)
	require.NoError(t, err)
	total, err := ledgerBytes(t.Context(), db)
	require.NoError(t, err)
	require.Len(t, days, 2)

	a.GB = float64(total-1) / 1e9 // one byte too many: the oldest day's text goes
	touched, err = EnforceCap(t.Context(), db, a, quiet())
	require.NoError(t, err)
	assert.Equal(t, []string{days[0]}, touched)
	assert.Equal(t, "0\t1000\n1\t1000", answer(t, db, "SELECT text != '' AS has, count() FROM posts GROUP BY has ORDER BY has"))
	assert.Equal(t, "1", answer(t, db, "SELECT min(id != '' AND kind != '') FROM posts"))

	a.GB = 1e-9 // nothing fits: whole days go
	_, err = EnforceCap(t.Context(), db, a, quiet())
	require.NoError(t, err)
	assert.Equal(t, "0", answer(t, db, "SELECT count() FROM posts"))

	require.Error(t, Archive{Days: 30, EdgeDays: 40000}.Validate())
	require.Error(t, Archive{Days: 0, EdgeDays: 1}.Validate())
	require.Error(t, Archive{Days: 3, EdgeDays: 2}.Validate())
	require.Error(t, Archive{Days: 3, EdgeDays: 3, GB: -1}.Validate())
}

func TestTTLTakesTextAndLeavesTheEdge(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	b := sinks.NewBatch(0, 1)
	b.Records[1].Post.SeenAt = pipeline.At(time.Now())
	_, err := l.Write(t.Context(), b) // the first was seen in February 2026
	require.NoError(t, err)
	require.NoError(t, ApplyArchive(t.Context(), db, Archive{Days: 30, EdgeDays: 10000}))
	require.NoError(t, db.Exec(t.Context(), "OPTIMIZE TABLE posts FINAL"))
	assert.Equal(t, "p0\t\t\tpost\np1\tI like Acme\ta1\tpost", answer(t, db, "SELECT id, text, author_id, kind FROM posts ORDER BY id"))
}
