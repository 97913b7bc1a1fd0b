package collect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

const (
	// maxPostBytes bounds a post as JSON: below the 4 MiB that the topics accept.
	maxPostBytes = 3 << 20
	// stalled is how long Kafka may take before the source counts as down.
	stalled = 15 * time.Second
)

// errOver is what a source hears that goes on talking after its Run has ended.
var errOver = errors.New("collect: this session is over")

// session is one run of one source.
type session struct {
	parts         *Parts
	entry         Entry
	tally         *tally
	logger        zerolog.Logger
	deterministic bool

	turn   chan struct{} // held by the Emit or Refuse at work: one at a time
	cursor pipeline.Cursor
	ends   pipeline.Ends // all that was handed over before stands below
	ask    bool          // what an earlier attempt left on Kafka is not known
	first  bool          // no Emit of this session has succeeded yet
	broken error         // after it no Emit may pass: its cursor would skip posts

	mu      sync.Mutex
	last    time.Time // sign of life, or end of a limit
	busy    int       // calls in which the source waits for us
	waiting bool      // for Kafka
}

func newSession(p *Parts, e Entry, t *tally, logger zerolog.Logger, cursor pipeline.Cursor, ends pipeline.Ends) *session {
	d, ok := e.Source.(pipeline.Deterministic)
	deterministic := ok && d.Deterministic()
	return &session{parts: p, entry: e, tally: t, logger: logger, deterministic: deterministic,
		turn: make(chan struct{}, 1), cursor: cursor, ends: ends, ask: deterministic, first: deterministic, last: time.Now()}
}

// Emit completes and checks the posts, puts them on Kafka and then keeps the cursor. It
// blocks while Kafka is away. What is absurd becomes a dead letter and its neighbours go
// on. The posts given may get their missing fields filled in.
func (s *session) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	return s.exclusive(ctx, func() error {
		good, newest, err := s.screen(ctx, posts)
		if err != nil {
			return err
		}
		ends, err := s.handOver(ctx, good)
		if err != nil {
			return err
		}
		if len(posts) > 0 {
			s.tally.posts(len(good), newest)
		}
		s.ends = ends
		if upTo != nil && !bytes.Equal(upTo, s.cursor) {
			if err := s.keep(ctx, upTo); err != nil {
				return err
			}
		}
		s.ask, s.first = false, false
		s.settled()
		return nil
	})
}

func (s *session) keep(ctx context.Context, upTo pipeline.Cursor) error {
	cursor := bytes.Clone(upTo)
	err := s.persist(ctx, "save the cursor", func(ctx context.Context) error {
		return s.parts.Cursors.Save(ctx, s.entry.Name, cursor, s.ends)
	})
	if err != nil {
		return err
	}
	s.cursor = cursor
	s.parts.Crash.At(pipeline.CrashCursorSaved)
	return nil
}

// screen completes the posts and turns the absurd ones into dead letters. It returns the
// good ones and the newest believable time among them.
func (s *session) screen(ctx context.Context, posts []pipeline.Post) ([]pipeline.Post, pipeline.Time, error) {
	now := pipeline.At(s.parts.Now())
	good := posts
	copied := false
	var newest pipeline.Time
	for i := range posts {
		p := &posts[i]
		problem := s.complete(p)
		if problem == nil {
			problem = p.Validate()
		}
		if problem == nil {
			problem = tooBig(p)
		}
		if problem != nil {
			if !copied {
				good, copied = append(make([]pipeline.Post, 0, len(posts)), posts[:i]...), true
			}
			if err := s.bury(ctx, p.AppendJSON(nil), string(p.Key()), "validate", problem.Error()); err != nil {
				return nil, 0, err
			}
			continue
		}
		if !p.SeenAt.Known() { // only now, so that the same dead letter has the same hash
			p.SeenAt = now
		}
		if copied {
			good = append(good, *p)
		}
		if p.CreatedAt > newest && pipeline.Believable(p.CreatedAt, p.SeenAt) {
			newest = p.CreatedAt
		}
	}
	return good, newest, nil
}

// complete fills in what a collector may leave out. A simulated post never enters a
// stream of real ones; all posts of a simulated stream say so.
func (s *session) complete(p *pipeline.Post) error {
	if p.Simulated && !s.entry.Stream.Simulated {
		return fmt.Errorf("simulated: this post is invented, the stream %q carries real ones: send it to the simulated stream", s.entry.Stream.Name)
	}
	p.Simulated = s.entry.Stream.Simulated
	if p.V == 0 {
		p.V = pipeline.PostVersion
	}
	if p.Op == "" {
		p.Op = pipeline.OpCreate
	}
	if p.Kind == "" {
		p.Kind = pipeline.KindPost
	}
	if p.Op == pipeline.OpDelete && p.Scope == "" {
		p.Scope = pipeline.ScopePost
	}
	return nil
}

