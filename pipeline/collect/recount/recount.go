package recount

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/rules"
	"earshot/pipeline/collect/stream"
	"earshot/pipeline/query"
)

const (
	// learnEvery is how often the brands are asked for.
	learnEvery = 30 * time.Second
	// learnWait is how long the stream waits for them when it begins.
	learnWait = 10 * time.Second
	// rest follows a refusal that names no time.
	rest = time.Minute
	// tries is how often the same posts are asked for where the platform says that the
	// request is wrong: one of them must not keep all others waiting.
	tries = 3
)

// Plan says what is read again.
type Plan struct {
	Ages  []time.Duration // of a post, from when we saw it; growing
	Most  int             // posts watched at once; of more, an even sample
	Batch func() int      // posts of one request, which may change when a server cannot do as many
	Pause time.Duration   // between two requests

	// ID is what to ask for when a post is read again; empty: it is not.
	ID func(p *pipeline.Post) string
	// Read asks once. Posts that do not come are left as they are: the stream tells of
	// deletes, and what is missing may merely be hidden for a while.
	Read func(ctx context.Context, ids []string) ([]pipeline.Post, error)

	// Brands are those whose mentions are watched, since a whole network cannot be.
	Brands rules.Brands
	Now    func() time.Time // our clock; nil: time.Now
}

// Run runs a source and reads again beside it what the brands found in its posts. A refusal
// there is waited out and never ends the stream, which is what counts; nor is an answer a
// sign of life of the stream.
func (p Plan) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session, source func(context.Context, pipeline.Cursor, pipeline.Session) error) error {
	if p.Brands == nil || len(p.Ages) == 0 || p.Most <= 0 {
		return source(ctx, from, out)
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	s := &session{Session: out, plan: &p, turn: make(chan struct{}, 1), source: from, saved: p.Now()}
	s.watch.Steps, s.watch.Most = p.Ages, p.Most
	if err := s.recall(from); err != nil {
		return err
	}
	r := &reader{session: s}
	r.learn(ctx, learnWait)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan any, 1)
	go func() {
		broken := stream.Guard(func() { r.run(inner) })
		cancel() // of the source too, if this ends before it
		done <- broken
	}()
	err := source(inner, from, s)
	cancel()
	if broken := <-done; broken != nil {
		panic(broken)
	}
	s.flush(ctx)
	return err
}

// reader asks in the background.
type reader struct {
	*session
	edition string
	learned time.Time
	wrong   int // requests in a row that the platform called wrong
}

func (r *reader) run(ctx context.Context) {
	timer := time.NewTimer(r.plan.Pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		r.learn(ctx, learnEvery)
		pause := r.plan.Pause
		if err := r.look(ctx); err != nil {
			pause = max(pause, r.patience(err))
		}
		timer.Reset(pause)
	}
}

// patience is how long nothing is asked after an error.
func (r *reader) patience(err error) time.Duration {
	if limited, ok := errors.AsType[*client.LimitedError](err); ok {
		return max(rest, limited.Until.Sub(r.plan.Now()))
	}
	return rest
}

// learn brings the brands up to date. Where they cannot be had, the old ones go on.
func (r *reader) learn(ctx context.Context, wait time.Duration) {
	now := r.plan.Now()
	if !r.learned.IsZero() && now.Sub(r.learned) < learnEvery {
		return
	}
	r.learned = now
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	brands, edition, err := r.plan.Brands(ctx)
	if err != nil || edition == r.edition && r.matcher.Load() != nil {
		return
	}
	engine, err := query.Compile(brands)
	if err != nil {
		return // the brands of a newer program; those who publish them are told
	}
	r.edition = edition
	r.matcher.Store(engine.NewMatcher())
}

// look reads one batch of what is due.
func (r *reader) look(ctx context.Context) error {
	ids := r.due(ctx)
	if len(ids) == 0 {
		return nil
	}
	posts, err := r.plan.Read(ctx, ids)
	if wrong(err) {
		r.wrong++
	} else {
		r.wrong = 0
	}
	if err != nil && r.wrong < tries {
		return err
	}
	r.wrong = 0
	return errors.Join(err, r.settle(ctx, ids, posts))
}

// wrong reports whether a platform says that it will never answer this request.
func wrong(err error) bool {
	return client.Answered(err, http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity)
}

// due are posts that are to be read now, each once.
func (r *reader) due(ctx context.Context) []string {
	var ids []string
	_ = r.exclusive(ctx, func() error {
		ids = r.watch.Due(r.plan.Now(), r.plan.Batch())
		return nil
	})
	slices.Sort(ids)
	return slices.Compact(ids)
}

// settle hands over what came.
func (r *reader) settle(ctx context.Context, ids []string, posts []pipeline.Post) error {
	return r.exclusive(ctx, func() error {
		r.watch.Done(r.plan.Now(), ids, nil)
		r.behind = true
		return r.move(ctx, posts)
	})
}

// usable reports whether an id can stand in a list of watched posts.
func usable(id string) bool { return id != "" && !strings.ContainsAny(id, ", \t\r\n") }
