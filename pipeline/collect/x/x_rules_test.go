package x

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/budget"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/query"
)

// notes is a session that writes down what it is told, and stops when it has enough.
type notes struct {
	ids     map[string]int
	ops     map[pipeline.Op]int
	cursor  pipeline.Cursor
	gaps    []string
	limited []time.Time
	emits   int
	stop    func()
	enough  func(*notes) bool
}

func (n *notes) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n.emits++
	for i := range posts {
		n.ids[posts[i].ID]++
		n.ops[posts[i].Op]++
	}
	n.cursor = upTo
	if n.enough != nil && n.enough(n) {
		n.stop()
	}
	return nil
}
func (n *notes) Refuse(context.Context, []byte, string, string) error { return nil }
func (n *notes) Gap(_, _ time.Time, reason string)                    { n.gaps = append(n.gaps, reason) }
func (n *notes) Limited(until time.Time, _ string)                    { n.limited = append(n.limited, until) }
func (n *notes) Alive()                                               {}

// hear runs a source until it has heard enough, or for long at most.
func hear(t *testing.T, s *Source, from pipeline.Cursor, enough func(*notes) bool) (*notes, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	n := &notes{ids: map[string]int{}, ops: map[pipeline.Op]int{}, cursor: from, stop: cancel, enough: enough}
	err := s.Run(ctx, from, n)
	require.NotErrorIs(t, ctx.Err(), context.DeadlineExceeded)
	return n, err
}

func TestTheBudgetIsNeverOverspent(t *testing.T) {
	s := &server{published: postCount}
	address := serve(t, s)
	budgetOf := func(c *Config) { c.Budget = budget.Config{Reads: 250, Period: budget.Month} }
	n, err := hear(t, open(t, address, s, budgetOf), nil, func(n *notes) bool { return len(n.gaps) > 0 })
	require.Error(t, err)
	assert.Equal(t, []string{"the budget of paid reads does not reach for what was missed"}, n.gaps, "what it cannot pay for it reports")
	assert.NotEmpty(t, n.ids)
	assert.LessOrEqual(t, s.reads, 250)
	assert.GreaterOrEqual(t, s.reads, 80, "but it is used")

	live := &server{live: true, day: collecttest.Cut}
	liveAddress := serve(t, live)
	var cursor pipeline.Cursor
	for limited := false; !limited; { // the runner starts it again and again
		n, err := hear(t, open(t, liveAddress, live, func(c *Config) { c.Budget.Reads, c.Search = 100, false }), cursor, nil)
		require.Error(t, err)
		cursor = n.cursor
		if limited = len(n.limited) > 0; limited {
			require.ErrorIs(t, err, budget.ErrSpent)
			require.Equal(t, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), n.limited[0], "it goes on in the next month")
		}
	}
	assert.LessOrEqual(t, live.reads, 100)
	assert.Greater(t, live.reads, 50)
	n, err = hear(t, open(t, liveAddress, live, func(c *Config) { c.Budget.Reads, c.Search = 100, false }), cursor, nil)
	require.ErrorIs(t, err, budget.ErrSpent, "a restart changes nothing")
	assert.Equal(t, []string{"the budget of paid reads was spent"}, n.gaps)
	assert.LessOrEqual(t, live.reads, 100)
}

func TestRulesFollowTheSettings(t *testing.T) {
	s := &server{published: 3, have: []rule{{ID: "a", Value: "somebody else's", Tag: "other"}, {ID: "b", Value: "old", Tag: tag}, {ID: "c", Value: "aurelia", Tag: tag}}}
	address := serve(t, s)
	_, err := hear(t, open(t, address, s, func(c *Config) { c.Rules = []string{"aurelia", "new"} }), nil, func(n *notes) bool { return len(n.ids) > 0 })
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{"add new", "delete old"}, s.changes, "what is right stays, what is not ours too")
	s.changes = nil
	_, err = hear(t, open(t, address, s, func(c *Config) { c.Rules, c.MaxRules = []string{"third"}, 3 }), nil, func(n *notes) bool { return len(n.ids) > 0 })
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{"delete aurelia", "delete new", "add third"}, s.changes, "without room the old ones go first")

	s.refuse = "((("
	_, err = hear(t, open(t, address, s, func(c *Config) { c.Rules = []string{"((("} }), nil, nil)
	require.ErrorContains(t, err, `refuses the rule "((("`)
	_, err = hear(t, open(t, address, s, func(c *Config) { c.Rules = nil }), nil, nil)
	require.ErrorContains(t, err, "nothing to ask for")
}

