package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Lines opens a stream of lines (such as newline-delimited JSON) and hands over each of
// them, empty ones too, since these are signs of life. It goes on until ctx ends, each
// fails, the server ends the stream (io.EOF), or no byte comes for deadline (ErrSilent).
// opened is called once the server has answered. A line that has no end is dropped. The
// line is valid until the next one.
func (c *Client) Lines(ctx context.Context, address string, header http.Header, deadline time.Duration, opened func(), each func([]byte) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Accept-Encoding", "identity") // a packed stream hides its signs of life
	watch := time.AfterFunc(deadline+patience, func() { cancel(ErrSilent) })
	defer watch.Stop()
	resp, err := c.send(ctx, Request{Address: address, Header: header})
	if err != nil {
		return silenced(ctx, address, err)
	}
	defer resp.Body.Close() //nolint:errcheck // a stream has no end to check
	opened()
	alive := &lively{r: resp.Body, watch: watch, deadline: deadline}
	if err := readLines(alive, int(c.cfg.MaxBytes), each); !errors.Is(err, io.EOF) {
		return silenced(ctx, address, err)
	}
	return io.EOF
}

func readLines(r io.Reader, limit int, each func([]byte) error) error {
	reader := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	for {
		part, err := reader.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return fmt.Errorf("client: a line has more than %d bytes: %w", limit, ErrTooLarge)
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return err
		}
		for n := len(line); n > 0 && (line[n-1] == '\n' || line[n-1] == '\r'); n-- {
			line = line[:n-1]
		}
		if err := each(line); err != nil {
			return err
		}
		line = line[:0]
	}
}
