package bluesky

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"earshot/pipeline/collect/poll"
)

// Config is what an operator may set.
type Config struct {
	Endpoint string          `yaml:"endpoint" doc:"address of a Jetstream, ws or wss: version 1 ends in /subscribe, version 2 in /xrpc/network.bsky.jetstream.subscribeEvents"`
	Compress bool            `yaml:"compress" doc:"asks a version 2 for zstd, less than half the bytes for a little more work"`
	Reposts  bool            `yaml:"reposts" doc:"reads reposts too"`
	Profiles string          `yaml:"profiles" doc:"address of the service that tells handles, names and followers of authors (app.bsky.actor.getProfiles): each author once a day, 25 a request, at most five requests a second; empty: not asked"`
	Reread   []time.Duration `yaml:"reread" doc:"ages at which a post that a brand looks for is asked for again at profiles, for its counts; empty = never"`
	Watch    int             `yaml:"watch" doc:"posts that are watched for that at once; of more, an even sample"`
	Deadline time.Duration   `yaml:"deadline" doc:"silence after which the connection is taken for dead"`
}

// DefaultConfig is one of the four public instances that Bluesky runs.
func DefaultConfig() Config {
	return Config{Endpoint: "wss://jetstream2.us-east.bsky.network/subscribe", Reposts: true, Profiles: "https://public.api.bsky.app",
		Reread: poll.DefaultAges(), Watch: 2000, Deadline: 30 * time.Second}
}

// Validate names the first setting that cannot be used.
func (c *Config) Validate() error {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "ws" && u.Scheme != "wss"):
		return errors.New("endpoint: is not an address such as wss://jetstream2.us-east.bsky.network/subscribe")
	case u.RawQuery != "":
		return errors.New("endpoint: has a query; the settings make it")
	case c.Compress && !c.second():
		return errors.New("compress: needs a version 2 endpoint: the dictionary of version 1 is not part of this program")
	case c.Profiles != "" && !isWeb(c.Profiles):
		return errors.New("profiles: is not an address such as https://public.api.bsky.app")
	case c.Deadline <= 0:
		return fmt.Errorf("deadline: is %s; give such as 30s", c.Deadline)
	case c.Watch < 0 || c.Watch > 20_000:
		return fmt.Errorf("watch: is %d; give 0 to 20000", c.Watch)
	}
	return poll.CheckAges(c.Reread)
}

func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// second reports whether the endpoint is a Jetstream of version 2.
func (c *Config) second() bool { return strings.HasSuffix(c.Endpoint, v2Path) }

const v2Path = "/xrpc/network.bsky.jetstream.subscribeEvents"
