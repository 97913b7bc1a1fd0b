package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPostFollowsNoRedirectAndGoesNowherePrivate(t *testing.T) {
	moved := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			moved++
			return
		}
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, "POST text/plain hello", r.Method+" "+r.Header.Get("Content-Type")+" "+string(body))
		http.Redirect(w, r, "/moved", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	cfg := DefaultConfig()
	guarded, err := New(cfg, "test")
	require.NoError(t, err)
	defer guarded.Close()
	_, err = guarded.Post(t.Context(), server.URL, nil, nil)
	require.ErrorIs(t, err, ErrPrivate)
	_, err = guarded.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.ErrorIs(t, err, ErrPrivate)

	cfg.AllowPrivate = true
	c, err := New(cfg, "test")
	require.NoError(t, err)
	defer c.Close()
	a, err := c.Post(t.Context(), server.URL, http.Header{"Content-Type": {"text/plain"}}, []byte("hello"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusTemporaryRedirect, a.Code)
	assert.Zero(t, moved)
	conn, err := c.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
