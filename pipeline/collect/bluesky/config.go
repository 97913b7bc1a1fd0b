package bluesky

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Config is what an operator may set.
type Config struct {
	Endpoint string        `yaml:"endpoint" doc:"address of a Jetstream (version 1), ws or wss"`
	Reposts  bool          `yaml:"reposts" doc:"reads reposts too"`
	Deadline time.Duration `yaml:"deadline" doc:"silence after which the connection is taken for dead"`
}

// DefaultConfig is one of the four public instances that Bluesky runs.
func DefaultConfig() Config {
	return Config{Endpoint: "wss://jetstream2.us-east.bsky.network/subscribe", Reposts: true, Deadline: 30 * time.Second}
}

// Validate names the first setting that cannot be used.
func (c *Config) Validate() error {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "ws" && u.Scheme != "wss"):
		return errors.New("endpoint: is not an address such as wss://jetstream2.us-east.bsky.network/subscribe")
	case u.RawQuery != "":
		return errors.New("endpoint: has a query; the settings make it")
	case c.Deadline <= 0:
		return fmt.Errorf("deadline: is %s; give such as 30s", c.Deadline)
	}
	return nil
}
