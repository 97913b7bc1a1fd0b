package clickhouse

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOnlyClickHouseAcknowledges: an insert counts as stored only after a whole answer of
// ClickHouse itself; everything else is tried again.
func TestOnlyClickHouseAcknowledges(t *testing.T) {
	ours := func(w http.ResponseWriter) { w.Header().Set("X-ClickHouse-Query-Id", "q") }
	var seen atomic.Int32
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		stored bool
	}{
		"stored":        {func(w http.ResponseWriter, _ *http.Request) { ours(w) }, true},
		"a proxy's 200": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }, false},
		"a proxy's 502": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, false},
		"error behind 200": {func(w http.ResponseWriter, _ *http.Request) {
			ours(w)
			_, _ = io.WriteString(w, "Code: 241. DB::Exception: memory")
		}, false},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) { ours(w); w.Header().Set("Content-Length", "9") }, false},
		"gone":           {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				seen.Add(1)
				c.answer(w, r)
			}))
			defer server.Close()
			at, err := url.Parse(server.URL)
			require.NoError(t, err)
			d := &DB{base: at, http: server.Client(), timeout: time.Second}
			calls := 0
			before := seen.Load()
			err = d.insertFenced(t.Context(), "INSERT", "token", make([]byte, 100), func(context.Context) error { calls++; return nil })
			assert.Equal(t, c.stored, err == nil, err)
			assert.True(t, err == nil || Retryable(err), err)
			assert.Equal(t, 1, calls)
			assert.EqualValues(t, 1, seen.Load()-before, "a request with a token is never repeated behind our back")
		})
	}
}

// TestStaleConnections: connections that were kept through a restart of the server break,
// and the next attempt has a new one.
func TestStaleConnections(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-ClickHouse-Query-Id", "q")
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	d := &DB{base: at, http: server.Client(), timeout: time.Second}
	insert := func() error {
		return d.insertFenced(t.Context(), "INSERT", "token", make([]byte, 100), nil)
	}
	require.NoError(t, insert())
	for range 20 {
		server.CloseClientConnections()
		if err := insert(); err != nil {
			assert.True(t, Retryable(err), err)
			require.NoError(t, insert())
		}
	}
}
