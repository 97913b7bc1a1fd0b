package app

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"earshot/pipeline"
	"earshot/pipeline/detect"
	"earshot/pipeline/detect/notify"
)

// Alerts says what is unusual, and who is told.
type Alerts struct {
	Detector     detect.Config        `yaml:"detector" doc:"what is unusual; earshot alert tune chooses the threshold for a number of pages a week"`
	Kinds        []pipeline.AlertKind `yaml:"kinds" enum:"volume,drop,negative,reach,cascade,topic,rival,coverage" doc:"what is looked for"`
	Channels     []notify.Channel     `yaml:"channels" doc:"who is told, and how; without any, incidents stand in the table alerts alone"`
	AllowPrivate bool                 `yaml:"allow_private" doc:"lets channels reach loopback and private addresses, such as an Alertmanager beside it"`
	Board        string               `yaml:"board" doc:"address of a board, with {brand}, {from} and {to} (milliseconds) in it, for the link of an incident"`
	Listen       string               `yaml:"listen" doc:"loopback host:port where links to take note of an incident are served; empty: no such links"`
	Base         string               `yaml:"base" doc:"how people reach that port, such as https://alerts.example.org; default: http:// and the port itself"`
	Secret       pipeline.Secret      `yaml:"secret" doc:"key by which these links are signed; needed with listen"`
}

// DefaultAlerts look for everything and tell nobody.
func DefaultAlerts() Alerts {
	return Alerts{Detector: detect.DefaultConfig(), Kinds: pipeline.AlertKinds()}
}

// Validate checks what no channel can check alone.
func (a Alerts) Validate() error {
	var all []error
	seen := map[string]bool{}
	for i, c := range a.Channels {
		if seen[c.Name] {
			all = append(all, fmt.Errorf("channels[%d].name: two channels are named %q; rename one", i, c.Name))
		}
		seen[c.Name] = true
	}
	if a.Listen != "" {
		if !loopback(a.Listen) {
			all = append(all, fmt.Errorf("listen: %q is not host:port of this machine alone, as 127.0.0.1:9465; put a proxy before it", a.Listen))
		}
		if len(a.Secret) < 16 {
			all = append(all, errors.New("secret: has less than 16 bytes; anybody could sign links: try `openssl rand -hex 32`"))
		}
	}
	for name, text := range map[string]string{"base": a.Base, "board": strings.NewReplacer("{", "", "}", "").Replace(a.Board)} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			all = append(all, fmt.Errorf("%s: %q does not begin with https:// or http:// and a host", name, text))
		}
	}
	return errors.Join(all...)
}

// board is the link to what is seen of an incident.
func (a Alerts) board(i *pipeline.Incident) string {
	if a.Board == "" {
		return ""
	}
	const before = 6 * 60 * 60 * 1000
	return strings.NewReplacer("{brand}", url.QueryEscape(i.Brand), "{from}", fmt.Sprint(int64(i.Opened)-before),
		"{to}", fmt.Sprint(int64(i.Updated)+60*60*1000)).Replace(a.Board)
}

// channel finds a channel by its name.
func (a Alerts) channel(name string) (notify.Channel, error) {
	var names []string
	for _, c := range a.Channels {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	if len(names) == 0 {
		return notify.Channel{}, fmt.Errorf("no channel is configured; write one under alerts.channels (docs/alerts.md)")
	}
	return notify.Channel{}, fmt.Errorf("no channel is named %q; there are %s", name, strings.Join(names, ", "))
}
