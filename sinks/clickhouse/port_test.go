package clickhouse

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPortTakenMeanwhile plays two programs that start at the same moment: both find the
// port free, and the other one is quicker.
func TestPortTakenMeanwhile(t *testing.T) {
	library, err := FindLibrary("")
	require.NoError(t, err)
	s := &Server{
		cfg:  ServerConfig{Dir: t.TempDir(), Library: library, HTTPPort: randomPort(), Logger: quiet()},
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	require.NoError(t, s.prepare(t.Context()))
	port := s.httpPort
	other := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }),
		ReadHeaderTimeout: time.Minute,
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	require.NoError(t, err)
	go func() { _ = other.Serve(listener) }()
	t.Cleanup(func() { _ = other.Close() })

	first, err := s.first(t.Context())
	require.NoError(t, err)
	assert.Greater(t, s.httpPort, port)
	s.set(first, true)
	go s.supervise(first)
	require.NoError(t, s.Close(context.Background()))
}
