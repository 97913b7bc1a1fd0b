package x

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/budget"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/poll"
	"earshot/pipeline/collect/rules"
)

const (
	mend = "check the bearer token, the App's project and what its access level includes, in the Developer Console"
	// ahead is how many events may wait between the stream and the hand-over; one more is
	// in the reader's hand. Each costs up to perEvent reads: itself, and the posts that it
	// answers, quotes or reposts.
	ahead    = 10
	perEvent = 3
	// margin is what may have been read without our knowing; block is what is held at once.
	margin = (ahead + 1) * perEvent
	block  = 100
	// fresh is how young the last save must be when something is paid for.
	fresh = 5 * time.Second
	// linger is how long an event waits for others.
	linger = 200 * time.Millisecond
	// chores is how often changed rules and due work are looked for.
	chores = time.Second
)

// Source is an App's stream.
type Source struct {
	cfg     Config
	http    *client.Client
	brands  rules.Brands // nil: the settings alone say what is asked for
	now     func() time.Time
	indexed time.Duration // after which recent search surely knows a post
	chores  time.Duration
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("x: %w", err)
	}
	return &Source{cfg: cfg, http: http, now: time.Now, indexed: 30 * time.Second, chores: chores}, nil
}

// place is the cursor.
type place struct {
	Newest  uint64         `json:"newest,omitempty"` // greatest id handed over, or where the first start began
	Mark    *poll.Mark     `json:"mark"`
	Windows []window       `json:"windows,omitempty"`
	Account budget.Account `json:"account"`
	Broke   bool           `json:"broke,omitempty"` // the budget ended the last run
	Watch   *poll.Watch    `json:"watch"`
}

// run is one Run.
type run struct {
	*Source
	at     place
	out    pipeline.Session
	plan   plan
	opened time.Time // when the stream began to speak
	quiet  time.Time // no search before
	broken error     // of an Emit: after it nothing may be handed over
	saved  time.Time // when the last Emit was acknowledged
}

// event is a line of a stream.
type event struct {
	line   []byte
	origin string // stream, or which compliance stream
}

const streamOrigin = "stream"

// Run follows the stream until it ends.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	r := &run{Source: s, out: out, at: place{Mark: &poll.Mark{}, Watch: &poll.Watch{}}}
	if from != nil {
		if err := json.Unmarshal(from, &r.at); err != nil {
			return fmt.Errorf("x: cursor: %w", err)
		}
		if r.at.Mark == nil || r.at.Watch == nil {
			r.at.Mark, r.at.Watch = &poll.Mark{}, &poll.Watch{}
		}
	}
	r.at.Watch.Steps, r.at.Watch.Most = s.cfg.Reread, s.cfg.Watch
	r.at.Account.Open(&s.cfg.Budget, s.now())
	return poll.Failed(ctx, platform, mend, r.follow(ctx), out)
}

func (s *Source) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + s.cfg.Token.Reveal()}}
}

func (r *run) encode() pipeline.Cursor {
	b, _ := json.Marshal(&r.at) // strings and numbers cannot fail
	return b
}

func (r *run) save(ctx context.Context, posts []pipeline.Post) error {
	if r.broken == nil {
		r.broken = r.out.Emit(ctx, posts, r.encode())
		r.saved = time.Now()
	}
	return r.broken
}

// follow prepares the rules, holds the first block and reads until an end comes.
func (r *run) follow(ctx context.Context) error {
	if r.cfg.Token == "" {
		return errors.New("token is missing: make an App in the Developer Console at https://developer.x.com and give its bearer token")
	}
	if err := r.refresh(ctx); err != nil {
		return err
	}
	r.begin()
	if err := r.hold(ctx, nil); err != nil {
		return err
	}
	inner, cancel := context.WithCancel(ctx)
	events := make(chan event, ahead)
	opened := make(chan time.Time, 1)
	ended := make(chan error, 1)
	var readers sync.WaitGroup
	r.listen(inner, &readers, events, opened, ended)
	err := r.consume(ctx, events, opened, ended)
	cancel()
	readers.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(err, r.settle(ctx, events, err))
}

// listen starts the readers of all streams.
func (r *run) listen(ctx context.Context, readers *sync.WaitGroup, events chan<- event, opened chan<- time.Time, ended chan<- error) {
	read := func(path, origin string, ready func()) {
		readers.Go(func() {
			err := r.http.Lines(ctx, r.cfg.Endpoint+path, r.header(), r.cfg.Deadline, ready, func(line []byte) error {
				select {
				case events <- event{line: append([]byte(nil), line...), origin: origin}:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			select {
			case ended <- fmt.Errorf("the %s ended: %w", origin, err):
			default:
			}
		})
	}
	read("/2/tweets/search/stream?"+fields, streamOrigin, func() { opened <- r.now() })
	if r.cfg.Compliance {
		for _, c := range complianceStreams() {
			read(c.path, c.origin, func() {})
		}
	}
}

// consume takes events and does the chores between them. What was missed is written down
// before the first event is taken: later, nobody would know where it began.
func (r *run) consume(ctx context.Context, events <-chan event, opened <-chan time.Time, ended <-chan error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case r.opened = <-opened:
	case err := <-ended:
		if len(opened) == 0 {
			return err
		}
		r.opened = <-opened // it was cut at once; what it brought is settled
		r.out.Alive()
		r.window()
		return err
	}
	r.out.Alive()
	r.window()
	tick := time.NewTicker(r.chores)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return err
		case e := <-events:
			if err := r.take(ctx, gather(ctx, e, events)); err != nil {
				return err
			}
		case <-tick.C:
			if err := r.work(ctx); err != nil {
				return err
			}
		}
	}
}

