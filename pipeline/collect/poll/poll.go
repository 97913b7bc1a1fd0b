package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/budget"
)

// Item is one entry of a listing.
type Item struct {
	ID     string
	Millis int64           // claimed, Unix ms
	Posts  []pipeline.Post // what it comes to
	Watch  string          // what to ask for when it is read again; empty: never
	Bad    []byte          // what could not be read; nil: it could
	Reason string          // of Bad
}

// Unreadable is the item of a payload that cannot be read.
func Unreadable(payload []byte, err error) Item {
	return Item{ID: "bad " + string(payload), Bad: payload, Reason: err.Error()}
}

// Target is a listing that shows the newest first.
type Target struct {
	Name string // unique in the source for ever: the cursor goes by it
	// Page asks for one page; after is empty for the first, next is empty behind the last.
	Page func(ctx context.Context, after string, since time.Time) (items []Item, next string, err error)
	// Depth is how many pages the platform shows, or we want.
	Depth int
	// Whole says that a page holds all that is new since the time it was given, so that
	// not meeting anything known is no gap.
	Whole bool
	// Cost is what a page costs of the budget; 0 is 1.
	Cost int64
}

// Pushed are items that came by themselves, newest first; Done hears whether they are on
// Kafka, and must have room for that.
type Pushed struct {
	Target string // whose listing holds them too
	Items  []Item
	Origin string
	Done   chan<- error
}

// Poller asks all targets in each round.
type Poller struct {
	Platform string
	Mend     string // what to do where credentials are refused
	Every    time.Duration
	Targets  func(ctx context.Context) ([]Target, error) // asked each round: rules may change
	Pushed   <-chan Pushed                               // may be nil

	Steps  []time.Duration // ages at which posts are read again; empty: never
	Most   int             // posts watched at once
	Batch  int             // posts read again by one request
	Reread func(ctx context.Context, ids []string) (posts []pipeline.Post, gone map[string]bool, err error)

	Budget *budget.Config // of pages, where they are counted or paid; nil: none

	Now func() time.Time // our clock; nil: time.Now
}

const (
	// chunk is the number of items of one Emit.
	chunk = 100
	// restful is how often the runner hears in a pause that all is well.
	restful = time.Minute
)

// place is the cursor.
type place struct {
	Targets map[string]*Mark `json:"targets"`
	Watch   *Watch           `json:"watch,omitempty"`
	Account *budget.Account  `json:"account,omitempty"`
}

// run is one Run of a Poller.
type run struct {
	*Poller
	at  place
	out pipeline.Session
}

// Run polls until ctx ends or the platform refuses.
func (p *Poller) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	if p.Now == nil {
		p.Now = time.Now
	}
	r := &run{Poller: p, out: out, at: place{Targets: map[string]*Mark{}, Watch: &Watch{}}}
	if from != nil {
		if err := json.Unmarshal(from, &r.at); err != nil {
			return fmt.Errorf("%s: cursor: %w", p.Platform, err)
		}
		if r.at.Targets == nil || r.at.Watch == nil {
			r.at = place{Targets: map[string]*Mark{}, Watch: &Watch{}}
		}
	}
	r.at.Watch.Steps, r.at.Watch.Most = p.Steps, p.Most
	if p.Budget != nil {
		if r.at.Account == nil {
			r.at.Account = &budget.Account{}
		}
		r.at.Account.Open(p.Budget, p.Now())
	}
	for {
		begun := p.Now()
		if err := r.round(ctx); err != nil {
			return Failed(ctx, p.Platform, p.Mend, err, out)
		}
		if err := r.wait(ctx, begun.Add(p.Every).Sub(p.Now())); err != nil {
			return Failed(ctx, p.Platform, p.Mend, err, out)
		}
	}
}

func (r *run) encode() pipeline.Cursor {
	b, _ := json.Marshal(&r.at) // strings and numbers cannot fail
	return b
}

func (r *run) mark(target string) *Mark {
	m := r.at.Targets[target]
	if m == nil {
		m = &Mark{}
		r.at.Targets[target] = m
	}
	return m
}

func (r *run) round(ctx context.Context) error {
	targets, err := r.Targets(ctx)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return errors.New("there is nothing to read: neither the settings nor the brands name anything")
	}
	for _, t := range targets {
		if err := r.read(ctx, t); err != nil {
			return err
		}
	}
	return r.again(ctx)
}

