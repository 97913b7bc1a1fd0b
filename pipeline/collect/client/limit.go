package client

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxHosts bounds how many hosts are remembered; feeds may name very many.
const maxHosts = 10_000

// pace keeps the distance between requests to each host, and the time before which a host
// wants none at all.
type pace struct {
	every time.Duration
	now   func() time.Time

	mu    sync.Mutex
	hosts map[string]*host
}

type host struct {
	next  time.Time // earliest next request at our own pace
	until time.Time // the platform wants nothing before
	what  string    // which signal said so
}

func newPace(perSecond float64) *pace {
	return &pace{every: time.Duration(float64(time.Second) / perSecond), now: time.Now, hosts: map[string]*host{}}
}

func (p *pace) of(name string) *host {
	h := p.hosts[name]
	if h == nil {
		if len(p.hosts) >= maxHosts {
			p.forget()
		}
		h = &host{}
		p.hosts[name] = h
	}
	return h
}

// forget drops what no longer says anything.
func (p *pace) forget() {
	now := p.now()
	for name, h := range p.hosts {
		if now.After(h.next) && now.After(h.until) {
			delete(p.hosts, name)
		}
	}
}

// wait takes a place in the queue of the host. A wait that the platform asked for and that
// is longer than patience is a *LimitedError at once.
func (p *pace) wait(ctx context.Context, name, address string, patience time.Duration) error {
	p.mu.Lock()
	h := p.of(name)
	now := p.now()
	if h.until.Sub(now) > patience {
		err := &LimitedError{Address: address, Until: h.until, What: h.what}
		p.mu.Unlock()
		return err
	}
	at := now
	for _, t := range []time.Time{h.next, h.until} {
		if t.After(at) {
			at = t
		}
	}
	h.next = at.Add(p.every)
	p.mu.Unlock()
	return sleep(ctx, at.Sub(now))
}

// learn reads what an answer says about the next request.
func (p *pace) learn(name string, code int, header http.Header) {
	now := p.now()
	until, what := advice(code, header, now)
	if until.IsZero() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.of(name); until.After(h.until) {
		h.until, h.what = until, what
	}
}

// maxWait bounds what a platform may ask for: a day, so that a mad answer heals.
const maxWait = 24 * time.Hour

// advice is until when an answer wants no further request, or zero. Retry-After is RFC 9110
// §10.2.3: seconds or a date. The X-RateLimit headers have no standard: the reset may be
// Unix seconds, seconds from now, or ISO 8601 (Mastodon); RateLimit-Reset is the IETF
// draft's and Bluesky's.
func advice(code int, header http.Header, now time.Time) (until time.Time, what string) {
	refused := code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable
	if t, ok := moment(header.Get("Retry-After"), now); ok && refused {
		return t, "Retry-After"
	}
	for _, prefix := range []string{"X-RateLimit-", "RateLimit-"} {
		left, err := strconv.ParseFloat(header.Get(prefix+"Remaining"), 64)
		if t, ok := moment(header.Get(prefix+"Reset"), now); ok && (err == nil && left < 1 || code == http.StatusTooManyRequests) {
			return t, prefix + "Reset"
		}
	}
	if code == http.StatusTooManyRequests {
		// X counts by endpoint, so that its headers speak for the host only when it refuses.
		if t, ok := moment(header.Get("X-Rate-Limit-Reset"), now); ok {
			return t, "X-Rate-Limit-Reset"
		}
		return now.Add(time.Minute), "429 without a time"
	}
	return time.Time{}, ""
}

// moment reads a time in any of the forms that platforms use.
func moment(text string, now time.Time) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, false
	}
	var t time.Time
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		switch {
		case !(n >= 0 && n < 1e11):
			return time.Time{}, false
		case n > 1e9: // Unix seconds
			t = time.Unix(int64(n), 0)
		default:
			t = now.Add(time.Duration(min(n, maxWait.Seconds()) * float64(time.Second)))
		}
	} else if t, err = http.ParseTime(text); err != nil {
		if t, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return time.Time{}, false
		}
	}
	if limit := now.Add(maxWait); t.After(limit) {
		t = limit
	}
	return t, true
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
