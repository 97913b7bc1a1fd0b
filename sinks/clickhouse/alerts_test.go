package clickhouse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func alertsDB(t *testing.T, name string) *DB {
	t.Helper()
	db := open(t, shared)
	require.NoError(t, Migrate(t.Context(), db, name))
	return db.In(name)
}

// say stores mentions of Acme, the n-th of which is text(n) at a moment.
func sayAcme(t *testing.T, db *DB, n int, at func(int) time.Time, row func(int) string) {
	t.Helper()
	var values []string
	for i := range n {
		when := at(i)
		values = append(values, fmt.Sprintf("('live', 'Acme', toDateTime(%d), 'x', '%s-%d-%d', %d, fromUnixTimestamp64Milli(%d), fromUnixTimestamp64Milli(%d), %s)",
			when.Truncate(time.Hour).Unix(), t.Name(), when.Unix(), i, i+1, when.UnixMilli(), when.UnixMilli(), row(i)))
	}
	require.NoError(t, db.Exec(t.Context(), `INSERT INTO mentions (label_set, brand, hour, platform, id, version, event_time, seen_at,
author_id, author_handle, author_bot, text, kind, lang, hashtags, toward_label, likes) VALUES `+strings.Join(values, ",")))
	require.NoError(t, db.Exec(t.Context(), `INSERT INTO dirty (label_set, brand, hour, mark, done) SELECT DISTINCT label_set, brand, hour, toUInt64(1), 0 FROM mentions`))
}

