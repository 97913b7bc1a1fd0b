package client_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// local is a client that may reach the servers of a test, and never waits between attempts.
func local(t testing.TB, change func(*client.Config), options ...client.Option) *client.Client {
	t.Helper()
	cfg := client.DefaultConfig()
	cfg.AllowPrivate, cfg.PerSecond, cfg.Contact = true, 1000, "listening@example.org"
	if change != nil {
		change(&cfg)
	}
	options = append([]client.Option{client.WithBackoff(func(int) time.Duration { return 0 })}, options...)
	c, err := client.New(cfg, "test", options...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestGetSaysWhoAsks(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "earshot/test (listening@example.org)", r.UserAgent())
		assert.Equal(t, "etag", r.Header.Get("If-None-Match"))
		w.WriteHeader(http.StatusNotModified)
	})
	var seen []client.Observation
	c := local(t, nil, client.WithObserver(func(o client.Observation) { seen = append(seen, o) }))
	resp, err := c.Get(t.Context(), s.URL, http.Header{"If-None-Match": {"etag"}})
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotModified, resp.Code)
	require.Len(t, seen, 1)
	assert.Equal(t, http.StatusNotModified, seen[0].Code)
}

func TestGetRepeatsWhatMayPass(t *testing.T) {
	var calls atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		switch calls.Add(1) {
		case 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			hijack(t, w) // the connection breaks without an answer
		default:
			fmt.Fprint(w, "hello")
		}
	})
	resp, err := local(t, nil).Get(t.Context(), s.URL, nil)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(resp.Body))
	assert.EqualValues(t, 3, calls.Load())

	calls.Store(0)
	none := serve(t, func(w http.ResponseWriter, _ *http.Request) { calls.Add(1); w.WriteHeader(http.StatusNotFound) })
	_, err = local(t, nil).Get(t.Context(), none.URL, nil)
	var status *client.StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, http.StatusNotFound, status.Code)
	assert.EqualValues(t, 1, calls.Load(), "a 404 is not repeated")
}

func hijack(t testing.TB, w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if assert.NoError(t, err) {
		assert.NoError(t, conn.Close())
	}
}

func TestACompressionBombIsCutOff(t *testing.T) {
	var bomb bytes.Buffer
	pack := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, err := pack.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, pack.Close())
	require.Less(t, bomb.Len(), 100<<10, "small on the wire")
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/unasked" {
			w.Header().Set("Content-Encoding", "br")
		} else {
			w.Header().Set("Content-Encoding", "gzip")
		}
		_, _ = w.Write(bomb.Bytes())
	})
	c := local(t, func(c *client.Config) { c.MaxBytes = 1 << 20 })
	_, err := c.Get(t.Context(), s.URL, nil)
	require.ErrorIs(t, err, client.ErrTooLarge)
	_, err = c.Get(t.Context(), s.URL+"/unasked", nil)
	require.ErrorIs(t, err, client.ErrTooLarge)
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	var calls atomic.Int32
	s := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	c := local(t, func(c *client.Config) { c.AllowPrivate = false })
	_, err := c.Get(t.Context(), s.URL, nil)
	require.ErrorIs(t, err, client.ErrPrivate)
	for _, host := range []string{"10.0.0.1", "169.254.169.254", "100.64.0.1", "[::1]", "[fd00::1]", "[fe80::1]",
		"[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "0.0.0.0", "255.255.255.255", "224.0.0.1"} {
		_, err := c.Get(t.Context(), "http://"+host+"/", nil)
		require.ErrorIs(t, err, client.ErrPrivate, host)
	}
	assert.Zero(t, calls.Load())
}

// TestARedirectToAPrivateAddressIsRefused stands a public name and a private one on one
// server: the first may be reached by way of the proxy's trust in the lookup, the second not.
func TestARedirectToAPrivateAddressIsRefused(t *testing.T) {
	var reached atomic.Int32
	inner := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	outer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+strings.Replace(inner.Listener.Addr().String(), "127.0.0.1", "inside.test", 1)+"/secret", http.StatusFound)
	})
	// The outer server stands for a public one: it is the trusted proxy, which answers itself.
	c := local(t, func(c *client.Config) {
		c.AllowPrivate, c.Proxy = false, pipeline.Secret(outer.URL)
	}, client.WithLookup(func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "inside.test" {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
	}))
	_, err := c.Get(t.Context(), "http://public.test/", nil)
	require.ErrorIs(t, err, client.ErrPrivate)
	assert.Zero(t, reached.Load())
}

