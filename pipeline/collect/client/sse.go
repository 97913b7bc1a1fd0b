package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Event is one server-sent event.
type Event struct {
	Type string // "message" if the server names none
	ID   string // last event id that the server named
	Data []byte // valid until the next event
}

// Events opens a stream of server-sent events and hands over each of them, until ctx ends,
// each fails, the server ends the stream (io.EOF), or no byte comes for deadline
// (ErrSilent). opened is called once the server has answered.
func (c *Client) Events(ctx context.Context, address string, header http.Header, deadline time.Duration, opened func(), each func(Event) error) error {
	return c.stream(ctx, address, header, "text/event-stream", deadline, func(answer http.Header, body io.Reader) error {
		if kind, _, _ := strings.Cut(answer.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") {
			return fmt.Errorf("client: %s answers %.60q, not an event stream", Redact(address), kind)
		}
		opened()
		return readEvents(body, int(c.cfg.MaxBytes), each)
	})
}

// stream opens an answer that has no end, of the kind that accept names, and hands its
// body to read. No byte for deadline is ErrSilent.
func (c *Client) stream(
	ctx context.Context, address string, header http.Header, accept string, deadline time.Duration, read func(http.Header, io.Reader) error,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if accept != "" {
		header.Set("Accept", accept)
	}
	header.Set("Accept-Encoding", "identity") // a packed stream hides its signs of life
	watch := time.AfterFunc(deadline+patience, func() { cancel(ErrSilent) })
	defer watch.Stop()
	resp, err := c.send(ctx, Request{Address: address, Header: header})
	if err != nil {
		return silenced(ctx, address, err)
	}
	defer resp.Body.Close() //nolint:errcheck // a stream has no end to check
	return silenced(ctx, address, read(resp.Header, &lively{r: resp.Body, watch: watch, deadline: deadline}))
}

// silenced names the liveness deadline where it was the cause.
func silenced(ctx context.Context, address string, err error) error {
	if errors.Is(context.Cause(ctx), ErrSilent) {
		return fmt.Errorf("client: %s: %w", Redact(address), ErrSilent)
	}
	return err
}

// lively counts silence only while we listen: a slow reader is not the platform's silence.
type lively struct {
	r        io.Reader
	watch    *time.Timer
	deadline time.Duration
}

func (l *lively) Read(p []byte) (int, error) {
	l.watch.Reset(l.deadline)
	defer l.watch.Stop()
	return l.r.Read(p)
}

// readEvents parses the event stream format (HTML Living Standard §9.2.6). An event that
// is cut off by the end of the stream is dropped, as the standard says.
func readEvents(r io.Reader, limit int, each func(Event) error) error {
	lines := &lineReader{r: bufio.NewReaderSize(r, 64<<10), limit: limit}
	ev := Event{Type: "message"}
	named, started := false, false
	first := true
	for {
		line, err := lines.next()
		if err != nil {
			return err
		}
		if first {
			line, first = strings.TrimPrefix(line, "\ufeff"), false
		}
		if line == "" {
			if started {
				ev.Data = ev.Data[:len(ev.Data)-1] // the line feed behind the last line
				if err := each(ev); err != nil {
					return err
				}
			}
			ev.Type, ev.Data, named, started = "message", ev.Data[:0], false, false
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "data":
			if len(ev.Data)+len(value) > limit {
				return fmt.Errorf("client: an event has more than %d bytes: %w", limit, ErrTooLarge)
			}
			ev.Data = append(append(ev.Data, value...), '\n')
			started = true
		case "event":
			if !named && value != "" {
				ev.Type, named = value, true
			}
		case "id":
			if !strings.Contains(value, "\x00") {
				ev.ID = value
			}
		}
	}
}

// lineReader reads lines that end in \n, \r or \r\n. The \n of a \r\n is skipped when the
// next line is read, so that an event is never held back until the next one comes.
type lineReader struct {
	r      *bufio.Reader
	limit  int
	skipLF bool
}

func (l *lineReader) next() (string, error) {
	var line []byte
	for {
		b, err := l.r.ReadByte()
		if err != nil {
			return "", err
		}
		skip := l.skipLF && b == '\n'
		l.skipLF = false
		switch {
		case skip:
			continue
		case b == '\n' || b == '\r':
			l.skipLF = b == '\r'
			return string(line), nil
		case len(line) >= l.limit:
			return "", fmt.Errorf("client: a line has more than %d bytes: %w", l.limit, ErrTooLarge)
		}
		line = append(line, b)
	}
}