func TestCountsAnswerDetectors(t *testing.T) {
	db := alertsDB(t, "alerts_counts")
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Minute)
	calm := func(i int) string {
		return fmt.Sprintf("'p%d', 'p%d', false, 'acme %d', 'post', 'en', [], 'neutral', 0", i%40, i%40, i)
	}
	sayAcme(t, db, 200, func(i int) time.Time { return now.Add(-3*24*time.Hour + time.Duration(i)*20*time.Minute) }, calm)
	sayAcme(t, db, 30, func(i int) time.Time { return now.Add(-time.Duration(i) * time.Second) },
		func(i int) string {
			return fmt.Sprintf("'q%d', 'q%d', false, 'boycott %d', 'post', 'de', ['Boycott'], 'negative', %d", i, i, i, i)
		})
	sayAcme(t, db, 50, func(i int) time.Time { return now.Add(-time.Duration(i+100) * time.Second) },
		func(i int) string {
			return fmt.Sprintf("'r%d', 'r%d', false, 'buy now http://x/%d', 'post', 'en', [], 'positive', 0", i%7, i%7, i)
		})
	sayAcme(t, db, 20, func(i int) time.Time { return now.Add(-time.Duration(i+200) * time.Second) },
		func(i int) string { return fmt.Sprintf("'bot', 'bot', true, 'beep %d', 'post', 'en', [], '', 0", i) })
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(ctx))
	c := OpenCounts(db)

	moved, err := c.Moved(ctx, now.Add(-time.Hour), now.Add(-2*time.Hour).Truncate(time.Hour))
	require.NoError(t, err)
	require.NotEmpty(t, moved)
	minutes, err := c.Minutes(ctx, moved)
	require.NoError(t, err)
	var mentions, negative float64
	for _, m := range minutes {
		if m.Minute.Time().After(now.Add(-10 * time.Minute)) {
			mentions, negative = mentions+m.Mentions, negative+m.Negative
		}
	}
	assert.InDelta(t, 100, mentions, 1)
	assert.InDelta(t, 30, negative, 0)
	require.NoError(t, db.Correct(ctx, Override{Platform: "x", ID: fmt.Sprintf("%s-%d-0", t.Name(), now.Unix()), Brand: "Acme", Field: OverrideToward, Value: "neutral", By: "Ada"}))
	minutes, err = c.Minutes(ctx, moved)
	require.NoError(t, err)
	for _, m := range minutes {
		if m.Minute.Time().After(now.Add(-10 * time.Minute)) {
			negative -= m.Negative
		}
	}
	assert.InDelta(t, 1, negative, 0, "what a person corrected counts as corrected")
	none, err := c.Minutes(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, none)

	history, err := c.History(ctx, "Acme", now.Add(-15*24*time.Hour), now.Add(time.Minute))
	require.NoError(t, err)
	total := 0.0
	for _, m := range history {
		total += m.Mentions
	}
	assert.InDelta(t, 300, total, 0)
	busy, err := c.Busy(ctx, now.Add(-20*24*time.Hour), 100)
	require.NoError(t, err)
	assert.Equal(t, []string{"Acme"}, busy)

	topics, err := c.Topics(ctx, []string{"Acme"}, now.Add(-2*time.Hour), now.Add(-14*24*time.Hour), 10)
	require.NoError(t, err)
	require.Len(t, topics, 1)
	assert.Equal(t, "boycott", topics[0].Topic)
	assert.InDelta(t, 30, topics[0].Voices, 0)
	assert.Zero(t, topics[0].Before)
	assert.InDelta(t, 3-2./24, topics[0].Known, 1./24, "days before these two hours")
	past, err := c.Hashtags(ctx, "Acme", now.Add(-14*24*time.Hour), now.Add(-2*time.Hour), now.Add(time.Minute), 10)
	require.NoError(t, err)
	require.Len(t, past, 30, "what the back-test reads of the same")
	people := map[uint64]bool{}
	for _, a := range past {
		people[a.Person] = true
		assert.Equal(t, "boycott", a.Subject)
		assert.False(t, a.Bot)
	}
	assert.Len(t, people, 30)
	past, err = c.Hashtags(ctx, "Acme", now.Add(-14*24*time.Hour), now.Add(-2*time.Hour), now.Add(time.Minute), 31)
	require.NoError(t, err)
	assert.Empty(t, past)

	x, err := c.Explain(ctx, "Acme", now.Add(-10*time.Minute), now.Add(time.Second))
	require.NoError(t, err)
	assert.InDelta(t, 100, x.Mentions, 1)
	assert.InDelta(t, 31, x.Voices, 1.01, "thirty people and one text that seven published; no bot")
	assert.InDelta(t, 29, x.Negative, 0, "one was corrected")
	assert.InDelta(t, 0.2, x.Bots, 0.01)
	assert.InDelta(t, 0.5, x.Duplicates, 0.01)
	assert.InDelta(t, 0.2, x.Loudest, 0.01)
	require.NotEmpty(t, x.Posts)
	assert.Equal(t, int64(29), x.Posts[0].Engagement)
	assert.Equal(t, "en", x.Languages[0].Name)
	assert.Equal(t, "boycott", x.Topics[0].Name)
	assert.Equal(t, "bot", x.Authors[0].Name)
	empty, err := c.Explain(ctx, "Nobody", now.Add(-time.Hour), now)
	require.NoError(t, err)
	assert.Zero(t, empty.Mentions)
}

func TestCountsKnowRivals(t *testing.T) {
	db := alertsDB(t, "alerts_rivals")
	ctx, at := t.Context(), pipeline.At(time.Now())
	require.NoError(t, db.PutBrandProfiles(ctx, []BrandProfile{{Brand: "Acme", State: "active", Competitors: []string{"Zenith", "Nadir"}, At: at},
		{Brand: "Nadir", State: "active", Competitors: []string{"Zenith"}, At: at}, {Brand: "Gone", State: "removed", Competitors: []string{"Acme"}, At: at}}))
	got, err := OpenCounts(db).Rivals(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string][]string{"Zenith": {"Acme", "Nadir"}, "Nadir": {"Acme"}}, got)
}

