package webhook

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/inbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "the secret of the test"

func settings() Config {
	c := DefaultConfig()
	c.Secret = secret
	return c
}

func testDoor(change func(*Config)) *door {
	c := settings()
	if change != nil {
		change(&c)
	}
	return newDoor(&Source{cfg: c, now: time.Now}, 0)
}

func TestGolden(t *testing.T) {
	d := testDoor(nil)
	collecttest.Golden(t, func(_ string, payload []byte) ([]pipeline.Post, error) {
		posts, bad, err := d.read(payload, "")
		require.Empty(t, bad)
		return posts, err
	})
}

// request signs a body.
func request(ctx context.Context, address string, at int64, key string, body []byte) *http.Request {
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	stamp := strconv.FormatInt(at, 10)
	r.Header.Set(timestampHeader, stamp)
	r.Header.Set(signatureHeader, "sha256="+inbound.Sign(key, []byte(stamp), []byte("."), body))
	return r
}

const (
	requests   = 12
	perRequest = 5
)

// begin is the time of the test's clock at which the first request is signed.
func begin() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// batch n; one post of every third is malformed.
func batch(n int, day collecttest.Day) []byte {
	var b bytes.Buffer
	for i := range perRequest {
		id := n*perRequest + i
		created, op := "2026-01-01T00:00:00Z", "create"
		switch {
		case n%3 == 0 && i == 4:
			fmt.Fprintf(&b, "{\"id\":%d\n", id)
			continue
		case day == collecttest.Changes && n == 3:
			id, op = 5+i, "update"
		case day == collecttest.Changes && n == 4:
			id, op = 5+i, "delete"
		case day == collecttest.Lies && n == 1:
			created = "1970-01-02T00:00:00Z"
		case day == collecttest.Lies && n == 2:
			created = "2999-01-02T00:00:00Z"
		}
		fmt.Fprintf(&b, "{\"platform\":\"forum\",\"id\":\"%d\",\"op\":%q,\"text\":\"post\",\"created_at\":%q}\n", id, op, created)
	}
	return b.Bytes()
}

func key(id int) string { return "forum/" + strconv.Itoa(id) }

// sender is the upstream: it sends everything to each server that begins, one request
// after the other, until each is accepted or was before.
func sender(ctx context.Context, address, own string, day collecttest.Day) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for n := 0; n < requests && ctx.Err() == nil; {
		body := batch(n, day)
		r := request(ctx, address, begin().Unix()+int64(n), own, body)
		if day == collecttest.Cut && n%4 == 3 { // the connection breaks in the midst of the first try
			cut := r.Clone(ctx)
			cut.ContentLength, cut.Body = int64(len(body)+10), http.NoBody
			if resp, err := client.Do(cut); err == nil {
				_ = resp.Body.Close()
			}
		}
		resp, err := client.Do(r)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
			n++
		}
	}
}

// open makes a source and a sender of its own, which ends with the test.
func open(t testing.TB, day collecttest.Day) pipeline.Source {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	c := settings()
	c.Listen, c.Secret = address, pipeline.Secret(secret+address)
	s, err := New(c)
	require.NoError(t, err)
	s.now = func() time.Time { return begin().Add(10 * time.Second) }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		sender(ctx, "http://"+address+c.Path, c.Secret.Reveal(), day)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

func TestContract(t *testing.T) {
	want, keys, refused := map[string]int{}, []string(nil), 0
	for n := range requests {
		for i := range perRequest {
			if n%3 == 0 && i == 4 {
				refused++
			} else {
				want[key(n*perRequest+i)], keys = 1, append(keys, key(n*perRequest+i))
			}
		}
	}
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true,
		New: func(tb testing.TB) pipeline.Source { return open(tb, "") }})
	collecttest.BadDays(t, collecttest.Platform{New: open, Want: keys, Edited: key(5), Deleted: key(6), Without: map[collecttest.Day]string{
		collecttest.OldCursor: "senders keep what was not acknowledged",
		collecttest.SlowDown:  "it is we who tell senders to slow down: TestBackPressure",
		collecttest.Dead:      "there is no connection of ours that could be dead"}})
}