// read brings a target up to date: newest first until something known is met, then
// handed over oldest first, so that the cursor never speaks for what was not read.
func (r *run) read(ctx context.Context, t Target) error {
	m := r.mark(t.Name)
	var fresh []Item
	met := t.Whole || m.Empty()
	queued := map[string]bool{}
	after := ""
	for range t.Depth {
		if err := r.pay(ctx, max(t.Cost, 1)); err != nil {
			return err
		}
		items, next, err := t.Page(ctx, after, time.UnixMilli(m.Newest))
		if err != nil {
			return err
		}
		r.paid(max(t.Cost, 1))
		r.out.Alive()
		known := false
		for _, item := range items {
			switch {
			case m.Has(item.ID):
				known = true
			case !queued[item.ID]: // pages shift while we turn them
				queued[item.ID] = true
				fresh = append(fresh, item)
			}
		}
		met = met || known
		if known || next == "" || next == after {
			break
		}
		after = next
	}
	if !met && len(fresh) > 0 {
		r.gap(m, fresh)
	}
	return r.hand(ctx, m, fresh, t.Name)
}

// pay holds the price of one request and saves the hold, before anything is asked for.
func (r *run) pay(ctx context.Context, cost int64) error {
	if r.Budget == nil {
		return nil
	}
	if r.at.Account.Left(r.Budget, r.Now()) < cost || r.at.Account.Hold(r.Budget, r.Now(), cost) < cost {
		ends := r.Budget.Ends(r.Now())
		r.out.Limited(ends, "the budget of requests")
		return fmt.Errorf("%w: %s of %d allowed; it goes on at %s", budget.ErrSpent, r.at.Account, r.Budget.Reads, ends.Format(time.RFC3339))
	}
	return r.out.Emit(ctx, nil, r.encode())
}

// paid settles it.
func (r *run) paid(cost int64) {
	if r.Budget != nil {
		r.at.Account.Use(cost)
	}
}

// gap reports what lies between what was read and what the listing still shows.
func (r *run) gap(m *Mark, fresh []Item) {
	oldest := r.Now().UnixMilli()
	for _, item := range fresh {
		if item.Bad == nil && item.Millis > m.Newest {
			oldest = min(oldest, item.Millis)
		}
	}
	if m.Newest > 0 && oldest > m.Newest {
		r.out.Gap(time.UnixMilli(m.Newest).UTC(), time.UnixMilli(oldest).UTC(), "the listing no longer reaches back to what was read last")
	}
}

// hand gives items, newest first, to the runner: oldest first, in chunks.
func (r *run) hand(ctx context.Context, m *Mark, fresh []Item, origin string) error {
	for end := len(fresh); end > 0; {
		begin := max(end-chunk, 0)
		var posts []pipeline.Post
		for i := end - 1; i >= begin; i-- {
			item := &fresh[i]
			if item.Bad != nil {
				if err := r.out.Refuse(ctx, item.Bad, origin, item.Reason); err != nil {
					return err
				}
			}
			posts = append(posts, item.Posts...)
			m.Add(item.ID, item.Millis, r.Now())
			if item.Watch != "" {
				r.at.Watch.Add(item.Watch, r.Now())
			}
		}
		if err := r.out.Emit(ctx, posts, r.encode()); err != nil {
			return err
		}
		end = begin
	}
	return nil
}

// again reads posts again that are due.
func (r *run) again(ctx context.Context) error {
	if r.Reread == nil {
		return nil
	}
	for {
		ids := r.at.Watch.Due(r.Now(), r.Batch)
		if len(ids) == 0 {
			return nil
		}
		if err := r.pay(ctx, 1); err != nil {
			return err
		}
		posts, gone, err := r.Reread(ctx, ids)
		if err != nil {
			return err
		}
		r.paid(1)
		r.out.Alive()
		r.at.Watch.Done(r.Now(), ids, gone)
		if err := r.out.Emit(ctx, posts, r.encode()); err != nil {
			return err
		}
	}
}

// wait passes the time to the next round, and takes what is pushed meanwhile.
func (r *run) wait(ctx context.Context, d time.Duration) error {
	timer, beat := time.NewTimer(max(d, 0)), time.NewTicker(restful)
	defer timer.Stop()
	defer beat.Stop()
	for {
		select {
		case <-beat.C: // a pause of our own is not the platform's silence
			r.out.Alive()
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return ctx.Err()
		case p := <-r.Pushed:
			m := r.mark(p.Target)
			fresh := slices.DeleteFunc(slices.Clone(p.Items), func(i Item) bool { return m.Has(i.ID) })
			err := r.hand(ctx, m, fresh, p.Origin)
			p.Done <- err
			if err != nil {
				return err
			}
		}
	}
}
