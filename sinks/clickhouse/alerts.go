package clickhouse

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"earshot/pipeline"
)

// Alerts keeps incidents, who took note of them, and what was sent about them.
type Alerts struct{ db *DB }

// OpenAlerts returns the alerts of a database.
func OpenAlerts(db *DB) *Alerts { return &Alerts{db} }

// putJSON inserts rows that are JSON objects: few, and of tables that fold.
func (a *Alerts) putJSON(ctx context.Context, table string, rows ...map[string]any) error {
	var body bytes.Buffer
	for _, row := range rows {
		line, err := json.Marshal(row)
		if err != nil {
			return fmt.Errorf("clickhouse: %s: %w", table, err)
		}
		body.Write(append(line, '\n'))
	}
	if body.Len() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, foldTimeout)
	defer cancel()
	values := url.Values{"date_time_input_format": {"best_effort"}}
	return a.db.put(ctx, "INSERT INTO "+table+" FORMAT JSONEachRow", values, &body)
}

// stamp writes a moment as ClickHouse reads it; unknown is 1970.
func stamp(t pipeline.Time) string {
	return time.UnixMilli(int64(t)).UTC().Format("2006-01-02 15:04:05.000")
}

// Save stores the state of an incident; the latest wins.
func (a *Alerts) Save(ctx context.Context, i *pipeline.Incident) error {
	evidence, err := json.Marshal(i.Evidence)
	if err != nil {
		return fmt.Errorf("clickhouse: incident %s: %w", i.ID, err)
	}
	explanation, err := json.Marshal(i.Explanation)
	if err != nil {
		return fmt.Errorf("clickhouse: incident %s: %w", i.ID, err)
	}
	e := i.Main()
	return a.putJSON(ctx, "incidents", map[string]any{
		"incident_id": i.ID, "brand": i.Brand, "source": i.Source, "kinds": i.Kinds(), "state": i.State, "severity": i.Severity,
		"opened_at": stamp(i.Opened), "updated_at": stamp(i.Updated), "resolved_at": stamp(i.Resolved),
		"window_minutes": e.Minutes, "observed": e.Observed, "expected": e.Expected, "expected_low": e.Low, "expected_high": e.High,
		"probability": e.Chance, "score": e.Score, "voices": i.Explanation.Voices,
		"evidence": string(evidence), "explanation": string(explanation), "link": i.Link, "revision": i.Revision, "simulated": i.Simulated,
		"at": time.Now().UTC().Format("2006-01-02 15:04:05.000000000"),
	})
}

// incidentRow is an incident as it is read.
type incidentRow struct {
	ID          string    `ch:"incident_id"`
	Brand       string    `ch:"brand"`
	Source      string    `ch:"source"`
	State       string    `ch:"state"`
	Severity    string    `ch:"severity"`
	Opened      time.Time `ch:"opened_at"`
	Updated     time.Time `ch:"updated_at"`
	Resolved    time.Time `ch:"resolved_at"`
	Evidence    string    `ch:"evidence"`
	Explanation string    `ch:"explanation"`
	Link        string    `ch:"link"`
	Revision    uint32    `ch:"revision"`
	Simulated   bool      `ch:"simulated"`
	Ack         time.Time `ch:"acknowledged_at"`
	AckBy       string    `ch:"acknowledged_by"`
}

// knownTime returns no time for 1970.
func knownTime(t time.Time) pipeline.Time {
	if t.Unix() <= 0 {
		return 0
	}
	return pipeline.At(t)
}

const incidentColumns = `SELECT incident_id, brand, source, state, severity, opened_at, updated_at, resolved_at, evidence, explanation, link, revision, simulated,
    acknowledged_at, acknowledged_by FROM $alerts `

