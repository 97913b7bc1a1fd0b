package client

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAdvice(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		code int
		head map[string]string
		want time.Duration // from now; 0: none
	}{
		{"no limit", 200, nil, 0},
		{"seconds", 429, map[string]string{"Retry-After": "90"}, 90 * time.Second},
		{"date", 503, map[string]string{"Retry-After": "Sun, 01 Mar 2026 12:05:00 GMT"}, 5 * time.Minute},
		{"429 alone", 429, nil, time.Minute},
		{"spent, Unix", 200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772366700"}, 5 * time.Minute},
		{"spent, seconds, Reddit's float", 200, map[string]string{"X-Ratelimit-Remaining": "0.0", "X-Ratelimit-Reset": "77"}, 77 * time.Second},
		{"spent, ISO 8601", 200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-03-01T12:02:00.000000Z"}, 2 * time.Minute},
		{"429 with reset alone", 429, map[string]string{"X-Ratelimit-Reset": "2026-03-01T12:02:00Z"}, 2 * time.Minute},
		{"draft", 200, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "30"}, 30 * time.Second},
		{"some left", 200, map[string]string{"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "77"}, 0},
		{"mad", 429, map[string]string{"Retry-After": "99999999999"}, maxWait},
		{"nonsense", 200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}, 0},
	} {
		header := http.Header{}
		for k, v := range c.head {
			header.Set(k, v)
		}
		until, _ := advice(c.code, header, now)
		if c.want == 0 {
			assert.True(t, until.IsZero(), c.name)
		} else {
			assert.Equal(t, now.Add(c.want), until.UTC(), c.name)
		}
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(2)
		begin := time.Now()
		for range 5 {
			require.NoError(t, p.wait(t.Context(), "a", "http://a", patience))
		}
		assert.Equal(t, 2*time.Second, time.Since(begin), "five requests at two a second")
		require.NoError(t, p.wait(t.Context(), "b", "http://b", patience))
		assert.Equal(t, 2*time.Second, time.Since(begin), "another host has its own pace")
		p.learn("b", 429, http.Header{"Retry-After": {"5"}})
		require.NoError(t, p.wait(t.Context(), "b", "http://b", patience))
		assert.Equal(t, 7*time.Second, time.Since(begin), "a short wish is waited for")
		p.learn("b", 429, http.Header{"Retry-After": {"60"}})
		var limited *LimitedError
		require.ErrorAs(t, p.wait(t.Context(), "b", "http://b", patience), &limited, "a long one is told")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.wait(ctx, "a", "http://a", patience), context.Canceled)
	})
}

func TestPaceForgetsHosts(t *testing.T) {
	p := newPace(1000)
	for i := range maxHosts + 1 {
		p.mu.Lock()
		p.of(strings.Repeat("x", i%7) + http.StatusText(i) + time.Duration(i).String())
		p.mu.Unlock()
	}
	assert.LessOrEqual(t, len(p.hosts), maxHosts)
}

func FuzzReadEvents(f *testing.F) {
	f.Add("data: a\r\ndata: b\n\nid:1\rdata\r\r", 3)
	f.Add("\ufeff:ok\n\n", 1)
	f.Fuzz(func(t *testing.T, text string, step int) {
		read := func(r io.Reader) (all []string) {
			err := readEvents(r, 1<<10, func(e Event) error {
				all = append(all, e.Type+"|"+e.ID+"|"+string(e.Data))
				return nil
			})
			require.Error(t, err)
			return all
		}
		whole := read(strings.NewReader(text))
		require.Equal(t, whole, read(&chopped{strings.NewReader(text), max(step%64, 1)}), "how it is cut into packets makes no difference")
	})
}

// chopped gives a few bytes at a time.
type chopped struct {
	r    io.Reader
	most int
}

func (c *chopped) Read(p []byte) (int, error) { return c.r.Read(p[:min(len(p), c.most)]) }

func FuzzMoment(f *testing.F) {
	f.Add("120")
	f.Add("Sun, 01 Mar 2026 12:05:00 GMT")
	f.Add("NaN")
	f.Fuzz(func(t *testing.T, text string) {
		now := time.Now()
		if at, ok := moment(text, now); ok {
			require.False(t, at.After(now.Add(maxWait)))
		}
	})
}
