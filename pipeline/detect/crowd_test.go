package detect

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"earshot/pipeline"
)

// counted is what the tables would say of a subject: people, acts, and acts before.
func counted(acts []pipeline.Act, subject string, from, to, history time.Time) (people, n, before float64) {
	seen := map[uint64]bool{}
	for _, a := range acts {
		at := a.At.Time()
		switch {
		case a.Subject != subject || !at.Before(to) || at.Before(history):
		case at.Before(from):
			before++
		default:
			n++
			if !a.Bot && !seen[a.Person] {
				seen[a.Person] = true
				people++
			}
		}
	}
	return people, n, before
}

// TestACrowdInThePastIsJudgedAsInThePresent compares each finding with the counts that the
// Runner would ask for in that minute.
func TestACrowdInThePastIsJudgedAsInThePresent(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	cfg := DefaultConfig()
	cfg.History = 24 * time.Hour
	c := NewCrowd(cfg)
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var tags, passed []pipeline.Act
	var mentions []float64
	kinds := map[pipeline.AlertKind]int{}
	for m := range 30 * 60 {
		at := begin.Add(time.Duration(m) * time.Minute)
		var now, copies []pipeline.Act
		act := func(subject string, rate float64, crowd int) (out []pipeline.Act) {
			for range int(poisson(rng, rate)) {
				out = append(out, pipeline.Act{At: pipeline.At(at.Add(time.Duration(rng.IntN(60)) * time.Second)), Subject: subject,
					Person: uint64(rng.IntN(crowd)), Bot: rng.IntN(10) == 0})
			}
			return out
		}
		now = append(now, act("every day", 0.5, 500)...)
		if m > 27*60 {
			now = append(now, act("news", 1.2, 300)...)
			copies = act("x/1", 5, 2000)
		}
		copies = append(copies, act("x/2", 0.2, 50)...)
		mentions = append(mentions, 2+float64(len(now)))
		tags, passed = append(tags, now...), append(passed, copies...)
		of := 0.0
		for _, n := range mentions[max(0, len(mentions)-120):] {
			of += n
		}
		var want []Finding
		end := at.Add(time.Minute)
		for _, subject := range []string{"every day", "news"} {
			if people, n, before := counted(tags, subject, end.Add(-2*time.Hour), end, end.Add(-26*time.Hour)); takenUp(now, subject) {
				if e := TopicEvidence(cfg, pipeline.TopicCount{Topic: subject, Voices: people, Mentions: n, Of: of, Before: before, Known: float64(m+1-120) / (24 * 60)}, at); e.Score > Hot {
					want = append(want, Finding{e, e.Score > 1})
				}
			}
		}
		for _, subject := range []string{"x/1", "x/2"} {
			people, _, _ := counted(passed, subject, end.Add(-30*time.Minute), end, end.Add(-30*time.Minute))
			if e := CascadeEvidence(cfg, pipeline.CascadeCount{Post: subject, Voices: people}, 0.5, time.Duration(m+1)*time.Minute, at); takenUp(copies, subject) && e.Score > Hot {
				want = append(want, Finding{e, e.Score > 1})
			}
		}
		got := c.Add(at, mentions[m], 0.5, now, copies)
		assert.Equal(t, want, got)
		for _, f := range got {
			if f.Fired {
				kinds[f.Kind]++
				assert.Contains(t, []string{"news", "x/1"}, f.Subject)
			}
		}
	}
	assert.NotZero(t, kinds[pipeline.AlertTopic])
	assert.NotZero(t, kinds[pipeline.AlertCascade])
}

// takenUp reports whether somebody did something in this minute: nothing else is judged.
func takenUp(acts []pipeline.Act, subject string) bool {
	return slices.ContainsFunc(acts, func(a pipeline.Act) bool { return a.Subject == subject })
}
