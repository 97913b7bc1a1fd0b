package collect

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

const (
	// maxReports is how many reports wait while coverage cannot be written: with twenty
	// sources more than three hours, at most a few MB.
	maxReports = 4096
	// drainReports is how long the last reports may take when the runner stops.
	drainReports = 3 * time.Second
	// foldedReason begins the reason of a gap made of minutes.
	foldedReason = "coverage could not be written in time, so its minutes are folded into one stretch"
)

// reports is coverage on its way to the Reporter. Adding never blocks; a report that
// cannot be written waits and is tried again; two of one minute become the later one; if
// too many wait, the oldest of a source are folded into one gap that says so.
type reports struct {
	to     Reporter
	logger zerolog.Logger
	limit  int

	mu     sync.Mutex
	queue  []pipeline.CoverageEvent
	closed bool
	wake   chan struct{}
}

func newReports(to Reporter, logger zerolog.Logger) *reports {
	return &reports{to: to, logger: logger, limit: maxReports, wake: make(chan struct{}, 1)}
}

func (r *reports) add(ev pipeline.CoverageEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.merge(ev) {
		r.queue = append(r.queue, ev)
	}
	for len(r.queue) > r.limit {
		if !r.fold() {
			break
		}
	}
	r.signal()
}

// merge replaces an unsent row of the same minute: the later one counts what the earlier
// one did, and more.
func (r *reports) merge(ev pipeline.CoverageEvent) bool {
	if ev.Type != "minute" {
		return false
	}
	for i := len(r.queue) - 1; i >= 0; i-- {
		old := &r.queue[i]
		if old.Type == ev.Type && old.From == ev.From && old.Source == ev.Source && old.Stream == ev.Stream {
			*old = ev
			return true
		}
		if old.From < ev.From && old.Source == ev.Source {
			return false
		}
	}
	return false
}

// fold makes one gap of the two oldest minutes or gaps of the source that has most of
// them waiting, and reports whether it found two.
func (r *reports) fold() bool {
	waiting := map[string]int{}
	most := ""
	for i := range r.queue {
		if ev := &r.queue[i]; ev.Type != "expected" {
			key := ev.Stream + "/" + ev.Source
			waiting[key]++
			if waiting[key] > waiting[most] {
				most = key
			}
		}
	}
	if waiting[most] < 2 {
		return false
	}
	first := -1
	for i := range r.queue {
		ev := &r.queue[i]
		if ev.Type == "expected" || ev.Stream+"/"+ev.Source != most {
			continue
		}
		if first < 0 {
			first = i
			continue
		}
		r.queue[first] = foldTwo(r.queue[first], *ev)
		r.queue = append(r.queue[:i], r.queue[i+1:]...)
		return true
	}
	return false
}

func foldTwo(a, b pipeline.CoverageEvent) pipeline.CoverageEvent {
	gap := a
	gap.Type, gap.State, gap.LagMillis, gap.At = "gap", "", 0, b.At
	gap.From = min(a.From, b.From)
	gap.To = max(endOf(a), endOf(b))
	gap.Posts += b.Posts
	gap.Refused += b.Refused
	gap.Errors += b.Errors
	gap.Reason = ""
	for _, ev := range []pipeline.CoverageEvent{a, b} { // a real gap within keeps its reason
		if ev.Type == "gap" && !strings.HasPrefix(ev.Reason, foldedReason) {
			gap.Reason = ev.Reason
		}
	}
	if gap.Reason == "" {
		gap.Reason = fmt.Sprintf("%s; in it %d posts were collected", foldedReason, gap.Posts)
	}
	return gap
}

func endOf(ev pipeline.CoverageEvent) pipeline.Time {
	if ev.Type == "minute" {
		return ev.From + pipeline.Time(time.Minute.Milliseconds())
	}
	return ev.To
}

func (r *reports) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// close lets run return once all is written, or after drainReports.
func (r *reports) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.signal()
}

// take removes the oldest report; more is false when the queue is empty for good.
func (r *reports) take() (ev pipeline.CoverageEvent, ok, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return ev, false, !r.closed
	}
	ev = r.queue[0]
	r.queue = append(r.queue[:0], r.queue[1:]...)
	return ev, true, true
}

// run writes reports until close and the last one, or until drainReports after close.
func (r *reports) run(ctx context.Context, closing <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-closing:
			if sleep(ctx, drainReports) {
				cancel()
			}
		case <-ctx.Done():
		}
	}()
	for {
		ev, ok, more := r.take()
		switch {
		case ok:
			if !r.write(ctx, ev) {
				r.logger.Error().Int("reports", r.left()+1).Msg("coverage: stopped before all was written; the minutes will show as missing")
				return
			}
		case !more:
			return
		default:
			select {
			case <-r.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (r *reports) left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue)
}

// write reports one event, however long it takes.
func (r *reports) write(ctx context.Context, ev pipeline.CoverageEvent) bool {
	for n := 0; ; n++ {
		err := r.to.Report(ctx, ev)
		if err == nil {
			if n > 0 {
				r.logger.Info().Int("attempts", n+1).Msg("coverage is written again")
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if n == 0 {
			r.logger.Warn().Err(err).Msg("coverage cannot be written; it waits and collecting goes on")
		}
		if !sleep(ctx, kafkaBackoff().delay(n)) {
			return false
		}
	}
}
