package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// direct posts without any guard.
type direct struct{ client *http.Client }

func newDirect(t *testing.T) direct {
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(c.CloseIdleConnections)
	return direct{c}
}

func (d direct) Post(ctx context.Context, address string, header http.Header, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(string(body)))
	if err != nil {
		return Answer{}, err
	}
	req.Header = header
	res, err := d.client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close() //nolint:errcheck // a test
	text, err := io.ReadAll(res.Body)
	return Answer{res.StatusCode, res.Header, text}, err
}

// platform is a receiver that speaks a documented protocol, and has bad days: it answers
// as it is told, then as it should.
type platform struct {
	*httptest.Server
	mu    sync.Mutex
	bad   []func(http.ResponseWriter)
	taken []string // path and body of what was taken
	heads []http.Header
	check func(*http.Request, []byte) error // what its documents ask
}

func newPlatform(t *testing.T, check func(*http.Request, []byte) error) *platform {
	p := &platform{check: check}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if !assert.NoError(t, err) {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.bad) > 0 {
			day := p.bad[0]
			p.bad = p.bad[1:]
			day(w)
			return
		}
		if err := p.check(r, body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.taken, p.heads = append(p.taken, r.URL.Path+" "+string(body)), append(p.heads, r.Header)
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(p.Close)
	return p
}

func status(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, "a bad day", code)
	}
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// sample is an incident whose words come from strangers.
func sample(state pipeline.IncidentState) pipeline.Incident {
	at := pipeline.Time(1_760_000_000_000)
	i := pipeline.Incident{ID: "0123456789abcdef", Brand: "Acme", State: state, Severity: pipeline.SeverityCritical, Opened: at, Updated: at + 60_000, Revision: 1,
		Evidence: []pipeline.Evidence{
			{Kind: pipeline.AlertVolume, At: at, Minutes: 30, Observed: 1200, Expected: 80.5, Low: 50, High: 120, Chance: 1e-200, Score: 3},
			{Kind: pipeline.AlertTopic, At: at, Minutes: 120, Observed: 90, Expected: 0.5, Chance: 1e-20, Score: 1.5, Subject: "boycott\r\nBcc: x@y.z"},
		},
		Explanation: pipeline.Explanation{From: at, To: at + 60_000, Mentions: 1200, Expected: 80, Voices: 900, VoicesExpected: 70, Bots: 0.1, Blind: []string{"bluesky"},
			Platforms: []pipeline.Part{{Name: "bluesky", Mentions: 1000, Expected: 60}},
			Posts:     []pipeline.Carrier{{Platform: "bluesky", ID: "1", Author: "<!channel>", Text: "<https://evil|click> & *bold*\r\n.\r\nDATA", Engagement: 12, URL: "https://x/1"}}},
		Link: "https://boards/acme"}
	if state == pipeline.IncidentResolved {
		i.Resolved = at + 3_600_000
	}
	return i
}

func message(state pipeline.IncidentState) *Message {
	i := sample(state)
	event := Opened
	if state == pipeline.IncidentResolved {
		event = Resolved
	}
	m := &Message{Key: i.ID, ID: i.ID + "/1/x", Event: event, At: i.Opened, Ack: "https://ack/1", Incidents: []pipeline.Incident{i}}
	m.write()
	return m
}

func field(body []byte, path ...string) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	for _, p := range path {
		if list, ok := v.([]any); ok && len(list) > 0 {
			v = list[0]
		}
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[p]
	}
	return fmt.Sprint(v)
}

// documented are the receivers, each with what its documents ask of a request.
func documented() map[string]struct {
	channel Channel
	check   func(*http.Request, []byte) error
} {
	want := func(all ...bool) error {
		for n, ok := range all {
			if !ok {
				return fmt.Errorf("condition %d of the protocol is not met", n)
			}
		}
		return nil
	}
	return map[string]struct {
		channel Channel
		check   func(*http.Request, []byte) error
	}{
		"webhook": {Channel{Name: "x", Type: "webhook", Secret: "s3cret"}, func(r *http.Request, body []byte) error {
			var at int64
			var mac string
			_, err := fmt.Sscanf(r.Header.Get("Earshot-Signature"), "t=%d,v1=%s", &at, &mac)
			return errors.Join(err, want(Sign("s3cret", time.Unix(at, 0), body) == r.Header.Get("Earshot-Signature"), time.Since(time.Unix(at, 0)) < time.Minute,
				field(body, "key") == "0123456789abcdef", r.Header.Get("Idempotency-Key") == "0123456789abcdef/1/x"))
		}},
		// https://api.slack.com/messaging/webhooks
		"slack": {Channel{Name: "x", Type: "slack"}, func(r *http.Request, body []byte) error {
			return want(r.Header.Get("Content-Type") == "application/json", field(body, "text") != "", field(body, "blocks", "type") == "section",
				!strings.Contains(field(body, "text"), "<!"), len(field(body, "blocks", "text", "text")) <= 3000)
		}},
		// https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
		"pagerduty": {Channel{Name: "x", Type: "pagerduty", Secret: "R0UT1NG"}, func(_ *http.Request, body []byte) error {
			action := field(body, "event_action")
			return want(field(body, "routing_key") == "R0UT1NG", field(body, "dedup_key") == "0123456789abcdef", action == "resolve" ||
				action == "trigger" && field(body, "payload", "summary") != "" && field(body, "payload", "source") == "Acme" && field(body, "payload", "severity") == "critical" &&
					field(body, "links", "href") != "")
		}},
		// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
		"alertmanager": {Channel{Name: "x", Type: "alertmanager"}, func(r *http.Request, body []byte) error {
			starts, err1 := time.Parse(time.RFC3339, field(body, "startsAt"))
			ends, err2 := time.Parse(time.RFC3339, field(body, "endsAt"))
			return errors.Join(err1, err2, want(r.URL.Path == "/am/api/v2/alerts", field(body, "labels", "alertname") == "Earshot",
				field(body, "labels", "incident") == "0123456789abcdef", ends.After(starts), field(body, "annotations", "summary") != ""))
		}},
	}
}

