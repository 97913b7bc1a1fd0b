package bluesky

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/rules"
	"earshot/pipeline/collect/stream"
)

const (
	// rewind is how far before its cursor a resume begins; what was read is left out.
	rewind = 2 * time.Second
	// late is how far the first event may lie behind the cursor. Thousands of posts come in
	// a minute, so beyond it the server has clamped a cursor that was too old, which it
	// does without a word.
	late = time.Minute
)

// Source is a Jetstream.
type Source struct {
	cfg      Config
	http     *client.Client
	profiles *profiles    // nil: not asked for
	brands   rules.Brands // whose posts are read again; nil: nobody's
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("bluesky: %w", err)
	}
	s := &Source{cfg: cfg, http: http}
	if cfg.Profiles != "" {
		s.profiles = newProfiles(strings.TrimSuffix(cfg.Profiles, "/"), http)
	}
	return s, nil
}

// place is the cursor. Times and sequences are those of one instance.
type place struct {
	Endpoint string `json:"endpoint"`
	TimeUS   int64  `json:"time_us"`
	Seq      int64  `json:"seq,omitempty"`
}

// read reports whether an event is one that the place already counts.
func (p place) read(e *event) bool {
	if p.Seq > 0 && e.Cursor > 0 {
		return e.Cursor <= p.Seq
	}
	return e.TimeUS <= p.TimeUS
}

func (p place) encode() pipeline.Cursor {
	b, _ := json.Marshal(p) // strings and numbers cannot fail
	return b
}

// Check tries the endpoint without credentials, since it needs none.
func (s *Source) Check(ctx context.Context) (string, error) {
	c, err := s.dial(ctx, place{})
	if err != nil {
		return "", fmt.Errorf("bluesky: %w", err)
	}
	defer c.close()
	if _, err := c.read(); err != nil {
		return "", fmt.Errorf("bluesky: %w", err)
	}
	return "the stream of posts is open; it needs no credentials", nil
}

func (s *Source) address(at place) string {
	q := url.Values{}
	collections, key := []string{postType}, "wantedCollections"
	if s.cfg.Reposts {
		collections = append(collections, repostType)
	}
	if s.cfg.second() {
		key = "collections"
		q["kinds"] = []string{"commit", "account"}
	}
	q[key] = collections
	switch {
	case at.Seq > 0:
		q.Set("cursor", strconv.FormatInt(at.Seq, 10))
	case at.TimeUS > 0:
		q.Set("cursor", strconv.FormatInt(at.TimeUS-rewind.Microseconds(), 10))
	}
	return s.cfg.Endpoint + "?" + q.Encode()
}

// connection is a socket and what undoes its compression; unpack is nil for plain text.
type connection struct {
	socket *client.Socket
	unpack *unpacker
}

func (s *Source) dial(ctx context.Context, at place) (*connection, error) {
	c := &connection{}
	address := s.address(at)
	if s.cfg.Compress {
		var err error
		if c.unpack, err = s.unpacker(ctx); err != nil {
			return nil, err
		}
		address += "&zstdDictionary=" + strconv.FormatUint(uint64(c.unpack.id), 10)
	}
	socket, err := s.http.Dial(ctx, address, nil, s.cfg.Deadline)
	if err != nil {
		if c.unpack != nil {
			c.unpack.close()
		}
		return nil, err
	}
	c.socket = socket
	return c, nil
}

// read returns the next message, valid until the one after.
func (c *connection) read() ([]byte, error) {
	data, err := c.socket.Read()
	if err != nil || c.unpack == nil {
		return data, err
	}
	return c.unpack.unpack(data)
}

func (c *connection) close() {
	c.socket.Close()
	if c.unpack != nil {
		c.unpack.close()
	}
}

// tooOld reports whether a version 2 refuses a sequence that it no longer has.
func tooOld(err error) bool {
	status, ok := errors.AsType[*client.StatusError](err)
	return ok && status.Code == http.StatusBadRequest && bytes.Contains(status.Body, []byte(`"CursorTooOld"`))
}

