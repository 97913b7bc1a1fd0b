package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/detect"
	"earshot/sinks/clickhouse"
)

// Period is a part of the history, and whose.
type Period struct {
	From, To  string
	Brands    []string
	Simulated bool
}

// defaultPeriod is what is judged if nobody says more.
const defaultPeriod = 28 * 24 * time.Hour

// bounds reads the moments.
func (p Period) bounds(now time.Time) (from, to time.Time, err error) {
	read := func(text string, otherwise time.Time) (time.Time, error) {
		if text == "" {
			return otherwise, nil
		}
		for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04"} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), nil
			}
		}
		return time.Time{}, fmt.Errorf("alert: %q is not a day such as 2026-10-01, nor a moment such as 2026-10-01T12:00:00Z", text)
	}
	if to, err = read(p.To, now.UTC().Truncate(time.Minute)); err != nil {
		return from, to, err
	}
	if from, err = read(p.From, to.Add(-defaultPeriod)); err != nil {
		return from, to, err
	}
	if !from.Before(to) {
		return from, to, fmt.Errorf("alert: --from %s is not before --to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	return from, to, nil
}

// withHistory opens the history and hands it to do.
func withHistory(ctx context.Context, cfg *Config, c *Console, p Period, do func(*past) error) error {
	from, to, err := p.bounds(time.Now())
	if err != nil {
		return failure(ExitUsage, err)
	}
	at := tables{command: "alert", simulated: p.Simulated}
	return withTables(ctx, cfg, c.Log, at, func(_ *Servers, db *clickhouse.DB, _ pipeline.Stream) error {
		h := &past{cfg: cfg.Alerts.Detector, from: from, to: to, counts: clickhouse.OpenCounts(db), blind: map[time.Time]bool{}, explain: map[string]pipeline.Explanation{}}
		if err := h.read(ctx, p.Brands); err != nil {
			return explainSQL(err)
		}
		if len(h.brands) == 0 {
			return fmt.Errorf("alert: nobody was named between %s and %s; is the history older, or simulated (--simulated)?",
				h.begin().Format(time.DateOnly), to.Format(time.DateOnly))
		}
		return do(h)
	})
}

// paging are those that call somebody by the default of a channel.
func paging(all []page) (out []page) {
	for _, p := range all {
		if p.incident.Severity.AtLeast(pipeline.SeverityWarning) {
			out = append(out, p)
		}
	}
	return out
}

func (h *past) weeks() float64 { return h.to.Sub(h.from).Hours() / (24 * 7) }

// BacktestHistory prints when the alerts, as configured, would have fired.
func BacktestHistory(ctx context.Context, cfg *Config, c *Console, p Period) error {
	return withHistory(ctx, cfg, c, p, func(h *past) error {
		all, err := h.judge(ctx, cfg.Alerts.Detector, cfg.Alerts.Kinds)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
		for _, p := range all {
			i := p.incident
			e := i.Main()
			kind := strings.TrimSpace(string(e.Kind) + " " + e.Subject)
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s %.0f in %s\tusual %.1f\t%.0f people\n", p.at.Format("2006-01-02 15:04"), cmp.Or(i.Brand, i.Source), p.event, i.Severity,
				kind, e.Observed, brief(time.Duration(e.Minutes)*time.Minute), e.Expected, i.Explanation.Voices)
		}
		pages := paging(all)
		fmt.Fprintf(table, "would have fired %d times in %.1f weeks and %s of %s: %d pages, %.2f a week\n",
			len(all), h.weeks(), plural(len(h.brands), "brand"), plural(len(all), "message"), len(pages), float64(len(pages))/h.weeks())
		return table.Flush()
	})
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// thresholds are those that Tune tries, most sensitive first.
func thresholds() []float64 { return []float64{5, 6, 7, 8, 9, 10, 11, 13, 15, 18, 22, 27, 33, 40, 50} }

// Tune prints the most sensitive threshold with at most so many pages a week.
func Tune(ctx context.Context, cfg *Config, c *Console, p Period, most float64) error {
	return withHistory(ctx, cfg, c, p, func(h *past) error {
		table := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "threshold\tincidents told\tpages\tpages a week\n")
		chosen := 0.0
		for _, t := range thresholds() {
			setting := cfg.Alerts.Detector
			setting.Threshold = t
			all, err := h.judge(ctx, setting, cfg.Alerts.Kinds)
			if err != nil {
				return err
			}
			rate := float64(len(paging(all))) / h.weeks()
			fmt.Fprintf(table, "%g\t%d\t%d\t%.2f\n", t, len(all), len(paging(all)), rate)
			if rate > most {
				chosen = 0 // a higher threshold may page more often: only what holds from here on counts
			} else if chosen == 0 {
				chosen = t
			}
		}
		if err := table.Flush(); err != nil {
			return fmt.Errorf("alert: %w", err)
		}
		if chosen == 0 {
			return fmt.Errorf("alert: no threshold up to %g keeps to %g pages a week on %.1f weeks; give a longer time or fewer brands",
				slices.Max(thresholds()), most, h.weeks())
		}
		fmt.Fprintf(c.Out, "for at most %g pages a week:\n\nalerts:\n  detector: {threshold: %g}\n", most, chosen)
		return nil
	})
}

// SimulatedYear prints how often somebody would be called for nothing.
func SimulatedYear(brands, days int, seed uint64, out io.Writer) error {
	r, err := detect.Year{Brands: brands, Days: days, Seed: seed, Config: detect.DefaultConfig()}.Run()
	if err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	rows := map[string][2]int{}
	for _, p := range r.Pages {
		name := string(p.Incident.Main().Kind)
		n := rows[name]
		if p.True {
			n[0]++
		} else {
			n[1]++
		}
		rows[name] = n
	}
	fmt.Fprintf(table, "kind\tpages, real\tpages, false\tincidents that called nobody\n")
	for _, kind := range pipeline.AlertKinds() {
		n := rows[string(kind)]
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\n", kind, n[0], n[1], r.Silent[string(kind)])
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	fmt.Fprintf(out, "%d brands, %d days, seed %d: %.2f false pages a recipient and week; %d of %d real surges and waves of anger found", brands, days, seed, r.False(), r.Found, r.Real)
	if n := len(r.Delays); n > 0 {
		fmt.Fprintf(out, ", median after %s", brief(r.Delays[n/2]))
	}
	_, err = fmt.Fprintln(out)
	return err
}
