package clickhouse

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// TestFactsFollowDeletes computes facts, deletes a post and an account, and asks before and
// after the next computation.
func TestFactsFollowDeletes(t *testing.T) {
	db := fresh(t)
	w := newWorld(t, db)
	compute := func() {
		_, err := OpenInfluence(db, zerolog.Nop()).Compute(t.Context())
		require.NoError(t, err)
		_, err = OpenFacts(db).Compute(t.Context())
		require.NoError(t, err)
	}
	const facts, current = "SELECT count() FROM scope_facts", "SELECT count() FROM scope_mentions"
	assert.Equal(t, "0", answer(t, db, facts+wholeScope), "nothing was computed")
	assert.Empty(t, answer(t, db, "SELECT * FROM computed WHERE generation > 0"))
	compute()
	before := answer(t, db, facts+wholeScope)
	assert.Equal(t, answer(t, db, current+wholeScope), before)

	var post, author pipeline.Record
	w.each(func(p *pipeline.Post, _ string, _ *pipeline.Mention) {
		post = says(pipeline.OpDelete, p.ID)
		post.Post.Platform, post.Post.SeenAt = p.Platform, w.day+48*hour
		author = says(pipeline.OpDelete, p.Author.ID)
		author.Post.Platform, author.Post.Scope, author.Post.SeenAt = p.Platform, pipeline.ScopeAccount, w.day+72*hour
	})
	post.Post.SeenAt = pipeline.At(time.Now())
	author.Post.SeenAt = post.Post.SeenAt
	l := openLedger(t, db)
	_, err := l.Write(t.Context(), script(10_000, post, author))
	require.NoError(t, err)
	after := answer(t, db, facts+wholeScope)
	assert.NotEqual(t, before, after)
	assert.Equal(t, answer(t, db, current+wholeScope), after, "what was deleted is left out at once")
	compute()
	assert.Equal(t, after, answer(t, db, facts+wholeScope))
	assert.Equal(t, "1", answer(t, db, "SELECT uniqExact(generation) FROM mention_facts"), "older ones are taken away")
	assert.Equal(t, "0\t0", answer(t, db, "SELECT (SELECT count() FROM cascade_ties), (SELECT count() FROM cascade_steps)"), "so is the scratch")
}

// TestFactsShowWhole: a computation that dies shows nowhere, and two at once agree.
func TestFactsShowWhole(t *testing.T) {
	db := fresh(t)
	newWorld(t, db)
	_, err := OpenFacts(db).Compute(t.Context())
	require.NoError(t, err)
	want := answer(t, db, "SELECT count() FROM scope_facts"+wholeScope)
	require.NotEqual(t, "0", want)
	// One died after it had written half of its facts, a second ago and from now on.
	for _, shift := range []string{"- 1", "+ 3600000"} {
		require.NoError(t, db.Exec(t.Context(), "INSERT INTO mention_facts (generation, label_set, brand, hour, platform, id, event_time) SELECT generation "+shift+
			", label_set, brand, hour, platform, id, event_time FROM mention_facts LIMIT 7"))
	}
	assert.Equal(t, want, answer(t, db, "SELECT count() FROM scope_facts"+wholeScope))

	var all sync.WaitGroup
	failed := make([]error, 2)
	for i := range failed {
		all.Go(func() { _, failed[i] = OpenFacts(db).Compute(t.Context()) })
	}
	all.Wait()
	require.NoError(t, errors.Join(failed...))
	assert.Equal(t, want, answer(t, db, "SELECT count() FROM scope_facts"+wholeScope))
	assert.Equal(t, "1", answer(t, db, "SELECT count() FROM (SELECT max(generation) AS g FROM computations) AS c INNER JOIN (SELECT DISTINCT generation FROM mention_facts) AS f ON f.generation = c.g"))
}

// TestTheForemostTwoHundred: influencers are the two hundred with the highest standing, whether these stand
// among the first of all accounts or far behind.
func TestTheForemostTwoHundred(t *testing.T) {
	for name, behind := range map[string]string{"near": "0", "far": "19900", "only far": "1000000"} {
		t.Run(name, func(t *testing.T) {
			db := fresh(t)
			for _, statement := range []string{
				"INSERT INTO account_facts (generation, standing, platform, author_id) SELECT 7, number + 1 + " + behind + ", 'x', toString(number + 1) FROM numbers(500)",
				"INSERT INTO mention_facts (generation, label_set, brand, hour, platform, id, event_time, standing)" + // each account twice
					" SELECT 7, 'live', 'Acme', '2026-01-01 00:00:00', 'x', toString(number), '2026-01-01 00:00:00', number % 500 + 1 + " + behind + " FROM numbers(1000)",
				"INSERT INTO computations SELECT 7, now64(3), now64(3), 1000",
			} {
				require.NoError(t, db.Exec(t.Context(), statement))
			}
			assert.Equal(t, "200\t1\t200\t400", answer(t, db, "SELECT uniqExact(author_id), min(toUInt32(author_id)), max(toUInt32(author_id)), sum(mentions) FROM influencers"+wholeScope))
		})
	}
}
