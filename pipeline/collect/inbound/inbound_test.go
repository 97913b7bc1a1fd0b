package inbound_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline/collect/inbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The example is that of RFC 4231 §4.3 (test case 2) and RFC 2202 §3 (test case 2).
func TestSigned(t *testing.T) {
	data := []byte("what do ya want for nothing?")
	assert.Equal(t, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", inbound.Sign("Jefe", data))
	assert.Equal(t, inbound.Sign("Jefe", data), inbound.Sign("Jefe", data[:5], data[5:]))
	for signature, want := range map[string]bool{
		"sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843": true,
		"sha256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843": true,
		"sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79":                           true,
		"sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3844": false,
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843":        false,
		"md5=750c783e6ab0b503eaa86e310a5db738":                                    false,
		"sha256=":                                                                 false,
		"":                                                                        false,
	} {
		assert.Equal(t, want, inbound.Signed("Jefe", signature, data), signature)
	}
	assert.False(t, inbound.Signed("", "sha256="+inbound.Sign("", data), data), "no secret is no signature")
}

func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l, err := inbound.Listener(ctx, "127.0.0.1:0")
	require.NoError(t, err)
	_, err = inbound.Listener(ctx, l.Addr().String())
	require.ErrorContains(t, err, "listen on")
	held := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- inbound.Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/held" {
				close(held)
				<-r.Context().Done() // hears that the server ends
			}
			_, _ = io.WriteString(w, "ok")
		}))
	}()
	get := func(path string) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+path, http.NoBody)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close() //nolint:errcheck // read to its end
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	body, err := get("/")
	require.NoError(t, err)
	assert.Equal(t, "ok", body)
	answered := make(chan string, 1)
	go func() {
		body, _ := get("/held")
		answered <- body
	}()
	<-held
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assert.Equal(t, "ok", <-answered, "what was at work came to its end")
	http.DefaultClient.CloseIdleConnections()
}

func TestBody(t *testing.T) {
	_, err := inbound.Body(strings.NewReader("four!"), 4)
	require.ErrorIs(t, err, inbound.ErrTooLarge)
	body, err := inbound.Body(strings.NewReader("four"), 4)
	require.NoError(t, err)
	assert.Equal(t, "four", string(body))
}
