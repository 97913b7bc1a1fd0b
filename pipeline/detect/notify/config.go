package notify

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strings"

	"earshot/pipeline"
)

// Channel is one way to some people.
type Channel struct {
	Name        string            `yaml:"name" doc:"unique: what was sent goes by it"`
	Type        string            `yaml:"type" enum:"webhook,slack,email,pagerduty,alertmanager" doc:"webhook: signed JSON to url; slack: an incoming webhook; email: SMTP; pagerduty: Events API v2; alertmanager: API v2"`
	URL         pipeline.Secret   `yaml:"url" doc:"of a webhook, of Slack's incoming webhook, or of the Alertmanager (http://host:9093); pagerduty: only if it is not https://events.pagerduty.com"`
	Secret      pipeline.Secret   `yaml:"secret" doc:"webhook: key of the signature (HMAC-SHA256); pagerduty: the integration key"`
	SMTP        string            `yaml:"smtp" doc:"email: host:port of the mail server; 465 is TLS from the start, any other must offer STARTTLS"`
	User        string            `yaml:"user" doc:"email: user of the mail server; empty: none"`
	Password    pipeline.Secret   `yaml:"password" doc:"email: its password"`
	From        string            `yaml:"from" doc:"email: sender"`
	To          []string          `yaml:"to" doc:"email: recipients"`
	CAFile      string            `yaml:"ca_file" doc:"email: certificate authority of the mail server; default: the system's"`
	Brands      []string          `yaml:"brands" doc:"only incidents of these brands, and their competitors'; empty: all"`
	MinSeverity pipeline.Severity `yaml:"min_severity" enum:"info,warning,critical" doc:"least severity that is sent at once; default: warning"`
	Digest      []string          `yaml:"digest" enum:"daily,weekly" doc:"summary of all incidents of the day before, or of the week before, at 08:00 UTC"`
}

// Validate names each field that is wrong.
func (c Channel) Validate() error {
	var all []error
	bad := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	if c.Name == "" || len(c.Name) > 100 || strings.ContainsAny(c.Name, "\x00\n\r\t/") {
		bad("name: %.40q is empty, longer than 100 bytes, or has a slash or control characters", c.Name)
	}
	needURL := false
	switch c.Type {
	case "webhook":
		needURL = true
		if c.Secret == "" {
			bad("secret: is missing: without a signature the receiver cannot know who speaks")
		}
	case "slack", "alertmanager":
		needURL = true
	case "pagerduty":
		if c.Secret == "" {
			bad("secret: is missing: the integration key of the service")
		}
	case "email":
		all = append(all, c.validateMail())
	default:
		bad("type: %q is not known; one of webhook, slack, email, pagerduty, alertmanager", c.Type)
	}
	if needURL || c.URL != "" {
		if u, err := url.Parse(c.URL.Reveal()); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			bad("url: is not an address that begins with https:// or http://")
		}
	}
	return errors.Join(all...)
}

func (c Channel) validateMail() error {
	var all []error
	if host, port, err := net.SplitHostPort(c.SMTP); err != nil || host == "" || port == "" {
		all = append(all, fmt.Errorf("smtp: %q is not host:port", c.SMTP))
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		all = append(all, fmt.Errorf("from: %q is not an address", c.From))
	}
	if len(c.To) == 0 {
		all = append(all, errors.New("to: is empty; name at least one recipient"))
	}
	for _, to := range c.To {
		if _, err := mail.ParseAddress(to); err != nil {
			all = append(all, fmt.Errorf("to: %q is not an address", to))
		}
	}
	return errors.Join(all...)
}

// least is the least severity that is sent at once.
func (c Channel) least() pipeline.Severity {
	if c.MinSeverity == "" {
		return pipeline.SeverityWarning
	}
	return c.MinSeverity
}
