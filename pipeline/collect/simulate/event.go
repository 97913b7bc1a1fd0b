package simulate

import (
	"math"
	"slices"
	"time"
)

// Event is something that happens to a brand, and that a spike detector should find.
type Event struct {
	Kind  string // rumour or burst
	Brand string
	Start time.Time
	Peak  time.Time
	End   time.Time
}

// The lanes of a slice: the ordinary stream, and the posts that an event adds.
const (
	laneBase = iota
	laneRumour
	laneBurst
	lanes
)

// Growth of events: a rumour's highest rate, and a burst's, as a share of the
// ordinary stream's mean rate.
const (
	rumourHeight = 0.5
	burstHeight  = 0.3
	burstBots    = 25
)

// event is what a lane does in one stretch of time; times in ms.
type event struct {
	lane  int
	index int64
	brand int
	place int // of a burst: where its bots say they are
	start int64
	rise  float64 // time constant of the growth of a rumour
	half  float64 // half-life of its decay
	end   int64
}

// event returns what goes on in a lane at a moment; ok is false if nothing does. Time
// since the begin is cut into stretches of the mean distance, with one event in each.
func (w *world) event(lane int, ms int64) (e event, ok bool) {
	every := w.cfg.RumourEvery.Milliseconds()
	if lane == laneBurst {
		every = w.cfg.BurstEvery.Milliseconds()
	}
	if every == 0 || ms < w.begin {
		return event{}, false
	}
	e = w.eventAt(lane, (ms-w.begin)/every, every)
	return e, ms >= e.start && ms < e.end
}

func (w *world) eventAt(lane int, index, every int64) event {
	r := rng(hash(w.key, 0xe7e47, uint64(lane), uint64(index)))
	e := event{lane: lane, index: index, brand: w.pickBrand(&r), place: r.below(len(w.places))}
	e.start = w.begin + index*every + int64((0.1+0.2*r.float())*float64(every))
	e.half = min(3600e3, max(20e3, float64(every)/12))
	e.rise = e.half / 4
	if lane == laneBurst {
		e.end = e.start + min(15*60000, every/4)
	} else {
		e.end = e.start + int64(8*e.half)
	}
	return e
}

// intensity is the number of posts that the event adds, relative to the stream's mean
// rate: a rumour grows like 1-exp(-t/rise) and loses half in each half-life.
func (e event) intensity(ms int64) float64 {
	if e.lane == laneBurst {
		return burstHeight
	}
	t := float64(ms - e.start)
	return rumourHeight * (1 - math.Exp(-t/e.rise)) * math.Exp2(-t/e.half)
}

// peak is where the derivative of the intensity is zero.
func (e event) peak() int64 {
	if e.lane == laneBurst {
		return e.start
	}
	return e.start + int64(e.rise*math.Log(1+e.half/(e.rise*math.Ln2)))
}

// Events lists what happens between two moments, in order of time: the truth
// that a back-test of spike detection needs. It is empty while the begin of a
// real-time simulation is not known, that is before Run.
func (s *Source) Events(from, to time.Time) []Event {
	w := s.world.Load()
	if w == nil {
		return nil
	}
	var out []Event
	for lane, kind := range []string{laneRumour: "rumour", laneBurst: "burst"} {
		every := w.cfg.RumourEvery.Milliseconds()
		if lane == laneBurst {
			every = w.cfg.BurstEvery.Milliseconds()
		}
		if lane == laneBase || every == 0 {
			continue
		}
		for i := max(0, (from.UnixMilli()-w.begin)/every-1); w.begin+i*every < to.UnixMilli(); i++ {
			e := w.eventAt(lane, i, every)
			if e.end <= from.UnixMilli() || e.start >= to.UnixMilli() {
				continue
			}
			out = append(out, Event{kind, w.brands[e.brand].Name,
				time.UnixMilli(e.start).UTC(), time.UnixMilli(e.peak()).UTC(), time.UnixMilli(e.end).UTC()})
		}
	}
	slices.SortFunc(out, func(a, b Event) int { return a.Start.Compare(b.Start) })
	return out
}
