package collect

import (
	"sync"
	"time"

	"earshot/pipeline"
)

// rateSeconds is the window of posts/s in a status.
const rateSeconds = 10

// Status is what one source does right now.
type Status struct {
	Name, Platform, Stream string
	State                  pipeline.CoverageState
	Owned                  bool    // runs in this process
	Rate                   float64 // posts/s acknowledged, over the last ten seconds
	Posts, Refused, Errors int64   // since the start of this process
	Lag                    time.Duration
	LastError              string
	LastErrorAt            time.Time
}

// tally counts what a source does and closes each minute with a row of coverage.
type tally struct {
	entry     Entry
	collector string
	now       func() time.Time
	out       func(pipeline.CoverageEvent) // never blocks

	mu      sync.Mutex
	owned   bool
	begun   time.Time // since when the source is owned
	state   pipeline.CoverageState
	since   time.Time // up to here the state is accounted for
	until   time.Time // end of a limit
	up      bool      // connected, as far as it is known
	minute  time.Time
	count   counts // of the minute
	spent   map[pipeline.CoverageState]time.Duration
	reason  string
	lag     time.Duration
	lagSeen bool

	total     counts
	ring      [rateSeconds]int64
	ringAt    int64 // second of the newest bucket
	lastErr   string
	lastErrAt time.Time
}

type counts struct{ posts, refused, errors int64 }

func newTally(e Entry, collector string, now func() time.Time, out func(pipeline.CoverageEvent)) *tally {
	return &tally{entry: e, collector: collector, now: now, out: out, state: pipeline.CoverageDown,
		spent: map[pipeline.CoverageState]time.Duration{}}
}

func (t *tally) event(kind string, at time.Time) pipeline.CoverageEvent {
	return pipeline.CoverageEvent{Type: kind, Stream: t.entry.Stream.Name, Source: t.entry.Name,
		Platform: t.entry.Platform, Collector: t.collector, At: pipeline.At(at)}
}

// begin says that the source is expected from now on.
func (t *tally) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.advance(now)
	t.owned, t.begun, t.since, t.state, t.up = true, now, now, pipeline.CoverageDown, false
	ev := t.event("expected", now)
	ev.From = pipeline.At(now)
	t.out(ev)
}

// end closes the minute and the expectation. A source that was read to its end is done.
func (t *tally) end(done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.advance(now)
	if done {
		t.state, t.reason = pipeline.CoverageDone, ""
		t.spent[pipeline.CoverageDone] = time.Minute
	}
	t.out(t.row(now))
	t.owned = false
	if !done {
		t.state = pipeline.CoverageDown
	}
	ev := t.event("expected", now)
	ev.From, ev.To = pipeline.At(t.begun), pipeline.At(now)
	if done {
		ev.Reason = string(pipeline.CoverageDone)
	}
	t.out(ev)
}

// tick closes the minute if it is over.
func (t *tally) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advance(t.now())
}

// advance accounts for the time since the last call. A minute that is over becomes a row;
// minutes in which this process did not run at all get none, so they show as missing.
func (t *tally) advance(now time.Time) {
	minute := now.Truncate(time.Minute)
	if t.minute.IsZero() {
		t.minute = minute
	}
	if !minute.After(t.minute) {
		t.spend(now)
		return
	}
	if t.owned {
		t.spend(t.minute.Add(time.Minute))
		t.out(t.row(now))
	}
	t.minute, t.since, t.count, t.lagSeen, t.reason = minute, minute, counts{}, false, ""
	clear(t.spent)
	t.spend(now)
}

func (t *tally) spend(to time.Time) {
	if !t.owned || !to.After(t.since) {
		return
	}
	if t.state == pipeline.CoverageLimited && to.After(t.until) {
		if t.until.After(t.since) {
			t.spent[t.state] += t.until.Sub(t.since)
			t.since = t.until
		}
		if t.state = pipeline.CoverageDown; t.up {
			t.state = pipeline.CoverageOK
		}
	}
	t.spent[t.state] += to.Sub(t.since)
	t.since = to
}

// row is the coverage of the minute: the state in which it spent most of its time, the
// worse one if they are equal.
func (t *tally) row(now time.Time) pipeline.CoverageEvent {
	ev := t.event("minute", now)
	ev.From = pipeline.At(t.minute)
	ev.Posts, ev.Refused, ev.Errors, ev.Reason = t.count.posts, t.count.refused, t.count.errors, t.reason
	if t.lagSeen {
		ev.LagMillis = t.lag.Milliseconds()
	}
	ev.State = t.state
	longest := time.Duration(-1)
	for _, s := range []pipeline.CoverageState{pipeline.CoverageDone, pipeline.CoverageDown, pipeline.CoverageLimited, pipeline.CoverageOK} {
		if d, ok := t.spent[s]; ok && d > longest {
			ev.State, longest = s, d
		}
	}
	return ev
}

// limit: the platform asked to wait.
func (t *tally) limit(until time.Time, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advance(t.now())
	t.state, t.until, t.reason, t.up = pipeline.CoverageLimited, until, reason, true
}

// alive: the source showed a sign of life. A limit stays until it ends or posts come.
func (t *tally) alive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advance(t.now())
	t.up = true
	if t.state == pipeline.CoverageDown {
		t.state = pipeline.CoverageOK
	}
}

// limited returns until when the platform asked to wait.
func (t *tally) limited() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != pipeline.CoverageLimited {
		return time.Time{}
	}
	return t.until
}

// fail counts an error; the source is down until it shows life again.
func (t *tally) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.advance(now)
	t.up = false
	if t.state != pipeline.CoverageLimited {
		t.state = pipeline.CoverageDown
	}
	t.count.errors++
	t.total.errors++
	t.reason, t.lastErr, t.lastErrAt = err.Error(), err.Error(), now
}

func (t *tally) refused() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advance(t.now())
	t.count.refused++
	t.total.refused++
}

// posts counts what Kafka acknowledged. Lag is our clock minus the newest created_at.
func (t *tally) posts(n int, newest pipeline.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.advance(now)
	t.state, t.up = pipeline.CoverageOK, true
	t.count.posts += int64(n)
	t.total.posts += int64(n)
	if newest.Known() {
		t.lag, t.lagSeen = max(now.Sub(newest.Time()), 0), true
	}
	t.turn(now)
	t.ring[now.Unix()%rateSeconds] += int64(n)
}

// turn empties the buckets of the seconds that have passed.
func (t *tally) turn(now time.Time) {
	second := now.Unix()
	for s := max(t.ringAt, second-rateSeconds) + 1; s <= second; s++ {
		t.ring[s%rateSeconds] = 0
	}
	t.ringAt = max(t.ringAt, second)
}

func (t *tally) status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.spend(now)
	t.turn(now)
	var sum int64
	for _, n := range t.ring {
		sum += n
	}
	return Status{Name: t.entry.Name, Platform: t.entry.Platform, Stream: t.entry.Stream.Name, State: t.state,
		Owned: t.owned, Rate: float64(sum) / rateSeconds, Posts: t.total.posts, Refused: t.total.refused,
		Errors: t.total.errors, Lag: t.lag, LastError: t.lastErr, LastErrorAt: t.lastErrAt}
}