func TestCountsKnowWhosePastIsRewritten(t *testing.T) {
	db := alertsDB(t, "alerts_rewritten")
	ctx, now, c := t.Context(), time.Now().UTC(), OpenCounts(db)
	mark := func(brand string, hours int, done int, at string) {
		require.NoError(t, db.Exec(ctx, fmt.Sprintf(`INSERT INTO dirty (label_set, brand, hour, mark, done, at)
SELECT 'live', '%s', toStartOfHour(now()) - INTERVAL number + 1 HOUR, 7, %d, %s FROM numbers(%d)`, brand, done, at, hours)))
	}
	mark("promoted", 48, 0, "now64(3)")
	mark("settled", 48, 0, "now64(3)")
	mark("settled", 48, 1, "now64(3)")
	mark("lively", 20, 0, "toStartOfHour(now()) - INTERVAL number HOUR") // marked when it was said
	mark("lively", 20, 1, "toStartOfHour(now()) - INTERVAL number HOUR")
	require.NoError(t, db.Exec(ctx, `INSERT INTO replays (name, kind, brand, state, step) VALUES ('a', 'backfill', 'new', 'running', 1), ('b', 'backfill', 'old', 'done', 1)`))
	edge := now.Add(-3 * time.Hour).Truncate(time.Hour)
	all, err := c.Rewritten(ctx, nil, now.Add(-time.Hour), now.Add(-15*24*time.Hour), edge)
	require.NoError(t, err)
	assert.ElementsMatch(t, []pipeline.Rewriting{{Brand: "promoted", Changed: 45, Waiting: 45}, {Brand: "settled", Changed: 45}, {Brand: "lively"}, {Brand: "new", LooksBack: true}}, all)
	some, err := c.Rewritten(ctx, []string{"settled", "it's none"}, now.Add(time.Minute), now.Add(-15*24*time.Hour), edge)
	require.NoError(t, err)
	assert.Equal(t, []pipeline.Rewriting{{Brand: "settled"}}, some)
}

func TestCascadesArePeopleWhoPassOnAPost(t *testing.T) {
	db := alertsDB(t, "alerts_cascades")
	ctx, now := t.Context(), time.Now().UTC()
	sayAcme(t, db, 1, func(int) time.Time { return now.Add(-time.Hour) }, func(int) string { return "'a', 'a', false, 'acme', 'post', 'en', [], '', 0" })
	require.NoError(t, db.Exec(ctx, `INSERT INTO interactions (platform, root_id, id, via, target_id, author_id, event_time, version)
SELECT 'x', (SELECT id FROM mentions LIMIT 1), toString(number), 'repost', (SELECT id FROM mentions LIMIT 1), toString(number % 60), now64(3), 1 FROM numbers(90)`))
	c := OpenCounts(db)
	found, err := c.Cascades(ctx, []string{"Acme"}, now.Add(-30*time.Minute), 50)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.InDelta(t, 60, found[0].Voices, 0, "distinct people")
	past, err := c.PassedOn(ctx, "Acme", now.Add(-24*time.Hour), now.Add(time.Hour), 50)
	require.NoError(t, err)
	require.Len(t, past, 90, "what the back-test reads of the same")
	assert.Equal(t, found[0].Post, past[0].Subject)
	past, err = c.PassedOn(ctx, "Acme", now.Add(-24*time.Hour), now.Add(time.Hour), 61)
	require.NoError(t, err)
	assert.Empty(t, past)
	found, err = c.Cascades(ctx, []string{"Acme"}, now.Add(-30*time.Minute), 61)
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestCoverageTellsOfBlindSources(t *testing.T) {
	db := alertsDB(t, "alerts_coverage")
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Minute)
	for i, state := range map[string]string{"seeing": "ok", "blind": "down", "read": "done"} {
		require.NoError(t, db.Exec(ctx, fmt.Sprintf(`INSERT INTO sources VALUES ('%s', 'x', now64(3) - INTERVAL 1 HOUR, 0, now64(3))`, i)))
		require.NoError(t, db.Exec(ctx, fmt.Sprintf(`INSERT INTO coverage (source, minute, collector, platform, state, posts, lag_ms, at)
SELECT '%s', toDateTime(%d) - number * 60, 'c', 'x', if(number < 20, '%s', 'ok'), 10, 1500, now64(3) FROM numbers(1, 55)`, i, now.Unix(), state)))
	}
	c := OpenCounts(db)
	all, err := c.Sources(ctx, now)
	require.NoError(t, err)
	require.Len(t, all, 3)
	for _, s := range all {
		assert.Equal(t, s.Source == "read", s.Done, s.Source)
		assert.Equal(t, s.Source == "seeing", now.Sub(s.OK.Time()) < 5*time.Minute, "%+v", s)
		if s.Source == "seeing" {
			assert.Equal(t, pipeline.Time(1500), s.Lag)
		}
	}
	blind, err := c.Blind(ctx, now.Add(-30*time.Minute), now)
	require.NoError(t, err)
	assert.Contains(t, blind, now.Add(-10*time.Minute))
	assert.NotContains(t, blind, now.Add(-25*time.Minute))
	unseen, err := c.Unseen(ctx, now.Add(-30*time.Minute), now)
	require.NoError(t, err)
	assert.Contains(t, unseen, pipeline.Unseen{Source: "blind", Minute: pipeline.At(now.Add(-10 * time.Minute))})
	assert.Contains(t, unseen, pipeline.Unseen{Source: "read", Minute: pipeline.At(now.Add(-10 * time.Minute)), Done: true})
	for _, u := range unseen {
		assert.NotEqual(t, "seeing", u.Source)
		assert.True(t, u.Minute.Time().After(now.Add(-21*time.Minute)), "%+v", u)
	}
	x, err := c.Explain(ctx, "Acme", now.Add(-15*time.Minute), now)
	require.NoError(t, err)
	assert.Equal(t, []string{"blind"}, x.Blind)
}