func TestRulesFollowTheBrandsWithoutARestart(t *testing.T) {
	s := &server{published: 3}
	q, err := query.Parse("aurelia AND kettle")
	require.NoError(t, err)
	brands := []query.Brand{{Name: "Aurelia", Query: q}}
	x := open(t, serve(t, s), s, func(c *Config) { c.Rules, c.Brands = nil, true })
	x.Follow(func(context.Context) ([]query.Brand, string, error) { return brands, "", nil })
	r := &run{Source: x, out: &notes{ids: map[string]int{}, ops: map[pipeline.Op]int{}}}
	require.NoError(t, r.refresh(t.Context()))
	assert.Equal(t, []string{"add ((aurelia OR #aurelia OR @aurelia) (kettle OR #kettle OR @kettle))"}, s.changes)
	s.changes = nil
	brands[0].Query, brands[0].Channels = nil, []string{"x/AureliaHelp"}
	require.NoError(t, r.refresh(t.Context()))
	assert.Empty(t, s.changes, "not at every look")
	s.published += 60 // a minute
	require.NoError(t, r.refresh(t.Context()))
	assert.Equal(t, []string{"add (from:aureliahelp OR to:aureliahelp OR retweets_of:aureliahelp OR @aureliahelp)",
		"delete ((aurelia OR #aurelia OR @aurelia) (kettle OR #kettle OR @kettle))"}, s.changes)
}

func TestPostsAreLookedUpAgain(t *testing.T) {
	s := &server{published: 8}
	n, err := hear(t, open(t, serve(t, s), s, func(c *Config) { c.Reread = []time.Duration{0} }), nil,
		func(n *notes) bool { return n.ops[pipeline.OpDelete] > 0 })
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 7, n.ops[pipeline.OpMetrics])
	assert.Equal(t, 1, n.ops[pipeline.OpDelete], "what X no longer knows is deleted")
	assert.Len(t, s.lookups, 1, "all in one request")
}

func TestWrongCredentialsSayHowToMend(t *testing.T) {
	s := &server{}
	address := serve(t, s)
	x := open(t, address, s, func(c *Config) { c.Token = "wrong-canary" })
	for _, try := range []func() error{
		func() error { _, err := x.Check(t.Context()); return err },
		func() error { _, err := hear(t, x, nil, nil); return err },
	} {
		err := try()
		require.ErrorContains(t, err, "Developer Console")
		require.ErrorContains(t, err, "401")
		assert.NotContains(t, err.Error(), "wrong-canary")
	}
	_, err := open(t, address, s, func(c *Config) { c.Token = "" }).Check(t.Context())
	require.ErrorContains(t, err, "token is missing")
	said, err := open(t, address, s, nil).Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, said, "42 of 10000 reads")
}

func TestTheStreamsOwnErrorsEndIt(t *testing.T) {
	r := &run{Source: &Source{}}
	_, err := r.event(t.Context(), []byte(`{
	"errors": [{
		"title": "operational-disconnect",
		"disconnect_type": "UpstreamOperationalDisconnect",
		"detail": "This stream has been disconnected upstream for operational reasons.",
		"type": "https://api.x.com/2/problems/operational-disconnect"
	}]
}`)) // verbatim: docs.x.com, fundamentals/consuming-streaming-data
	require.ErrorContains(t, err, "operational-disconnect")
	r.cfg.Token = "canary"
	_, err = r.event(t.Context(), []byte(`{"errors":[{"title":"x","detail":"token canary is bad"}]}`))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "canary")
}

func TestSettings(t *testing.T) {
	for mistake, change := range map[string]func(*Config){
		"endpoint": func(c *Config) { c.Endpoint = "x" }, "max_rules": func(c *Config) { c.MaxRules = 0 },
		"rule_length": func(c *Config) { c.RuleLength = 1 }, "query_length": func(c *Config) { c.QueryLen = 1 },
		"history": func(c *Config) { c.History = 8 * 24 * time.Hour }, "deadline": func(c *Config) { c.Deadline = 0 },
		"watch": func(c *Config) { c.Watch = -1 }, "reread": func(c *Config) { c.Reread = []time.Duration{2, 1} },
		"budget.reads": func(c *Config) { c.Budget.Reads = -1 }, "budget.period": func(c *Config) { c.Budget.Period = "year" },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), mistake)
	}
	cfg := DefaultConfig()
	require.NoError(t, cfg.Validate())
}

func TestIdsTellTimes(t *testing.T) {
	// https://docs.x.com, fundamentals/data-dictionary: this post is of 2019-12-31T19:26:16.
	at := timeOf(1212092628029698048)
	assert.Equal(t, "2019-12-31T19:26:16", at.Format("2006-01-02T15:04:05"))
	assert.LessOrEqual(t, idAt(at), uint64(1212092628029698048))
	assert.Zero(t, idAt(time.Unix(0, 0)))
}
