package mastodon

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/poll"
)

// Config is what an operator may set.
type Config struct {
	Server    string          `yaml:"server" doc:"address of the server, such as https://mastodon.social"`
	Token     pipeline.Secret `yaml:"token" doc:"access token of a user of the server, with the scope read:statuses"`
	Stream    string          `yaml:"stream" enum:"public,public:local,public:remote,hashtag" doc:"which posts: all that the server knows, those of its own people, those of others, or those with the hashtag"`
	Hashtag   string          `yaml:"hashtag" doc:"without #, for the stream hashtag"`
	Transport string          `yaml:"transport" enum:"sse,websocket" doc:"how the stream comes"`
	Backfill  int             `yaml:"backfill" doc:"most pages of 40 posts that are read after a pause; what is beyond is a gap"`
	Reread    []time.Duration `yaml:"reread" doc:"ages at which a post that a brand looks for is read again for counts and edits; empty = never"`
	Watch     int             `yaml:"watch" doc:"posts that are watched for that at once; of more, an even sample"`
	Deadline  time.Duration   `yaml:"deadline" doc:"silence after which the connection is taken for dead; servers beat every 15 s"`
}

// DefaultConfig is the public stream of a server that is to be named.
func DefaultConfig() Config {
	return Config{Stream: "public", Transport: "sse", Backfill: 100, Deadline: time.Minute,
		Reread: poll.DefaultAges(), Watch: 2000}
}

// Validate names the settings that cannot be used.
func (c *Config) Validate() error {
	var all []error
	wrong := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	u, err := url.Parse(c.Server)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		wrong("server: is not an address such as https://mastodon.social")
	}
	if c.Token == "" {
		wrong("token: is missing; servers stream to signed-in users alone (Preferences > Development > New application)")
	}
	if (c.Stream == "hashtag") != (c.Hashtag != "") {
		wrong("hashtag: is given with the stream hashtag, and with no other")
	}
	if strings.ContainsAny(c.Hashtag, "#/?& ") {
		wrong("hashtag: %.40q is not a word without #", c.Hashtag)
	}
	if c.Backfill < 1 || c.Backfill > 10_000 {
		wrong("backfill: is %d; give 1 to 10000 pages", c.Backfill)
	}
	if c.Deadline <= 0 {
		wrong("deadline: is %s; give such as 1m", c.Deadline)
	}
	if c.Watch < 0 || c.Watch > 20_000 {
		wrong("watch: is %d; give 0 to 20000", c.Watch)
	}
	if err := poll.CheckAges(c.Reread); err != nil {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// query of the stream.
func (c *Config) query() url.Values {
	q := url.Values{"stream": {c.Stream}}
	if c.Hashtag != "" {
		q.Set("tag", c.Hashtag)
	}
	return q
}

// timeline is the REST address that holds what the stream brings.
func (c *Config) timeline() (path string, q url.Values) {
	q = url.Values{"limit": {"40"}}
	switch c.Stream {
	case "public:local":
		q.Set("local", "true")
	case "public:remote":
		q.Set("remote", "true")
	case "hashtag":
		return "/api/v1/timelines/tag/" + url.PathEscape(c.Hashtag), q
	}
	return "/api/v1/timelines/public", q
}
