package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
)

// Answer is what a receiver said.
type Answer struct {
	Code   int
	Header http.Header
	Body   []byte // its beginning
}

// Poster sends a request to the outside and follows no redirect.
type Poster interface {
	Post(ctx context.Context, address string, header http.Header, body []byte) (Answer, error)
}

// Dialer opens connections to the outside.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Way sends messages to the people behind a channel.
type Way interface {
	Send(ctx context.Context, m *Message) error
	// Folds reports whether the receiver keeps the state of each incident by its key: then
	// only the latest of an incident matters, and a digest is nothing for it.
	Folds() bool
}

// RefusedError says that repeating cannot help.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return e.Why }

// LaterError says that the receiver wants to be left alone for a while.
type LaterError struct {
	Until time.Time
	Why   string
}

func (e *LaterError) Error() string { return e.Why }

// NewWay makes the way of a channel.
func NewWay(c Channel, post Poster, dial Dialer) (Way, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("notify: channel %s: %w", c.Name, err)
	}
	switch c.Type {
	case "webhook":
		return &webhook{c, post, time.Now}, nil
	case "slack":
		return &slack{c, post}, nil
	case "pagerduty":
		return &pagerduty{c, post}, nil
	case "alertmanager":
		return &alertmanager{c, post}, nil
	}
	return newMail(c, dial)
}

// send posts JSON and reads the answer as all four do: 2xx is taken, 408, 425, 429 and 5xx
// may go well later, all else never will.
func send(ctx context.Context, post Poster, address string, header http.Header, body []byte) error {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	a, err := post.Post(ctx, address, header, body)
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	why := fmt.Sprintf("notify: the receiver answers %d %.200s", a.Code, bytes.TrimSpace(a.Body))
	switch {
	case a.Code >= 200 && a.Code < 300:
		return nil
	case a.Code == http.StatusTooManyRequests || a.Code == http.StatusServiceUnavailable:
		if until := retryAfter(a.Header.Get("Retry-After")); !until.IsZero() {
			return &LaterError{until, why}
		}
		return errors.New(why)
	case a.Code == http.StatusRequestTimeout, a.Code == http.StatusTooEarly, a.Code >= 500:
		return errors.New(why)
	}
	return &RefusedError{why}
}

// retryAfter reads RFC 9110, 10.2.3; nobody may hold a page back for more than an hour.
func retryAfter(s string) time.Time {
	until := time.Time{}
	if seconds, err := strconv.Atoi(s); err == nil && seconds >= 0 {
		until = time.Now().Add(time.Duration(min(seconds, 3600)) * time.Second)
	} else if at, err := http.ParseTime(s); err == nil {
		until = at
	}
	if most := time.Now().Add(time.Hour); until.After(most) {
		return most
	}
	return until
}

// webhook posts the message as it is, signed.
type webhook struct {
	c    Channel
	post Poster
	now  func() time.Time
}

func (w *webhook) Folds() bool { return false }

// Send signs the time and the body, so that nobody can say it again later: the header
// Earshot-Signature is t=SECONDS,v1=HEX of HMAC-SHA256(secret, SECONDS + "." + body).
func (w *webhook) Send(ctx context.Context, m *Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return &RefusedError{"notify: " + err.Error()}
	}
	header := http.Header{}
	header.Set("Earshot-Signature", Sign(w.c.Secret, w.now(), body))
	header.Set("Idempotency-Key", m.ID)
	return send(ctx, w.post, w.c.URL.Reveal(), header, body)
}

