package client_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline/collect/client"
)

func TestLines(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			fmt.Fprint(w, "\r\n")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/long":
			fmt.Fprint(w, strings.Repeat("x", 4096))
		default:
			fmt.Fprint(w, "one\r\n\r\n"+strings.Repeat("y", 900)+"\ncut off")
		}
	})
	c := local(t, func(c *client.Config) { c.MaxBytes = 1024 })
	var got []string
	keep := func(line []byte) error { got = append(got, string(line)); return nil }
	opened := 0
	require.ErrorIs(t, c.Lines(t.Context(), s.URL, nil, time.Minute, func() { opened++ }, keep), io.EOF)
	assert.Equal(t, []string{"one", "", strings.Repeat("y", 900)}, got)
	assert.Equal(t, 1, opened)
	require.ErrorIs(t, c.Lines(t.Context(), s.URL+"/silent", nil, 50*time.Millisecond, func() {}, keep), client.ErrSilent)
	require.ErrorIs(t, c.Lines(t.Context(), s.URL+"/long", nil, time.Minute, func() {}, keep), client.ErrTooLarge)
	require.ErrorIs(t, c.Lines(t.Context(), s.URL, nil, time.Minute, func() {}, func([]byte) error { return io.ErrShortWrite }), io.ErrShortWrite)
}

func TestDoSendsABody(t *testing.T) {
	var calls atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, "a=b", string(body), "again at each repetition")
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	c := local(t, nil)
	r := client.Request{Method: http.MethodPost, Address: s.URL, Body: []byte("a=b")}
	_, err := c.Do(t.Context(), r)
	require.NoError(t, err)
	assert.EqualValues(t, 2, calls.Load())
	calls.Store(0)
	r.Once = true
	_, err = c.Do(t.Context(), r)
	var status *client.StatusError
	require.ErrorAs(t, err, &status)
	assert.EqualValues(t, 1, calls.Load(), "not repeated")
}