// ask sends a request to a door whose hand-over answers with result.
func ask(t *testing.T, d *door, r *http.Request, result error) (int, answer) {
	t.Helper()
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(r.Context())
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		select {
		case p := <-d.queue:
			p.done <- result
		case <-ctx.Done():
		}
	}()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r.WithContext(ctx))
	var a answer
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a))
	cancel()
	return w.Code, a
}

func TestARequestHasToProveItself(t *testing.T) {
	body := []byte(`{"platform":"forum","id":"1","text":"x"}`)
	now := time.Now().Unix()
	address := "http://here/posts"
	for name, c := range map[string]struct {
		request *http.Request
		change  func(*http.Request)
		code    int
	}{
		"good":               {request(t.Context(), address, now, secret, body), nil, 200},
		"the secret before":  {request(t.Context(), address, now, "the secret before", body), nil, 200},
		"another secret":     {request(t.Context(), address, now, "another secret of one", body), nil, 401},
		"no signature":       {request(t.Context(), address, now, secret, body), func(r *http.Request) { r.Header.Del(signatureHeader) }, 401},
		"SHA-1":              {request(t.Context(), address, now, secret, body), func(r *http.Request) { r.Header.Set(signatureHeader, "sha1=00") }, 401},
		"no time":            {request(t.Context(), address, now, secret, body), func(r *http.Request) { r.Header.Del(timestampHeader) }, 401},
		"another time":       {request(t.Context(), address, now, secret, body), func(r *http.Request) { r.Header.Set(timestampHeader, strconv.FormatInt(now-1, 10)) }, 401},
		"too old":            {request(t.Context(), address, now-301, secret, body), nil, 401},
		"from the future":    {request(t.Context(), address, now+60, secret, body), nil, 401},
		"before the restart": {request(t.Context(), address, now-100, secret, body), nil, 401},
		"another body":       {request(t.Context(), address, now, secret, append(body, ' ')), func(r *http.Request) { r.Body = http.NoBody }, 401},
		"another path":       {request(t.Context(), "http://here/other", now, secret, body), nil, 404},
		"another method":     {request(t.Context(), address, now, secret, body), func(r *http.Request) { r.Method = http.MethodGet }, 405},
		"too large":          {request(t.Context(), address, now, secret, make([]byte, 5<<20)), nil, 413},
		"not JSON":           {request(t.Context(), address, now, secret, []byte("[1,")), nil, 400},
		"nothing":            {request(t.Context(), address, now, secret, []byte(" \n")), nil, 400},
		"only bad posts":     {request(t.Context(), address, now, secret, []byte(`[{"id":""}]`)), nil, 422},
	} {
		t.Run(name, func(t *testing.T) {
			d := testDoor(func(c *Config) { c.Previous = "the secret before" })
			d.floor = now - 100
			if c.change != nil {
				c.change(c.request)
			}
			code, a := ask(t, d, c.request, nil)
			assert.Equal(t, c.code, code, a.Error)
		})
	}
}

func TestAReplayIsRefused(t *testing.T) {
	d := testDoor(nil)
	body := []byte(`{"platform":"forum","id":"1","text":"x"}`)
	now := time.Now().Unix()
	again := func() *http.Request { return request(t.Context(), "http://here/posts", now, secret, body) }
	code, _ := ask(t, d, again(), assert.AnError)
	assert.Equal(t, 503, code, "Kafka has it not")
	code, _ = ask(t, d, again(), nil)
	assert.Equal(t, 200, code, "so the very same request may come again")
	code, a := ask(t, d, again(), nil)
	assert.Equal(t, 409, code, a.Error)
	upper := again()
	upper.Header.Set(signatureHeader, strings.ToUpper(upper.Header.Get(signatureHeader)))
	code, _ = ask(t, d, upper, nil)
	assert.Equal(t, 409, code, "spelt otherwise it is the same")
}

