package x

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"earshot/pipeline/collect/budget"
	"earshot/pipeline/collect/client"
)

// window is a stretch of time that the stream missed. Ids tell times, so it is one of ids.
type window struct {
	Since uint64   `json:"since"`
	Until uint64   `json:"until"`
	Query string   `json:"query,omitempty"` // the search that is under way
	Upper uint64   `json:"upper,omitempty"` // what it has not read yet lies below
	Done  []string `json:"done,omitempty"`  // searches that are through
}

// disorder is how much later than a younger post the stream may deliver one.
const disorder = 10 * time.Second

// maxWindows bounds the cursor; beyond it, what was missed first is a gap.
const maxWindows = 20

// begin decides from where on something is missing.
func (r *run) begin() {
	now := r.now()
	switch {
	case r.at.Newest == 0:
		r.at.Newest = idAt(now.Add(-r.cfg.History))
	case r.at.Broke: // to read it back would spend the new budget on the old month
		r.out.Gap(timeOf(r.at.Newest), now, "the budget of paid reads was spent")
		r.at.Newest = idAt(now)
	}
	r.at.Broke = false
}

// window opens a window once the stream speaks: from the newest post that was handed over.
func (r *run) window() {
	w := window{Since: idAt(timeOf(r.at.Newest).Add(-disorder)), Until: idAt(r.opened.Add(time.Second))}
	if w.Until <= w.Since {
		return
	}
	if !r.cfg.Search {
		if timeOf(w.Until).Sub(timeOf(w.Since)) > time.Minute {
			r.gap(w, "the stream was cut and search is off")
		}
		return
	}
	if n := len(r.at.Windows); n > 0 && r.at.Windows[n-1].untouched() && r.at.Windows[n-1].Until >= w.Since {
		r.at.Windows[n-1].Until = w.Until // one search for both
	} else {
		r.at.Windows = append(r.at.Windows, w)
	}
	if len(r.at.Windows) > maxWindows {
		r.gap(r.at.Windows[0], "the stream was cut more often than search could fill")
		r.at.Windows = r.at.Windows[1:]
	}
	r.at.Newest = max(r.at.Newest, idAt(r.opened)) // the next window begins here
}

func (w *window) untouched() bool { return w.Query == "" && len(w.Done) == 0 }

func (r *run) gap(w window, reason string) {
	r.out.Gap(timeOf(w.Since), timeOf(w.Until), reason)
}

// work does one piece of what is due.
func (r *run) work(ctx context.Context) error {
	now := r.now()
	if now.Before(r.quiet) {
		return nil
	}
	err := r.refresh(ctx)
	if err == nil {
		err = r.fill(ctx, now)
	}
	if err == nil {
		err = r.again(ctx, now)
	}
	if limited, ok := errors.AsType[*client.LimitedError](err); ok { // the stream goes on meanwhile
		r.quiet = limited.Until
		r.out.Limited(limited.Until, limited.What)
		return nil
	}
	return err
}

// fill reads one page of the oldest window.
func (r *run) fill(ctx context.Context, now time.Time) error {
	for len(r.at.Windows) > 0 && !r.opened.IsZero() && now.Sub(r.opened) >= r.indexed {
		w := &r.at.Windows[0]
		if oldest := idAt(now.Add(-recent + time.Minute)); w.Since < oldest {
			r.gap(window{Since: w.Since, Until: min(oldest, w.Until)}, "recent search reaches back seven days")
			w.Since = oldest
		}
		query := r.next(w)
		if query == "" || w.Since >= w.Until {
			r.at.Windows = slices.Delete(r.at.Windows, 0, 1)
			if err := r.save(ctx, nil); err != nil {
				return err
			}
			continue
		}
		return r.page(ctx, w, query)
	}
	return nil
}

// next is the search to go on with.
func (r *run) next(w *window) string {
	for _, q := range r.plan.searches {
		if short(q) == w.Query {
			return q
		}
	}
	w.Query, w.Upper = "", 0
	for _, q := range r.plan.searches {
		if !slices.Contains(w.Done, short(q)) {
			w.Query, w.Upper = short(q), w.Until
			return q
		}
	}
	return ""
}

const (
	leastPage = 10 // what recent search allows
	mostPage  = 100
)

// page reads the newest posts that this search has not read yet. What is read is handed
// over at once, newest first, since it was paid for: only then the place moves.
func (r *run) page(ctx context.Context, w *window, query string) error {
	granted, err := r.afford(ctx, leastPage*perEvent, mostPage*perEvent)
	if errors.Is(err, budget.ErrSpent) {
		r.gap(window{Since: w.Since, Until: first64(w.Upper, w.Until)}, "the budget of paid reads does not reach for what was missed")
		r.at.Windows = slices.Delete(r.at.Windows, 0, 1)
		return r.save(ctx, nil)
	}
	if err != nil {
		return err
	}
	q := url.Values{"query": {query}, "max_results": {strconv.FormatInt(granted/perEvent, 10)},
		"since_id": {strconv.FormatUint(w.Since, 10)}, "until_id": {strconv.FormatUint(w.Upper, 10)}}
	resp, err := r.http.Get(ctx, r.cfg.Endpoint+"/2/tweets/search/recent?"+q.Encode()+"&"+fields, r.header())
	if err != nil {
		return err
	}
	a, data, err := r.list(ctx, resp.Body, "search")
	if err != nil {
		return err
	}
	r.out.Alive()
	r.at.Account.Use(a.price(len(data)))
	newest := r.at.Newest // the stream's, which search does not move
	found := r.fresh(&a, data)
	r.at.Newest = newest
	w.proceed(data, a.Meta.Next != "")
	return r.hold(ctx, found)
}

// afford says how many reads one request may take of what is held, and holds more if that
// is not enough. The last save must be fresh: it went through the runner, which lets go
// of a source that has gone to another worker.
func (r *run) afford(ctx context.Context, least, want int64) (int64, error) {
	if r.at.Account.Held-margin < least || time.Since(r.saved) > fresh {
		r.at.Account.Hold(&r.cfg.Budget, r.now(), max(margin+block+want-r.at.Account.Held, 0))
		if err := r.save(ctx, nil); err != nil {
			return 0, err
		}
	}
	granted := min(r.at.Account.Held-margin, want)
	if granted < least {
		return 0, budget.ErrSpent
	}
	return granted, nil
}

func first64(a, b uint64) uint64 {
	if a != 0 {
		return a
	}
	return b
}

// proceed moves below what was read.
func (w *window) proceed(data []post, more bool) {
	for i := range data {
		if id := number(data[i].ID); id > 0 {
			w.Upper = min(w.Upper, id)
		}
	}
	if !more || len(data) == 0 || w.Upper <= w.Since {
		w.Done, w.Query, w.Upper = append(w.Done, w.Query), "", 0
	}
}

// list reads an answer with many posts, and refuses those that cannot be read.
func (r *run) list(ctx context.Context, body []byte, origin string) (answer, []post, error) {
	a, err := decode(body)
	if err != nil {
		return a, nil, err
	}
	var raw []json.RawMessage
	if a.Data != nil {
		if err := json.Unmarshal(a.Data, &raw); err != nil {
			return a, nil, fmt.Errorf("decode list: %w", err)
		}
	}
	posts := make([]post, 0, len(raw))
	for _, one := range raw {
		p, err := decodePost(one)
		if err != nil {
			if err := r.out.Refuse(ctx, one, origin, err.Error()); err != nil {
				return a, nil, err
			}
			continue
		}
		posts = append(posts, p)
	}
	return a, posts, nil
}
