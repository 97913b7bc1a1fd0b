package detect

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestCountModelEqualsItsDefinition(t *testing.T) {
	for _, m := range []countModel{modelOf(3, 1), modelOf(12, 2.5), modelOf(0.5, 4), modelOf(400, 30)} {
		r, p := m.mean/(m.phi-1), 1/m.phi
		sum := 0.0
		for k := range 2000 {
			a, _ := math.Lgamma(float64(k) + r)
			b, _ := math.Lgamma(r)
			c, _ := math.Lgamma(float64(k) + 1)
			assert.InDelta(t, 1-sum, m.atLeast(float64(k)), 1e-9, "%+v at least %d", m, k)
			sum += math.Exp(a - b - c + r*math.Log(p) + float64(k)*math.Log1p(-p))
			assert.InDelta(t, sum, m.atMost(float64(k)), 1e-9, "%+v at most %d", m, k)
		}
		low, high := m.interval()
		assert.GreaterOrEqual(t, m.atMost(high), 0.975)
		assert.Less(t, m.atMost(high-1), 0.975)
		assert.Less(t, m.atMost(low-1), 0.025)
	}
	assert.Less(t, modelOf(80, 2).atLeast(1200), 1e-100)
}

// steady is a watch after days of so many mentions a minute, a tenth of them negative.
func steady(t *testing.T, days int, rate float64) (*Watch, *rand.Rand) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 5))
	w, err := NewWatch(DefaultConfig(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	for range days * 24 * 60 {
		for _, f := range w.Add(usual(rng, rate), false) {
			assert.False(t, f.Fired, "%+v", f)
		}
	}
	return w, rng
}

func usual(rng *rand.Rand, rate float64) Tally {
	n := poisson(rng, rate)
	return Tally{Mentions: n, Negative: poisson(rng, n/10), Reach: 100 * n}
}

// fired runs minutes and returns the kinds that fired, with the minute of each.
func fired(w *Watch, minutes int, blind bool, next func() Tally) map[pipeline.AlertKind]int {
	out := map[pipeline.AlertKind]int{}
	for i := range minutes {
		for _, f := range w.Add(next(), blind) {
			if _, again := out[f.Kind]; f.Fired && !again {
				out[f.Kind] = i
			}
		}
	}
	return out
}

func TestEachKindHasItsOwnMark(t *testing.T) {
	silence := func() Tally { return Tally{} }
	w, _ := steady(t, 8, 2)
	got := fired(w, 60, false, silence)
	require.Contains(t, got, pipeline.AlertDrop)
	assert.Less(t, got[pipeline.AlertDrop], 40)
	assert.Len(t, got, 1)

	w, _ = steady(t, 8, 2)
	assert.Empty(t, fired(w, 180, true, silence), "a blind source is no silence")
	assert.InDelta(t, 2, w.volume.Usual(), 0.5, "and nobody learns from it")

	w, rng := steady(t, 8, 2)
	got = fired(w, 60, false, func() Tally {
		c := usual(rng, 2)
		c.Negative = c.Mentions
		return c
	})
	assert.Contains(t, got, pipeline.AlertNegative)
	assert.NotContains(t, got, pipeline.AlertVolume)

	w, rng = steady(t, 8, 2)
	got = fired(w, 60, false, func() Tally {
		c := usual(rng, 2)
		c.Reach += 1e5
		return c
	})
	assert.Equal(t, map[pipeline.AlertKind]int{pipeline.AlertReach: 0}, got)

	w, rng = steady(t, 8, 2)
	got = fired(w, 60, false, func() Tally { return usual(rng, 20) })
	assert.Contains(t, got, pipeline.AlertVolume)
	assert.Less(t, got[pipeline.AlertVolume], 10)
}

func TestPeekingChangesNothing(t *testing.T) {
	a, rng := steady(t, 3, 5)
	b, _ := steady(t, 3, 5)
	for range 300 {
		open := []Tally{usual(rng, 5), usual(rng, 50)}
		before := b.Peek(open)
		assert.Equal(t, before, b.Peek(open))
		c := usual(rng, 5)
		assert.Equal(t, a.Add(c, false), b.Add(c, false))
	}
	open := []Tally{usual(rng, 5), usual(rng, 100), usual(rng, 100)}
	peeked := b.Peek(open)
	require.NotEmpty(t, peeked)
	assert.True(t, peeked[0].Fired)
	var added bool
	for _, c := range open {
		for _, f := range a.Add(c, false) {
			added = added || f.Fired && f.Kind == pipeline.AlertVolume
		}
	}
	assert.True(t, added, "what is seen in open minutes is seen when they are closed")
	assert.Nil(t, b.Peek(nil))
}

func TestTopicsAndCascadesAreAboutPeople(t *testing.T) {
	now, cfg := time.Now(), DefaultConfig()
	fresh := pipeline.TopicCount{Topic: "boycott", Voices: 80, Mentions: 90, Of: 200, Known: 14}
	assert.Greater(t, TopicEvidence(cfg, fresh, now).Score, 1.0)
	old := fresh
	old.Before = 80 * 14 * 12
	assert.Less(t, TopicEvidence(cfg, old, now).Score, 1.0, "it is used like that every day")
	early := fresh
	early.Known = 0.9
	assert.Zero(t, TopicEvidence(cfg, early, now).Score, "on the first day every hashtag is new")
	early.Known, early.Before = 2, 80*2*12
	assert.Less(t, TopicEvidence(cfg, early, now).Score, 1.0, "it was used like that for two days")
	rare := fresh
	rare.Of = 5000
	assert.Zero(t, TopicEvidence(cfg, rare, now).Score, "it is one hashtag of many")
	few := fresh
	few.Voices = 5
	assert.Zero(t, TopicEvidence(cfg, few, now).Score)
	assert.Greater(t, CascadeEvidence(cfg, pipeline.CascadeCount{Voices: 200}, 0.2, cfg.Warmup, now).Score, 1.0)
	assert.Less(t, CascadeEvidence(cfg, pipeline.CascadeCount{Voices: 200}, 20, cfg.Warmup, now).Score, 1.0, "a big brand has that in half an hour anyway")
	assert.Zero(t, CascadeEvidence(cfg, pipeline.CascadeCount{Voices: 200}, 0, cfg.Warmup-time.Minute, now).Score, "nothing is known of the first day")
	assert.Zero(t, CascadeEvidence(cfg, pipeline.CascadeCount{Voices: 49}, 0.01, cfg.Warmup, now).Score)
}

func TestSeverityCountsPeople(t *testing.T) {
	volume := func(voices, usual float64) *pipeline.Incident {
		return &pipeline.Incident{Evidence: []pipeline.Evidence{{Kind: pipeline.AlertVolume}}, Explanation: pipeline.Explanation{Voices: voices, VoicesExpected: usual}}
	}
	assert.Equal(t, pipeline.SeverityInfo, SeverityOf(volume(3, 2)), "a thousand posts of three voices")
	assert.Equal(t, pipeline.SeverityInfo, SeverityOf(volume(1100, 1000)))
	assert.Equal(t, pipeline.SeverityWarning, SeverityOf(volume(40, 8)))
	assert.Equal(t, pipeline.SeverityCritical, SeverityOf(volume(400, 20)))
	for kind, want := range map[pipeline.AlertKind]pipeline.Severity{pipeline.AlertCoverage: pipeline.SeverityWarning, pipeline.AlertRival: pipeline.SeverityInfo} {
		assert.Equal(t, want, SeverityOf(&pipeline.Incident{Evidence: []pipeline.Evidence{{Kind: kind, Observed: 1000}}}))
	}
	assert.Equal(t, pipeline.SeverityCritical, SeverityOf(&pipeline.Incident{Evidence: []pipeline.Evidence{{Kind: pipeline.AlertDrop, Expected: 300}}}))
}

// TestASimulatedYear holds the number of false pages, of all kinds and twenty brands; the
// whole year is `earshot alert year`.
func TestASimulatedYear(t *testing.T) {
	y := Year{Brands: 20, Days: 90, Seed: 1, Config: DefaultConfig()}
	if testing.Short() {
		y.Brands, y.Days = 4, 45
	}
	r, err := y.Run()
	require.NoError(t, err)
	assert.LessOrEqual(t, r.False(), 1.0)
	assert.Zero(t, r.DropPages, "an outage is no silence")
	assert.NotZero(t, r.Found)
	again, err := Year{Brands: 2, Days: 40, Seed: 9, Config: DefaultConfig()}.Run()
	require.NoError(t, err)
	same, err := Year{Brands: 2, Days: 40, Seed: 9, Config: DefaultConfig()}.Run()
	require.NoError(t, err)
	assert.Equal(t, again, same, "it repeats")
}
