package rss

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/inbound"
)

const (
	maxChallenge = 4 << 10
	// busy is how long a hub waits for its turn before it is sent away.
	busy = 5 * time.Second
	// renewAt is the part of a lease after which it is asked for again.
	renewAt = 0.8
	// unanswered is how long a hub may take to verify before it is asked again.
	unanswered = 10 * time.Minute
)

// delivery is what a hub brought; done hears whether it is on Kafka.
type delivery struct {
	topic string
	body  []byte
	done  chan error
}

// hubs are our subscriptions. A nil *hubs has none.
type hubs struct {
	cfg   WebSub
	l     net.Listener
	queue chan delivery

	mu   sync.Mutex
	subs map[string]*subscription // by the last part of their callback
}

// subscription is one topic at one hub.
type subscription struct {
	topic  string
	asked  time.Time
	renew  time.Time // zero: not verified
	until  time.Time
	denied bool
}

// listen opens the port on which hubs are answered; nil if no callback is set.
func listen(ctx context.Context, cfg WebSub) (*hubs, error) {
	if cfg.Callback == "" {
		return nil, nil //nolint:nilnil // no hubs
	}
	l, err := inbound.Listener(ctx, cfg.Listen)
	if err != nil {
		return nil, err
	}
	return &hubs{cfg: cfg, l: l, queue: make(chan delivery), subs: map[string]*subscription{}}, nil
}

func (h *hubs) serve(ctx context.Context) error { return inbound.Serve(ctx, h.l, h) }

func (h *hubs) deliveries() <-chan delivery {
	if h == nil {
		return nil
	}
	return h.queue
}

// key is the last part of a callback: nobody can guess it. secret is what the hub signs
// with; both come from the operator's secret, so that they are the same after a restart.
func (h *hubs) key(topic string) string {
	return inbound.Sign(h.cfg.Secret.Reveal(), []byte("callback "), []byte(topic))[:32]
}

func (h *hubs) secret(topic string) string {
	return inbound.Sign(h.cfg.Secret.Reveal(), []byte("secret "), []byte(topic))
}

func (h *hubs) active(topic string) bool {
	if h == nil || topic == "" {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.subs[h.key(topic)]
	return s != nil && s.until.After(time.Now())
}

// wanted reports whether the hub is to be asked now, and notes that it was.
func (h *hubs) wanted(topic string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	s := h.subs[h.key(topic)]
	switch {
	case s == nil:
		h.subs[h.key(topic)] = &subscription{topic: topic, asked: now}
		return true
	case s.denied, now.Sub(s.asked) < unanswered, now.Before(s.renew):
		return false
	}
	s.asked = now
	return true
}

// linked takes hub and topic from the Link headers, which go before the document.
func linked(header http.Header, st *state) {
	for _, line := range header.Values("Link") {
		for part := range strings.SplitSeq(line, ",") {
			target, parameters, ok := strings.Cut(part, ">")
			target = strings.TrimPrefix(strings.TrimSpace(target), "<")
			if u, err := url.Parse(target); !ok || err != nil || u.Host == "" {
				continue
			}
			for parameter := range strings.SplitSeq(parameters, ";") {
				switch strings.ReplaceAll(strings.TrimSpace(parameter), `"`, "") {
				case "rel=hub":
					st.Hub = target
				case "rel=self":
					st.Topic = target
				}
			}
		}
	}
}

// subscribe asks the hub of a feed to tell us. A hub that does not answer is no harm: the
// feed is asked as before.
func (r *run) subscribe(ctx context.Context, feed string, st *state) error {
	if r.hubs == nil || st.Hub == "" || st.Topic == "" || !protected(st.Hub, feed) || !r.hubs.wanted(st.Topic) {
		return nil
	}
	form := url.Values{
		"hub.callback":      {strings.TrimSuffix(r.cfg.WebSub.Callback, "/") + "/" + r.hubs.key(st.Topic)},
		"hub.mode":          {"subscribe"},
		"hub.topic":         {st.Topic},
		"hub.lease_seconds": {strconv.Itoa(leaseSeconds)},
		"hub.secret":        {r.hubs.secret(st.Topic)},
	}
	_, _ = r.http.Do(ctx, client.Request{Method: http.MethodPost, Address: st.Hub, Body: []byte(form.Encode()), Once: true,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}})
	return ctx.Err()
}

// protected reports whether the hub is no easier to overhear than the feed: it is told a
// secret.
func protected(hub, feed string) bool {
	return strings.HasPrefix(hub, "https://") || strings.HasPrefix(feed, "http://")
}

// ServeHTTP answers hubs: they verify by GET and deliver by POST.
func (h *hubs) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	key := path.Base(req.URL.Path)
	h.mu.Lock()
	s := h.subs[key]
	topic := ""
	if s != nil {
		topic = s.topic
	}
	h.mu.Unlock()
	switch {
	case s == nil:
		w.WriteHeader(http.StatusGone) // the hub may forget it
	case req.Method == http.MethodGet:
		h.verify(w, req.URL.Query(), s)
	case req.Method == http.MethodPost:
		h.receive(w, req, topic)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// verify confirms what we asked for, and nothing else.
func (h *hubs) verify(w http.ResponseWriter, q url.Values, s *subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q.Get("hub.topic") != s.topic {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	challenge := q.Get("hub.challenge")
	switch q.Get("hub.mode") {
	case "denied":
		s.denied, s.until = true, time.Time{}
	case "subscribe":
		if challenge == "" || len(challenge) > maxChallenge || time.Since(s.asked) > unanswered {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		lease, err := strconv.Atoi(q.Get("hub.lease_seconds"))
		if err != nil || lease <= 0 || lease > 10*leaseSeconds {
			lease = leaseSeconds
		}
		d := time.Duration(lease) * time.Second
		s.until, s.renew = time.Now().Add(d), time.Now().Add(time.Duration(float64(d)*renewAt))
		_, _ = io.WriteString(w, challenge) //nolint:gosec // as text/plain and nosniff, to one who knows the callback
	default: // we never unsubscribe, so somebody else asked for it
		w.WriteHeader(http.StatusNotFound)
	}
}

// receive hands a delivery on and answers once its posts are on Kafka. What is not signed
// rightly is ignored and acknowledged, as the standard allows, so that guessing teaches
// nothing.
func (h *hubs) receive(w http.ResponseWriter, req *http.Request, topic string) {
	body, err := inbound.Body(req.Body, deliveryBytes)
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if !inbound.Signed(h.secret(topic), req.Header.Get("X-Hub-Signature"), body) {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	d := delivery{topic: topic, body: body, done: make(chan error, 1)}
	turn := time.NewTimer(busy)
	defer turn.Stop()
	select {
	case h.queue <- d:
	case <-turn.C:
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case <-req.Context().Done():
		return
	}
	select {
	case err := <-d.done:
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case <-req.Context().Done():
	}
}

// deliver hands over what a hub brought. It holds new entries, not all of the feed.
func (r *run) deliver(ctx context.Context, d delivery) error {
	for _, feed := range r.feeds {
		st := r.at.of(feed)
		if st.Topic != d.topic {
			continue
		}
		r.out.Alive()
		doc, err := read(feed, d.body)
		if err != nil {
			return r.out.Refuse(ctx, d.body, client.Redact(feed), fmt.Sprintf("from the hub: %v", err))
		}
		return r.hand(ctx, feed, st, doc.items, func() {})
	}
	return nil
}
