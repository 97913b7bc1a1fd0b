package weibo

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/budget"
	"earshot/pipeline/collect/poll"
)

// Config is what an operator may set.
type Config struct {
	Token    pipeline.Secret `yaml:"token" doc:"access token of an account that has authorised the application"`
	Feeds    []string        `yaml:"feeds" doc:"what is read: mentions, comments, comment_mentions, posts (of the account), home (of whom it follows)"`
	Keywords []string        `yaml:"keywords" doc:"searches; partner access only"`
	Business bool            `yaml:"business" doc:"uses the paths of the business interface (…/biz.json); set endpoint to https://c.api.weibo.com/2 with it"`
	Every    time.Duration   `yaml:"every" doc:"distance between two rounds; Weibo asks for three to five minutes"`
	Depth    int             `yaml:"depth" doc:"pages that are read back at most"`
	Reread   []time.Duration `yaml:"reread" doc:"ages at which the counts of a post are read again; empty = never"`
	Watch    int             `yaml:"watch" doc:"posts that are watched for that at once"`
	Budget   budget.Config   `yaml:"budget" doc:"requests; an application of the lowest level has about 100 a day and account"`
	Endpoint string          `yaml:"endpoint" doc:"address of the API"`
}

// DefaultConfig stays within the lowest level.
func DefaultConfig() Config {
	return Config{Feeds: []string{"mentions", "comments"}, Every: 30 * time.Minute, Depth: 5, Watch: 5000,
		Budget: budget.Config{Reads: 100, Period: budget.Day}, Endpoint: "https://api.weibo.com/2"}
}

// feed is a listing of the account.
type feed struct{ path, list string }

func feeds() map[string]feed {
	return map[string]feed{
		"mentions":         {"statuses/mentions", "statuses"},
		"posts":            {"statuses/user_timeline", "statuses"},
		"home":             {"statuses/home_timeline", "statuses"},
		"comments":         {"comments/to_me", "comments"},
		"comment_mentions": {"comments/mentions", "comments"},
	}
}

// Validate names the first setting that cannot be used.
func (c *Config) Validate() error {
	known := feeds()
	for i, name := range c.Feeds {
		if _, ok := known[name]; !ok {
			return fmt.Errorf("feeds[%d]: %.40q is unknown; known are %s", i, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return errors.New("endpoint: is not an address such as https://api.weibo.com/2")
	case c.Every < time.Second:
		return fmt.Errorf("every: is %s; give at least 1s", c.Every)
	case c.Depth < 1 || c.Depth > 20:
		return fmt.Errorf("depth: is %d; give 1 to 20", c.Depth)
	case c.Watch < 0 || c.Watch > 100_000:
		return fmt.Errorf("watch: is %d; give 0 to 100000", c.Watch)
	}
	if err := poll.CheckAges(c.Reread); err != nil {
		return err
	}
	if err := c.Budget.Validate(); err != nil {
		return fmt.Errorf("budget.%w", err)
	}
	return nil
}
