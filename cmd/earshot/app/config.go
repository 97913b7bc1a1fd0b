package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"earshot/cmd/earshot/app/settings"
	"earshot/dashboards/grafana"
	"earshot/enrich"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// Config is the whole configuration, as earshot.yaml holds it. Each room brings its
// own part; what is said here is how they are put together.
type Config struct {
	Data       string                 `yaml:"data" env:"EARSHOT_DATA_DIR" doc:"directory of the embedded broker and ClickHouse; not used where both are configured below"`
	Roles      []string               `yaml:"roles" enum:"collect,enrich,detect,web" doc:"what this process does: collect reads sources into Kafka, enrich reads Kafka into ClickHouse, detect looks there for what is unusual and tells people, and computes who carries the talk, web shows the boards; each scales alone"`
	Simulate   string                 `yaml:"simulate" enum:"auto,on,off" doc:"a simulated market, always labelled and in a database of its own; auto: if no source is configured"`
	Public     string                 `yaml:"public" enum:"on,off" doc:"open platforms that need no credentials, if no source is configured; make run sets it"`
	Brands     []Brand                `yaml:"brands" doc:"what counts as a mention of whom"`
	Sources    []Source               `yaml:"sources" doc:"what is collected"`
	HTTP       client.Config          `yaml:"http" doc:"how sources reach their platforms"`
	Kafka      kafka.Config           `yaml:"kafka" doc:"the stream of posts"`
	ClickHouse clickhouse.Config      `yaml:"clickhouse" doc:"where posts and mentions are stored"`
	Archive    clickhouse.Archive     `yaml:"archive" doc:"how long raw posts are kept"`
	Erase      time.Duration          `yaml:"erase_within" env:"EARSHOT_ERASE_WITHIN" doc:"by when the words of deleted posts and accounts have left every table, after we learned of the delete; Kafka keeps them for kafka.retention and an eighth more"`
	Language   enrich.LanguageConfig  `yaml:"language" doc:"how the language of a post is found"`
	Sentiment  enrich.SentimentConfig `yaml:"sentiment" doc:"how the sentiment of a mention is found"`
	Pseudonyms Pseudonyms             `yaml:"pseudonyms" doc:"authors by keyed hashes"`
	Alerts     Alerts                 `yaml:"alerts" doc:"what is unusual, and who is told of it"`
	Disk       Disk                   `yaml:"disk" doc:"room that stays free"`
	Web        WebConfig              `yaml:"web" doc:"the boards in a browser, for a first look"`
	Grafana    grafana.Config         `yaml:"grafana" doc:"the Grafana into which earshot dashboards apply brings the boards"`
	Monitor    Monitor                `yaml:"monitor" doc:"how the program is watched from outside"`
	Log        Log                    `yaml:"log" doc:"what the program says about itself, on standard error"`

	Invocation string `yaml:"-"` // how to call the program with this configuration, for advice
	File       string `yaml:"-"` // that was read, whether it is there or not
	Hooks      Hooks  `yaml:"-"` // set by tests alone

	Reload func() (*Config, error) `yaml:"-"` // reads it again; nil without a file
}

// Log says how much is logged, and in which form.
type Log struct {
	Level  string `yaml:"level" enum:"debug,info,warn,error" doc:"least important kind of message that is shown; texts of posts appear at debug alone"`
	Format string `yaml:"format" enum:"auto,text,json" doc:"auto: text in a terminal, else JSON, one object a line"`
}

// The roles of a process.
const (
	RoleCollect = "collect"
	RoleEnrich  = "enrich"
	RoleDetect  = "detect"
	RoleWeb     = "web"
)

// DefaultConfig needs nothing installed and nothing configured.
func DefaultConfig() *Config {
	return &Config{
		Data:       "./earshot-data",
		Roles:      []string{RoleCollect, RoleEnrich, RoleDetect, RoleWeb},
		Simulate:   "auto",
		Public:     "off",
		HTTP:       client.DefaultConfig(),
		Kafka:      kafka.DefaultConfig(),
		ClickHouse: clickhouse.DefaultConfig(),
		Archive:    clickhouse.DefaultArchive(),
		Erase:      24 * time.Hour,
		Language:   enrich.DefaultLanguageConfig(),
		Sentiment:  enrich.DefaultSentimentConfig(),
		Alerts:     DefaultAlerts(),
		Disk:       Disk{ReserveMB: 1024},
		Web:        DefaultWebConfig(),
		Monitor:    DefaultMonitor(),
		Log:        Log{Level: "info", Format: "auto"},
	}
}

// LoadConfig reads the content of a file over the defaults, and the environment over
// both. The error holds every mistake (settings.Problems).
func LoadConfig(name string, content []byte, environ []string) (*Config, error) {
	cfg := DefaultConfig()
	if problems := settings.Load(name, content, environ, cfg); len(problems) > 0 {
		return nil, failure(ExitConfiguration, problems)
	}
	return cfg, nil
}

// Validate checks what no room can check alone.
func (c *Config) Validate() error {
	var all []error
	bad := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	if c.Data == "" {
		bad("data: is empty; name a directory")
	}
	if len(c.Roles) == 0 {
		bad("roles: is empty; name at least one of %s, %s, %s, %s", RoleCollect, RoleEnrich, RoleDetect, RoleWeb)
	}
	if c.Erase < time.Hour || c.Erase > 30*24*time.Hour {
		bad("erase_within: %s is not between 1h and 720h", c.Erase)
	}
	brands := map[string]bool{}
	for i, b := range c.Brands {
		key := strings.ToLower(b.Name)
		if brands[key] {
			bad("brands[%d].name: two brands are named %q; rename one", i, b.Name)
		}
		brands[key] = true
		if strings.TrimSpace(b.Name) == "" {
			bad("brands[%d].name: is missing", i)
		}
		if _, err := b.Compile(); err != nil {
			for _, mistake := range brandErrors(err) {
				bad("brands[%d].%w", i, mistake)
			}
		}
	}
	sources := map[string]bool{}
	for i, s := range c.Sources {
		if sources[s.Name] {
			bad("sources[%d].name: two sources are named %q; rename one", i, s.Name)
		}
		sources[s.Name] = true
	}
	return errors.Join(all...)
}

// Source is one entry of sources: a name, a type, and the settings of that type.
type Source struct {
	Name string `yaml:"name" doc:"unique for ever: what was read so far and what was missed go by it"`
	Type string `yaml:"type" doc:"what it reads; the settings below depend on it"`

	settings map[string]any // by type, each a pointer to its Config
}

// Validate checks the name; the settings check themselves.
func (s *Source) Validate() error {
	switch {
	case s.Name == "":
		return errors.New("name: is missing")
	case len(s.Name) > 100 || strings.ContainsAny(s.Name, "\x00\n\r\t"):
		return fmt.Errorf("name: %.40q is longer than 100 bytes or has control characters", s.Name)
	case strings.HasPrefix(s.Name, importPrefix):
		return fmt.Errorf("name: %q begins with %q, which `earshot import` uses", s.Name, importPrefix)
	}
	return nil
}
