package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/assert"

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
