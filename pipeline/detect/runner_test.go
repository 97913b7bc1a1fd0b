package detect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// world is what the tables would say, in memory, and what people were told.
type world struct {
	now     time.Time
	minutes map[string]map[time.Time]float64
	moved   map[pipeline.BrandHour]time.Time
	sources []pipeline.SourceState
	rivals  map[string][]string
	blind   []time.Time
	stored  map[string]pipeline.Incident
	told    []string
	behind  map[string]float64 // brands whose history is not totalled yet: it holds so many times less
	marked  map[string]float64 // hours of the past that were marked as changed
	asked   int                // histories that were read
	fail    error              // of the next save
}

func newWorld() *world {
	return &world{now: time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC), minutes: map[string]map[time.Time]float64{},
		moved: map[pipeline.BrandHour]time.Time{}, stored: map[string]pipeline.Incident{}}
}

func (w *world) say(brand string, at time.Time, n float64) {
	at = at.Truncate(time.Minute)
	if w.minutes[brand] == nil {
		w.minutes[brand] = map[time.Time]float64{}
	}
	w.minutes[brand][at] += n
	w.moved[pipeline.BrandHour{Brand: brand, Hour: pipeline.At(at.Truncate(time.Hour))}] = w.now
}

// usually says so many mentions a minute, on the mean, for days up to now.
func (w *world) usually(brand string, days int, rate float64) {
	rng := rand.New(rand.NewPCG(1, uint64(len(brand))))
	for at := w.now.Add(-time.Duration(days) * 24 * time.Hour); at.Before(w.now); at = at.Add(time.Minute) {
		if n := poisson(rng, rate); n > 0 {
			w.say(brand, at, n)
		}
	}
}

func (w *world) Moved(_ context.Context, since, hours time.Time) ([]pipeline.BrandHour, error) {
	var out []pipeline.BrandHour
	for b, at := range w.moved {
		if !at.Before(since) && !b.Hour.Time().Before(hours) {
			out = append(out, b)
		}
	}
	return out, nil
}

func (w *world) in(brand string, from, to time.Time) []pipeline.BrandMinute {
	var out []pipeline.BrandMinute
	for at, n := range w.minutes[brand] {
		if !at.Before(from) && at.Before(to) {
			out = append(out, pipeline.BrandMinute{Brand: brand, Minute: pipeline.At(at), Mentions: n})
		}
	}
	return out
}

func (w *world) Minutes(_ context.Context, buckets []pipeline.BrandHour) ([]pipeline.BrandMinute, error) {
	var out []pipeline.BrandMinute
	for _, b := range buckets {
		for i := range 60 {
			at := b.Hour.Time().Add(time.Duration(i) * time.Minute)
			if n := w.minutes[b.Brand][at]; n > 0 {
				out = append(out, pipeline.BrandMinute{Brand: b.Brand, Minute: pipeline.At(at), Mentions: n})
			}
		}
	}
	return out, nil
}

func (w *world) Recent(_ context.Context, from time.Time) ([]pipeline.BrandMinute, error) {
	var out []pipeline.BrandMinute
	for brand := range w.minutes {
		out = append(out, w.in(brand, from, w.now)...)
	}
	return out, nil
}

func (w *world) History(_ context.Context, brand string, from, to time.Time) ([]pipeline.BrandMinute, error) {
	w.asked++
	past := w.in(brand, from, to)
	if times := w.behind[brand]; times > 0 {
		for i := range past {
			past[i].Mentions /= times
		}
	}
	return past, nil
}

func (w *world) Busy(_ context.Context, from time.Time, least float64) ([]string, error) {
	var out []string
	for brand := range w.minutes {
		sum := 0.0
		for _, m := range w.in(brand, from, w.now) {
			sum += m.Mentions
		}
		if sum >= least {
			out = append(out, brand)
		}
	}
	return out, nil
}

