package clickhouse

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// These tests say what updates, deletes and odd times mean, across batches and within one.

const current = "SELECT arrayStringConcat(groupArray(concat(id, ':', brand)), ' ') FROM (SELECT id, brand FROM mentions_current ORDER BY id, brand)"

func TestUpdateTakesBrandsAway(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	do := func(first int64, records ...pipeline.Record) {
		t.Helper()
		b := script(first, records...)
		_, err := l.Write(t.Context(), b)
		require.NoError(t, err)
		b.Retry = true
		_, err = l.Write(t.Context(), b)
		require.NoError(t, err)
	}
	do(0, says(pipeline.OpCreate, "p1", "Acme", "Bolt"), says(pipeline.OpCreate, "p2", "Acme"))
	assert.Equal(t, "p1:Acme p1:Bolt p2:Acme", answer(t, db, current))
	do(2, says(pipeline.OpUpdate, "p1", "Acme", "Core"))
	assert.Equal(t, "p1:Acme p1:Core p2:Acme", answer(t, db, current))
	// Within one batch: born, changed, changed back, and news of its counts.
	do(3, says(pipeline.OpCreate, "p3", "Bolt"), says(pipeline.OpUpdate, "p3", "Acme"), says(pipeline.OpMetrics, "p3"), says(pipeline.OpUpdate, "p3", "Bolt"))
	assert.Equal(t, "p1:Acme p1:Core p2:Acme p3:Bolt", answer(t, db, current))
	do(7, says(pipeline.OpDelete, "p1"), says(pipeline.OpCreate, "p4", "Acme"), says(pipeline.OpDelete, "p4"))
	assert.Equal(t, "p2:Acme p3:Bolt", answer(t, db, current))
	// A back-fill of what was deleted resurrects nothing.
	do(10, says(pipeline.OpCreate, "p1", "Acme"))
	assert.Equal(t, "p2:Acme p3:Bolt", answer(t, db, current))
	assert.Equal(t, "11", answer(t, db, "SELECT count() FROM posts"))
	assert.Equal(t, "p2 p3", answer(t, db, "SELECT arrayStringConcat(groupArray(id), ' ') FROM (SELECT id FROM posts_current ORDER BY id)"))
}

func TestAccountDelete(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	_, err := l.Write(t.Context(), script(0, says(pipeline.OpCreate, "p1", "Acme"), says(pipeline.OpCreate, "p2", "Acme")))
	require.NoError(t, err)
	gone := says(pipeline.OpDelete, "author-of-p1")
	gone.Post.Scope, gone.Post.Author.ID = pipeline.ScopeAccount, "author-of-p1"
	_, err = l.Write(t.Context(), script(2, gone))
	require.NoError(t, err)
	assert.Equal(t, "p2:Acme", answer(t, db, current))
	assert.Equal(t, "1", answer(t, db, "SELECT count() FROM mentions FINAL"), "the rows are marked deleted, not only hidden")
	late := says(pipeline.OpCreate, "p9", "Acme")
	late.Post.Author.ID = "author-of-p1"
	_, err = l.Write(t.Context(), script(3, late))
	require.NoError(t, err)
	assert.Equal(t, "p2:Acme", answer(t, db, current))
	require.NoError(t, OpenRollups(db, l.log).Drain(t.Context()))
	assert.Equal(t, "1", answer(t, db, "SELECT sum(mentions) FROM mentions_hour"))
}

func TestEventTimeIsFrozen(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	first := says(pipeline.OpCreate, "p1", "Acme")
	first.Post.CreatedAt = 32472144000000 // 2999
	b := script(0, first)
	_, err := l.Write(t.Context(), b)
	require.NoError(t, err)
	seen := b.Records[0].Post.SeenAt
	second := says(pipeline.OpUpdate, "p1", "Acme")
	second.Post.SeenAt = seen + 3*hour
	second.Post.CreatedAt, second.Post.EditedAt = seen-hour, seen+3*hour // believable now, and too late
	_, err = l.Write(t.Context(), script(1, second))
	require.NoError(t, err)
	want := seen.Time().Format("2006-01-02 15:04:05.000")
	assert.Equal(t, want, answer(t, db, "SELECT DISTINCT event_time FROM posts"))
	assert.Equal(t, want, answer(t, db, "SELECT event_time FROM mentions_current"))
	assert.Equal(t, "2299-12-31 23:59:59.999\t['created_at: claimed 2999-01-01T00:00:00.000Z']",
		answer(t, db, "SELECT created_at, repairs FROM posts WHERE op = 'create'"))
}

