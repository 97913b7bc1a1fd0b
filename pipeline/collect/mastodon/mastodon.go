// Package mastodon reads the public posts that one server of the Mastodon API knows: its
// stream, and after a pause its timeline.
//
// The API is that of https://docs.joinmastodon.org: methods/streaming (commit 2173fb2),
// methods/timelines, entities/Status (commit e040fb5), read 2026-11-23. Servers of other
// software differ, so ids are never compared and an empty page need not have a Link.
//
//   - config.go    settings
//   - status.go    statuses to posts
//   - mastodon.go  connection, events, cursor
//   - backfill.go  what came while we were away
//   - again.go     counts and edits, later on
package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/poll"
	"earshot/pipeline/collect/rules"
	"earshot/pipeline/collect/stream"
)

// Source is a stream of one server.
type Source struct {
	cfg   Config
	http  *client.Client
	names names

	brands rules.Brands // whose posts are read again; nil: nobody's
	single atomic.Bool  // the server cannot give several statuses at once
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("mastodon: %w", err)
	}
	cfg.Server = strings.TrimSuffix(cfg.Server, "/")
	u, err := url.Parse(cfg.Server)
	if err != nil {
		return nil, errors.New("mastodon: server: cannot be read")
	}
	return &Source{cfg: cfg, http: http, names: names{u.Host}}, nil
}

const mend = "the server does not accept the token; make one with read:statuses under Preferences > Development"

func (s *Source) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + s.cfg.Token.Reveal()}}
}

// instance is what a server says of itself.
type instance struct {
	Title         string `json:"title"`
	Configuration struct {
		URLs struct {
			Streaming string `json:"streaming"`
		} `json:"urls"`
	} `json:"configuration"`
}

// streaming is the address of the stream: it may be another host's. The token goes there,
// so it is believed only of the server itself, over the same protection.
func (s *Source) streaming(ctx context.Context) (string, error) {
	resp, err := s.http.Get(ctx, s.cfg.Server+"/api/v2/instance", nil)
	if client.Answered(err, http.StatusNotFound) {
		return s.cfg.Server, nil // other software, or old
	}
	if err != nil {
		return "", err
	}
	return streamingOf(s.cfg.Server, resp.Body)
}

// streamingOf reads the address out of what the server says of itself.
func streamingOf(server string, body []byte) (string, error) {
	var i instance
	_ = json.Unmarshal(body, &i) // what is no JSON names no address
	if i.Configuration.URLs.Streaming == "" {
		return server, nil
	}
	address := strings.TrimSuffix(strings.Replace(i.Configuration.URLs.Streaming, "ws", "http", 1), "/")
	if strings.HasPrefix(server, "https:") && !strings.HasPrefix(address, "https:") {
		return "", errors.New("the server names a streaming address without TLS, to which the token is not sent")
	}
	return address, nil
}

// Check tries the token on the timeline, and the stream.
func (s *Source) Check(ctx context.Context) (string, error) {
	items, err := s.page(ctx, "")
	if err != nil {
		return "", s.failed(ctx, err, nil)
	}
	base, err := s.streaming(ctx)
	if err != nil {
		return "", s.failed(ctx, err, nil)
	}
	if _, err := s.http.Get(ctx, base+"/api/v1/streaming/health", nil); err != nil {
		return "", s.failed(ctx, err, nil)
	}
	return fmt.Sprintf("the token reads the timeline (%d posts in a page), and the stream is up", len(items)), nil
}

// quiet is a session for checks.
type quiet struct{ pipeline.Session }

func (quiet) Limited(time.Time, string) {}

func (s *Source) failed(ctx context.Context, err error, out pipeline.Session) error {
	if out == nil {
		out = quiet{}
	}
	return poll.Failed(ctx, platform, mend, err, out)
}

// behind is how many posts before the newest a back-fill begins: servers give posts of
// others an id of the time when they were written, so late ones stand further back.
const behind = 100

// place is the cursor.
type place struct {
	Last []string  `json:"last"` // ids of the newest posts, oldest first
	At   int64     `json:"at"`   // when the newest of them came, Unix ms
	Mark poll.Mark `json:"mark"`
}

func (p *place) add(id string, claimed pipeline.Time, now time.Time) {
	p.Last = append(p.Last, id)
	p.Last = p.Last[max(len(p.Last)-behind, 0):]
	p.At = now.UnixMilli()
	p.Mark.Add(id, int64(claimed), now)
}