func (w *world) Rewritten(_ context.Context, brands []string, _, _, _ time.Time) ([]pipeline.Rewriting, error) {
	var out []pipeline.Rewriting
	for brand := range w.minutes {
		x := pipeline.Rewriting{Brand: brand, Changed: w.marked[brand]}
		if w.behind[brand] > 0 {
			x.Waiting = x.Changed
		}
		if len(brands) == 0 || slices.Contains(brands, brand) {
			out = append(out, x)
		}
	}
	return out, nil
}

func (w *world) Rivals(context.Context) (map[string][]string, error) { return w.rivals, nil }

func (w *world) Sources(context.Context, time.Time) ([]pipeline.SourceState, error) {
	return w.sources, nil
}

func (w *world) Blind(_ context.Context, from, to time.Time) ([]time.Time, error) {
	return slices.DeleteFunc(slices.Clone(w.blind), func(at time.Time) bool { return at.Before(from) || !at.Before(to) }), nil
}

func (w *world) Topics(context.Context, []string, time.Time, time.Time, float64) ([]pipeline.TopicCount, error) {
	return nil, nil
}

func (w *world) Cascades(context.Context, []string, time.Time, float64) ([]pipeline.CascadeCount, error) {
	return nil, nil
}

func (w *world) Explain(_ context.Context, brand string, from, to time.Time) (pipeline.Explanation, error) {
	x := pipeline.Explanation{}
	for _, m := range w.in(brand, from, to.Add(time.Minute)) {
		x.Voices += m.Mentions
	}
	return x, nil
}

func (w *world) Incidents(_ context.Context, since time.Time) ([]pipeline.Incident, error) {
	var out []pipeline.Incident
	for _, i := range w.stored {
		if i.State == pipeline.IncidentOpen || !i.Opened.Time().Before(since) {
			i.Evidence = slices.Clone(i.Evidence)
			out = append(out, i)
		}
	}
	return out, nil
}

func (w *world) Save(_ context.Context, i *pipeline.Incident) error {
	if err := w.fail; err != nil {
		w.fail = nil
		return err
	}
	kept := *i
	kept.Evidence = slices.Clone(i.Evidence)
	w.stored[i.ID] = kept
	return nil
}

// runner is a process that begins now.
func (w *world) runner(rivals map[string][]string) *Runner {
	w.rivals = rivals
	return &Runner{Config: DefaultConfig(), Kinds: pipeline.AlertKinds(), Counts: w, Store: w, Log: zerolog.Nop(), Now: func() time.Time { return w.now },
		Deliver: func(_ context.Context, i pipeline.Incident, e Event) error {
			w.told = append(w.told, fmt.Sprintf("%s%s %s %s %d", i.Brand, i.Source, i.Main().Kind, e, i.Revision))
			return nil
		}}
}

// pass lets time go by, a look each twenty seconds.
func (w *world) pass(t *testing.T, r *Runner, minutes int, each func(minute int)) {
	t.Helper()
	for i := range minutes {
		if each != nil {
			each(i)
		}
		for j := range w.sources {
			if w.sources[j].Source != "dead" {
				w.sources[j].OK = pipeline.At(w.now.Truncate(time.Minute))
			}
		}
		for range 3 {
			require.NoError(t, r.Look(t.Context()))
			w.now = w.now.Add(20 * time.Second)
		}
	}
}

func TestASpikeIsOneIncidentThroughARestart(t *testing.T) {
	w := newWorld()
	w.usually("Acme", 6, 1)
	w.usually("Zenith", 6, 1)
	rivals := map[string][]string{"Acme": {"Zenith"}}
	r := w.runner(rivals)
	rng := rand.New(rand.NewPCG(7, 7))
	calm := func(int) { w.say("Acme", w.now, poisson(rng, 1)); w.say("Zenith", w.now, poisson(rng, 1)) }
	w.pass(t, r, 20, calm)
	require.Empty(t, w.told)

	spike := func(int) { calm(0); w.say("Acme", w.now, 40) }
	w.pass(t, r, 10, spike)
	require.Equal(t, []string{"Acme volume opened 1", "Zenith rival opened 1", "Acme volume worse 2"}, w.told, "it became critical")
	r = w.runner(rivals) // restarted in the middle of the spike
	w.pass(t, r, 10, spike)
	late := w.now.Add(-15 * time.Minute)
	w.pass(t, r, 5, func(i int) { spike(i); w.say("Acme", late, 3) }) // a batch that is late
	for range 2 {
		require.Len(t, w.stored, 2, "one incident of each brand")
		w.pass(t, r, 200, calm)
	}
	var acme []string
	for _, s := range w.told {
		if s[:4] == "Acme" {
			acme = append(acme, s)
		}
	}
	assert.Equal(t, []string{"Acme volume opened 1", "Acme volume worse 2", "Acme volume resolved 3"}, acme)
	for _, i := range w.stored {
		assert.Equal(t, pipeline.IncidentResolved, i.State)
	}
}