// gather waits a little for events that come together.
func gather(ctx context.Context, e event, events <-chan event) []event {
	batch := []event{e}
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for len(batch) < block/perEvent {
		select {
		case e := <-events:
			batch = append(batch, e)
		case <-timer.C:
			return batch
		case <-ctx.Done():
			return batch
		}
	}
	return batch
}

// take hands a batch over and holds the price of the next.
func (r *run) take(ctx context.Context, batch []event) error {
	var posts []pipeline.Post
	for _, e := range batch {
		r.out.Alive()
		if len(e.line) == 0 {
			continue
		}
		if e.origin != streamOrigin {
			posts = append(posts, complied(e.line)...)
			continue
		}
		found, err := r.event(ctx, e.line)
		if err != nil {
			return errors.Join(err, r.save(ctx, posts))
		}
		posts = append(posts, found...)
	}
	return r.hold(ctx, posts)
}

// event reads a message of the stream.
func (r *run) event(ctx context.Context, line []byte) ([]pipeline.Post, error) {
	a, err := decode(line)
	switch {
	case err != nil:
		return nil, r.out.Refuse(ctx, line, streamOrigin, err.Error())
	case a.Data == nil && len(a.Errors) > 0:
		return nil, fmt.Errorf("the platform ends the stream: %s", r.told(a.Errors[0]))
	case a.Data == nil:
		return nil, nil // a kind of message that is not known yet
	}
	r.at.Account.Use(a.price(1))
	p, err := decodePost(a.Data)
	if err != nil {
		return nil, r.out.Refuse(ctx, line, streamOrigin, err.Error())
	}
	return r.fresh(&a, []post{p}), nil
}

// price is what an answer with n posts costs: those that stand beside them are reads too.
func (a *answer) price(n int) int64 { return int64(n + len(a.Includes.Posts)) }

// fresh are the posts that were not handed over yet, the ones that they speak of first.
func (r *run) fresh(a *answer, data []post) []pipeline.Post {
	var out []pipeline.Post
	for _, list := range [][]post{a.Includes.Posts, data} {
		for i := range list {
			p := &list[i]
			if p.ID == "" || r.at.Mark.Has(p.ID) {
				continue
			}
			made := a.Includes.post(p)
			r.at.Mark.Add(p.ID, timeOf(number(p.ID)).UnixMilli(), r.now())
			if made.Op == pipeline.OpCreate && made.Kind != pipeline.KindRepost {
				r.at.Watch.Add(made.ID, r.now())
			}
			out = append(out, made)
		}
	}
	for i := range data {
		if id := number(data[i].ID); id < idAt(r.now().Add(time.Hour)) {
			r.at.Newest = max(r.at.Newest, id)
		}
	}
	return out
}

// hold hands posts over together with the hold of what may come next. Where the budget
// does not allow the next block, it ends the run.
func (r *run) hold(ctx context.Context, posts []pipeline.Post) error {
	b, now := &r.cfg.Budget, r.now()
	want := int64(margin + block)
	if len(r.at.Windows) > 0 {
		want += mostPage * perEvent // for the next page
	}
	if r.at.Account.Held < want-block/2 {
		r.at.Account.Hold(b, now, want-r.at.Account.Held)
	}
	r.at.Broke = r.at.Account.Held <= margin
	if err := r.save(ctx, posts); err != nil {
		return err
	}
	if !r.at.Broke {
		return nil
	}
	r.out.Limited(b.Ends(now), "the budget of paid reads")
	return fmt.Errorf("%w: %s of %d allowed; it goes on at %s", budget.ErrSpent, r.at.Account.String(), b.Reads, b.Ends(now).Format(time.RFC3339))
}

// settle takes what the readers still had, and gives back what was held for nothing.
func (r *run) settle(ctx context.Context, events <-chan event, cause error) error {
	for {
		select {
		case e := <-events:
			if e.origin != streamOrigin || len(e.line) == 0 {
				continue
			}
			posts, err := r.event(ctx, e.line)
			if err != nil {
				continue // the cause of the end is told already
			}
			if err := r.save(ctx, posts); err != nil {
				return err
			}
		default:
			if errors.Is(cause, budget.ErrSpent) || r.at.Account.Held > 0 {
				r.at.Account.Release()
				return r.save(ctx, nil)
			}
			return nil
		}
	}
}
