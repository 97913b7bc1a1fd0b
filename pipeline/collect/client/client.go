package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"earshot/pipeline"
)

// Config is what an operator may set.
type Config struct {
	Contact      string          `yaml:"contact" doc:"address or page where platforms can reach you; it stands in the User-Agent, and Wikimedia asks for it"`
	Proxy        pipeline.Secret `yaml:"proxy" doc:"HTTP proxy for all sources, such as http://user:password@proxy:3128; empty = direct, whatever HTTP_PROXY says"`
	AllowPrivate bool            `yaml:"allow_private" doc:"lets sources reach loopback and private addresses: for servers in your own network"`
	Timeout      time.Duration   `yaml:"timeout" doc:"longest one request may take, answer included; streams have liveness deadlines instead"`
	MaxBytes     int64           `yaml:"max_bytes" doc:"largest answer, after decompression"`
	PerSecond    float64         `yaml:"per_second" doc:"most requests a second to one host; what the platform asks for goes first"`
	Retries      int             `yaml:"retries" doc:"repetitions of a request that may succeed the next time"`
}

// DefaultConfig is kind to platforms.
func DefaultConfig() Config {
	return Config{Timeout: 30 * time.Second, MaxBytes: 16 << 20, PerSecond: 10, Retries: 3}
}

// Validate names the first setting that cannot be used.
func (c *Config) Validate() error {
	switch {
	case strings.ContainsAny(c.Contact, "\r\n\x00"):
		return errors.New("contact: has a line break; write an address or a page")
	case c.Timeout < time.Second:
		return fmt.Errorf("timeout: is %s; give at least 1s", c.Timeout)
	case c.MaxBytes < 1<<10:
		return fmt.Errorf("max_bytes: is %d; give at least 1024", c.MaxBytes)
	case !(c.PerSecond > 0 && c.PerSecond <= 1000):
		return fmt.Errorf("per_second: is %v; give more than 0, at most 1000", c.PerSecond)
	case c.Retries < 0 || c.Retries > 20:
		return fmt.Errorf("retries: is %d; give 0 to 20", c.Retries)
	}
	if c.Proxy != "" {
		if u, err := url.Parse(c.Proxy.Reveal()); err != nil || u.Host == "" || u.Scheme != "http" {
			return errors.New("proxy: is not an address such as http://proxy:3128")
		}
	}
	return nil
}

const (
	// patience is how long a request waits because a platform asked for it; beyond, the
	// source is told, so that the wait is visible.
	patience     = 10 * time.Second
	maxRedirects = 5
	maxHeader    = 1 << 20
	// errorBytes of the answer of a failure are kept.
	errorBytes = 4 << 10
)

// Observation is one request as it went, for metrics.
type Observation struct {
	Host  string
	Code  int // 0: no answer
	Took  time.Duration
	Limit time.Time // until when the platform asked to wait; zero: it did not
}

// Client is safe for concurrent use. All sources share one, so that two sources of one
// host share its pace.
type Client struct {
	cfg     Config
	agent   string
	pace    *pace
	http    *http.Client
	observe func(Observation)
	backoff func(n int) time.Duration // before repetition n, from 0
}

// Option changes a client for tests and metrics.
type Option func(*Client, *guard)

// WithLookup replaces the resolver.
func WithLookup(l Lookup) Option { return func(_ *Client, g *guard) { g.lookup = l } }

// WithObserver is told of each request.
func WithObserver(f func(Observation)) Option { return func(c *Client, _ *guard) { c.observe = f } }

// WithBackoff replaces the waiting times between repetitions.
func WithBackoff(f func(n int) time.Duration) Option {
	return func(c *Client, _ *guard) { c.backoff = f }
}

// New makes a client; version stands in its User-Agent.
func New(cfg Config, version string, options ...Option) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	contact := cfg.Contact
	if contact == "" {
		contact = "operator gave no contact"
	}
	c := &Client{cfg: cfg, agent: "earshot/" + version + " (" + contact + ")", pace: newPace(cfg.PerSecond),
		observe: func(Observation) {}, backoff: backoff}
	g := &guard{lookup: systemLookup, allowPrivate: cfg.AllowPrivate}
	for _, o := range options {
		o(c, g)
	}
	transport := &http.Transport{
		DialContext: g.dial, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: cfg.Timeout,
		MaxResponseHeaderBytes: maxHeader, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
	}
	if cfg.Proxy != "" {
		proxy, err := url.Parse(cfg.Proxy.Reveal())
		if err != nil {
			return nil, errors.New("client: proxy: is not an address")
		}
		transport.Proxy = http.ProxyURL(proxy)
		g.trusted = hostPort(proxy)
	}
	c.http = &http.Client{Transport: &hop{client: c, next: transport, guard: g, proxied: cfg.Proxy != ""}, CheckRedirect: checkRedirect}
	return c, nil
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// checkRedirect follows a few hops and never leaves encryption. net/http drops
// Authorization and cookies where the host changes.
func checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d", ErrRedirect, maxRedirects)
	case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("%w: it leaves https", ErrRedirect)
	}
	return nil
}

