package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"earshot/pipeline"
)

// The states of a replay or a back-fill.
const (
	ReplayRunning    = "running"
	ReplayDone       = "done"
	ReplayPromoted   = "promoted"
	ReplaySuperseded = "superseded"
	ReplayDropped    = "dropped"
)

// The kinds of a row of replays.
const (
	KindReplay   = "replay"
	KindBackfill = "backfill"
)

// Replay is one row of the table replays: what is read anew, and how far it is.
type Replay struct {
	Name         string
	Kind         string
	LabelSet     string
	Brand        string // of a back-fill
	QueryVersion string // of a back-fill
	State        string
	Enrichment   string
	Definition   string        // brands, as JSON
	From, To     pipeline.Time // event time, To not included; zero is open

	Pass      int
	After     PostName // the last post done in this pass
	Positions Positions
	Total     uint64 // ledger rows of this pass
	Read      uint64
	Mentions  uint64
	Failed    uint64
	Started   pipeline.Time
	At        pipeline.Time
	step      uint64
}

// PostName is a post's identity.
type PostName struct{ Platform, ID string }

// Position is how far one partition of the ledger was read.
type Position struct {
	Epoch     string `json:"epoch"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Next      int64  `json:"next"` // all offsets below were stored
}

// Positions are the ledger's, before and behind the pass that reads on.
type Positions struct {
	Since []Position `json:"since,omitempty"` // the second pass reads what was stored from here on
	Until []Position `json:"until,omitempty"` // what was stored when this pass began
}

// replayRow is a Replay as the driver reads it.
type replayRow struct {
	Name         string    `ch:"name"`
	Kind         string    `ch:"kind"`
	LabelSet     string    `ch:"label_set"`
	Brand        string    `ch:"brand"`
	QueryVersion string    `ch:"query_version"`
	State        string    `ch:"state"`
	Enrichment   string    `ch:"enrichment"`
	Definition   string    `ch:"definition"`
	From         time.Time `ch:"range_from"`
	To           time.Time `ch:"range_to"`
	Pass         uint8     `ch:"pass"`
	Platform     string    `ch:"cursor_platform"`
	ID           string    `ch:"cursor_id"`
	Positions    string    `ch:"positions"`
	Total        uint64    `ch:"rows_total"`
	Read         uint64    `ch:"rows_read"`
	Mentions     uint64    `ch:"mentions"`
	Failed       uint64    `ch:"failed"`
	Started      time.Time `ch:"started_at"`
	At           time.Time `ch:"at"`
	Step         uint64    `ch:"step"`
}

// Replays lists the replays and back-fills of the database that were not dropped, the
// oldest first.
func (d *DB) Replays(ctx context.Context) ([]Replay, error) {
	var rows []replayRow
	query := "SELECT name, kind, label_set, brand, query_version, state, enrichment, definition, range_from, range_to, pass," +
		" cursor_platform, cursor_id, positions, rows_total, rows_read, mentions, failed, started_at, at, step FROM " + d.table("replays") +
		" FINAL ORDER BY started_at, name"
	if err := d.Select(ctx, &rows, query); err != nil {
		return nil, err
	}
	out := make([]Replay, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		one := Replay{
			Name: r.Name, Kind: r.Kind, LabelSet: r.LabelSet, Brand: r.Brand, QueryVersion: r.QueryVersion, State: r.State,
			Enrichment: r.Enrichment, Definition: r.Definition, From: pipeline.At(r.From), To: pipeline.At(r.To),
			Pass: int(r.Pass), After: PostName{r.Platform, r.ID}, Total: r.Total, Read: r.Read, Mentions: r.Mentions, Failed: r.Failed,
			Started: pipeline.At(r.Started), At: pipeline.At(r.At), step: r.Step,
		}
		if r.Positions != "" {
			if err := json.Unmarshal([]byte(r.Positions), &one.Positions); err != nil {
				return nil, fmt.Errorf("clickhouse: replays: positions of %s: %w", r.Name, err)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// FindReplay returns the replay or back-fill of that name, whatever its state.
func (d *DB) FindReplay(ctx context.Context, name string) (Replay, bool, error) {
	all, err := d.Replays(ctx)
	if err != nil {
		return Replay{}, false, err
	}
	for _, r := range all {
		if r.Name == name {
			return r, true, nil
		}
	}
	return Replay{}, false, nil
}

// PutReplay writes the state of a replay down.
func (d *DB) PutReplay(ctx context.Context, r *Replay) error {
	positions, err := json.Marshal(r.Positions)
	if err != nil {
		return fmt.Errorf("clickhouse: replays: %w", err)
	}
	now := pipeline.At(time.Now())
	if r.Started == 0 {
		r.Started = now
	}
	r.At, r.step = now, r.step+1
	b := &block{table: "replays"}
	b.text("name").Append(r.Name)
	b.word("kind").Append(r.Kind)
	b.word("label_set").Append(r.LabelSet)
	b.word("brand").Append(r.Brand)
	b.text("query_version").Append(r.QueryVersion)
	b.word("state").Append(r.State)
	b.text("enrichment").Append(r.Enrichment)
	b.text("definition").Append(r.Definition)
	b.moment("range_from").append(r.From)
	b.moment("range_to").append(r.To)
	b.uint8("pass").Append(uint8(min(r.Pass, 255)))
	b.text("cursor_platform").Append(r.After.Platform)
	b.text("cursor_id").Append(r.After.ID)
	b.text("positions").Append(string(positions))
	b.uint64("rows_total").Append(r.Total)
	b.uint64("rows_read").Append(r.Read)
	b.uint64("mentions").Append(r.Mentions)
	b.uint64("failed").Append(r.Failed)
	b.moment("started_at").append(r.Started)
	b.moment("at").append(r.At)
	b.uint64("step").Append(r.step)
	return d.insert(ctx, b)
}
