// Package wikipedia reads the recent changes of all Wikipedias, talk pages included, from
// Wikimedia's EventStreams: server-sent events without credentials.
//
// The protocol is that of https://wikitech.wikimedia.org/wiki/Event_Platform/EventStreams,
// the events those of https://www.mediawiki.org/wiki/Manual:RCFeed (both read 2026-11-23).
//
//   - wikipedia.go  settings, connection, cursor, gaps
//   - event.go      events to posts
package wikipedia

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/stream"
)

// Config is what an operator may set.
type Config struct {
	Endpoint string        `yaml:"endpoint" doc:"address of the stream recentchange"`
	Wikis    []string      `yaml:"wikis" doc:"only these, such as enwiki, dewiki; empty = every Wikipedia"`
	Bots     bool          `yaml:"bots" doc:"reads the edits of bots too"`
	Deadline time.Duration `yaml:"deadline" doc:"silence after which the connection is taken for dead"`
}

// DefaultConfig is every Wikipedia without its bots.
func DefaultConfig() Config {
	return Config{Endpoint: "https://stream.wikimedia.org/v2/stream/recentchange", Deadline: 30 * time.Second}
}

// Validate names the first setting that cannot be used.
func (c *Config) Validate() error {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "":
		return errors.New("endpoint: is not an address such as https://stream.wikimedia.org/v2/stream/recentchange")
	case c.Deadline <= 0:
		return fmt.Errorf("deadline: is %s; give such as 30s", c.Deadline)
	}
	return nil
}

const (
	// overlap is how far before its cursor a resume begins: events of several data centres
	// do not come in the order of their times. What was read is left out by its id.
	overlap = 10 * time.Second
	// late is how far the first event may lie behind the cursor: tens come in a second.
	late = time.Minute
	// remembered bounds the ids in a cursor.
	remembered = 2000
)

// Source is the stream.
type Source struct {
	cfg  Config
	http *client.Client
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("wikipedia: %w", err)
	}
	return &Source{cfg: cfg, http: http}, nil
}

// place is the cursor: the newest time, and what was read of the seconds before it. It is
// resumed by time: the stream's own Last-Event-ID may hold offset -1 for a topic not yet
// seen, and would lose what that topic brings.
type place struct {
	Millis int64            `json:"ms"`
	Seen   map[string]int64 `json:"seen,omitempty"` // hash of an id: its time, ms

	order []string // the hashes as they came: a cursor is written for every event, so it is not sorted each time
	stale int      // additions since the last sweep
}

func hash(id string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return strconv.FormatUint(h.Sum64(), 36)
}

// decodePlace reads a cursor.
func decodePlace(from pipeline.Cursor) (place, error) {
	var p place
	if from == nil {
		return p, nil
	}
	if err := json.Unmarshal(from, &p); err != nil {
		return p, fmt.Errorf("wikipedia: cursor: %w", err)
	}
	p.order = slices.SortedFunc(maps.Keys(p.Seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(p.Seen[a], p.Seen[b]), strings.Compare(a, b))
	})
	return p, nil
}

func (p *place) add(id string, millis int64) {
	if p.Seen == nil {
		p.Seen = map[string]int64{}
	}
	p.Millis = max(p.Millis, millis)
	key := hash(id)
	if _, known := p.Seen[key]; !known {
		p.order = append(p.order, key)
	}
	p.Seen[key] = millis
	if p.stale++; p.stale < 50 && len(p.Seen) <= remembered {
		return
	}
	p.stale = 0
	most := remembered
	if len(p.Seen) > most {
		most -= most / 10 // else every further one would sweep
	}
	p.order = slices.DeleteFunc(p.order, func(key string) bool { // the oldest go first
		gone := p.Seen[key] < p.Millis-overlap.Milliseconds() || len(p.Seen) > most
		if gone {
			delete(p.Seen, key)
		}
		return gone
	})
}

// encode writes the cursor as JSON. Hashes and numbers need no escapes.
func (p *place) encode() pipeline.Cursor {
	b := make([]byte, 0, 32+32*len(p.order))
	b = strconv.AppendInt(append(b, `{"ms":`...), p.Millis, 10)
	for i, key := range p.order {
		begin := `,"`
		if i == 0 {
			begin = `,"seen":{"`
		}
		b = append(append(append(b, begin...), key...), `":`...)
		b = strconv.AppendInt(b, p.Seen[key], 10)
	}
	if len(p.order) > 0 {
		b = append(b, '}')
	}
	return append(b, '}')
}

func (s *Source) address(at place) string {
	if at.Millis == 0 {
		return s.cfg.Endpoint
	}
	since := time.UnixMilli(at.Millis).Add(-overlap).UTC().Format("2006-01-02T15:04:05.000Z")
	return s.cfg.Endpoint + "?" + url.Values{"since": {since}}.Encode()
}

var errEnough = errors.New("one event is enough")

// Check tries the stream without credentials, since it needs none.
func (s *Source) Check(ctx context.Context) (string, error) {
	err := s.http.Events(ctx, s.cfg.Endpoint, nil, s.cfg.Deadline, func() {}, func(client.Event) error { return errEnough })
	if !errors.Is(err, errEnough) {
		return "", fmt.Errorf("wikipedia: %w", err)
	}
	return "the stream of recent changes is open; it needs no credentials", nil
}

// Run reads until the connection ends, which the platform does about every 15 minutes.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	at, err := decodePlace(from)
	if err != nil {
		return err
	}
	return stream.Pump(ctx, out, func(ctx context.Context, put func(stream.Item) error) error {
		asked := at.Millis
		err := s.http.Events(ctx, s.address(at), nil, s.cfg.Deadline, out.Alive, func(ev client.Event) error {
			out.Alive()
			return s.take(ev, &at, &asked, out, put)
		})
		if limited, ok := errors.AsType[*client.LimitedError](err); ok {
			out.Limited(limited.Until, limited.What)
		}
		if errors.Is(err, io.EOF) {
			return errors.New("wikipedia: the platform ended the connection, as it does every quarter of an hour")
		}
		return fmt.Errorf("wikipedia: %w", err)
	})
}

func (s *Source) take(ev client.Event, at *place, asked *int64, out pipeline.Session, put func(stream.Item) error) error {
	if ev.Type == "error" {
		return fmt.Errorf("the stream tells of an error: %.200s", ev.Data)
	}
	item := stream.Item{}
	e, err := decode(ev.Data)
	if err == nil {
		if _, read := at.Seen[hash(e.Meta.ID)]; read {
			return nil
		}
		millis := e.Meta.Date.UnixMilli()
		if *asked > 0 {
			if millis-*asked > late.Milliseconds() {
				out.Gap(time.UnixMilli(*asked).UTC(), e.Meta.Date, "the cursor is older than what the stream keeps")
			}
			*asked = 0
		}
		at.add(e.Meta.ID, millis)
		if s.wanted(&e) {
			item.Posts, err = e.posts()
		}
	}
	if err != nil {
		item.Bad, item.Origin, item.Reason = append([]byte(nil), ev.Data...), "recentchange", err.Error()
	}
	item.UpTo = at.encode()
	return put(item)
}
