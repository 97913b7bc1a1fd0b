package rss

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
)

const (
	together  = 4 // feeds that are asked at once
	chunk     = 100
	heartbeat = time.Minute
	maxPause  = 24 * time.Hour
)

// Source is a list of feeds.
type Source struct {
	cfg   Config
	feeds []string // their addresses, keys and all
	http  *client.Client
	pace  map[string]*pace // by feed; it outlives a Run, so that a failure asks nobody twice
}

// pace is when a feed is asked next.
type pace struct {
	due   time.Time
	fails int
	good  time.Time // last answer
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("rss: %w", err)
	}
	s := &Source{cfg: cfg, http: http, pace: map[string]*pace{}}
	for _, feed := range cfg.Feeds {
		s.feeds = append(s.feeds, string(feed))
		s.pace[string(feed)] = &pace{}
	}
	return s, nil
}

// Check asks every feed once.
func (s *Source) Check(ctx context.Context) (string, error) {
	entries, hubs := 0, 0
	var all []error
	for _, feed := range s.feeds {
		resp, err := s.http.Get(ctx, feed, nil)
		var doc document
		if err == nil {
			doc, err = read(feed, resp.Body)
		}
		if err != nil {
			all = append(all, fmt.Errorf("%s: %w", client.Redact(feed), err))
			continue
		}
		entries += len(doc.items)
		if doc.hub != "" {
			hubs++
		}
	}
	if len(all) > 0 {
		return "", fmt.Errorf("rss: %d of %d feeds cannot be read: %w", len(all), len(s.feeds), errors.Join(all...))
	}
	return fmt.Sprintf("%d feeds can be read, with %d entries; %d name a hub", len(s.feeds), entries, hubs), nil
}

// run is one Run.
type run struct {
	*Source
	at   place
	out  pipeline.Session
	most int // entries that are remembered of each feed
	hubs *hubs
}

// Run asks the feeds again and again, and listens to hubs meanwhile. A feed that fails
// ends it with an error, so that the failure is seen; the others keep their times.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	at, err := decode(from)
	if err != nil {
		return err
	}
	r := &run{Source: s, at: at, out: out, most: min(max(remembered/len(s.feeds), maxFeeds), mostOfFeed)}
	work, cancel := context.WithCancel(ctx)
	var group errgroup.Group
	if r.hubs, err = listen(work, s.cfg.WebSub); err != nil {
		cancel()
		return fmt.Errorf("rss: websub: %w", err)
	}
	if r.hubs != nil {
		group.Go(func() error { return r.hubs.serve(work) })
	}
	err = r.rounds(work)
	cancel()
	_ = group.Wait() // it ends because we told it to
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (r *run) rounds(ctx context.Context) error {
	if r.healthy() {
		r.out.Alive()
	}
	for {
		if err := r.round(ctx); err != nil {
			return err
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
}

// healthy reports whether some feed has answered when it was asked last.
func (r *run) healthy() bool {
	for _, p := range r.pace {
		if p.fails == 0 && !p.good.IsZero() {
			return true
		}
	}
	return false
}

// next is when the next feed is due.
func (r *run) next() time.Time {
	var next time.Time
	for feed, p := range r.pace {
		if !r.at.of(feed).Gone && (next.IsZero() || p.due.Before(next)) {
			next = p.due
		}
	}
	if next.IsZero() { // every feed is gone for good
		return time.Now().Add(maxPause)
	}
	return next
}

// wait passes the time until a feed is due, and takes what hubs deliver meanwhile.
func (r *run) wait(ctx context.Context) error {
	due := time.NewTimer(time.Until(r.next()))
	defer due.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-due.C:
			return nil
		case <-beat.C:
			if r.healthy() { // the silence between two polls is ours
				r.out.Alive()
			}
		case d := <-r.hubs.deliveries():
			err := r.deliver(ctx, d)
			d.done <- err
			if err != nil {
				return err
			}
		}
	}
}

// fetched is the answer of a feed.
type fetched struct {
	feed string
	resp *client.Response
	err  error
}

// round asks every feed that is due.
func (r *run) round(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := r.fetch(ctx)
	var failed []error
	for {
		select {
		case a, open := <-answers:
			if !open {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return r.failure(failed)
			}
			unread, err := r.take(ctx, a)
			if err != nil {
				cancel()
				for range answers {
					continue // until every fetch has ended
				}
				return err
			}
			if unread != nil {
				failed = append(failed, fmt.Errorf("%s: %w", client.Redact(a.feed), unread))
			}
		case d := <-r.hubs.deliveries():
			err := r.deliver(ctx, d)
			d.done <- err
			if err != nil {
				cancel()
				for range answers {
					continue
				}
				return err
			}
		}
	}
}

// failure joins the first few; each has its own line in the next check.
func (r *run) failure(failed []error) error {
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("rss: %d of %d feeds failed: %w", len(failed), len(r.feeds), errors.Join(failed[:min(len(failed), 3)]...))
}

// fetch asks all feeds that are due, a few at a time.
func (r *run) fetch(ctx context.Context) <-chan fetched {
	answers := make(chan fetched)
	type ask struct {
		feed   string
		header http.Header
	}
	var asks []ask
	for _, feed := range r.feeds {
		st := r.at.of(feed)
		if st.Gone || r.pace[feed].due.After(time.Now()) {
			continue
		}
		header := http.Header{"Accept": {"application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"}}
		if st.ETag != "" {
			header.Set("If-None-Match", st.ETag)
		}
		if st.Modified != "" {
			header.Set("If-Modified-Since", st.Modified)
		}
		asks = append(asks, ask{feed, header})
	}
	go func() {
		defer close(answers)
		var group errgroup.Group
		group.SetLimit(together)
		for _, a := range asks {
			group.Go(func() error {
				resp, err := r.http.Get(ctx, a.feed, a.header)
				select {
				case answers <- fetched{a.feed, resp, err}:
				case <-ctx.Done():
				}
				return nil
			})
		}
		_ = group.Wait() // none fails
	}()
	return answers
}

