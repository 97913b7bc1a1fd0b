package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// Socket is a WebSocket that is only read.
type Socket struct {
	conn     *websocket.Conn
	address  string
	cancel   context.CancelCauseFunc
	ctx      context.Context //nolint:containedctx // its end is the end of the connection
	watch    *time.Timer
	deadline time.Duration
}

// CloseError says how the server ended the connection.
type CloseError struct {
	Address string
	Code    int // RFC 6455 §7.4; 1001: going away
	Reason  string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("%s closed the connection: %d %.200s", e.Address, e.Code, e.Reason)
}

// Dial opens a WebSocket (ws or wss). Messages beyond the client's limit end it, as does
// silence for deadline: messages and pings are signs of life.
func (c *Client) Dial(ctx context.Context, address string, header http.Header, deadline time.Duration) (*Socket, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &Socket{address: address, ctx: ctx, cancel: cancel, deadline: deadline}
	s.watch = time.AfterFunc(deadline+patience, func() { cancel(ErrSilent) })
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("User-Agent", c.agent)
	conn, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient: c.http, HTTPHeader: header,
		OnPingReceived: func(context.Context, []byte) bool { s.watch.Reset(deadline); return true },
	})
	if err != nil {
		s.watch.Stop()
		err = dialError(ctx, address, resp, err)
		cancel(nil)
		return nil, err
	}
	s.watch.Stop()
	conn.SetReadLimit(c.cfg.MaxBytes)
	s.conn = conn
	return s, nil
}

func dialError(ctx context.Context, address string, resp *http.Response, err error) error {
	if resp != nil && resp.StatusCode >= 400 {
		if until, what := advice(resp.StatusCode, resp.Header, time.Now()); time.Until(until) > patience {
			return &LimitedError{Address: Redact(address), Until: until, What: what}
		}
		var body []byte
		if resp.Body != nil {
			body, _ = io.ReadAll(io.LimitReader(resp.Body, errorBytes)) // the library keeps its beginning
		}
		return &StatusError{Address: Redact(address), Code: resp.StatusCode, Header: resp.Header, Body: body}
	}
	return silenced(ctx, address, plain(address, err))
}

// Read returns the next message. The end of ctx, silence and the server's close end the
// connection: after an error there is nothing more.
func (s *Socket) Read() ([]byte, error) {
	s.watch.Reset(s.deadline) // only while we listen: a slow reader is not the platform's silence
	_, data, err := s.conn.Read(s.ctx)
	s.watch.Stop()
	if err == nil {
		return data, nil
	}
	if cause := context.Cause(s.ctx); errors.Is(cause, ErrSilent) {
		return nil, silenced(s.ctx, s.address, err)
	} else if cause != nil {
		return nil, cause
	}
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		return nil, &CloseError{Address: Redact(s.address), Code: int(closed.Code), Reason: closed.Reason}
	case errors.Is(err, websocket.ErrMessageTooBig):
		return nil, fmt.Errorf("client: %s: a message: %w", Redact(s.address), ErrTooLarge)
	}
	return nil, plain(s.address, err)
}

// Close ends the connection at once.
func (s *Socket) Close() {
	s.watch.Stop()
	s.cancel(context.Canceled)
	_ = s.conn.CloseNow()
}
