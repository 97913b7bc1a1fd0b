package collect

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// errSilent is why a source is cancelled that showed no life within its deadline.
var errSilent = errors.New("silent past its deadline")

// Runner runs the sources of a wiring table.
type Runner struct {
	parts   Parts
	sources []*source
	reports *reports
}

// source is an entry and what became of it in this process.
type source struct {
	Entry
	tally  *tally
	logger zerolog.Logger

	mu       sync.Mutex
	finished bool
	failure  error
}

// New checks the table and builds a runner.
func New(parts Parts, entries []Entry) (*Runner, error) {
	if err := parts.check(entries); err != nil {
		return nil, err
	}
	if parts.Now == nil {
		parts.Now = time.Now
	}
	if parts.Backoff == (Backoff{}) {
		parts.Backoff = DefaultBackoff()
	}
	if parts.Again == (Backoff{}) {
		parts.Again = kafkaBackoff()
	}
	if parts.Grace == 0 {
		parts.Grace = 5 * time.Second
	}
	if parts.Owners == nil {
		parts.Owners = alone{}
	}
	r := &Runner{parts: parts, reports: newReports(parts.Reporter, parts.Logger)}
	for _, e := range entries {
		r.sources = append(r.sources, &source{Entry: e,
			tally:  newTally(e, parts.Collector, parts.Now, r.reports.add),
			logger: parts.Logger.With().Str("source", e.Name).Logger()})
	}
	return r, nil
}

// Status of every source, in the order of the table.
func (r *Runner) Status() []Status {
	all := make([]Status, 0, len(r.sources))
	for _, s := range r.sources {
		all = append(all, s.tally.status())
	}
	return all
}

// Run runs the sources until ctx ends, or until each of them was read to its end or gave
// up for good in this process. It returns the errors of those that gave up, or of Owners.
func (r *Runner) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	var background sync.WaitGroup
	closing := make(chan struct{})
	background.Go(func() { r.reports.run(context.WithoutCancel(ctx), closing) })
	background.Go(func() { r.minutes(work) })

	names := make([]string, 0, len(r.sources))
	byName := make(map[string]*source, len(r.sources))
	for _, s := range r.sources {
		names = append(names, s.Name)
		byName[s.Name] = s
	}
	err := r.parts.Owners.Run(work, names, func(ctx context.Context, name string) {
		if s := byName[name]; s != nil {
			r.own(ctx, s, cancel)
		}
	})
	cancel()
	close(closing)
	r.reports.close()
	background.Wait()
	if r.allFinished() { // then Owners was stopped by us
		return r.failures()
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("collect: own sources: %w", err)
	}
	return nil
}

// minutes closes each minute of each source just after its end.
func (r *Runner) minutes(ctx context.Context) {
	for {
		now := r.parts.Now()
		if !sleep(ctx, now.Truncate(time.Minute).Add(time.Minute).Sub(now)) {
			return
		}
		for _, s := range r.sources {
			s.tally.tick()
		}
	}
}

// own runs a source while this process owns it.
func (r *Runner) own(ctx context.Context, s *source, stop func()) {
	if finished, _ := s.outcome(); finished {
		return
	}
	s.tally.begin()
	err := r.repeat(ctx, s)
	switch {
	case ctx.Err() != nil && err != nil:
		s.tally.end(false)
		return
	case err == nil:
		s.logger.Info().Msg("read to its end")
		s.tally.end(true)
		s.finish(nil)
	default:
		s.logger.Error().Err(err).Msg("gave up; it stays down until a restart")
		s.finish(err)
	}
	if r.allFinished() {
		stop()
	}
	if err != nil { // its minutes go on to be reported as down
		<-ctx.Done()
		s.tally.end(false)
	}
}

