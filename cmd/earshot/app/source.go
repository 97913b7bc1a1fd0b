package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"earshot/pipeline/collect"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/file"
	"earshot/pipeline/collect/simulate"
)

// entries are the configured sources, made. They share one client.
func (c *Config) entries(options ...client.Option) ([]collect.Entry, error) {
	http, err := client.New(c.HTTP, "1", options...)
	if err != nil {
		return nil, failure(ExitConfiguration, err)
	}
	live, simulated := streams(c)
	var table []collect.Entry
	for _, s := range c.sources() {
		p, ok := platformOf(s.Type)
		if !ok {
			return nil, failure(ExitConfiguration, fmt.Errorf("source %s: unknown type %q", s.Name, s.Type))
		}
		settings := s.Settings(s.Type)
		e := collect.Entry{Name: s.Name, Platform: s.Type, Stream: live, Deadline: p.deadline}
		switch its := settings.(type) {
		case *file.Config:
			e.Platform = its.Platform
		case *simulate.Config:
			e.Platform, e.Stream = "simulated", simulated
		}
		if e.Source, err = p.open(settings, http); err != nil {
			return nil, failure(ExitConfiguration, fmt.Errorf("source %s: %w", s.Name, err))
		}
		table = append(table, e)
	}
	return table, nil
}

// SourceState is one line of `earshot source list`.
type SourceState struct {
	Name       string  `json:"name,omitempty"` // empty: a platform that is not configured
	Platform   string  `json:"platform"`       // the type of the source
	Configured bool    `json:"configured"`
	State      string  `json:"state"` // ok, limited, down, done; stopped: nothing reported in ten minutes; not configured
	Lag        float64 `json:"lag_seconds"`
	Rate       float64 `json:"posts_per_second"` // of its last minute
	LastError  string  `json:"last_error"`
}

// SourceList is what the list shows, and how.
type SourceList struct {
	All    bool   // the platforms that are not configured too
	Format string // table or json
}

// ListSources prints the sources with what coverage says of their last ten minutes.
func ListSources(ctx context.Context, cfg *Config, c *Console, l SourceList) error {
	list := cfg.sourceStates()
	if err := cfg.lastMinutes(ctx, c, list); err != nil {
		c.Log.Warn().Err(err).Msg("coverage cannot be read, so states are not known")
		for i := range list {
			list[i].State = "unknown"
		}
	}
	if l.All {
		for _, kind := range (&Source{}).Kinds() {
			if !slices.ContainsFunc(list, func(s SourceState) bool { return s.Platform == kind }) {
				list = append(list, SourceState{Platform: kind, State: "not configured"})
			}
		}
	}
	if l.Format == "json" {
		b, err := json.MarshalIndent(list, "", "  ")
		if err != nil {
			return fmt.Errorf("source list: %w", err)
		}
		c.print(string(b) + "\n")
		return nil
	}
	c.print(sourceTable(list))
	return nil
}

// silent is the state of a source that has reported no minute within ten: it does not run,
// or began just now.
const silent = "silent"

func (c *Config) sourceStates() []SourceState {
	list := []SourceState{}
	for _, s := range c.sources() {
		list = append(list, SourceState{Name: s.Name, Platform: s.Type, Configured: true, State: silent})
	}
	return list
}

func sourceTable(list []SourceState) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tPLATFORM\tSTATE\tPOSTS/S\tLAG\tLAST ERROR")
	for _, s := range list {
		if !s.Configured {
			fmt.Fprintf(w, "-\t%s\t%s\t\t\t\n", s.Platform, s.State)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f\t%s\t%s\n", s.Name, s.Platform, s.State, s.Rate,
			short(time.Duration(s.Lag*float64(time.Second))), strings.Join(strings.Fields(s.LastError), " "))
	}
	_ = w.Flush() // into memory
	return b.String()
}

const lastMinutesSQL = `SELECT source, argMax(state, at) AS state, toFloat64(argMax(lag_ms, at)) / 1000 AS lag_seconds,
    toFloat64(argMax(posts, at)) / 60 AS posts_per_second, argMaxIf(reason, at, reason != '') AS last_error
FROM (SELECT * FROM %[1]s.coverage FINAL UNION ALL SELECT * FROM %[2]s.coverage FINAL)
WHERE minute >= now() - INTERVAL 10 MINUTE GROUP BY source`

// lastMinutes fills in what coverage says.
func (c *Config) lastMinutes(ctx context.Context, console *Console, list []SourceState) error {
	live, simulated := streams(c)
	var answer bytes.Buffer
	err := RunSQL(ctx, c, &Console{Out: &answer, Log: console.Log, screen: console.screen},
		SQL{Query: fmt.Sprintf(lastMinutesSQL, live.Database, simulated.Database), Format: "JSONEachRow"})
	if err != nil {
		return err
	}
	for line := range bytes.Lines(answer.Bytes()) {
		var row struct {
			Source string `json:"source"`
			SourceState
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return fmt.Errorf("source list: read coverage: %w", err)
		}
		for i := range list {
			if list[i].Name == row.Source {
				list[i].State, list[i].Lag, list[i].Rate, list[i].LastError = row.State, row.Lag, row.Rate, row.LastError
			}
		}
	}
	return nil
}

// checker is a source that can be tried.
type checker interface {
	Check(ctx context.Context) (string, error)
}

// checkTimeout bounds `earshot source check`.
const checkTimeout = time.Minute

// CheckSource tries one source, configured by that name or else a platform as it comes.
func CheckSource(ctx context.Context, cfg *Config, c *Console, name string) error {
	if !slices.ContainsFunc(cfg.sources(), func(s Source) bool { return s.Name == name }) {
		if !slices.Contains((&Source{}).Kinds(), name) {
			return failure(ExitUsage, fmt.Errorf("no source is named %q; `earshot source list --all` shows what there is", name))
		}
		cfg.Sources = append(cfg.Sources, Source{Name: name, Type: name})
	}
	entries, err := cfg.entries()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for _, e := range entries {
		if e.Name != name {
			continue
		}
		said := "it can be opened; it needs no network"
		if source, ok := e.Source.(checker); ok {
			if said, err = source.Check(ctx); err != nil {
				return fmt.Errorf("source %s: %w", name, err)
			}
		}
		c.print(name + ": " + said + "\n")
		return nil
	}
	return errors.New("source check: the source is switched off")
}
