package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRunTellsTheWorldOutside(t *testing.T) {
	var beats atomic.Int64
	outside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { beats.Add(1) }))
	defer outside.Close()
	addr := freeAddr(t)
	p := newProgram(t, fmt.Sprintf("monitor: {listen: '%s', heartbeat: '%s/token', every: 1s}\n", addr, outside.URL))
	log, stop := p.running("--simulate")
	until(t, "ready", log, func() bool { status, _ := get(t, addr, "/readyz"); return status == http.StatusOK })
	status, text := get(t, addr, "/healthz")
	assert.Equal(t, "200 ok", fmt.Sprintf("%d %s", status, strings.TrimSpace(text)))
	until(t, "a beat of the heart and the metrics of the stream", log, func() bool {
		_, text = get(t, addr, "/metrics")
		return strings.Contains(text, `earshot_source_up{platform="simulated",source="market",stream="simulated"} 1`) &&
			strings.Contains(text, "earshot_embedded_clickhouse_up 1") && beats.Load() > 0
	})
	assert.Contains(t, text, `earshot_stored_posts_total{stream="simulated"}`)
	assert.Contains(t, text, "earshot_disk_free_bytes")
	assert.Contains(t, text, "go_goroutines")
	stop()
	assert.NotContains(t, log.String(), "/token", "the URL of the heartbeat is a secret")
}

func TestRunRefusesToTellEverybody(t *testing.T) {
	p := newProgram(t, "monitor: {listen: '0.0.0.0:9464'}\n")
	code, _, errs := p.run(t.Context(), "config", "check")
	assert.Equal(t, 3, code)
	assert.Contains(t, errs, "of this machine alone")
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func get(t *testing.T, addr, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, http.NoBody)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(text)
}