func TestIncidentsAndDeliveriesFold(t *testing.T) {
	db := alertsDB(t, "alerts_fold")
	ctx, a, now := t.Context(), OpenAlerts(db), pipeline.At(time.Now().UTC().Truncate(time.Millisecond))
	i := pipeline.Incident{ID: "1", Brand: "A'c\"me", State: pipeline.IncidentOpen, Severity: pipeline.SeverityWarning, Opened: now, Updated: now, Revision: 1,
		Evidence: []pipeline.Evidence{{Kind: pipeline.AlertVolume, At: now, Minutes: 30, Observed: 90, Expected: 10, Chance: 1e-120, Score: 3}},
		Explanation: pipeline.Explanation{Voices: 70, Platforms: []pipeline.Part{{Name: "x", Mentions: 90}},
			Posts: []pipeline.Carrier{{Text: "it's <b>bad</b>\n"}}}}
	require.NoError(t, a.Save(ctx, &i))
	i.State, i.Resolved, i.Revision = pipeline.IncidentResolved, now, 2
	require.NoError(t, a.Save(ctx, &i))
	require.NoError(t, a.Acknowledge(ctx, "1", "ann", now.Time()))
	got, ok, err := a.Incident(ctx, "1")
	require.NoError(t, err)
	require.True(t, ok)
	i.Ack, i.AckBy = now, "ann"
	assert.Equal(t, i, got)
	_, ok, err = a.Incident(ctx, "2")
	require.NoError(t, err)
	assert.False(t, ok)
	open, err := a.Incidents(ctx, now.Time().Add(time.Hour))
	require.NoError(t, err)
	assert.Empty(t, open, "it is resolved and old")

	d := pipeline.Delivery{ID: "1/1/hook", Channel: "hook", Incident: "1", Event: "opened", State: pipeline.DeliveryWaiting, Message: []byte(`{"a":1}`), Created: now}
	require.NoError(t, a.PutDeliveries(ctx, []pipeline.Delivery{d}))
	waiting, err := a.Deliveries(ctx, pipeline.DeliveryWaiting)
	require.NoError(t, err)
	assert.Equal(t, []pipeline.Delivery{d}, waiting)
	sent := d
	sent.State, sent.Attempts = pipeline.DeliverySent, 1
	require.NoError(t, a.PutDeliveries(ctx, []pipeline.Delivery{sent}))
	require.NoError(t, a.PutDeliveries(ctx, []pipeline.Delivery{d}), "the same message again, after a crash")
	waiting, err = a.Deliveries(ctx, pipeline.DeliveryWaiting)
	require.NoError(t, err)
	assert.Empty(t, waiting, "what was sent stays sent")
	same, err := a.Deliveries(ctx, "", "1/1/hook")
	require.NoError(t, err)
	assert.Equal(t, []pipeline.Delivery{sent}, same)
}