// repeat runs a source again and again. A nil error means that it is exhausted; an error
// while ctx is alive, that no repetition would help.
func (r *Runner) repeat(ctx context.Context, s *source) error {
	var cursor pipeline.Cursor
	var ends pipeline.Ends
	loaded := false
	for n := 0; ; n++ {
		started := time.Now()
		var err error
		if !loaded {
			cursor, ends, err = r.load(ctx, s)
			loaded = err == nil
		}
		if loaded {
			cursor, ends, err = r.once(ctx, s, cursor, ends)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		s.tally.fail(err)
		if permanent(err) {
			return err
		}
		if time.Since(started) >= r.parts.Backoff.Healthy {
			n = 0
		}
		delay := max(r.parts.Backoff.delay(n), s.tally.limited().Sub(r.parts.Now()))
		s.logger.Warn().Err(err).Dur("retry_in", delay).Msg("source failed; it will be run again")
		if !sleep(ctx, delay) {
			return ctx.Err()
		}
	}
}

// load finds where the source stands. One that was never seen begins at the present ends
// of its topic: nothing of it can stand below, so nobody has to look there.
func (r *Runner) load(ctx context.Context, s *source) (pipeline.Cursor, pipeline.Ends, error) {
	cursor, ends, err := r.parts.Cursors.Load(ctx, s.Name)
	if err != nil {
		return nil, nil, fmt.Errorf("collect: load the cursor: %w", err)
	}
	if cursor != nil || ends != nil {
		return cursor, ends, nil
	}
	ends, err = r.parts.Ends(ctx, s.Stream)
	if err != nil {
		return nil, nil, fmt.Errorf("collect: ask for the ends of topic %s: %w", s.Stream.Topic, err)
	}
	if err := r.parts.Cursors.Save(ctx, s.Name, nil, ends); err != nil {
		return nil, nil, fmt.Errorf("collect: save the first cursor: %w", err)
	}
	return nil, ends, nil
}

// once runs the source once and returns where it stands then.
func (r *Runner) once(ctx context.Context, s *source, cursor pipeline.Cursor, ends pipeline.Ends) (pipeline.Cursor, pipeline.Ends, error) {
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	session := newSession(&r.parts, s.Entry, s.tally, s.logger, cursor, ends)
	var watch sync.WaitGroup
	if s.Deadline > 0 {
		watch.Go(func() { watchdog(run, session, cancel) })
	}
	err := guarded(run, s.Source, cursor, session, s.logger)
	session.close()
	cause := context.Cause(run)
	cancel(nil)
	watch.Wait()
	switch {
	case errors.Is(cause, errSilent):
		err = fmt.Errorf("collect: no sign of life for %s: %w", s.Deadline, errSilent)
	case err == nil && !errors.Is(session.broken, errOver):
		err = session.broken // it swallowed the failure of an Emit: that is not its end
	case err == nil && cause != nil:
		err = cause // it returned because it was told to
	}
	return session.cursor, session.ends, err
}

// watchdog cancels a source that shows no life within its deadline.
func watchdog(ctx context.Context, s *session, cancel context.CancelCauseFunc) {
	for {
		left := s.patience()
		if left <= 0 {
			cancel(errSilent)
			return
		}
		if !sleep(ctx, left) {
			return
		}
	}
}

// guarded turns a panic in the source into an error of that source alone.
func guarded(ctx context.Context, src pipeline.Source, from pipeline.Cursor, s *session, logger zerolog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			logger.Debug().Bytes("stack", debug.Stack()).Msg("panic in a source")
			err = fmt.Errorf("collect: panic in the source: %v", p)
		}
	}()
	return src.Run(ctx, from, s)
}

// permanent reports whether the error says that a repetition would not help.
func permanent(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}

func (s *source) finish(failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished, s.failure = true, failure
}

func (s *source) outcome() (finished bool, failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished, s.failure
}

func (r *Runner) allFinished() bool {
	for _, s := range r.sources {
		if finished, _ := s.outcome(); !finished {
			return false
		}
	}
	return true
}

func (r *Runner) failures() error {
	var all []error
	for _, s := range r.sources {
		if _, failure := s.outcome(); failure != nil {
			all = append(all, fmt.Errorf("source %s: %w", s.Name, failure))
		}
	}
	return errors.Join(all...)
}

// alone owns every source in this process.
type alone struct{}

func (alone) Run(ctx context.Context, names []string, start func(context.Context, string)) error {
	var all sync.WaitGroup
	for _, name := range names {
		all.Go(func() { start(ctx, name) })
	}
	all.Wait()
	return nil
}