func TestReceiversTakeWhatTheirDocumentsAsk(t *testing.T) {
	for name, tc := range documented() {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t, tc.check)
			c := tc.channel
			c.URL = pipeline.Secret(p.URL + "/am")
			way, err := NewWay(c, newDirect(t), nil)
			require.NoError(t, err)
			require.NoError(t, way.Send(t.Context(), message(pipeline.IncidentOpen)))
			require.NoError(t, way.Send(t.Context(), message(pipeline.IncidentResolved)))
			require.Len(t, p.taken, 2)
			assert.NotEqual(t, p.taken[0], p.taken[1])
			if name == "pagerduty" {
				assert.Contains(t, p.taken[1], `"resolve"`)
			}

			p.bad = []func(http.ResponseWriter){status(500), status(503, "Retry-After", "7"), status(429, "Retry-After", "100000"), hangUp,
				status(400), status(404), status(302, "Location", "https://elsewhere/")}
			for day, want := range []string{"again", "later", "later", "again", "never", "never", "never"} {
				err := way.Send(t.Context(), message(pipeline.IncidentOpen))
				require.Error(t, err)
				later, isLater := errors.AsType[*LaterError](err)
				_, isNever := errors.AsType[*RefusedError](err)
				assert.Equal(t, want, map[bool]string{true: "later"}[isLater]+map[bool]string{true: "never"}[isNever]+map[bool]string{true: "again"}[!isLater && !isNever], "day %d", day)
				if isLater {
					assert.LessOrEqual(t, time.Until(later.Until), time.Hour, "nobody may hold a page back for longer")
				}
				assert.NotContains(t, err.Error(), "s3cret")
				assert.NotContains(t, err.Error(), "R0UT1NG")
			}
			require.NoError(t, way.Send(t.Context(), message(pipeline.IncidentOpen)), "a good day again")
		})
	}
}

func TestAForeignSignatureIsNotOurs(t *testing.T) {
	at, body := time.Unix(1_760_000_000, 0), []byte(`{"a":1}`)
	ours := Sign("key", at, body)
	assert.NotEqual(t, ours, Sign("other", at, body))
	assert.NotEqual(t, ours, Sign("key", at.Add(time.Second), body))
	assert.NotEqual(t, ours, Sign("key", at, []byte(`{"a":2}`)))
	// Reckoned by: printf '1760000000.{"a":1}' | openssl dgst -sha256 -hmac key
	assert.Equal(t, "t=1760000000,v1=ea2dd8b79cfdfdd125316a2c1461695044ab2ddf62592b0eee2b53cd466ca512", ours)
}

func TestMessagesTellWhatHappenedAndWhy(t *testing.T) {
	m := message(pipeline.IncidentOpen)
	assert.Equal(t, "Acme: 1,200 mentions within 30 min, usual 80 [critical]", strings.Replace(m.Title, "80.5", "80", 1))
	for _, want := range []string{"usual 80 (50 to 120); by chance: 1 in 10^200", "900 distinct people", "bots 10 %", "platforms: bluesky 1,000 (usual 60)",
		"blind meanwhile, so there may be more: bluesky", "12 reactions", "Board: https://boards/acme", "Take note of it: https://ack/1"} {
		assert.Contains(t, strings.Replace(m.Text, "80.5", "80", 1), want)
	}
	assert.NotContains(t, m.Text, "\r")
	over := message(pipeline.IncidentResolved)
	assert.Contains(t, over.Title, "over: ")
	for _, kind := range pipeline.AlertKinds() {
		i := pipeline.Incident{Brand: "B", Source: "S", Severity: pipeline.SeverityInfo, Evidence: []pipeline.Evidence{{Kind: kind, Minutes: 60, Observed: 5, Expected: 1, Score: 2, Subject: "it"}}}
		assert.Greater(t, len(headline(&i, Opened)), len("B:  [info]")+5, kind)
	}
}