// hop is a request and each of its redirects: paced, dressed and observed.
type hop struct {
	client  *Client
	next    http.RoundTripper
	guard   *guard
	proxied bool
}

// CloseIdleConnections is what http.Client looks for.
func (h *hop) CloseIdleConnections() {
	if t, ok := h.next.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// RoundTrip sends one request.
func (h *hop) RoundTrip(req *http.Request) (*http.Response, error) {
	c := h.client
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return nil, fmt.Errorf("%w: %q is neither http nor https", ErrRedirect, req.URL.Scheme)
	}
	if h.proxied { // it dials for us; so far as we can see the address, we still refuse
		if addr, err := h.guard.resolve(req.Context(), req.URL.Hostname()); err == nil {
			for _, a := range addr {
				if !h.guard.allowed(a) {
					return nil, fmt.Errorf("%s is %s: %w", req.URL.Hostname(), a, ErrPrivate)
				}
			}
		}
	}
	if err := c.pace.wait(req.Context(), req.URL.Host, redact(req.URL), patience); err != nil {
		return nil, err
	}
	begun := time.Now()
	o := Observation{Host: req.URL.Host}
	resp, err := h.next.RoundTrip(req)
	o.Took = time.Since(begun)
	if err == nil {
		o.Code = resp.StatusCode
		o.Limit, _ = advice(resp.StatusCode, resp.Header, time.Now())
		c.pace.learn(req.URL.Host, resp.StatusCode, resp.Header)
	}
	c.observe(o)
	return resp, err
}

// Response is a whole answer.
type Response struct {
	Code   int
	Header http.Header
	Body   []byte
}

// Request is what Do sends.
type Request struct {
	Method  string // empty: GET
	Address string
	Header  http.Header
	Body    []byte
	Once    bool // never repeated: to ask twice would do or cost something twice
}

// Get asks for an address until it answers, or until repeating helps no more. Any answer
// below 400 is one, so a 304 comes back as such. Otherwise the error is a *StatusError, a
// *LimitedError if the platform wants a longer pause, or wraps what went wrong.
func (c *Client) Get(ctx context.Context, address string, header http.Header) (*Response, error) {
	return c.Do(ctx, Request{Address: address, Header: header})
}

// Do is Get for any method, with a body.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	for n := 0; ; n++ {
		resp, err := c.once(ctx, r)
		if err == nil || r.Once || n >= c.cfg.Retries || ctx.Err() != nil || !repeatable(err) {
			return resp, err
		}
		if err := sleep(ctx, c.backoff(n)); err != nil {
			return nil, err
		}
	}
}

// repeatable reports whether the same request may succeed a little later.
func repeatable(err error) bool {
	var status *StatusError
	var limited *LimitedError
	switch {
	case errors.As(err, &status):
		return status.Code >= 500 || status.Code == http.StatusTooManyRequests || status.Code == http.StatusRequestTimeout
	case errors.As(err, &limited), errors.Is(err, ErrPrivate), errors.Is(err, ErrTooLarge), errors.Is(err, ErrRedirect):
		return false
	}
	return true
}

// backoff is a second, doubled each time up to a minute, of which half is chance.
func backoff(n int) time.Duration {
	d := min(time.Second<<min(n, 6), time.Minute)
	return d/2 + rand.N(d/2) //nolint:gosec // jitter, not a secret
}

func (c *Client) once(ctx context.Context, r Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout+patience)
	defer cancel()
	resp, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up
	body, err := readAll(resp.Body, c.cfg.MaxBytes)
	if err != nil {
		return nil, plain(r.Address, err)
	}
	return &Response{Code: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// send returns an answer below 400 with its body open.
func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	address := r.Address
	req, err := http.NewRequestWithContext(ctx, r.Method, address, bytes.NewReader(r.Body))
	if err != nil {
		return nil, plain(address, err)
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.http.Do(req)
	if err != nil {
		if parent := ctx.Err(); errors.Is(parent, context.Canceled) {
			return nil, parent
		}
		return nil, plain(address, err)
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		_ = resp.Body.Close()
		return nil, plain(address, fmt.Errorf("the answer is packed as %.40q, which was not asked for: %w", encoding, ErrTooLarge))
	}
	if resp.StatusCode < 400 {
		return resp, nil
	}
	defer resp.Body.Close() //nolint:errcheck // only its beginning is wanted
	body, _ := io.ReadAll(io.LimitReader(resp.Body, errorBytes))
	if until, what := advice(resp.StatusCode, resp.Header, time.Now()); time.Until(until) > patience {
		return nil, &LimitedError{Address: Redact(address), Until: until, What: what}
	}
	return nil, &StatusError{Address: Redact(address), Code: resp.StatusCode, Header: resp.Header, Body: body}
}

// readAll reads at most limit bytes of what comes out of the decompression.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		return nil, fmt.Errorf("the answer has more than %d bytes: %w", limit, ErrTooLarge)
	}
	return body, err
}
