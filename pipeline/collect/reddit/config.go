package reddit

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/poll"
)

// Config is what an operator may set.
type Config struct {
	ClientID   string          `yaml:"client_id" doc:"id of the application, from https://www.reddit.com/prefs/apps"`
	Secret     pipeline.Secret `yaml:"client_secret" doc:"secret of the application"`
	Subreddits []string        `yaml:"subreddits" doc:"names without r/: all of their new posts and comments"`
	Search     []string        `yaml:"search" doc:"searches of Reddit's own language over all subreddits, beside those that the brands' queries give"`
	Brands     bool            `yaml:"brands" doc:"searches for what the brands' queries ask for, and follows their channels (reddit/r/name, reddit/user)"`
	Every      time.Duration   `yaml:"every" doc:"distance between two rounds over all listings; Reddit allows 100 requests a minute"`
	Depth      int             `yaml:"depth" doc:"pages of 100 that are read back at most; Reddit shows ten"`
	Reread     []time.Duration `yaml:"reread" doc:"ages at which a post is read again for counts, edits and deletes; empty = never"`
	Watch      int             `yaml:"watch" doc:"posts that are watched for that at once; of more, an even sample"`
	Endpoint   string          `yaml:"endpoint" doc:"address of the API"`
	SignIn     string          `yaml:"sign_in" doc:"address that gives tokens"`
}

// DefaultConfig keeps Reddit's duty: what was removed is noticed within two days.
func DefaultConfig() Config {
	return Config{
		Brands: true, Every: time.Minute, Depth: 10,
		Reread: []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 47 * time.Hour, 7 * 24 * time.Hour}, Watch: 20_000,
		Endpoint: "https://oauth.reddit.com", SignIn: "https://www.reddit.com/api/v1/access_token",
	}
}

// name is the form of a subreddit's name.
func validName(name string) bool { return regexp.MustCompile(`^[A-Za-z0-9_]{2,50}$`).MatchString(name) }

// Validate names the first setting that cannot be used.
func (c *Config) Validate() error {
	for _, a := range []struct{ key, value string }{{"endpoint", c.Endpoint}, {"sign_in", c.SignIn}} {
		if u, err := url.Parse(a.value); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			return fmt.Errorf("%s: is not an address such as https://oauth.reddit.com", a.key)
		}
	}
	for i, name := range c.Subreddits {
		if !validName(name) {
			return fmt.Errorf("subreddits[%d]: %.60q is not a name such as golang, without r/", i, name)
		}
	}
	switch {
	case c.Every < time.Second:
		return fmt.Errorf("every: is %s; give at least 1s", c.Every)
	case c.Depth < 1 || c.Depth > 10:
		return fmt.Errorf("depth: is %d; give 1 to 10, since Reddit shows about 1,000 entries", c.Depth)
	case c.Watch < 0 || c.Watch > 100_000:
		return fmt.Errorf("watch: is %d; give 0 to 100000", c.Watch)
	}
	return poll.CheckAges(c.Reread)
}

// signedIn reports what is missing before anything can be asked for.
func (c *Config) signedIn() error {
	if c.ClientID == "" || c.Secret == "" {
		return errors.New("client_id and client_secret are needed: register an application of type script at https://www.reddit.com/prefs/apps")
	}
	return nil
}
