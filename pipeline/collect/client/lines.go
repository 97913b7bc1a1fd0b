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
	return c.stream(ctx, address, header, "", deadline, func(_ http.Header, body io.Reader) error {
		opened()
		return readLines(body, int(c.cfg.MaxBytes), each)
	})
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
