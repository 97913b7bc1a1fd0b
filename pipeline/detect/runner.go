package detect

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// Counts is where stands what was said, of all brands of a stream.
type Counts interface {
	// Moved lists the buckets from an hour on that were marked as changed since a moment.
	Moved(ctx context.Context, since, hours time.Time) ([]pipeline.BrandHour, error)
	// Minutes counts buckets anew from what is stored.
	Minutes(ctx context.Context, buckets []pipeline.BrandHour) ([]pipeline.BrandMinute, error)
	// Recent are the totals of all brands.
	Recent(ctx context.Context, from time.Time) ([]pipeline.BrandMinute, error)
	// History are the totals of one brand.
	History(ctx context.Context, brand string, from, to time.Time) ([]pipeline.BrandMinute, error)
	// Rewritten tells of brands (none named: of all) whose past between two hours was marked
	// as changed since a moment, or is being labelled or counted anew now.
	Rewritten(ctx context.Context, brands []string, since, from, to time.Time) ([]pipeline.Rewriting, error)
	// Busy lists the brands with at least so many mentions.
	Busy(ctx context.Context, from time.Time, least float64) ([]string, error)
	Sources(ctx context.Context, now time.Time) ([]pipeline.SourceState, error)
	// Rivals names for each brand the brands that call it a competitor.
	Rivals(ctx context.Context) (map[string][]string, error)
	// Blind lists minutes in which a source that matters could not see.
	Blind(ctx context.Context, from, to time.Time) ([]time.Time, error)
	Topics(ctx context.Context, brands []string, from, history time.Time, least float64) ([]pipeline.TopicCount, error)
	Cascades(ctx context.Context, brands []string, from time.Time, least float64) ([]pipeline.CascadeCount, error)
	Explain(ctx context.Context, brand string, from, to time.Time) (pipeline.Explanation, error)
}

// Store keeps incidents.
type Store interface {
	// Incidents lists those that are open, and those that went on since a moment.
	Incidents(ctx context.Context, since time.Time) ([]pipeline.Incident, error)
	Save(ctx context.Context, i *pipeline.Incident) error
}

// Runner watches all brands of a stream beside the stream. It reads what the tables say,
// not the stream: so it needs no state of its own, and is what it was after a restart. A
// brand that is too quiet to be unusual costs a few counters; the others have a Watch,
// which is built from history when it is needed.
type Runner struct {
	Config  Config
	Kinds   []pipeline.AlertKind // those that are on
	Counts  Counts
	Store   Store
	Deliver func(ctx context.Context, i pipeline.Incident, e Event) error // durable when it returns; nil: nobody is told
	Link    func(i *pipeline.Incident) string                             // the board at that moment
	Log     zerolog.Logger
	Now     func() time.Time // nil: the clock

	began     time.Time
	looked    time.Time // up to when marks were read
	minute    time.Time // of the last minutely round
	incidents *Incidents
	brands    map[string]*brandState
	busy      map[string]bool
	busyAt    time.Time
	sources   []pipeline.SourceState
	blind     map[time.Time]bool
	loaded    bool
}

// brandState is what is known of a brand: its last hours, and a watch if it needs one.
type brandState struct {
	minutes map[time.Time]Tally
	watch   *Watch
	built   time.Time // when the watch read history
	held    time.Time // since when nothing is told because the past is being rewritten; zero: it is not
	moved   bool
}

const (
	lookEvery = 5 * time.Second
	// settling is how long after its end a minute is taken as complete at the earliest, and
	// latest how long a source that is behind is waited for. Until then it is looked at all
	// the same, as far as it is known.
	settling = 2 * time.Minute
	latest   = time.Hour
	// keep is how much of every brand is in memory, and up to an hour more.
	keep = pipeline.LateAfter - time.Hour
	// overlap of two looks at the marks: an insert may become visible after its time. Once a
	// minute a longer one catches those that took very long.
	overlap     = 10 * time.Second
	longOverlap = 3 * time.Minute
	// lookBack is how old an alert may be that nobody was told because nobody ran.
	lookBack = 6 * time.Hour
	// silentLeast is the number of mentions within two hours, on the mean, from which on
	// silence would be told: below, a watch would cost more than it finds.
	silentLeast = 15
	activeLeast = 10 // mentions within two hours from which on topics and cascades are looked for
)