// tooBig reports a post whose fields are within their limits one by one, but whose JSON
// is more than a record of Kafka may hold.
func tooBig(p *pipeline.Post) error {
	size := len(p.Text) + len(p.Title)
	for _, list := range [][]string{p.Hashtags, p.Handles, p.Links} {
		for _, item := range list {
			size += len(item)
		}
	}
	for i := range p.Media {
		size += len(p.Media[i].URL) + len(p.Media[i].Alt)
	}
	if size < maxPostBytes/8 { // JSON makes at most six bytes of one; the other fields are short
		return nil
	}
	if n := len(p.AppendJSON(nil)); n > maxPostBytes {
		return fmt.Errorf("the post is %d bytes as JSON, more than the %d that Kafka takes: shorten its text or its lists", n, maxPostBytes)
	}
	return nil
}

// Refuse makes a dead letter of what the source could not read.
func (s *session) Refuse(ctx context.Context, payload []byte, origin, reason string) error {
	return s.exclusive(ctx, func() error { return s.bury(ctx, payload, origin, "collect", reason) })
}

func (s *session) bury(ctx context.Context, payload []byte, origin, stage, reason string) error {
	sum := sha256.Sum256(payload)
	if origin = s.entry.Name + " " + origin; origin[len(origin)-1] == ' ' {
		origin = s.entry.Name
	}
	hash := hex.EncodeToString(sum[:])
	id := sha256.Sum256([]byte(s.entry.Stream.Name + "\x00" + stage + "\x00" + origin + "\x00" + hash))
	letter := pipeline.DeadLetter{ID: hex.EncodeToString(id[:16]), Stream: s.entry.Stream.Name, Stage: stage,
		Reason: reason, Origin: origin, At: pipeline.At(s.parts.Now()), Size: int64(len(payload)), SHA256: hash,
		Payload: bytes.Clone(payload[:min(len(payload), pipeline.MaxDeadPayload)])}
	err := s.persist(ctx, "write a dead letter", func(ctx context.Context) error {
		return s.parts.DeadLetters.Put(ctx, letter)
	})
	if err == nil {
		s.tally.refused()
	}
	return err
}

// Gap reports what the source could not see.
func (s *session) Gap(from, to time.Time, reason string) {
	s.touch(time.Now())
	ev := s.tally.event("gap", s.parts.Now())
	ev.From, ev.To, ev.Reason = pipeline.At(from), pipeline.At(to), reason
	s.tally.out(ev)
	s.logger.Warn().Time("from", from).Time("to", to).Str("reason", reason).Msg("gap")
}

// Limited reports that the platform asked to wait.
func (s *session) Limited(until time.Time, what string) {
	s.touch(until)
	s.tally.limit(until, what)
	s.logger.Info().Time("until", until).Str("reason", what).Msg("limited")
}

// Alive reports a sign of life.
func (s *session) Alive() {
	s.touch(time.Now())
	s.tally.alive()
}

// touch notes life until at; what was promised before is not taken back.
func (s *session) touch(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.After(s.last) {
		s.last = at
	}
}

// exclusive lets one call at a time hand over. Time that the source spends here is ours,
// so it does not count against its deadline. After a failure nothing passes any more.
func (s *session) exclusive(ctx context.Context, do func() error) error {
	s.enter()
	defer s.leave()
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.broken == nil {
		s.broken = do()
	}
	return s.broken
}

func (s *session) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy++
}

func (s *session) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	if now := time.Now(); now.After(s.last) {
		s.last = now
	}
}

// settled ends a wait for Kafka: the source is alive again.
func (s *session) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	s.tally.alive()
}

// stall reports a wait for Kafka that has become long.
func (s *session) stall(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting {
		err := fmt.Errorf("collect: %s: no answer for %s", what, stalled)
		s.tally.fail(err)
		s.logger.Warn().Err(err).Msg("the source waits until this succeeds")
	}
}

// patience is how much longer the source may stay silent.
func (s *session) patience() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy > 0 {
		return s.entry.Deadline
	}
	return s.entry.Deadline - time.Since(s.last)
}

// close ends the session once the call at work has returned.
func (s *session) close() {
	s.turn <- struct{}{}
	if s.broken == nil {
		s.broken = errOver
	}
	<-s.turn
}

// persist repeats op until it succeeds. When ctx ends it lets an attempt at work go on for
// the grace, so that a stop leaves no doubt behind where Kafka is healthy.
func (s *session) persist(ctx context.Context, what string, op func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	work, cancel := graceful(ctx, s.parts.Grace)
	defer cancel()
	s.mu.Lock()
	s.waiting = true
	s.mu.Unlock()
	watch := time.AfterFunc(stalled, func() { s.stall(what) })
	defer watch.Stop()
	for n := 0; ; n++ {
		err := op(work)
		if err == nil {
			s.settled()
			if n > 0 {
				s.logger.Info().Int("attempts", n+1).Msgf("could %s again", what)
			}
			return nil
		}
		err = fmt.Errorf("collect: %s: %w", what, err)
		if ctx.Err() != nil {
			return err
		}
		s.tally.fail(err)
		if n == 0 {
			s.logger.Warn().Err(err).Msg("the source waits until this succeeds")
		}
		if !sleep(ctx, s.parts.Again.delay(n)) {
			return err
		}
	}
}

// graceful returns a context that ends a while after its parent.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if sleep(work, grace) {
			cancel()
		}
	})
	return work, func() { stop(); cancel() }
}
