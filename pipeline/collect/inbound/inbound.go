// Package inbound is the HTTP server of those sources to which platforms come: it bounds
// what a stranger may cost, and compares signatures in constant time.
package inbound

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // WebSub hubs still sign with it; HMAC-SHA1 is not broken
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	drainTimeout  = 2 * time.Second
)

// Listener opens the port, so that a source says at once that it is taken.
func Listener(ctx context.Context, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// Serve answers on the listener until ctx ends, then lets requests at work come to their
// end for a moment. A handler hears of the end by its request's context.
func Serve(ctx context.Context, l net.Listener, handler http.Handler) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return work }}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	cancel()
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer stop()
	if server.Shutdown(last) != nil {
		_ = server.Close() // what is still at work is cut off
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return ctx.Err()
}

// ErrTooLarge is a body beyond its limit.
var ErrTooLarge = errors.New("the body is larger than its limit")

// Body reads at most limit bytes.
func Body(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		return nil, ErrTooLarge
	}
	return body, err
}

// Sign is the hex HMAC-SHA256 of the parts.
func Sign(secret string, parts ...[]byte) string { return sum(sha256.New, secret, parts...) }

// Signed reports whether signature is the HMAC of the parts: "method=hex" with the method
// sha1, sha256, sha384 or sha512. It takes the same time wherever the difference is.
func Signed(secret, signature string, parts ...[]byte) bool {
	method, hexed, ok := strings.Cut(signature, "=")
	var of func() hash.Hash
	switch strings.ToLower(method) {
	case "sha1":
		of = sha1.New
	case "sha256":
		of = sha256.New
	case "sha384":
		of = sha512.New384
	case "sha512":
		of = sha512.New
	}
	if !ok || of == nil || secret == "" {
		return false
	}
	return hmac.Equal([]byte(sum(of, secret, parts...)), []byte(strings.ToLower(hexed)))
}

func sum(of func() hash.Hash, secret string, parts ...[]byte) string {
	mac := hmac.New(of, []byte(secret))
	for _, p := range parts {
		_, _ = mac.Write(p) // cannot fail
	}
	return hex.EncodeToString(mac.Sum(nil))
}
