// Package webhook takes posts from anybody who knows the secret: collectors in any language,
// export jobs, services that call an address. A request is answered once its posts are on
// Kafka, so a sender that repeats what was not answered loses nothing.
//
//   - webhook.go  settings, and the hand-over of requests one after the other
//   - request.go  what a request must prove: signature, time, that it is no replay
//   - body.go     JSON, arrays and NDJSON, packed or not, to posts
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"earshot/pipeline"
	"earshot/pipeline/collect/inbound"
)

// Config is what an operator may set.
type Config struct {
	Listen    string          `yaml:"listen" doc:"host:port on which requests are answered; put a proxy with TLS before it to reach it from outside"`
	Path      string          `yaml:"path" doc:"path of the requests"`
	Secret    pipeline.Secret `yaml:"secret" doc:"at least 16 characters; senders sign with it"`
	Previous  pipeline.Secret `yaml:"previous" doc:"the secret before, which is still accepted while senders change over"`
	Tolerance time.Duration   `yaml:"tolerance" doc:"how far the time of a signature may be from ours"`
	MaxBytes  int64           `yaml:"max_bytes" doc:"largest request, before and after decompression"`
	Queue     int             `yaml:"queue" doc:"requests that may wait for Kafka; more are answered 429"`
	Platform  string          `yaml:"platform" doc:"platform of posts that name none"`
	Platforms []string        `yaml:"platforms" doc:"only posts of these platforms are taken; empty: of any"`
}

const (
	leastSecret = 16
	// chunk is how many posts are handed over at once.
	chunk = 1000
	// bodies is how many requests may be read at once: with MaxBytes it bounds what
	// strangers cost us before they have proved anything.
	bodies    = 32
	heartbeat = time.Minute
)

// DefaultConfig listens on this machine alone.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:8086", Path: "/posts", Tolerance: 5 * time.Minute, MaxBytes: 4 << 20, Queue: 64, Platform: "webhook"}
}

// Validate names the settings that cannot be used.
func (c *Config) Validate() error {
	var all []error
	wrong := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		wrong("listen: is not host:port, such as 127.0.0.1:8086")
	}
	if !strings.HasPrefix(c.Path, "/") {
		wrong("path: does not begin with /")
	}
	if len(c.Secret) < leastSecret {
		wrong("secret: has fewer than %d characters; without it anybody could send posts", leastSecret)
	}
	if c.Previous != "" && len(c.Previous) < leastSecret {
		wrong("previous: has fewer than %d characters", leastSecret)
	}
	if c.Tolerance < time.Second || c.Tolerance > time.Hour {
		wrong("tolerance: is %s; give 1s to 1h", c.Tolerance)
	}
	if c.MaxBytes < 1<<10 || c.MaxBytes > 64<<20 {
		wrong("max_bytes: is %d; give 1024 to 67108864", c.MaxBytes)
	}
	if c.Queue < 1 || c.Queue > 10_000 {
		wrong("queue: is %d; give 1 to 10000", c.Queue)
	}
	return errors.Join(all...)
}

// Source is one address.
type Source struct {
	cfg Config
	now func() time.Time
}

// New checks the settings.
func New(cfg Config) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return &Source{cfg: cfg, now: time.Now}, nil
}

// Check tries to listen.
func (s *Source) Check(ctx context.Context) (string, error) {
	l, err := inbound.Listener(ctx, s.cfg.Listen)
	if err != nil {
		return "", fmt.Errorf("webhook: %w (a running earshot holds it)", err)
	}
	if err := l.Close(); err != nil {
		return "", fmt.Errorf("webhook: %w", err)
	}
	return "can listen on " + s.cfg.Listen + s.cfg.Path + "; senders sign with the secret", nil
}

// place is the cursor: the newest time of a signature that was accepted. After a restart
// nothing as old as that is accepted again, so a replay finds no door.
type place struct {
	Newest int64 `json:"newest"` // Unix s
}

// parcel is what one request brought; done hears whether it is on Kafka.
type parcel struct {
	posts []pipeline.Post
	bad   []refusal
	at    int64 // time of the signature
	done  chan error
}

// Run answers requests until ctx ends or a hand-over fails.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	var at place
	if from != nil {
		if err := json.Unmarshal(from, &at); err != nil {
			return fmt.Errorf("webhook: cursor: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	l, err := inbound.Listener(ctx, s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	out.Alive()
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	d := newDoor(s, at.Newest)
	var group errgroup.Group
	group.Go(func() error {
		err := inbound.Serve(work, l, d)
		cancel() // without its server the source has nothing to do
		return err
	})
	handed := s.hand(work, d, at, out)
	cancel()
	served := group.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.Is(handed, context.Canceled):
		return handed
	}
	return fmt.Errorf("webhook: %w", served)
}

// hand hands parcels over, one after the other.
func (s *Source) hand(ctx context.Context, d *door, at place, out pipeline.Session) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
			out.Alive()
		case p := <-d.queue:
			at.Newest = max(at.Newest, p.at)
			err := deliver(ctx, p, at, out)
			p.done <- err
			if err != nil {
				return err
			}
		}
	}
}

func deliver(ctx context.Context, p parcel, at place, out pipeline.Session) error {
	for _, r := range p.bad {
		if err := out.Refuse(ctx, r.payload, r.origin(), r.Reason); err != nil {
			return err
		}
	}
	for len(p.posts) > chunk {
		if err := out.Emit(ctx, p.posts[:chunk], nil); err != nil {
			return err
		}
		p.posts = p.posts[chunk:]
	}
	upTo, _ := json.Marshal(at) // a number cannot fail
	return out.Emit(ctx, p.posts, upTo)
}
