package grafana

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"strconv"
	"time"

	gapi "github.com/grafana/grafana-api-golang-client"

	"earshot/dashboards"
	"earshot/pipeline"
)

// Names of what we make; people may rename titles, never these.
const (
	sourceUID  = "earshot-clickhouse"
	folderUID  = "earshot"
	ruleGroup  = "Earshot"
	contactUID = "earshot"
	// mark stands in everything we make and holds the hash of it as we made it: what no
	// longer fits its mark was changed by people.
	mark = "earshot_made"
)

// Config says where Grafana is, and how it reaches ClickHouse.
type Config struct {
	URL        string          `yaml:"url" doc:"address of Grafana, as https://grafana.example.org"`
	Token      pipeline.Secret `yaml:"token" doc:"token of a service account; its least rights are in docs/boards.md"`
	ClickHouse string          `yaml:"clickhouse" doc:"address of ClickHouse as Grafana sees it, http://host:port or https://host:port; empty: that of clickhouse.addr"`
	User       string          `yaml:"user" doc:"user of boards, who may only read; empty: that of the embedded server"`
	Password   pipeline.Secret `yaml:"password" doc:"that user's password"`
	Contact    string          `yaml:"contact" doc:"who hears of alerts about the pipeline: an e-mail address, or the URL of a webhook; empty: Grafana's own default"`
}

// Validate names the field that is wrong.
func (c Config) Validate() error {
	if c.URL == "" {
		return nil
	}
	return checkAddress(c.URL)
}

func checkAddress(address string) error {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("grafana.url: is not a URL as https://grafana.example.org, without a password in it")
	}
	return nil
}

// hash names the content of something, whatever the order of its keys.
func hash(v any) string {
	raw, err := json.Marshal(v) // maps are written in the order of their keys
	if err != nil {
		return ""
	}
	h := sha256.Sum256(raw)
	return hex.EncodeToString(h[:8])
}

// DataSource is ours, with the settings of Grafana Labs' ClickHouse data source.
func (c Config) dataSource() (*gapi.DataSource, error) {
	u, err := url.Parse(c.ClickHouse)
	if err != nil || u.Host == "" {
		return nil, errors.New("grafana.clickhouse: is not an address as http://clickhouse:8123")
	}
	host, text, err := net.SplitHostPort(u.Host)
	if err != nil {
		return nil, errors.New("grafana.clickhouse: names no port, as in http://clickhouse:8123")
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("grafana.clickhouse: %q is no port", text)
	}
	settings := map[string]any{
		"host": host, "port": float64(port), "protocol": "http", "secure": u.Scheme == "https", "username": c.User, "defaultDatabase": "earshot",
	}
	settings[mark] = hash(settings)
	return &gapi.DataSource{
		UID: sourceUID, Name: "Earshot", Type: "grafana-clickhouse-datasource", Access: "proxy", JSONData: settings,
		SecureJSONData: map[string]any{"password": c.Password.Reveal()},
	}, nil
}

// model is a board as it is sent, with its mark.
func model(b *dashboards.Board) (map[string]any, error) {
	var m map[string]any
	if err := json.Unmarshal(b.File, &m); err != nil {
		return nil, fmt.Errorf("grafana: %s: %w", b.Name, err)
	}
	bare := bareModel(m)
	m[mark] = hash(bare)
	return m, nil
}

// bareModel is a board without what Grafana counts by itself, and without the mark.
func bareModel(m map[string]any) map[string]any {
	out := maps.Clone(m)
	for _, key := range []string{"id", "version", mark} {
		delete(out, key)
	}
	return out
}

// rule is one of our alerts: it fires when its query gives more than the bound.
type rule struct {
	uid, title, summary, sql string
	over                     float64
	pending                  time.Duration
}