// TestRebindingGainsNothing gives a name whose address changes with every question.
func TestRebindingGainsNothing(t *testing.T) {
	var reached, asked atomic.Int32
	s := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	lookup := func(context.Context, string) ([]netip.Addr, error) {
		if asked.Add(1) == 1 {
			return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil // looks foreign, is refused as documentation
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	c := local(t, func(c *client.Config) { c.AllowPrivate, c.Retries = false, 0 }, client.WithLookup(lookup))
	for i := range 3 {
		_, err := c.Get(t.Context(), "http://rebind.test:"+port+"/", nil)
		require.ErrorIs(t, err, client.ErrPrivate)
		assert.EqualValues(t, i+1, asked.Load(), "one question a connection: what was checked is what is dialled")
	}
	assert.Zero(t, reached.Load())

	allowed := local(t, nil, client.WithLookup(lookup)) // the same name is reached where it is allowed
	_, err = allowed.Get(t.Context(), "http://rebind.test:"+port+"/", nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, reached.Load())
}

func TestRedirectsAreFew(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
	_, err := local(t, nil).Get(t.Context(), s.URL, nil)
	require.ErrorIs(t, err, client.ErrRedirect)
	odd := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "ftp://example.org/", http.StatusFound)
	})
	_, err = local(t, nil).Get(t.Context(), odd.URL, nil)
	require.ErrorIs(t, err, client.ErrRedirect)
}

func TestTheProxyIsUsed(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "http://feed.test/a", r.RequestURI)
		fmt.Fprint(w, "by proxy")
	})
	public := client.WithLookup(func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
	})
	c := local(t, func(c *client.Config) { c.AllowPrivate, c.Proxy = false, pipeline.Secret(proxy.URL) }, public)
	resp, err := c.Get(t.Context(), "http://feed.test/a", nil)
	require.NoError(t, err)
	assert.Equal(t, "by proxy", string(resp.Body))
}

func TestTheWishesOfThePlatformAreObeyed(t *testing.T) {
	var calls atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	c := local(t, nil)
	for range 2 {
		_, err := c.Get(t.Context(), s.URL, nil)
		var limited *client.LimitedError
		require.ErrorAs(t, err, &limited)
		assert.Equal(t, "Retry-After", limited.What)
		assert.WithinDuration(t, time.Now().Add(2*time.Minute), limited.Until, 30*time.Second)
	}
	assert.EqualValues(t, 1, calls.Load(), "the second request is not even sent")
}

// TestNoCredentialIsTold plants a canary in every place that may hold a credential and
// lets everything fail.
func TestNoCredentialIsTold(t *testing.T) {
	const canary = "c4n4ry"
	var mode atomic.Value // the server reads it while a late request is still on its way
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch mode.Load() {
		case "status":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, r.URL.RawQuery, r.Header.Get("Authorization"))
		case "limited":
			w.Header().Set("Retry-After", "999")
			w.WriteHeader(http.StatusTooManyRequests)
		case "redirect":
			http.Redirect(w, r, "ftp://"+canary+"@host/?key="+canary, http.StatusFound)
		default:
			hijack(t, w)
		}
	})
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	u.User, u.RawQuery = url.UserPassword("me", canary), "key="+canary
	header := http.Header{"Authorization": {"Bearer " + canary}}
	for _, now := range []string{"broken", "status", "redirect", "limited"} {
		mode.Store(now)
		c := local(t, func(c *client.Config) { c.Retries = 0 })
		_, err := c.Get(t.Context(), u.String(), header)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), canary, now)
		_, err = c.Dial(t.Context(), u.String(), header, time.Minute)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), canary, now)
	}
	cfg := client.DefaultConfig()
	cfg.Proxy = "http://me:" + canary + "@127.0.0.1:1"
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), canary)
	c, err := client.New(cfg, "test", client.WithBackoff(func(int) time.Duration { return 0 }))
	require.NoError(t, err)
	_, err = c.Get(t.Context(), "http://example.org/", nil)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), canary)
}