func TestSignaturesAreForgotten(t *testing.T) {
	d := testDoor(nil)
	old, now := time.Now().Add(-time.Hour).Unix(), time.Now().Unix()
	for n := range mostSignatures {
		require.Equal(t, welcome, d.once(strconv.Itoa(n), old))
	}
	assert.Equal(t, welcome, d.once("new", now), "those that their time refuses make room")
	for n := range mostSignatures - 1 {
		require.Equal(t, welcome, d.once(strconv.Itoa(n), now))
	}
	assert.Equal(t, crowded, d.once("one more", now))
}

func TestBackPressure(t *testing.T) {
	d := testDoor(func(c *Config) { c.Queue = 1 })
	d.waiting <- struct{}{} // one waits for Kafka
	w := httptest.NewRecorder()
	d.ServeHTTP(w, request(t.Context(), "http://here/posts", time.Now().Unix(), secret, []byte(`{"platform":"forum","id":"1"}`)))
	assert.Equal(t, http.StatusTooManyRequests, w.Code)
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
	<-d.waiting
	for range bodies {
		d.reading <- struct{}{}
	}
	w = httptest.NewRecorder()
	d.ServeHTTP(w, request(t.Context(), "http://here/posts", time.Now().Unix(), secret, []byte(`{}`)))
	assert.Equal(t, http.StatusTooManyRequests, w.Code)
}

func TestBodies(t *testing.T) {
	d := testDoor(func(c *Config) { c.Platforms = []string{"forum"} })
	posts, bad, err := d.read([]byte("{\"platform\":\"forum\",\"id\":\"1\"}\nnonsense\n{\"platform\":\"x\",\"id\":\"2\"}\n{\"platform\":\"forum\",\"id\":\"3\"}"), "")
	require.NoError(t, err)
	assert.Len(t, posts, 2, "neighbours go on")
	require.Len(t, bad, 2)
	assert.Equal(t, []int{2, 3}, []int{bad[0].Place, bad[1].Place})
	assert.Contains(t, bad[1].Reason, "not one that this address takes")

	plain := []byte(`[{"platform":"forum","id":"1"}]`)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(plain)
	require.NoError(t, z.Close())
	posts, _, err = d.read(packed.Bytes(), "gzip")
	require.NoError(t, err)
	assert.Len(t, posts, 1)
	enc, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	posts, _, err = d.read(enc.EncodeAll(plain, nil), "zstd")
	require.NoError(t, err)
	assert.Len(t, posts, 1)
	bomb := enc.EncodeAll(make([]byte, 64<<20), nil)
	require.NoError(t, enc.Close())
	_, _, err = d.read(bomb, "zstd")
	require.ErrorContains(t, err, "larger than")
	_, _, err = d.read(plain, "br")
	require.ErrorContains(t, err, "unknown")
	_, _, err = d.read(plain, "gzip")
	require.ErrorContains(t, err, "not gzip")
}

func TestCheckAndConfig(t *testing.T) {
	c := settings()
	c.Listen = "127.0.0.1:0"
	s, err := New(c)
	require.NoError(t, err)
	said, err := s.Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, said, "can listen")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // the end of the test
	s.cfg.Listen = l.Addr().String()
	_, err = s.Check(t.Context())
	require.ErrorContains(t, err, "listen on")
	_, err = New(DefaultConfig())
	require.ErrorContains(t, err, "secret")
	bad := Config{Listen: "x", Path: "y", Secret: "short", Previous: "p", Queue: 0}
	for _, word := range []string{"listen:", "path:", "secret:", "previous:", "tolerance:", "max_bytes:", "queue:"} {
		require.ErrorContains(t, bad.Validate(), word)
	}
}

func FuzzBody(f *testing.F) {
	files, err := os.ReadDir("testdata/golden")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile("testdata/golden/" + file.Name())
		require.NoError(f, err)
		f.Add(b, "")
	}
	f.Add([]byte{0x1f, 0x8b}, "gzip")
	d := testDoor(nil)
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		posts, bad, err := d.read(body, encoding)
		if err != nil {
			return
		}
		require.NotZero(t, len(posts)+len(bad))
		for i := range posts {
			require.NoError(t, posts[i].Validate())
		}
	})
}
