package x

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/budget"
	"earshot/pipeline/collect/poll"
)

// Config is what an operator may set.
type Config struct {
	Token      pipeline.Secret `yaml:"token" doc:"bearer token of an App, from the Developer Console under Keys and tokens"`
	Brands     bool            `yaml:"brands" doc:"rules for what the brands' queries ask for, and for their channels (x/handle)"`
	Rules      []string        `yaml:"rules" doc:"rules of X's own language beside them"`
	MaxRules   int             `yaml:"max_rules" doc:"rules that the access level allows: 1000 pay-per-use, 25000 Enterprise"`
	RuleLength int             `yaml:"rule_length" doc:"characters of a rule that the access level allows: 1024 pay-per-use, 2048 Enterprise"`
	Search     bool            `yaml:"search" doc:"fills what the stream missed by recent search, which reaches back seven days"`
	QueryLen   int             `yaml:"query_length" doc:"characters of a search that the access level allows: 512 pay-per-use, 4096 Enterprise"`
	History    time.Duration   `yaml:"history" doc:"how far back the very first start searches, at most 7d"`
	Budget     budget.Config   `yaml:"budget" doc:"paid reads"`
	Reread     []time.Duration `yaml:"reread" doc:"ages at which a post is looked up again for counts, edits and deletes, each a paid read; empty = never"`
	Watch      int             `yaml:"watch" doc:"posts that are watched for that at once"`
	Compliance bool            `yaml:"compliance" doc:"follows the compliance streams, which tell of deleted posts and accounts; Enterprise access only"`
	Deadline   time.Duration   `yaml:"deadline" doc:"silence after which the stream is taken for dead; X sends a sign of life every 20 s"`
	Endpoint   string          `yaml:"endpoint" doc:"address of the API"`
}

// DefaultConfig reads ten thousand posts a month and no more.
func DefaultConfig() Config {
	return Config{
		Brands: true, MaxRules: 1000, RuleLength: 1024, Search: true, QueryLen: 512,
		Budget: budget.Config{Reads: 10_000, Period: budget.Month}, Watch: 5000,
		Deadline: 30 * time.Second, Endpoint: "https://api.x.com",
	}
}

// recent is how far back recent search reaches.
const recent = 7 * 24 * time.Hour

// Validate names the first setting that cannot be used.
func (c *Config) Validate() error {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return errors.New("endpoint: is not an address such as https://api.x.com")
	case c.MaxRules < 1 || c.MaxRules > 100_000:
		return fmt.Errorf("max_rules: is %d; give 1 to 100000", c.MaxRules)
	case c.RuleLength < 64 || c.RuleLength > 4096:
		return fmt.Errorf("rule_length: is %d; give 64 to 4096", c.RuleLength)
	case c.QueryLen < 64 || c.QueryLen > 4096:
		return fmt.Errorf("query_length: is %d; give 64 to 4096", c.QueryLen)
	case c.History < 0 || c.History > recent:
		return fmt.Errorf("history: is %s; recent search reaches back 7d", c.History)
	case c.Deadline <= 0:
		return fmt.Errorf("deadline: is %s; give such as 30s", c.Deadline)
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
