package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
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
	cfg  Config
	http *client.Client
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("bluesky: %w", err)
	}
	return &Source{cfg: cfg, http: http}, nil
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
	socket, err := s.http.Dial(ctx, s.address(place{}), nil, s.cfg.Deadline)
	if err != nil {
		return "", fmt.Errorf("bluesky: %w", err)
	}
	defer socket.Close()
	if _, err := socket.Read(); err != nil {
		return "", fmt.Errorf("bluesky: %w", err)
	}
	return "the stream of posts is open; it needs no credentials", nil
}

func (s *Source) address(at place) string {
	q := url.Values{"wantedCollections": {postType}}
	if s.cfg.Reposts {
		q.Add("wantedCollections", repostType)
	}
	switch {
	case at.Seq > 0:
		q.Set("cursor", strconv.FormatInt(at.Seq, 10))
	case at.TimeUS > 0:
		q.Set("cursor", strconv.FormatInt(at.TimeUS-rewind.Microseconds(), 10))
	}
	return s.cfg.Endpoint + "?" + q.Encode()
}

// Run reads until the connection ends.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
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
	socket, err := s.http.Dial(ctx, s.address(at), nil, s.cfg.Deadline)
	if err != nil {
		return s.failed(ctx, err, out)
	}
	defer socket.Close()
	out.Alive()
	return stream.Pump(ctx, out, func(ctx context.Context, put func(stream.Item) error) error {
		stop := context.AfterFunc(ctx, socket.Close) // so that Read ends with its reader
		defer stop()
		return s.follow(ctx, socket, at, out, put)
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

func (s *Source) follow(ctx context.Context, socket *client.Socket, at place, out pipeline.Session, put func(stream.Item) error) error {
	resumed := at.TimeUS > 0
	for {
		data, err := socket.Read()
		if err != nil {
			return s.failed(ctx, err, out)
		}
		out.Alive()
		e, err := decode(data)
		item := stream.Item{UpTo: at.encode()}
		if err == nil {
			if resumed {
				resumed = false
				s.gap(at, &e, out)
			}
			if at.read(&e) {
				continue
			}
			at.TimeUS, at.Seq = e.TimeUS, e.Cursor
			item.UpTo = at.encode()
			item.Posts, err = e.posts()
		}
		if err != nil {
			item.Bad, item.Origin, item.Reason = data, "jetstream", err.Error()
		}
		if err := put(item); err != nil {
			return err
		}
	}
}

// gap reports what a clamped cursor has skipped.
func (s *Source) gap(at place, first *event, out pipeline.Session) {
	asked, got := time.UnixMicro(at.TimeUS).UTC(), time.UnixMicro(first.TimeUS).UTC()
	if got.Sub(asked) > late {
		out.Gap(asked, got, "the cursor is older than what the Jetstream keeps (about 36 hours)")
	}
}
