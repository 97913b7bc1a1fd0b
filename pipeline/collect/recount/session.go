package recount

import (
	"context"
	"sync/atomic"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/poll"
	"earshot/pipeline/query"
)

// session is what the source hands its posts to. It passes on everything as it comes, and
// adds to the cursor which posts are watched.
type session struct {
	pipeline.Session
	plan    *Plan
	matcher atomic.Pointer[query.Matcher] // nil: the brands are not known yet

	turn   chan struct{} // held by whoever touches what follows, or hands over
	watch  poll.Watch
	source pipeline.Cursor // the source's own, of all that was handed over
	behind bool            // what is saved is older than source and watch
	saved  time.Time       // when the cursor moved last
	size   int             // of the cursor then
}

// Emit hands over, and begins to watch what a brand is looking for.
func (s *session) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	return s.exclusive(ctx, func() error {
		s.choose(posts)
		if upTo != nil {
			s.source, s.behind = upTo, true
		}
		return s.move(ctx, posts)
	})
}

// exclusive lets one at a time hand over. The session below would do that too, but a cursor
// must not be made before the one in front of it is saved.
func (s *session) exclusive(ctx context.Context, do func() error) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	return do()
}

// choose watches the new posts that a brand is looking for. Reposts have no counts of
// their own.
func (s *session) choose(posts []pipeline.Post) {
	matcher := s.matcher.Load()
	if matcher == nil {
		return
	}
	for i := range posts {
		p := &posts[i]
		if p.Op != pipeline.OpCreate && p.Op != "" || p.Kind == pipeline.KindRepost {
			continue
		}
		if id := s.plan.ID(p); usable(id) && len(matcher.Match(&pipeline.Record{Post: *p})) > 0 {
			s.watch.Add(id, s.plan.Now())
		}
	}
}

// move hands over, with the cursor if it may move by now. An error leaves nothing to be
// saved: the run ends, and begins again from what is saved.
func (s *session) move(ctx context.Context, posts []pipeline.Post) error {
	now := s.plan.Now()
	if !s.behind || s.source == nil || now.Sub(s.saved) < s.pace() {
		if len(posts) == 0 {
			return nil
		}
		return s.done(s.Session.Emit(ctx, posts, nil))
	}
	cursor := join(s.source, &s.watch)
	if err := s.done(s.Session.Emit(ctx, posts, cursor)); err != nil {
		return err
	}
	s.saved, s.size, s.behind = now, len(cursor), false
	return nil
}

func (s *session) done(err error) error {
	if err != nil {
		s.source, s.behind = nil, false
	}
	return err
}

// flush saves at the end of a run what the pace held back, unless the run was stopped: then
// another process may own the source by now.
func (s *session) flush(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	_ = s.exclusive(ctx, func() error { // an error costs no more than a crash would
		s.saved = time.Time{}
		return s.move(ctx, nil)
	})
}

// recall reads the watched posts out of a cursor.
func (s *session) recall(from pipeline.Cursor) error {
	s.size = len(from)
	return split(from, &s.watch)
}