// Run reads until the connection ends.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	return s.plan().Run(ctx, from, out, s.read)
}

func (s *Source) read(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	var at place
	if from != nil {
		if err := json.Unmarshal(from, &at); err != nil {
			return fmt.Errorf("bluesky: cursor: %w", err)
		}
		if at.Endpoint != s.cfg.Endpoint { // another instance: its times are near, its sequence is its own
			at.Seq, at.TimeUS = 0, at.TimeUS-rewind.Microseconds()
		}
	}
	at.Endpoint = s.cfg.Endpoint
	c, err := s.dial(ctx, at)
	if tooOld(err) { // a time as cursor goes to the oldest event that is left
		at.Seq = 0
		c, err = s.dial(ctx, at)
	}
	if err != nil {
		return s.failed(ctx, err, out)
	}
	defer c.close()
	out.Alive()
	if s.profiles != nil { // first of all, since queries ask for authors too
		out = profiled{out, s.profiles}
	}
	return stream.Pump(ctx, out, func(ctx context.Context, put func(stream.Item) error) error {
		stop := context.AfterFunc(ctx, c.socket.Close) // so that read ends with its reader
		defer stop()
		f := &follower{Source: s, at: at, out: out, put: put, resumed: at.TimeUS > 0}
		return f.follow(ctx, c)
	})
}

// failed tells the runner of a limit.
func (s *Source) failed(ctx context.Context, err error, out pipeline.Session) error {
	if limited, ok := errors.AsType[*client.LimitedError](err); ok {
		out.Limited(limited.Until, limited.What)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("bluesky: %w", err)
}

// follower reads one connection.
type follower struct {
	*Source
	at       place
	out      pipeline.Session
	put      func(stream.Item) error
	resumed  bool // the next event is the first behind a cursor
	outdated bool // the server said that it begins later than it was asked to
}

func (f *follower) follow(ctx context.Context, c *connection) error {
	decode := decode
	if f.cfg.second() {
		decode = decodeFrame
	}
	for {
		data, err := c.read()
		if err != nil {
			return f.failed(ctx, err, f.out)
		}
		f.out.Alive()
		e, err := decode(data)
		if end, ok := errors.AsType[*endError](err); ok {
			return fmt.Errorf("bluesky: %w", end)
		}
		if errors.Is(err, errNotice) {
			f.notice(e.Kind)
			continue
		}
		if err := f.take(&e, err, data); err != nil {
			return err
		}
	}
}

// notice: the cursor that we gave is not where the server begins.
func (f *follower) notice(name string) {
	switch name {
	case "OutdatedCursor":
		f.outdated = f.resumed
	case "FutureCursor": // our sequence is of an archive that this server does not have
		f.outdated, f.at.Seq = f.resumed, 0
	}
}

// take puts what an event says; problem is why it could not be read.
func (f *follower) take(e *event, problem error, data []byte) error {
	item := stream.Item{}
	if problem == nil {
		if f.resumed {
			f.resumed = false
			f.gap(e)
		}
		if f.at.read(e) {
			return nil
		}
		f.at.TimeUS, f.at.Seq = e.TimeUS, e.Cursor
		item.Posts, problem = e.posts()
	}
	if problem != nil {
		item.Bad, item.Origin, item.Reason = bytes.Clone(data), "jetstream", problem.Error()
	}
	item.UpTo = f.at.encode()
	return f.put(item)
}

// gap reports what lies between the cursor and the first event.
func (f *follower) gap(first *event) {
	asked, got := time.UnixMicro(f.at.TimeUS).UTC(), time.UnixMicro(first.TimeUS).UTC()
	if got.Sub(asked) > late || f.outdated && got.After(asked) {
		f.out.Gap(asked, got, "the cursor is older than what the Jetstream keeps (about 36 hours)")
	}
	f.outdated = false
}