// take hands over what an answer brought. unread says why there was none.
func (r *run) take(ctx context.Context, a fetched) (unread, err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	p, st := r.pace[a.feed], r.at.of(a.feed)
	if a.err != nil {
		return r.refused(ctx, a, p, st)
	}
	p.fails, p.good = 0, time.Now()
	r.out.Alive()
	if a.resp.Code == http.StatusNotModified {
		st.Read = time.Now().UnixMilli()
		r.plan(p, st, a.resp.Header, 0)
		return nil, r.subscribe(ctx, a.feed, st)
	}
	doc, err := read(a.feed, a.resp.Body)
	if err != nil {
		p.fails++
		p.due = time.Now().Add(r.pause(p.fails))
		if err := r.out.Refuse(ctx, a.resp.Body, client.Redact(a.feed), err.Error()); err != nil {
			return nil, err
		}
		return nil, nil //nolint:nilnil // a dead letter tells of it
	}
	r.plan(p, st, a.resp.Header, doc.ttl)
	st.Hub, st.Topic = doc.hub, doc.self
	linked(a.resp.Header, st)
	doc.items = doc.items[:min(len(doc.items), r.most)]
	r.gap(a.feed, st, doc.items)
	etag, modified := a.resp.Header.Get("ETag"), a.resp.Header.Get("Last-Modified")
	err = r.hand(ctx, a.feed, st, doc.items, func() {
		st.ETag, st.Modified, st.Read = etag, modified, time.Now().UnixMilli()
	})
	if err != nil {
		return nil, err
	}
	return nil, r.subscribe(ctx, a.feed, st)
}

// refused settles when a feed is asked again that did not answer as it should.
func (r *run) refused(ctx context.Context, a fetched, p *pace, st *state) (unread, err error) {
	if limited, ok := errors.AsType[*client.LimitedError](a.err); ok {
		p.due = limited.Until
		r.out.Limited(limited.Until, limited.What)
		return nil, nil //nolint:nilnil // the limit is told
	}
	if client.Answered(a.err, http.StatusGone) {
		now := time.Now()
		if st.Read > 0 {
			r.out.Gap(time.UnixMilli(st.Read).UTC(), now.UTC(), client.Redact(a.feed)+" answers 410 Gone and is asked no more")
		}
		st.Gone = true
		return nil, r.out.Emit(ctx, nil, r.at.encode())
	}
	p.fails++
	p.due = time.Now().Add(r.pause(p.fails))
	return a.err, nil
}

// pause before a feed that failed is asked again.
func (r *run) pause(fails int) time.Duration {
	return min(r.cfg.Poll<<min(fails-1, 10), maxPause)
}

// plan settles when a feed is asked next: not before it says that there may be news.
func (r *run) plan(p *pace, st *state, header http.Header, ttl time.Duration) {
	every := max(r.cfg.Poll, ttl)
	for directive := range strings.SplitSeq(header.Get("Cache-Control"), ",") {
		if age, ok := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); ok {
			if seconds, err := strconv.Atoi(age); err == nil && seconds > 0 {
				every = max(every, min(time.Duration(seconds)*time.Second, maxPause))
			}
		}
	}
	if r.hubs.active(st.Topic) {
		every = max(every, websubPoll)
	}
	p.due = time.Now().Add(every)
}

// gap reports that a feed shows nothing of what was read last. A feed that shows only few
// entries does so between any two of them, so there it means something only after a pause.
func (r *run) gap(feed string, st *state, items []item) {
	const few = 5
	if st.Read == 0 || len(st.Seen.order) == 0 || len(items) == 0 {
		return
	}
	now := time.Now()
	oldest := pipeline.At(now)
	for _, i := range items {
		if _, known := st.Seen.hash[i.id]; known {
			return
		}
		if i.bad == nil && pipeline.Believable(i.post.CreatedAt, pipeline.At(now)) && i.post.CreatedAt > pipeline.Time(st.Read) {
			oldest = min(oldest, i.post.CreatedAt)
		}
	}
	last := time.UnixMilli(st.Read).UTC()
	if len(items) >= few || now.Sub(last) > 2*r.cfg.Poll {
		r.out.Gap(last, oldest.Time(), client.Redact(feed)+" no longer shows what was read last")
	}
}

// hand hands over what is new or changed, oldest first. finish is called before the last
// Emit: what it sets must not be believed before all is on Kafka.
func (r *run) hand(ctx context.Context, feed string, st *state, items []item, finish func()) error {
	var posts []pipeline.Post
	changed := false
	for n := len(items) - 1; n >= 0; n-- {
		i := &items[n]
		hash, known := st.Seen.hash[i.id]
		if known && hash == i.hash {
			continue
		}
		changed = true
		st.Seen.add(i.id, i.hash, r.most)
		switch {
		case i.bad != nil:
			if err := r.out.Refuse(ctx, i.bad, client.Redact(feed), i.why); err != nil {
				return err
			}
			continue
		case i.post.Op == pipeline.OpCreate && known:
			i.post.Op = pipeline.OpUpdate
		}
		posts = append(posts, i.post)
		if len(posts) == chunk {
			if err := r.out.Emit(ctx, posts, r.at.encode()); err != nil {
				return err
			}
			posts = nil
		}
	}
	if finish(); !changed {
		return nil // nothing that another start would have to know
	}
	return r.out.Emit(ctx, posts, r.at.encode())
}
