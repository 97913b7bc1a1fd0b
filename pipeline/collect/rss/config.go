package rss

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
)

// Config is what an operator may set.
type Config struct {
	Feeds  []Address     `yaml:"feeds" doc:"addresses of feeds: RSS, Atom or JSON Feed; at most 200 in one source"`
	Poll   time.Duration `yaml:"poll" doc:"how often a feed is asked; one that states a longer time is asked less often"`
	WebSub WebSub        `yaml:"websub" doc:"news at once, from feeds that name a hub"`
}

// Address of a feed. Its query may hold a key, so it prints without it.
type Address string

// String leaves the query out.
func (a Address) String() string {
	if strings.Contains(string(a), "?") {
		return client.Redact(string(a)) + "?***"
	}
	return string(a)
}

// GoString hides the query from %#v.
func (a Address) GoString() string { return strconv.Quote(a.String()) }

// MarshalText hides the query from encoders.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText takes the address.
func (a *Address) UnmarshalText(text []byte) error {
	*a = Address(text)
	return nil
}

// WebSub says where hubs reach us.
type WebSub struct {
	Callback string          `yaml:"callback" doc:"public address that leads to listen, such as https://listen.example.org/websub; empty: feeds are only asked"`
	Listen   string          `yaml:"listen" doc:"host:port on which hubs are answered"`
	Secret   pipeline.Secret `yaml:"secret" doc:"at least 16 characters, from which each subscription gets its own: hubs sign with it"`
}

const (
	maxFeeds      = 200
	leastSecret   = 16
	minPoll       = time.Minute
	websubPoll    = time.Hour // while a hub tells us, asking is the second line
	leaseSeconds  = 7 * 24 * 3600
	deliveryBytes = 4 << 20
)

// DefaultConfig asks each feed every quarter of an hour.
func DefaultConfig() Config {
	return Config{Poll: 15 * time.Minute, WebSub: WebSub{Listen: "127.0.0.1:8087"}}
}

// Validate names the settings that cannot be used.
func (c *Config) Validate() error {
	var all []error
	wrong := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	switch {
	case len(c.Feeds) == 0:
		wrong("feeds: is empty; name at least one feed")
	case len(c.Feeds) > maxFeeds:
		wrong("feeds: has %d, more than %d; make a second source of the rest", len(c.Feeds), maxFeeds)
	}
	seen := map[Address]bool{}
	for i, feed := range c.Feeds {
		u, err := url.Parse(string(feed))
		switch {
		case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
			wrong("feeds: entry %d is not an address such as https://example.org/feed.xml", i+1)
		case u.User != nil:
			wrong("feeds: entry %d has a user or password, which is not supported", i+1)
		case seen[feed]:
			wrong("feeds: entry %d stands twice", i+1)
		}
		seen[feed] = true
	}
	if c.Poll < minPoll {
		wrong("poll: is %s; give at least %s", c.Poll, minPoll)
	}
	return errors.Join(append(all, c.WebSub.check())...)
}

func (w *WebSub) check() error {
	if w.Callback == "" {
		return nil
	}
	u, err := url.Parse(w.Callback)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.User != nil {
		return errors.New("websub: callback is not an address such as https://listen.example.org/websub")
	}
	if _, _, err := net.SplitHostPort(w.Listen); err != nil {
		return errors.New("websub: listen is not host:port, such as 127.0.0.1:8087")
	}
	if len(strings.TrimSpace(w.Secret.Reveal())) < leastSecret {
		return fmt.Errorf("websub: secret has fewer than %d characters; without it anybody could send posts", leastSecret)
	}
	return nil
}