func (p *place) encode() pipeline.Cursor {
	b, _ := json.Marshal(p) // strings and numbers cannot fail
	return b
}

// Run reads what came meanwhile, then follows the stream until it ends.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	return s.plan().Run(ctx, from, out, s.read)
}

func (s *Source) read(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	at := &place{}
	if from != nil {
		if err := json.Unmarshal(from, at); err != nil {
			return fmt.Errorf("mastodon: cursor: %w", err)
		}
	}
	return stream.Pump(ctx, out, func(ctx context.Context, put func(stream.Item) error) error {
		f := &follower{Source: s, at: at, out: out, put: put}
		if err := f.follow(ctx); err != nil {
			return s.failed(ctx, err, out)
		}
		return errors.New("mastodon: the server ended the stream")
	})
}

// follower is one connection.
type follower struct {
	*Source
	at  *place
	out pipeline.Session
	put func(stream.Item) error
}

func (f *follower) follow(ctx context.Context) error {
	base, err := f.streaming(ctx)
	if err != nil {
		return err
	}
	if err := f.backfill(ctx); err != nil {
		return err
	}
	if f.cfg.Transport == "websocket" {
		return f.socket(ctx, base)
	}
	path := "/api/v1/streaming/" + strings.ReplaceAll(f.cfg.Stream, ":", "/")
	var seam error
	opened := func() {
		f.out.Alive()
		seam = f.backfill(ctx) // what came between the timeline and the stream
	}
	return f.http.Events(ctx, base+path+"?"+f.cfg.query().Encode(), f.header(), f.cfg.Deadline, opened, func(e client.Event) error {
		if seam != nil {
			return seam
		}
		f.out.Alive()
		return f.event(e.Type, e.Data)
	})
}

// message is an event in a WebSocket.
type message struct {
	Event   string `json:"event"`
	Payload string `json:"payload"`
	Error   string `json:"error"`
}

func (f *follower) socket(ctx context.Context, base string) error {
	address := strings.Replace(base, "http", "ws", 1) + "/api/v1/streaming?" + f.cfg.query().Encode()
	socket, err := f.http.Dial(ctx, address, f.header(), f.cfg.Deadline)
	if err != nil {
		return err
	}
	defer socket.Close()
	stop := context.AfterFunc(ctx, socket.Close)
	defer stop()
	f.out.Alive()
	if err := f.backfill(ctx); err != nil {
		return err
	}
	for {
		data, err := socket.Read()
		if err != nil {
			return err
		}
		f.out.Alive()
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			if err := f.bad(data, err); err != nil {
				return err
			}
			continue
		}
		if m.Error != "" {
			return fmt.Errorf("the server refuses the stream: %.200s", m.Error)
		}
		if err := f.event(m.Event, []byte(m.Payload)); err != nil {
			return err
		}
	}
}

// event puts what an event says; those that are not of posts say nothing here.
func (f *follower) event(name string, data []byte) error {
	switch name {
	case "update":
		return f.status(data, pipeline.OpCreate)
	case "status.update":
		return f.status(data, pipeline.OpUpdate)
	case "delete":
		id := strings.Trim(strings.TrimSpace(string(data)), `"`)
		if id == "" {
			return f.bad(data, errors.New("mastodon: the delete names no id"))
		}
		p := pipeline.Post{Platform: platform, ID: f.names.post(id), Op: pipeline.OpDelete, Source: f.names.host}
		return f.put(stream.Item{Posts: []pipeline.Post{p}, UpTo: f.at.encode()})
	}
	return nil
}

func (f *follower) status(data []byte, op pipeline.Op) error {
	s, err := decode(data)
	if err != nil {
		return f.bad(data, err)
	}
	if !s.public() || op == pipeline.OpCreate && f.at.Mark.Has(s.ID) {
		return nil
	}
	p := f.names.read(s, op)
	if op == pipeline.OpCreate {
		f.at.add(s.ID, p.CreatedAt, time.Now())
	}
	return f.put(stream.Item{Posts: []pipeline.Post{p}, UpTo: f.at.encode()})
}

func (f *follower) bad(data []byte, err error) error {
	return f.put(stream.Item{Bad: append([]byte{}, data...), Origin: f.cfg.Stream, Reason: err.Error(), UpTo: f.at.encode()})
}