// relabel is a replay that is promoted: all that was ever said of a brand counts so many
// times. The last hours are counted anew at once, history when the totals have followed.
func (w *world) relabel(brand string, times float64, days int) {
	for at := range w.minutes[brand] {
		w.minutes[brand][at] *= times
	}
	for h := range days * 24 {
		w.moved[pipeline.BrandHour{Brand: brand, Hour: pipeline.At(w.now.Add(-time.Duration(h) * time.Hour).Truncate(time.Hour))}] = w.now
	}
	w.behind, w.marked = map[string]float64{brand: times}, map[string]float64{brand: float64(days*24) - 4}
}

func TestAReplayThatIsPromotedCallsNobody(t *testing.T) {
	for name, times := range map[string]float64{"a wider query": 8, "a narrower query": 0.02} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.usually("Acme", 6, 3)
			r := w.runner(nil)
			rng := rand.New(rand.NewPCG(7, 7))
			factor := 1.0
			calm := func(int) { w.say("Acme", w.now, math.Round(factor*poisson(rng, 3))) }
			w.pass(t, r, 20, calm)
			factor = times
			w.relabel("Acme", times, 6)
			w.pass(t, r, 10, calm) // the totals are slow
			require.Empty(t, w.told)
			w.behind = nil
			w.pass(t, r, 10, calm)
			w.marked = nil
			w.pass(t, r, 40, calm)
			require.Empty(t, w.told, "what is said now is what always was")
			if times > 1 {
				w.pass(t, r, 10, func(int) { calm(0); w.say("Acme", w.now, 400) })
				assert.NotEmpty(t, w.told, "a spike is told all the same")
			}
		})
	}
}

func TestABrandIsNotHeldForEver(t *testing.T) {
	w := newWorld()
	w.usually("Acme", 6, 1)
	r := w.runner(nil)
	w.pass(t, r, 2, nil)
	w.behind, w.marked = map[string]float64{"Acme": 1}, map[string]float64{"Acme": 100}
	spike := func(int) { w.say("Acme", w.now, 40) }
	w.pass(t, r, 50, spike)
	require.Empty(t, w.told)
	w.pass(t, r, 15, spike)
	assert.NotEmpty(t, w.told)
}

// TestWhatWasToldIsNotToldAgainBehindAnother: after a surge of its own, a brand has an incident of a
// competitor's; then its watch is built anew and finds the first one in the past.
func TestWhatWasToldIsNotToldAgainBehindAnother(t *testing.T) {
	w := newWorld()
	w.usually("Acme", 6, 1)
	w.usually("Zenith", 6, 1)
	rivals := map[string][]string{"Zenith": {"Acme"}}
	rng := rand.New(rand.NewPCG(7, 7))
	calm := func(int) { w.say("Acme", w.now, poisson(rng, 1)); w.say("Zenith", w.now, poisson(rng, 1)) }
	r := w.runner(rivals)
	w.pass(t, r, 5, calm)
	w.pass(t, r, 10, func(int) { calm(0); w.say("Acme", w.now, 40) })
	w.pass(t, r, 160, calm)
	w.pass(t, r, 10, func(int) { calm(0); w.say("Zenith", w.now, 40) })
	told, kept := len(w.told), len(w.stored)
	require.Contains(t, w.told, "Acme volume resolved 3")
	require.Contains(t, w.told, "Acme rival opened 1")
	for _, late := range []time.Duration{0, 20 * time.Minute} {
		r = w.runner(rivals) // restarted
		w.pass(t, r, 5, func(int) {
			calm(0)
			if late > 0 { // and posts of the first surge that are late
				w.say("Acme", w.now.Add(-late-160*time.Minute), 3)
			}
		})
	}
	assert.Len(t, w.told, told, "%v", w.told)
	assert.Len(t, w.stored, kept)
}