func (a *Alerts) incidents(ctx context.Context, where string, values driver.Parameters) ([]pipeline.Incident, error) {
	var rows []incidentRow
	c := Counts(*a)
	if err := c.ask(ctx, &rows, incidentColumns+where, values); err != nil {
		return nil, err
	}
	out := make([]pipeline.Incident, len(rows))
	for n, r := range rows {
		i := pipeline.Incident{ID: r.ID, Brand: r.Brand, Source: r.Source, State: pipeline.IncidentState(r.State), Severity: pipeline.Severity(r.Severity),
			Opened: knownTime(r.Opened), Updated: knownTime(r.Updated), Resolved: knownTime(r.Resolved), Link: r.Link, Revision: int(r.Revision), Simulated: r.Simulated,
			Ack: knownTime(r.Ack), AckBy: r.AckBy}
		if err := json.Unmarshal([]byte(r.Evidence), &i.Evidence); err != nil {
			return nil, fmt.Errorf("clickhouse: evidence of incident %s: %w", r.ID, err)
		}
		if err := json.Unmarshal([]byte(r.Explanation), &i.Explanation); err != nil {
			return nil, fmt.Errorf("clickhouse: explanation of incident %s: %w", r.ID, err)
		}
		out[n] = i
	}
	return out, nil
}

// Incidents lists those that are open, and those that went on since a moment, oldest first.
func (a *Alerts) Incidents(ctx context.Context, since time.Time) ([]pipeline.Incident, error) {
	return a.incidents(ctx, "WHERE state = 'open' OR updated_at >= toDateTime({since:Int64}, 'UTC') ORDER BY opened_at, incident_id",
		driver.Parameters{"since": seconds64(since)})
}

// Incident returns one, as it stands; ok is false if there is none.
func (a *Alerts) Incident(ctx context.Context, id string) (i pipeline.Incident, ok bool, err error) {
	all, err := a.incidents(ctx, "WHERE incident_id = {id:String}", driver.Parameters{"id": id})
	if err != nil || len(all) == 0 {
		return pipeline.Incident{}, false, err
	}
	return all[0], true, nil
}

// Acknowledge records who took note of an incident.
func (a *Alerts) Acknowledge(ctx context.Context, id, by string, at time.Time) error {
	return a.putJSON(ctx, "acknowledgements", map[string]any{"incident_id": id, "by": by, "at": stamp(pipeline.At(at))})
}

// PutDeliveries stores messages. What is settled (sent, folded, dead) is never waiting
// again, whoever says so later.
func (a *Alerts) PutDeliveries(ctx context.Context, all []pipeline.Delivery) error {
	rows := make([]map[string]any, len(all))
	for n, d := range all {
		rank := uint64(time.Now().UnixNano()) >> 2
		if d.State != pipeline.DeliveryWaiting {
			rank |= 1 << 63
		}
		rows[n] = map[string]any{"id": d.ID, "channel": d.Channel, "incident_id": d.Incident, "event": d.Event, "state": d.State, "attempts": d.Attempts,
			"reason": d.Reason, "message": string(d.Message), "created_at": stamp(d.Created), "rank": rank}
	}
	return a.putJSON(ctx, "deliveries", rows...)
}

type deliveryRow struct {
	ID       string    `ch:"id"`
	Channel  string    `ch:"channel"`
	Incident string    `ch:"incident_id"`
	Event    string    `ch:"event"`
	State    string    `ch:"state"`
	Attempts uint32    `ch:"attempts"`
	Reason   string    `ch:"reason"`
	Message  string    `ch:"message"`
	Created  time.Time `ch:"created_at"`
}

// Deliveries lists the messages of a state, oldest first, or, with an empty state, those of
// the given ids.
func (a *Alerts) Deliveries(ctx context.Context, state pipeline.DeliveryState, ids ...string) ([]pipeline.Delivery, error) {
	var rows []deliveryRow
	c := Counts(*a)
	err := c.ask(ctx, &rows, `SELECT id, channel, incident_id, event, state, attempts, reason, message, created_at FROM $deliveries FINAL
WHERE state = {state:String} OR id IN {ids:Array(String)} ORDER BY created_at, id`, driver.Parameters{"state": string(state), "ids": list(ids)})
	out := make([]pipeline.Delivery, len(rows))
	for n, r := range rows {
		out[n] = pipeline.Delivery{ID: r.ID, Channel: r.Channel, Incident: r.Incident, Event: r.Event, State: pipeline.DeliveryState(r.State),
			Attempts: int(r.Attempts), Reason: r.Reason, Message: []byte(r.Message), Created: knownTime(r.Created)}
	}
	return out, err
}
