package detect

import (
	"math"
	"time"

	"earshot/pipeline"
)

// Tally is what was said of a brand in one minute of event time.
type Tally struct{ Mentions, Negative, Reach float64 }

func (c Tally) plus(o Tally, sign float64) Tally {
	return Tally{c.Mentions + sign*o.Mentions, c.Negative + sign*o.Negative, c.Reach + sign*o.Reach}
}

// Finding is evidence for one kind at one minute. It is fired if it is worth telling: its
// score is above 1, and the same surge was not told before.
type Finding struct {
	pipeline.Evidence
	Fired bool
}

// Hot is the score above which a surge that was told still goes on.
const Hot = 0.5

// Watch judges one brand, minute by minute: its volume, its silence, its share of negative
// mentions and its reach. It is pure and never looks ahead; what it says depends on the
// minutes alone, so that a watch that is built again from history goes on as if it had
// never stopped.
//
// A surge in volume is the Detector's. A drop is a window without (nearly) any mention that
// the same model of counts gives a chance below a milliardth. The share of negative
// mentions is compared with that of the history by a binomial test with an overdispersion
// that hours of the history show. Reach has such heavy tails that only records tell: an
// hour that reaches Refire times more people than any of the history, a week at least.
type Watch struct {
	cfg    Config
	begin  time.Time // of minute 0
	volume *Detector

	recent  [recentMinutes + 1]Tally // ring: sums of the first minutes together
	rows    int
	hours   []Tally // ring of whole hours
	hour    Tally   // the running one
	closed  int     // whole hours
	whole   Tally   // sum of the ring
	odd     float64 // sum of (k-np)^2/(np(1-p)) over n hours
	oddN    float64
	odds    []float64 // the same, an hour each; negative: the hour says nothing
	blind   int       // last minute that a source could not see, -1: none
	record  float64   // highest reach of an hour of the ring
	reached float64   // reach of all of them
	latches map[pipeline.AlertKind]*latch
}

const (
	recentMinutes = 120
	// rareChance is the probability that a silence, a share, a topic or a cascade must fall
	// below at the default threshold. Every brand is looked at 1440 times a day, in several
	// windows.
	rareChance = 1e-9
	dropPart   = 0.1 // of what is usual: more than that is no silence
	// A share says little of few: so many mentions the history must have, and so many
	// negative ones more than usual a window.
	shareHistory = 50
	shareExcess  = 10
	reachHistory = 7 * 24 // hours
)

// NewWatch watches from a minute on.
func NewWatch(cfg Config, begin time.Time) (*Watch, error) {
	d, err := New(cfg, time.Minute)
	if err != nil {
		return nil, err
	}
	hours := max(1, int(cfg.History/time.Hour))
	w := &Watch{cfg: cfg, begin: begin.UTC().Truncate(time.Minute), volume: d, hours: make([]Tally, hours), odds: make([]float64, hours), blind: -1,
		latches: map[pipeline.AlertKind]*latch{}}
	for _, kind := range []pipeline.AlertKind{pipeline.AlertDrop, pipeline.AlertNegative, pipeline.AlertReach} {
		w.latches[kind] = &latch{}
	}
	return w, nil
}

// Next is the minute that Add reads next.
func (w *Watch) Next() time.Time { return w.minute(w.rows) }

func (w *Watch) minute(row int) time.Time { return w.begin.Add(time.Duration(row) * time.Minute) }

// Usual is the number of mentions that is usual in the next minute.
func (w *Watch) Usual() float64 { return w.volume.Usual() }

// Known is how long the brand has been watched.
func (w *Watch) Known() time.Duration { return time.Duration(w.rows) * time.Minute }

// Add reads the next minute, complete. A minute that a source could not see counts as
// usual if it holds less: nobody may take blindness for silence, nor learn from it.
func (w *Watch) Add(c Tally, blind bool) []Finding {
	row := w.rows
	learnt := c.Mentions
	if blind {
		w.blind = row
		learnt = max(learnt, w.volume.Usual())
	}
	alert, fired := w.volume.Add(learnt)
	if !fired {
		alert = w.volume.Level()
	}
	w.recent[(row+1)%len(w.recent)] = w.recent[row%len(w.recent)].plus(c, 1)
	w.rows++
	out := w.volumeFinding(nil, alert, fired)
	out = w.told(out, row, w.drop(row))
	out = w.told(out, row, w.negative(row, Tally{}, 0))
	out = w.told(out, row, w.reach(row, Tally{}, 0))
	w.closeHour(c)
	return out
}

// Peek judges minutes that are not complete: their counts may still grow, so whatever is a
// surge now stays one. Nothing is learnt.
func (w *Watch) Peek(open []Tally) []Finding {
	if len(open) == 0 {
		return nil
	}
	counts := make([]float64, len(open))
	var sum Tally
	for i, c := range open {
		counts[i] = c.Mentions
		sum = sum.plus(c, 1)
	}
	alert, fired := w.volume.Peek(counts)
	out := w.volumeFinding(nil, alert, fired)
	row := w.rows + len(open) - 1
	for _, e := range []pipeline.Evidence{w.negative(row, sum, len(open)), w.reach(row, sum, len(open))} {
		if e.Score > Hot {
			out = append(out, Finding{e, w.latches[e.Kind].passes(row, e.Score, w.volume.quiet, w.cfg.Refire)})
		}
	}
	return out
}

// told adds a finding, and remembers it if it is fired.
func (w *Watch) told(out []Finding, row int, e pipeline.Evidence) []Finding {
	if e.Score <= Hot {
		return out
	}
	l := w.latches[e.Kind]
	f := Finding{e, l.passes(row, e.Score, w.volume.quiet, w.cfg.Refire)}
	if f.Fired {
		l.mark(row, e.Score)
	}
	return append(out, f)
}

