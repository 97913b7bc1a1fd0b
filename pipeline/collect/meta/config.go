package meta

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/poll"
)

// Common is what both platforms need.
type Common struct {
	Token     pipeline.Secret `yaml:"token" doc:"access token: of a Page, of a system user, or for Instagram of a user with a role on the connected Page"`
	AppSecret pipeline.Secret `yaml:"app_secret" doc:"secret of the app: proves requests (appsecret_proof) and checks the signatures of webhooks"`
	Listen    string          `yaml:"listen" doc:"address for webhooks, such as 127.0.0.1:8461 behind a proxy with TLS; empty = none"`
	Verify    pipeline.Secret `yaml:"verify_token" doc:"verify token of the webhook, as written in the App Dashboard"`
	Every     time.Duration   `yaml:"every" doc:"distance between two rounds"`
	Depth     int             `yaml:"depth" doc:"pages that are read back at most"`
	Reread    []time.Duration `yaml:"reread" doc:"ages at which a post is read again for counts and deletes, one request each; empty = never"`
	Watch     int             `yaml:"watch" doc:"posts that are watched for that at once"`
	Endpoint  string          `yaml:"endpoint" doc:"address of the Graph API with its version"`
}

// Facebook is what an operator may set for Pages.
type Facebook struct {
	Common `yaml:",inline"`
	Pages  []string `yaml:"pages" doc:"ids or names of Pages; the name is also the channel that brands are matched with (facebook/name)"`
}

// Instagram is what an operator may set for an account.
type Instagram struct {
	Common   `yaml:",inline"`
	Account  string   `yaml:"account" doc:"id of the professional account"`
	Tags     bool     `yaml:"tags" doc:"reads media in which the account is tagged"`
	Hashtags []string `yaml:"hashtags" doc:"hashtags without #; Instagram allows 30 in seven days and shows 24 hours"`
}

func common() Common {
	return Common{Every: 5 * time.Minute, Depth: 10, Watch: 2000, Endpoint: "https://graph.facebook.com/v25.0",
		Reread: poll.DefaultAges()}
}

// DefaultFacebook polls every five minutes.
func DefaultFacebook() Facebook { return Facebook{Common: common()} }

// DefaultInstagram polls every five minutes.
func DefaultInstagram() Instagram { return Instagram{Common: common(), Tags: true} }

func (c *Common) validate() error {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return errors.New("endpoint: is not an address such as https://graph.facebook.com/v25.0")
	case c.Every < time.Second:
		return fmt.Errorf("every: is %s; give at least 1s", c.Every)
	case c.Depth < 1 || c.Depth > 100:
		return fmt.Errorf("depth: is %d; give 1 to 100", c.Depth)
	case c.Watch < 0 || c.Watch > 20_000:
		return fmt.Errorf("watch: is %d; give 0 to 20000", c.Watch)
	case c.Listen != "" && (c.AppSecret == "" || c.Verify == ""):
		return errors.New("listen: webhooks need app_secret and verify_token, or anybody could send them")
	}
	return poll.CheckAges(c.Reread)
}

// Validate names the first setting that cannot be used.
func (c *Facebook) Validate() error {
	for i, page := range c.Pages {
		if !regexp.MustCompile(`^[A-Za-z0-9.]{2,100}$`).MatchString(page) {
			return fmt.Errorf("pages[%d]: %.60q is neither an id nor a name of a Page", i, page)
		}
	}
	return c.validate()
}

// Validate names the first setting that cannot be used.
func (c *Instagram) Validate() error {
	if _, err := strconv.ParseUint(c.Account, 10, 64); c.Account != "" && err != nil {
		return fmt.Errorf("account: %.60q is not the id of a professional account, which is a number", c.Account)
	}
	if len(c.Hashtags) > 30 {
		return fmt.Errorf("hashtags: are %d; Instagram allows 30 in seven days", len(c.Hashtags))
	}
	for i, tag := range c.Hashtags {
		if !regexp.MustCompile(`^[\p{L}\p{N}_]{1,100}$`).MatchString(tag) {
			return fmt.Errorf("hashtags[%d]: %.60q is no hashtag without #", i, tag)
		}
	}
	return c.validate()
}