func TestASpikeWhileNobodyRanIsNotLost(t *testing.T) {
	w := newWorld()
	w.usually("Acme", 6, 1)
	for i := range 15 {
		w.say("Acme", w.now.Add(-time.Duration(120+i)*time.Minute), 40)
	}
	r := w.runner(nil)
	w.pass(t, r, 3, nil)
	require.NotEmpty(t, w.told)
	assert.Equal(t, "Acme volume opened 1", w.told[0])
	told := len(w.told)
	w.pass(t, w.runner(nil), 3, nil)
	assert.Len(t, w.told, told, "and not told again")
}

func TestACrashBetweenTellingAndKeepingTellsTheSame(t *testing.T) {
	w := newWorld()
	w.usually("Acme", 6, 1)
	r := w.runner(nil)
	w.pass(t, r, 2, nil)
	w.say("Acme", w.now, 100)
	w.fail = errors.New("the server went away")
	require.Error(t, r.Look(t.Context()))
	require.NoError(t, r.Look(t.Context()))
	require.Equal(t, []string{"Acme volume opened 1", "Acme volume opened 1"}, w.told, "the same revision: the queue folds it")
	assert.Len(t, w.stored, 1, "of the same incident")
}

func TestADeadSourceIsACoverageAlertAndNoSilence(t *testing.T) {
	w := newWorld()
	w.usually("Acme", 8, 2)
	w.sources = []pipeline.SourceState{{Source: "dead", OK: pipeline.At(w.now)}, {Source: "alive"}, {Source: "file", Done: true}}
	r := w.runner(nil)
	w.pass(t, r, 120, func(int) { w.blind = append(w.blind, w.now.Truncate(time.Minute)) })
	assert.Equal(t, []string{"dead coverage opened 1"}, w.told)

	// The same silence while all sources see is one of the brand.
	w = newWorld()
	w.usually("Acme", 8, 2)
	w.sources = []pipeline.SourceState{{Source: "alive"}}
	w.pass(t, w.runner(nil), 60, nil)
	assert.Equal(t, []string{"Acme drop opened 1"}, w.told)
}

func TestManyDeadSourcesAreOneIncident(t *testing.T) {
	w := newWorld()
	r := w.runner(nil)
	w.pass(t, r, 30, func(int) {
		w.sources = nil
		for i := range 40 {
			w.sources = append(w.sources, pipeline.SourceState{Source: fmt.Sprintf("feed %d", i)})
		}
		for i := range w.sources { // pass would wake them
			w.sources[i].OK = 0
		}
		sources := w.sources
		w.sources = nil
		r.Counts = blinded{w, sources}
	})
	assert.Equal(t, []string{"several sources coverage opened 1"}, w.told)
}

// blinded is a world in which no source sees.
type blinded struct {
	*world
	sources []pipeline.SourceState
}

func (b blinded) Sources(context.Context, time.Time) ([]pipeline.SourceState, error) {
	return b.sources, nil
}

func TestQuietBrandsNeedNoWatch(t *testing.T) {
	w := newWorld()
	for i := range 200 {
		for h := range 14 * 24 {
			if (h+i)%12 == 0 {
				w.say(fmt.Sprintf("brand %d", i), w.now.Add(-time.Duration(h)*time.Hour), 1)
			}
		}
	}
	r := w.runner(nil)
	w.pass(t, r, 5, nil)
	assert.Zero(t, w.asked)
	for _, st := range r.brands {
		assert.Nil(t, st.watch)
	}
	for range 6 {
		w.say("brand 3", w.now, 1)
	}
	w.pass(t, r, 1, nil)
	assert.Equal(t, 1, w.asked, "a brand that is talked about gets one")
}
