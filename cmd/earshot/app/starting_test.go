package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/sinks/clickhouse"
)

// TestAway: what a start waits for, and what ends it.
func TestAway(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for name, c := range map[string]struct {
		err  error
		away bool
	}{
		"nobody listens":            {fmt.Errorf("clickhouse: connect: %w", refused), true},
		"the same, tried in vain":   {failure(ExitUnreachable, refused), true},
		"the name is not known yet": {&net.DNSError{Err: "no such host", IsNotFound: true}, true},
		"killed in mid-answer":      {fmt.Errorf("clickhouse: %w", io.ErrUnexpectedEOF), true},
		"frozen":                    {fmt.Errorf("kafka: %w", context.DeadlineExceeded), true},
		"out of memory":             {&clickhouse.Error{Code: 241, Retryable: true}, true},
		"no leader yet":             {fmt.Errorf("kafka: %w", kafkago.LeaderNotAvailable), true},
		"wrong password":            {&clickhouse.Error{Code: 516}, false},
		"wrong password of Kafka":   {kafkago.SASLAuthenticationFailed, false},
		"another schema":            {clickhouse.ErrSchema, false},
		"a mistake in a brand":      {failure(ExitConfiguration, refused), false},
		"no file of the password":   {&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, false},
		"an unknown certificate":    {&tls.CertificateVerificationError{Err: errors.New("unknown authority")}, false},
		"no TLS there":              {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, false},
		"our own mistake":           {errors.New("app: no such thing"), false},
	} {
		assert.Equal(t, c.away, away(c.err), name)
	}
}

// TestPersist: tries go on while a server is away, say what they wait for, and end with
// success, with a mistake, or with the process.
func TestPersist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused, mistake := &net.OpError{Op: "dial", Err: errors.New("connection refused")}, errors.New("a mistake")
		door := &front{}
		for _, end := range []error{nil, mistake} {
			tries := 0
			err := persist(t.Context(), zerolog.Nop(), door, func(context.Context) error {
				if tries++; tries < 20 {
					return refused
				}
				return end
			})
			require.ErrorIs(t, err, end)
			assert.Equal(t, 20, tries)
			assert.Equal(t, error(refused), *door.waits.Load())
		}
		ctx, cancel := context.WithCancel(t.Context())
		err := persist(ctx, zerolog.Nop(), door, func(context.Context) error { cancel(); return refused })
		require.ErrorIs(t, err, context.Canceled)
		assert.NoError(t, stopped(ctx, err), "who is told to stop while it waits has not failed")
	})
}

// TestTheFrontAnswersFromTheFirstMoment: alive and not ready, then whatever the line says.
func TestTheFrontAnswersFromTheFirstMoment(t *testing.T) {
	door, err := openFront(t.Context(), Monitor{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	ask := func(path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+door.listener.Addr().String()+path, http.NoBody)
		require.NoError(t, err)
		req.Close = true
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	assert.Equal(t, http.StatusOK, ask("/healthz"))
	assert.Equal(t, http.StatusServiceUnavailable, ask("/readyz"))
	assert.Equal(t, http.StatusNotFound, ask("/metrics"))
	door.show(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	assert.Equal(t, http.StatusTeapot, ask("/readyz"))
	_, err = openFront(t.Context(), Monitor{Listen: door.listener.Addr().String()})
	require.ErrorContains(t, err, "monitor.listen")
	door.close()
	door.close()
	silent, err := openFront(t.Context(), Monitor{})
	require.NoError(t, err)
	silent.close()
}
