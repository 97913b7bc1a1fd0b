package clickhouse

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// openerBytes is how much of a block is sent to open an insert: enough for the server
// to begin the statement, far too little to be a row.
const openerBytes = 16

// answerTime is what we wait for an answer beyond the server's own limit: a server that
// hangs without a word must not hold a worker for ever.
const answerTime = 15 * time.Second

// insertFenced writes one encoded block with a deduplication token in a statement that
// the server has begun before pending is called, and that it refuses once the insert
// timeout has passed. So a worker that slept between its pending commit and its rows
// finds its statement dead: its rows cannot arrive behind the back of its successor.
//
// How: the server begins a statement as soon as it has read max_query_size bytes of
// query and data; we set that to the query's own length, send the block's first bytes,
// call pending, and send the rest. max_execution_time counts from the statement's begin.
func (d *DB) insertFenced(ctx context.Context, statement, token string, data []byte, pending func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout+answerTime)
	defer cancel()
	body := &fencedBody{ctx: ctx, opener: data[:openerBytes], rest: data[openerBytes:], pending: pending}
	values := url.Values{
		"insert_deduplicate":         {"1"},
		"insert_deduplication_token": {token},
		"max_execution_time":         {strconv.Itoa(max(1, int(d.timeout/time.Second)))},
		"timeout_overflow_mode":      {"throw"},
		"max_query_size":             {strconv.Itoa(len(statement) + openerBytes/2)},
	}
	err := d.put(ctx, statement, values, body)
	if pendingErr := body.end(); pendingErr != nil {
		return pendingErr
	}
	return err
}

// errEnded says that the request ended before its body was asked for.
var errEnded = errors.New("clickhouse: the request has ended")

// fencedBody is a request's body that calls pending between its first bytes and the
// rest. It writes itself, in two chunks, so that a block is neither copied nor cut.
type fencedBody struct {
	ctx     context.Context //nolint:containedctx // of the one request that sends this body
	pending func(context.Context) error
	opener  []byte
	rest    []byte

	mu    sync.Mutex // held while the body is being sent
	ended bool
	err   error // of pending
}

// WriteTo sends the opener, then, once pending has succeeded, the rest.
func (f *fencedBody) WriteTo(w io.Writer) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return 0, errEnded
	}
	f.ended = true
	n, err := w.Write(f.opener)
	if err != nil {
		return int64(n), err
	}
	if f.pending != nil {
		if f.err = f.pending(f.ctx); f.err != nil {
			return int64(n), f.err
		}
	}
	m, err := w.Write(f.rest)
	return int64(n + m), err
}

// Read is never called where WriteTo is; it exists because a body must be a reader.
func (f *fencedBody) Read([]byte) (int, error) { return 0, errEnded }

// end waits until nothing is being sent any more, allows nothing later, and returns the
// error of pending. Then the block's bytes may be used again.
func (f *fencedBody) end() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	return f.err
}
