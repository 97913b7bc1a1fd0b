package app

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"earshot/pipeline/detect"
)

// openSeries reads files of counts.
func openSeries(paths []string) ([]detect.Series, error) {
	if len(paths) == 0 {
		return nil, failure(ExitUsage, errors.New("no series is given"))
	}
	out := make([]detect.Series, 0, len(paths))
	for _, path := range paths {
		s, err := readWith(path, detect.ReadSeries)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// readWith hands a file, by its base name, to a reader.
func readWith[T any](path string, read func(name string, in io.Reader) (T, error)) (T, error) {
	var none T
	f, err := os.Open(path)
	if err != nil {
		return none, fmt.Errorf("alert: %w", err)
	}
	out, err := read(filepath.Base(path), f)
	if err := errors.Join(err, f.Close()); err != nil {
		return none, fmt.Errorf("alert: %w", err)
	}
	return out, nil
}

// BacktestSeries runs the default detector over files of counts and writes one row an
// alert: the file's base name and the timestamp as it stands in the file.
func BacktestSeries(paths []string, alerts, said io.Writer) error {
	all, err := openSeries(paths)
	if err != nil {
		return err
	}
	out := csv.NewWriter(alerts)
	if err := out.Write([]string{"series", "timestamp"}); err != nil {
		return fmt.Errorf("alert: write alerts: %w", err)
	}
	table := tabwriter.NewWriter(said, 0, 0, 2, ' ', 0)
	total, weeks := 0, 0.0
	for _, s := range all {
		found, err := detect.Backtest(detect.DefaultConfig(), s)
		if err != nil {
			return fmt.Errorf("alert: %w", err)
		}
		for _, a := range found {
			if err := out.Write([]string{s.Name, s.Stamps[a.Row]}); err != nil {
				return fmt.Errorf("alert: write alerts: %w", err)
			}
			fmt.Fprintf(table, "%s\t%s\t%.0f in %s\tusual %.1f\t\n", s.Name, s.Stamps[a.Row], a.Observed, brief(a.Window), a.Expected)
		}
		total += len(found)
		weeks += s.Weeks()
	}
	out.Flush()
	fmt.Fprintf(table, "would have fired %d times in %.1f brand-weeks: %.2f a brand and week\n", total, weeks, float64(total)/weeks)
	return errors.Join(out.Error(), table.Flush())
}

// brief writes a length of whole minutes.
func brief(d time.Duration) string {
	if d%time.Hour == 0 && d > 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

// EvaluateSeries scores the default detector against labelled windows, with each
// parameter a fifth lower and higher, and with each series judged by a setting chosen on
// the others.
func EvaluateSeries(paths []string, windows string, out io.Writer) error {
	all, err := openSeries(paths)
	if err != nil {
		return err
	}
	labels, err := readWith(windows, detect.ReadWindows)
	if err != nil {
		return err
	}
	var set []detect.Labelled
	for _, s := range all {
		if labels[s.Name] == nil {
			return fmt.Errorf("alert: %s labels nothing in %s", filepath.Base(windows), s.Name)
		}
		set = append(set, detect.Labelled{Series: s, Windows: labels[s.Name]})
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	cfg := detect.DefaultConfig()
	score, each, err := detect.Evaluate(cfg, set)
	if err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	for i, s := range each {
		fmt.Fprintf(table, "%s\t%s\n", set[i].Name, s)
	}
	fmt.Fprintf(table, "all, default setting\t%s\n", score)
	for _, v := range detect.Nearby(cfg) {
		near, _, err := detect.Evaluate(v.Config, set)
		if err != nil {
			return fmt.Errorf("alert: %w", err)
		}
		fmt.Fprintf(table, "%s\t%s\n", v.Name, near)
	}
	held, chosen, err := detect.LeaveOneOut(cfg, set)
	if err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	fmt.Fprintf(table, "each by a setting of the others\t%s\n", held)
	for i, v := range chosen {
		fmt.Fprintf(table, "  %s by\t%s\n", set[i].Name, v.Name)
	}
	return table.Flush()
}

// Delays runs injected bursts at several rates and prints how soon they were found.
func Delays(factor float64, trials int, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "usual a minute\tfound\tmedian delay\t90 %% within\tfalse a week\n")
	for _, rate := range []float64{0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000} {
		r, err := detect.RunBursts(detect.DefaultConfig(), detect.BurstTrial{Rate: rate, Factor: factor, Trials: trials, Seed: 1})
		if err != nil {
			return fmt.Errorf("alert: %w", err)
		}
		fmt.Fprintf(table, "%g\t%d of %d\t%s\t%s\t%.3f\n", rate, r.Found, trials, brief(r.Median), brief(r.P90), r.False)
	}
	return table.Flush()
}
