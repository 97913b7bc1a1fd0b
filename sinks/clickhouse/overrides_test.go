package clickhouse

import (
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// labelRow is what a reader of mentions_current sees of labels.
type labelRow struct {
	Set   string  `ch:"set"`
	ID    string  `ch:"id"`
	Brand string  `ch:"brand"`
	Lang  string  `ch:"lang"`
	Post  string  `ch:"post"`
	To    string  `ch:"to"`
	Score float32 `ch:"score"`
	Model string  `ch:"model"`
	By    string  `ch:"by"`
}

func labelRows(t *testing.T, db *DB, where string) (rows []labelRow) {
	t.Helper()
	require.NoError(t, db.Select(t.Context(), &rows, "SELECT toString(label_set) AS set, id, toString(brand) AS brand, toString(lang) AS lang,"+
		" toString(sentiment_label) AS post, toString(toward_label) AS to, toward AS score, toString(toward_model) AS model, corrected_by AS by"+
		" FROM "+db.table("mentions_current")+" WHERE "+where+" ORDER BY set, id, brand"))
	return rows
}

// totalsAgree compares the hourly totals by language and label with mentions_current.
func totalsAgree(t *testing.T, db *DB) {
	t.Helper()
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
	type total struct {
		Set   string  `ch:"set"`
		Brand string  `ch:"brand"`
		Lang  string  `ch:"lang"`
		Label string  `ch:"label"`
		N     uint64  `ch:"n"`
		Sum   float64 `ch:"total"`
	}
	var raw, rolled []total
	require.NoError(t, db.Select(t.Context(), &raw, "SELECT toString(label_set) AS set, toString(brand) AS brand, toString(lang) AS lang,"+
		" toString(if(toward_label != '', toward_label, sentiment_label)) AS label, count() AS n,"+
		" sum(toFloat64(multiIf(toward_label != '', toward, sentiment_label != '', sentiment, 0))) AS total FROM "+
		db.table("mentions_current")+" GROUP BY set, brand, lang, label ORDER BY set, brand, lang, label"))
	require.NoError(t, db.Select(t.Context(), &rolled, "SELECT toString(label_set) AS set, toString(brand) AS brand, toString(lang) AS lang,"+
		" toString(label) AS label, sum(mentions) AS n, sum(sentiment_sum) AS total FROM "+
		db.table("mentions_hour")+" AS h GROUP BY set, brand, lang, label ORDER BY set, brand, lang, label"))
	require.NotEmpty(t, raw)
	assert.Equal(t, raw, rolled)
}

// alike is a chain whose sentiment toward each brand is that of the post.
type alike struct{ words }

func (a alike) Enrich(r *pipeline.Record) error {
	err := a.words.Enrich(r)
	for i := range r.Mentions {
		r.Mentions[i].Toward = r.Mentions[i].Sentiment
	}
	return err
}

// TestCorrectionsSurvive corrects labels and then delivers the posts again, edits them and
// replays them with another chain: the corrections stand everywhere, totals follow, and
// what is taken back is as the stages say.
func TestCorrectionsSurvive(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	old, next := alike{words{"v1", []string{"Acme", "Bolt"}}}, alike{words{"v2", []string{"Acme", "Bolt", "Core"}}}
	texts := map[string]string{"p1": "acme and bolt and core", "p2": "acme"}
	said(t, l, old, 0, pipeline.OpCreate, texts)
	before := labelRows(t, db, "1")
	require.Len(t, before, 3)
	require.Equal(t, "positive", before[0].To, "else the test cannot fail")

	correct := func(o Override) {
		o.Platform, o.By = "test", "Ada"
		require.NoError(t, db.Correct(t.Context(), o))
	}
	correct(Override{ID: "p1", Field: OverrideLanguage, Value: "fr"})
	correct(Override{ID: "p1", Field: OverrideSentiment, Value: "neutral"})
	correct(Override{ID: "p1", Brand: "Bolt", Field: OverrideToward, Value: "negative"})
	check := func(set string) {
		rows := labelRows(t, db, "id = 'p1' AND label_set = '"+set+"'")
		require.GreaterOrEqual(t, len(rows), 2)
		assert.Equal(t, labelRow{set, "p1", "Acme", "fr", "neutral", "neutral", 0, "correction", "Ada"}, rows[0])
		assert.Equal(t, labelRow{set, "p1", "Bolt", "fr", "neutral", "negative", -1, "correction", "Ada"}, rows[1])
		totalsAgree(t, db)
	}
	check("live")
	said(t, l, old, 100, pipeline.OpCreate, texts)                                         // delivered again
	said(t, l, old, 200, pipeline.OpUpdate, map[string]string{"p1": "acme, bolt, edited"}) // edited
	check("live")
	require.NoError(t, (&Replayer{DB: db, Chain: next, Log: zerolog.Nop()}).Run(t.Context(), &Replay{Name: "next", Kind: KindReplay, LabelSet: "next"}))
	check("next")
	assert.Equal(t, before[2], labelRows(t, db, "id = 'p2' AND label_set = 'live'")[0], "a neighbour is as it was")

	stand, err := db.Overrides(t.Context(), "test", "p1")
	require.NoError(t, err)
	require.Len(t, stand, 3)
	assert.Equal(t, []string{"Bolt", OverrideToward, "negative", "Ada"}, []string{stand[0].Brand, stand[0].Field, stand[0].Value, stand[0].By})
	examples, err := db.Examples(t.Context(), OverrideToward)
	require.NoError(t, err)
	assert.Equal(t, []Example{{"fr", "Bolt", "negative", "acme, bolt, edited"}}, examples)

	for _, o := range stand {
		o.Value = ""
		correct(o)
	}
	after := labelRows(t, db, "id = 'p1' AND label_set = 'live'")
	for i := range 2 {
		before[i].Score = after[i].Score // the text was edited meanwhile
		assert.Equal(t, before[i], after[i])
	}
	totalsAgree(t, db)
	stand, err = db.Overrides(t.Context(), "", "")
	require.NoError(t, err)
	assert.Empty(t, stand)
}

func TestOnlyWhatIsStoredIsCorrected(t *testing.T) {
	db := fresh(t)
	said(t, openLedger(t, db), words{"v1", []string{"Acme"}}, 0, pipeline.OpCreate, map[string]string{"p1": "acme"})
	err := db.Correct(t.Context(), Override{Platform: "test", ID: "p9", Field: OverrideLanguage, Value: "fr"})
	require.ErrorIs(t, err, ErrNotStored)
	err = db.Correct(t.Context(), Override{Platform: "test", ID: "p1", Brand: "Bolt", Field: OverrideToward, Value: "negative"})
	require.ErrorIs(t, err, ErrNotStored)
	require.ErrorContains(t, err, `mention of "Bolt" in test/p1`)
}

// TestTotalsReadTheirBucketsAlone: the view that lays corrections over mentions must not
// make the totals read the whole table.
func TestTotalsReadTheirBucketsAlone(t *testing.T) {
	db := fresh(t)
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO "+db.table("mentions")+" (label_set, brand, hour, platform, id, event_time)"+
		" SELECT 'live', toString(number % 50), toDateTime(1700000000 + 3600 * intDiv(number, 50), 'UTC'), 'test', toString(number), now64(3) FROM numbers(200000)"))
	var plan []struct {
		Database string `ch:"database"`
		Table    string `ch:"table"`
		Parts    uint64 `ch:"parts"`
		Rows     uint64 `ch:"rows"`
		Marks    uint64 `ch:"marks"`
	}
	require.NoError(t, db.Select(t.Context(), &plan, "EXPLAIN ESTIMATE SELECT count() FROM "+db.table("mentions_current")+
		" WHERE (label_set, brand, hour) IN [('live', '7', toDateTime(1700000000 + 3600 * 10, 'UTC'))]"))
	for _, p := range plan {
		if p.Table == "mentions" {
			assert.Less(t, p.Rows, uint64(50_000), "of 200,000")
			return
		}
	}
	assert.Fail(t, "no plan for mentions", plan)
}