func TestVersionOrdersRecords(t *testing.T) {
	at := func(created, edited, seen pipeline.Time, offset int64) string {
		v := version(&pipeline.Post{CreatedAt: created, EditedAt: edited}, seen, offset)
		return string([]byte{byte(v.High >> 56), byte(v.High >> 48), byte(v.High >> 40), byte(v.High >> 32), byte(v.High >> 24), byte(v.High >> 16), byte(v.High >> 8), byte(v.High),
			byte(v.Low >> 56), byte(v.Low >> 48), byte(v.Low >> 40), byte(v.Low >> 32), byte(v.Low >> 24), byte(v.Low >> 16), byte(v.Low >> 8), byte(v.Low)})
	}
	order := []string{
		at(0, 0, 5, 1), at(0, 0, 1<<40, 0), at(7, 0, 5, 9), at(7, 0, 6, 0), at(7, 0, 6, 1), at(7, 8, 0, 0), at(9, 0, 1<<47, 1<<31), at(0, 1<<47, 3, 3),
	}
	for i := 1; i < len(order); i++ {
		assert.Less(t, order[i-1], order[i], i)
	}
}

func TestEverythingAPostHoldsIsStored(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	lat, lon, rating := 48.1, 11.5, pipeline.Rating(0.75)
	r := says(pipeline.OpCreate, "p1")
	p := &r.Post
	p.CreatedAt = 1769990000000
	p.Source, p.Channel, p.Title, p.Text, p.Lang, p.URL = "s", "c", "ti", "te", "de-AT", "https://e.org/1"
	p.Author = pipeline.Author{ID: "a", Handle: "h", Name: "n", Followers: 1, Following: 2, Posts: 3, Verified: true, Bot: true, Location: "l", CreatedAt: 1600000000000}
	p.ParentID, p.ParentAuthor, p.RootID, p.RootAuthor = "pa", "paa", "ro", "roa"
	p.RepostOf, p.RepostAuthor, p.QuoteOf, p.QuoteAuthor = "re", "rea", "qu", "qua"
	p.Hashtags, p.Handles, p.Links = []string{"x", "y"}, []string{"z"}, []string{"https://e.org/2"}
	p.Media = []pipeline.Media{{Kind: "image", URL: "u", Alt: "alt"}}
	p.Metrics = pipeline.Metrics{Likes: 1, Reposts: 2, Replies: 3, Quotes: 4, Views: 5}
	p.Geo = pipeline.Geo{Country: "DE", Region: "BY", City: "M", Lat: &lat, Lon: &lon}
	p.Rating, r.Language = &rating, pipeline.Language{Code: "de", Confidence: 0.5}
	s := pipeline.Sentiment{Label: pipeline.Positive, Score: 0.5, Negative: 0.25, Neutral: 0.25, Positive: 0.5, Model: "m1"}
	r.Mentions = []pipeline.Mention{{
		Brand: "Acme", QueryVersion: "q1", Via: pipeline.ViaText, Spans: []pipeline.Span{{Field: "text", Begin: 1, End: 2}}, Categories: []string{"k"},
		Sentiment: s, Toward: s, Aspects: []pipeline.Aspect{{Name: "price", Score: -1}}, Intents: []string{"purchase"}, Phrases: []string{"ph"},
	}}
	_, err := l.Write(t.Context(), script(0, r))
	require.NoError(t, err)
	// Nothing may be empty: each column of each table must have taken its field.
	empty := answer(t, db, "SELECT * EXCEPT (scope, dead_stage, dead_reason, repairs, simulated, offset, edited_at, id) FROM posts FORMAT JSONEachRow")
	assert.NotContains(t, empty, `:""`)
	assert.NotContains(t, empty, `:[]`)
	assert.NotContains(t, empty, `:null`)
	assert.NotContains(t, empty, `false`)
	assert.NotContains(t, empty, `1970-`)
	empty = answer(t, db, "SELECT * EXCEPT (is_deleted, simulated, offset, edited_at) FROM mentions FORMAT JSONEachRow")
	assert.NotContains(t, empty, `:""`)
	assert.NotContains(t, empty, `:[]`)
	assert.NotContains(t, empty, `:null`)
	assert.NotContains(t, empty, `false`)
	assert.NotContains(t, empty, `:0,`)
	assert.Equal(t, "name\tz\tro\nquote\tqu\tqu\nreply\tpa\tro\nrepost\tre\tre",
		answer(t, db, "SELECT via, if(target_id = '', target_author, target_id), root_id FROM interactions ORDER BY via"))
	assert.Equal(t, "1\t2\t3\t4\t5", answer(t, db, "SELECT likes, reposts, replies, quotes, views FROM metrics_observed"))
	assert.Equal(t, "a\th\tn\t1\t2\t3\ttrue\ttrue\tl", answer(t, db, "SELECT author_id, handle, name, followers, following, posts, verified, bot, location FROM authors"))
}