func pipelineRules() []rule {
	return []rule{
		{"earshot-blind", "A source is blind", "A source had minutes without a report in the last half hour; see the board Coverage and pipeline.",
			"SELECT count() AS value FROM earshot.coverage_spine WHERE is_gap AND minute >= now() - INTERVAL 30 MINUTE AND minute < now() - INTERVAL 3 MINUTE", 5, 5 * time.Minute},
		{"earshot-behind", "Totals are behind", "Totals have been older than five minutes; is a process with the role enrich running?",
			"SELECT toUnixTimestamp(now()) - toUnixTimestamp(at) AS value FROM earshot.watermark", 300, 5 * time.Minute},
		{"earshot-dead", "Dead letters", "More than a hundred records could not be processed in the last hour: earshot dead list.",
			"SELECT count() AS value FROM earshot.dead_letters FINAL WHERE at >= now() - INTERVAL 1 HOUR", 100, 0},
		{"earshot-incident", "A critical incident is open", "A brand has a critical incident that nobody took note of; see the board Spikes and alerts.",
			"SELECT countIf(severity = 'critical' AND state = 'open' AND toUnixTimestamp(acknowledged_at) = 0) AS value FROM earshot.alerts", 0, 0},
	}
}

// ruleModels is the group as it is sent.
func ruleModels() gapi.RuleGroup {
	g := gapi.RuleGroup{Title: ruleGroup, FolderUID: folderUID, Interval: 60}
	for _, r := range pipelineRules() {
		span := gapi.RelativeTimeRange{From: 3600, To: 0}
		out := gapi.AlertRule{
			UID: r.uid, Title: r.title, FolderUID: folderUID, RuleGroup: ruleGroup, Condition: "B", OrgID: 1,
			ExecErrState: gapi.ErrError, NoDataState: gapi.NoDataOk, For: r.pending.String(), ForDuration: r.pending,
			Labels:      map[string]string{"earshot": "true"},
			Annotations: map[string]string{"summary": r.summary},
			Data: []*gapi.AlertQuery{
				{RefID: "A", DatasourceUID: sourceUID, RelativeTimeRange: span, Model: map[string]any{
					"refId": "A", "editorType": "sql", "queryType": "table", "format": 1.0, "rawSql": r.sql,
				}},
				{RefID: "B", DatasourceUID: "__expr__", RelativeTimeRange: span, Model: map[string]any{
					"refId": "B", "type": "threshold", "expression": "A",
					"conditions": []any{map[string]any{"evaluator": map[string]any{"type": "gt", "params": []any{r.over}}}},
				}},
			},
		}
		out.Annotations[mark] = ruleHash(&out)
		g.Rules = append(g.Rules, out)
	}
	return g
}

// ruleHash names what people would change in a rule.
func ruleHash(r *gapi.AlertRule) string {
	notes := maps.Clone(r.Annotations)
	delete(notes, mark)
	return hash([]any{r.Title, r.Condition, r.Data, r.NoDataState, r.ExecErrState, r.For, r.Labels, notes, r.IsPaused})
}

// contactPoint is ours; nil if none is configured.
func (c Config) contactPoint() *gapi.ContactPoint {
	if c.Contact == "" {
		return nil
	}
	p := &gapi.ContactPoint{UID: contactUID, Name: "Earshot", Type: "email", Settings: map[string]any{"addresses": c.Contact, "singleEmail": true}}
	if u, err := url.Parse(c.Contact); err == nil && u.Host != "" {
		p.Type, p.Settings = "webhook", map[string]any{"url": c.Contact, "httpMethod": "POST"}
	}
	return p
}

// route sends what bears our label to our contact point.
func route() gapi.SpecificPolicy {
	return gapi.SpecificPolicy{
		Receiver: "Earshot", GroupBy: []string{"alertname"}, GroupWait: "30s", GroupInterval: "5m", RepeatInterval: "12h",
		ObjectMatchers: gapi.Matchers{{Type: gapi.MatchEqual, Name: "earshot", Value: "true"}},
	}
}