func (w *Watch) volumeFinding(out []Finding, a Alert, fired bool) []Finding {
	if a.Score <= Hot {
		return out
	}
	m := modelOf(a.Expected, a.Phi)
	e := pipeline.Evidence{Kind: pipeline.AlertVolume, At: pipeline.At(w.minute(a.Row)), Minutes: int(a.Window / time.Minute),
		Observed: a.Observed, Expected: a.Expected, Chance: m.atLeast(a.Observed), Score: a.Score}
	if a.Score > 1 {
		e.Low, e.High = m.interval()
	}
	return append(out, Finding{e, fired})
}

// drop looks for the silence that is least likely.
func (w *Watch) drop(row int) pipeline.Evidence {
	best := pipeline.Evidence{Kind: pipeline.AlertDrop}
	d := w.volume
	for i := range d.windows {
		win := &d.windows[i]
		if win.n < d.warmup || row-w.blind < win.length {
			continue
		}
		observed, mean := d.within(win, row)
		if observed > dropPart*mean || mean < 5 {
			continue
		}
		phi := max(1, win.phi/float64(win.n))
		if chance := modelOf(mean, phi).atMost(observed); rarity(w.cfg, chance) > best.Score {
			best = pipeline.Evidence{Kind: pipeline.AlertDrop, At: pipeline.At(w.minute(row)), Minutes: win.length,
				Observed: observed, Expected: mean, Chance: chance, Score: rarity(w.cfg, chance)}
			best.Low, best.High = modelOf(mean, phi).interval()
		}
	}
	return best
}

// within is what was counted in the last minutes up to a row, of which the last ones are
// given as open and not closed yet.
func (w *Watch) within(row int, length int, open Tally, n int) Tally {
	last := row + 1 - n // closed minutes
	from := max(0, last-max(0, length-n), last-recentMinutes)
	return w.recent[last%len(w.recent)].plus(w.recent[from%len(w.recent)], -1).plus(open, 1)
}

// rarity is 1 for a chance as small as the threshold asks, and more for a smaller one.
func rarity(cfg Config, chance float64) float64 {
	return math.Log(max(chance, 1e-300)) / (math.Log(rareChance) * cfg.Threshold / DefaultConfig().Threshold)
}

// negative compares the share of negative mentions with that of the history.
func (w *Watch) negative(row int, open Tally, n int) pipeline.Evidence {
	best := pipeline.Evidence{Kind: pipeline.AlertNegative}
	if w.whole.Mentions < shareHistory || w.closed < int(w.cfg.Warmup/time.Hour) {
		return best
	}
	p := (w.whole.Negative + 1) / (w.whole.Mentions + 2)
	phi := 1.0
	if w.oddN > 0 {
		phi = max(1, w.odd/w.oddN)
	}
	for _, minutes := range []int{30, 60, 120} {
		c := w.within(row, minutes, open, n)
		usual := c.Mentions * p
		if c.Negative-usual < shareExcess {
			continue
		}
		chance := modelOf(usual, phi*(1-p)).atLeast(c.Negative)
		if score := rarity(w.cfg, chance); score > best.Score {
			spread := 1.96 * math.Sqrt(phi*usual*(1-p))
			best = pipeline.Evidence{Kind: pipeline.AlertNegative, At: pipeline.At(w.minute(row)), Minutes: minutes,
				Observed: c.Negative, Expected: usual, Low: max(0, usual-spread), High: min(c.Mentions, usual+spread),
				Chance: chance, Score: score}
		}
	}
	return best
}

// reach looks for an hour that beats the record of the history. Its chance is by the rule
// of records: of n hours alike each is the highest with the same probability.
func (w *Watch) reach(row int, open Tally, n int) pipeline.Evidence {
	e := pipeline.Evidence{Kind: pipeline.AlertReach}
	seen := min(w.closed, len(w.hours))
	if seen < min(reachHistory, len(w.hours)) {
		return e
	}
	if w.record <= 0 {
		return e
	}
	c := w.within(row, 60, open, n)
	e.At, e.Minutes, e.Observed, e.Expected, e.High = pipeline.At(w.minute(row)), 60, c.Reach, w.reached/float64(seen), w.record
	e.Score = c.Reach / (w.cfg.Refire * w.record)
	e.Chance = 1 / float64(seen+1)
	return e
}

// closeHour learns from whole hours.
func (w *Watch) closeHour(c Tally) {
	w.hour = w.hour.plus(c, 1)
	if w.rows%60 != 0 {
		return
	}
	at := w.closed % len(w.hours)
	if w.closed >= len(w.hours) {
		w.whole = w.whole.plus(w.hours[at], -1)
		if w.odds[at] >= 0 {
			w.odd, w.oddN = w.odd-w.odds[at], w.oddN-1
		}
	}
	w.odds[at] = -1
	if p := (w.whole.Negative + 1) / (w.whole.Mentions + 2); w.whole.Mentions >= shareHistory && w.hour.Mentions > 0 {
		expected := w.hour.Mentions * p
		w.odds[at] = min((w.hour.Negative-expected)*(w.hour.Negative-expected)/(expected*(1-p)), mostOdd)
		w.odd, w.oddN = w.odd+w.odds[at], w.oddN+1
	}
	w.hours[at] = w.hour
	w.whole = w.whole.plus(w.hour, 1)
	w.hour = Tally{}
	w.closed++
	w.record, w.reached = 0, 0
	for _, h := range w.hours[:min(w.closed, len(w.hours))] {
		w.record = max(w.record, h.Reach)
		w.reached += h.Reach
	}
}

// mostOdd bounds what one hour says of the overdispersion of shares, so that a wave of
// anger does not hide the next.
const mostOdd = 25
