package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline/collect/client"
)

func TestEvents(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "7", r.Header.Get("Last-Event-ID"))
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		fmt.Fprint(w, "\ufeff:ok\n\nevent: message\nid: 8\ndata: one\n\ndata: two\rdata:more\r\n\r\nevent:x\ndata\n\ndata: cut off")
	})
	var got []string
	opened := false
	err := local(t, nil).Events(t.Context(), s.URL, http.Header{"Last-Event-ID": {"7"}}, time.Minute, func() { opened = true }, func(e client.Event) error {
		got = append(got, e.Type+" "+e.ID+" "+string(e.Data))
		return nil
	})
	require.ErrorIs(t, err, io.EOF)
	assert.True(t, opened)
	assert.Equal(t, []string{"message 8 one", "message 8 two\nmore", "x 8 "}, got)
}

func TestEventsEndOnSilence(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, ":ok\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done() // a dead connection without a close
	})
	err := local(t, nil).Events(t.Context(), s.URL, nil, 50*time.Millisecond, func() {}, func(client.Event) error { return nil })
	require.ErrorIs(t, err, client.ErrSilent)
}

func TestEventsRefuseOtherAnswers(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: "+strings.Repeat("x", 4096)+"\n\n")
			return
		}
		fmt.Fprint(w, "<html>")
	})
	c := local(t, func(c *client.Config) { c.MaxBytes = 1024 })
	none := func(client.Event) error { return nil }
	require.ErrorContains(t, c.Events(t.Context(), s.URL, nil, time.Minute, func() {}, none), "not an event stream")
	require.ErrorIs(t, c.Events(t.Context(), s.URL+"/long", nil, time.Minute, func() {}, none), client.ErrTooLarge)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Events(ctx, s.URL, nil, time.Minute, func() {}, none), context.Canceled)
}

func TestSocket(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if !assert.NoError(t, err) {
			return
		}
		defer conn.CloseNow() //nolint:errcheck // the end of the test
		switch r.URL.Path {
		case "/close":
			_ = conn.Write(r.Context(), websocket.MessageText, []byte("hello"))
			_ = conn.Close(websocket.StatusGoingAway, "restart")
		case "/big":
			_ = conn.Write(r.Context(), websocket.MessageText, make([]byte, 4096))
		}
		_, _, _ = conn.Read(r.Context())
	})
	c := local(t, func(c *client.Config) { c.MaxBytes = 1024 })
	dial := func(ctx context.Context, path string, deadline time.Duration) *client.Socket {
		socket, err := c.Dial(ctx, strings.Replace(s.URL, "http", "ws", 1)+path, nil, deadline)
		require.NoError(t, err)
		t.Cleanup(socket.Close)
		return socket
	}
	socket := dial(t.Context(), "/close", time.Minute)
	data, err := socket.Read()
	require.NoError(t, err)
	assert.Equal(t, "hello", string(data))
	_, err = socket.Read()
	var closed *client.CloseError
	require.ErrorAs(t, err, &closed)
	assert.Equal(t, 1001, closed.Code)

	_, err = dial(t.Context(), "/silent", 50*time.Millisecond).Read()
	require.ErrorIs(t, err, client.ErrSilent)
	_, err = dial(t.Context(), "/big", time.Minute).Read()
	require.ErrorIs(t, err, client.ErrTooLarge)
	ctx, cancel := context.WithCancel(t.Context())
	socket = dial(ctx, "/stopped", time.Minute)
	cancel()
	_, err = socket.Read()
	require.ErrorIs(t, err, context.Canceled)
}
