package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"time"
)

// Post sends a body once, and follows no redirect: what is posted is for this address
// alone. Any answer is one, with the beginning of its body; the error says that there was
// none.
func (c *Client) Post(ctx context.Context, address string, header http.Header, body []byte) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout+patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, plain(address, err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("User-Agent", c.agent)
	once := *c.http
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := once.Do(req)
	if err != nil {
		if parent := ctx.Err(); errors.Is(parent, context.Canceled) {
			return nil, parent
		}
		return nil, plain(address, err)
	}
	defer resp.Body.Close() //nolint:errcheck // only its beginning is wanted
	begin, _ := io.ReadAll(io.LimitReader(resp.Body, errorBytes))
	return &Response{Code: resp.StatusCode, Header: resp.Header, Body: begin}, nil
}

// DialContext opens a connection to where the client may go, for protocols other than HTTP.
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	h, ok := c.http.Transport.(*hop)
	if !ok {
		return nil, errors.New("client: cannot dial")
	}
	conn, err := h.guard.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}