// Sign makes the signature of a webhook.
func Sign(secret pipeline.Secret, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// slack posts to an incoming webhook.
type slack struct {
	c    Channel
	post Poster
}

func (s *slack) Folds() bool { return false }

// Slack cuts texts of more than 40,000 characters, and sections of more than 3,000.
const slackSection = 2900

// Send writes plain text: what strangers said must neither become a link nor call a channel.
func (s *slack) Send(ctx context.Context, m *Message) error {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	text := m.Text
	if r := []rune(text); len(r) > slackSection {
		text = string(r[:slackSection]) + " …"
	}
	body, err := json.Marshal(map[string]any{
		"text": escape.Replace(m.Title),
		"blocks": []any{
			map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": "*" + strings.ReplaceAll(escape.Replace(m.Title), "*", "∗") + "*", "verbatim": true}},
			map[string]any{"type": "section", "text": map[string]any{"type": "plain_text", "text": text, "emoji": false}},
		},
	})
	if err != nil {
		return &RefusedError{"notify: " + err.Error()}
	}
	return send(ctx, s.post, s.c.URL.Reveal(), nil, body)
}

// pagerduty speaks the Events API v2.
type pagerduty struct {
	c    Channel
	post Poster
}

const pagerdutyEvents = "https://events.pagerduty.com/v2/enqueue"

func (p *pagerduty) Folds() bool { return true }

// Send triggers or resolves by the key of the incident.
func (p *pagerduty) Send(ctx context.Context, m *Message) error {
	address := pagerdutyEvents
	if p.c.URL != "" {
		address = p.c.URL.Reveal()
	}
	for i := range m.Incidents {
		n := &m.Incidents[i]
		event := map[string]any{"routing_key": p.c.Secret.Reveal(), "dedup_key": n.ID, "event_action": "trigger"}
		switch {
		case n.State == pipeline.IncidentResolved:
			event["event_action"] = "resolve"
		case n.Ack.Known():
			event["event_action"] = "acknowledge"
		default:
			title := m.Title
			if len(title) > 1024 {
				title = strings.ToValidUTF8(title[:1024], "")
			}
			source := n.Brand
			if source == "" {
				source = n.Source
			}
			event["payload"] = map[string]any{"summary": title, "source": source, "severity": string(n.Severity), "timestamp": n.Opened,
				"component": "earshot", "class": string(n.Main().Kind), "custom_details": map[string]any{"text": m.Text}}
			var links []any
			for text, href := range map[string]string{"Board": n.Link, "Take note of it": m.Ack} {
				if href != "" {
					links = append(links, map[string]any{"href": href, "text": text})
				}
			}
			if links != nil {
				event["links"] = links
			}
		}
		body, err := json.Marshal(event)
		if err != nil {
			return &RefusedError{"notify: " + err.Error()}
		}
		if err := send(ctx, p.post, address, nil, body); err != nil {
			return err
		}
	}
	return nil
}

// alertmanager posts to API v2. Silences and escalation are its business.
type alertmanager struct {
	c    Channel
	post Poster
}

func (a *alertmanager) Folds() bool { return true }

// firing is how long an alert counts as firing unless we say that it is over: without an
// end Alertmanager would resolve it after five minutes.
const firing = 7 * 24 * time.Hour

// Send posts the state of incidents. The labels name the incident, so the same one folds.
func (a *alertmanager) Send(ctx context.Context, m *Message) error {
	alerts := make([]any, len(m.Incidents))
	for i := range m.Incidents {
		n := &m.Incidents[i]
		ends := n.Updated.Time().Add(firing)
		if n.State == pipeline.IncidentResolved {
			ends = n.Resolved.Time()
			if !ends.After(n.Opened.Time()) {
				ends = n.Opened.Time().Add(time.Second)
			}
		}
		labels := map[string]string{"alertname": "Earshot", "incident": n.ID}
		for name, value := range map[string]string{"brand": n.Brand, "source": n.Source} {
			if value != "" {
				labels[name] = value
			}
		}
		if m.Test {
			labels["test"] = "true"
		}
		alerts[i] = map[string]any{"labels": labels, "startsAt": n.Opened, "endsAt": ends.Format(time.RFC3339), "generatorURL": n.Link,
			"annotations": map[string]string{"summary": m.Title, "description": m.Text, "severity": string(n.Severity), "acknowledge": m.Ack}}
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		return &RefusedError{"notify: " + err.Error()}
	}
	u, err := url.JoinPath(a.c.URL.Reveal(), "/api/v2/alerts")
	if err != nil {
		return &RefusedError{"notify: url: cannot be joined"}
	}
	return send(ctx, a.post, u, nil, body)
}