// Run looks every five seconds until ctx ends. Failures are logged and tried again.
func (r *Runner) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for failed := false; ; {
		if err := r.Look(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error().Err(err).Msg("detect: could not look at the counts, will try again")
			failed = true
		} else if failed {
			failed = false
			r.Log.Info().Msg("detect: looks at the counts again")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (r *Runner) now() time.Time {
	if r.Now != nil {
		return r.Now().UTC()
	}
	return time.Now().UTC()
}

// Look is one round. After a failure the next round does again what was not done.
func (r *Runner) Look(ctx context.Context) error {
	now := r.now()
	if !r.loaded {
		if err := r.load(ctx, now); err != nil {
			return err
		}
	}
	minutely := now.Truncate(time.Minute) != r.minute
	if err := r.recount(ctx, now, minutely); err != nil {
		return err
	}
	if minutely {
		if err := r.round(ctx, now); err != nil {
			return err
		}
	}
	for brand, st := range r.brands {
		if !st.moved && (!minutely || st.watch == nil) {
			continue
		}
		st.moved = false
		if err := r.judge(ctx, brand, st, now); err != nil {
			st.moved = true
			return err
		}
	}
	if minutely {
		r.minute = now.Truncate(time.Minute)
		return r.resolve(ctx, now)
	}
	return nil
}

// load begins with what the tables know.
func (r *Runner) load(ctx context.Context, now time.Time) error {
	known, err := r.Store.Incidents(ctx, now.Add(-r.Config.Quiet-lookBack))
	if err != nil {
		return err
	}
	recent, err := r.Counts.Recent(ctx, edge(now)) // where history ends: a gap between them would be taken for silence
	if err != nil {
		return err
	}
	blind, err := r.Counts.Blind(ctx, now.Add(-r.span()), now)
	if err != nil {
		return err
	}
	r.began, r.looked = now, now.Add(-15*time.Minute)
	r.incidents = NewIncidents(r.Config, nil, known)
	r.brands, r.blind, r.busyAt = map[string]*brandState{}, map[time.Time]bool{}, time.Time{}
	for _, m := range blind {
		r.blind[m.UTC()] = true
	}
	for _, m := range recent {
		r.put(m)
	}
	for _, i := range known { // so that what is open is looked at
		if i.State == pipeline.IncidentOpen && i.Brand != "" {
			r.state(i.Brand).moved = true
		}
	}
	r.loaded = true
	return nil
}

// edge is where what is kept in memory begins and history ends: a whole hour.
func edge(now time.Time) time.Time { return now.Add(-keep).Truncate(time.Hour) }

// span is how much history a watch is built from.
func (r *Runner) span() time.Duration { return r.Config.History + 25*time.Hour }

func (r *Runner) state(brand string) *brandState {
	st := r.brands[brand]
	if st == nil {
		st = &brandState{minutes: map[time.Time]Tally{}}
		r.brands[brand] = st
	}
	return st
}

func (r *Runner) put(m pipeline.BrandMinute) {
	st := r.state(m.Brand)
	st.minutes[m.Minute.Time()] = Tally{m.Mentions, m.Negative, m.Reach}
	st.moved = true
}

// recount counts the buckets anew that were marked as changed.
func (r *Runner) recount(ctx context.Context, now time.Time, minutely bool) error {
	since := r.looked.Add(-overlap)
	if minutely {
		since = r.looked.Add(-longOverlap)
	}
	moved, err := r.Counts.Moved(ctx, since, edge(now))
	if err != nil {
		return err
	}
	moved = slices.DeleteFunc(moved, func(b pipeline.BrandHour) bool { return b.Hour.Time().After(now) })
	fresh, err := r.Counts.Minutes(ctx, moved)
	if err != nil {
		return err
	}
	counted := map[pipeline.BrandMinute]bool{}
	byHour := map[pipeline.BrandHour]map[time.Time]Tally{}
	for _, b := range moved {
		byHour[b] = map[time.Time]Tally{}
	}
	for _, m := range fresh {
		if counted[m] {
			continue
		}
		counted[m] = true
		if of := byHour[pipeline.BrandHour{Brand: m.Brand, Hour: pipeline.At(m.Minute.Time().Truncate(time.Hour))}]; of != nil {
			of[m.Minute.Time()] = Tally{m.Mentions, m.Negative, m.Reach}
		}
	}
	for b, minutes := range byHour {
		r.replace(b, minutes)
	}
	r.looked = now
	return nil
}

// replace takes up the counts of a bucket. A minute that was judged as complete and is
// different now, by a late batch or a delete, makes the watch begin anew from history.
func (r *Runner) replace(b pipeline.BrandHour, minutes map[time.Time]Tally) {
	st := r.state(b.Brand)
	for i := range 60 {
		at := b.Hour.Time().Add(time.Duration(i) * time.Minute)
		before, after := st.minutes[at], minutes[at]
		if before == after {
			continue
		}
		if after == (Tally{}) {
			delete(st.minutes, at)
		} else {
			st.minutes[at] = after
		}
		st.moved = true
		if st.watch != nil && at.Before(st.watch.Next()) && before.Mentions != after.Mentions {
			st.watch = nil
		}
	}
}

// round is what is done once a minute.
func (r *Runner) round(ctx context.Context, now time.Time) (err error) {
	rivals, err := r.Counts.Rivals(ctx)
	if err != nil {
		return err
	}
	r.incidents.SetRivals(rivals)
	if r.sources, err = r.Counts.Sources(ctx, now); err != nil {
		return err
	}
	blind, err := r.Counts.Blind(ctx, now.Add(-longOverlap-latest), now)
	if err != nil {
		return err
	}
	for _, m := range blind {
		r.blind[m.UTC()] = true
	}
	if now.Sub(r.busyAt) >= time.Hour {
		if err := errors.Join(r.lookForBusy(ctx, now), r.renew(ctx, now)); err != nil {
			return err
		}
	}
	old := now.Add(-keep - time.Hour)
	for brand, st := range r.brands {
		for at := range st.minutes {
			if at.Before(old) {
				delete(st.minutes, at)
			}
		}
		if r.quiet(brand, st, now) {
			st.watch = nil // it would cost memory; history brings it back
			if len(st.minutes) == 0 {
				delete(r.brands, brand)
			}
		}
	}
	if err := r.coverage(ctx, now); err != nil {
		return err
	}
	return r.people(ctx, now)
}

// lookForBusy finds the brands whose silence would be told.
func (r *Runner) lookForBusy(ctx context.Context, now time.Time) error {
	windows := float64(r.Config.History / TopicWindow)
	names, err := r.Counts.Busy(ctx, now.Add(-r.Config.History), silentLeast*windows)
	if err != nil {
		return err
	}
	r.busy, r.busyAt = map[string]bool{}, now
	for _, name := range names {
		r.busy[name] = true
		r.state(name).moved = true
	}
	return nil
}

// quiet reports whether nothing can be the matter with a brand: it needs no watch.
func (r *Runner) quiet(brand string, st *brandState, now time.Time) bool {
	return st.recent(now) < Least(r.Config) && !r.busy[brand] && r.incidents.Ongoing(brand, "") == nil
}

// recent is the number of mentions within the last two hours.
func (st *brandState) recent(now time.Time) (n float64) {
	from := now.Add(-2*time.Hour - time.Minute)
	for at, c := range st.minutes {
		if at.After(from) {
			n += c.Mentions
		}
	}
	return n
}

// watermark is the moment up to which the sources have said all.
func (r *Runner) watermark(now time.Time) time.Time {
	mark := now.Add(-settling)
	for _, s := range r.sources {
		if ok := s.OK.Time(); !s.Done && now.Sub(ok) < DeadAfter {
			if own := ok.Add(time.Minute - time.Duration(s.Lag)*time.Millisecond); own.Before(mark) {
				mark = own
			}
		}
	}
	if floor := now.Add(-latest); mark.Before(floor) {
		mark = floor
	}
	return mark
}

// judge looks at one brand.
func (r *Runner) judge(ctx context.Context, brand string, st *brandState, now time.Time) error {
	if !st.held.IsZero() {
		if still, err := r.rewritten(ctx, brand, st, now); err != nil || still {
			return err
		}
	}
	var findings []Finding
	if st.watch == nil {
		if r.quiet(brand, st, now) {
			return nil
		}
		var err error
		if findings, err = r.build(ctx, brand, st, now); err != nil {
			return err
		}
	} else {
		findings = st.advance(r, r.watermark(now))
	}
	var open []Tally
	for at := st.watch.Next(); !at.After(now); at = at.Add(time.Minute) {
		open = append(open, st.minutes[at])
	}
	return r.observe(ctx, brand, "", append(findings, st.watch.Peek(open)...), now)
}

// build makes the watch of a brand from history, and returns what it should have told.
func (r *Runner) build(ctx context.Context, brand string, st *brandState, now time.Time) ([]Finding, error) {
	edge, begin := edge(now), now.Add(-r.span()).Truncate(time.Hour)
	past, err := r.Counts.History(ctx, brand, begin, edge)
	if err != nil {
		return nil, err
	}
	begin = First(past, begin, edge)
	if st.watch, err = NewWatch(r.Config, begin); err != nil {
		return nil, err
	}
	minutes := make(map[time.Time]Tally, len(past))
	for _, m := range past {
		minutes[m.Minute.Time()] = Tally{m.Mentions, m.Negative, m.Reach}
	}
	st.built = now
	var out []Finding
	for at := begin; at.Before(edge); at = st.watch.Next() {
		for _, f := range st.watch.Add(minutes[at], r.blind[at]) {
			if now.Sub(at) < lookBack {
				out = append(out, f)
			}
		}
	}
	return append(out, st.advance(r, r.watermark(now))...), nil
}

// First is the hour of the first mention, between two moments: what was not looked for
// before must not be learnt as silence.
func First(all []pipeline.BrandMinute, from, to time.Time) time.Time {
	first := to
	for _, m := range all {
		if at := m.Minute.Time(); m.Mentions > 0 && at.Before(first) {
			first = at
		}
	}
	if first = first.Truncate(time.Hour); first.Before(from) {
		return from
	}
	return first
}

// advance closes the minutes before the watermark.
func (st *brandState) advance(r *Runner, mark time.Time) []Finding {
	var out []Finding
	for at := st.watch.Next(); !at.Add(time.Minute).After(mark); at = st.watch.Next() {
		out = append(out, st.watch.Add(st.minutes[at], r.blind[at])...)
	}
	return out
}

// observe takes up findings, explains what is new, stores it and has it delivered.
func (r *Runner) observe(ctx context.Context, brand, source string, findings []Finding, now time.Time) error {
	findings = slices.DeleteFunc(findings, func(f Finding) bool { return !slices.Contains(r.Kinds, f.Kind) })
	if st := r.brands[brand]; brand != "" && st != nil && slices.ContainsFunc(findings, func(f Finding) bool { return f.Fired }) {
		if rewritten, err := r.rewritten(ctx, brand, st, now); err != nil || rewritten {
			return err
		}
	}
	for _, c := range r.incidents.Observe(brand, source, findings) {
		if err := r.publish(ctx, c, now); err != nil {
			r.loaded = false // what is in memory was not stored: begin anew from the tables
			return err
		}
	}
	return nil
}
