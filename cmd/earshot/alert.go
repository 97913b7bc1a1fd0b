package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

func alertCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "alert",
		Short: "Try alerts: on history, on series of counts, and the way to people",
		Long: `Alerts run beside the stream (role detect of earshot run). These commands answer before that
how often they would have fired, when, on what and how soon, choose a sensitivity for a
number of pages a week, and send a sample over a channel.`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(backtestCommand(o), tuneCommand(o), alertTestCommand(o), yearCommand(), evaluateCommand(), delayCommand())
	return c
}

func backtestCommand(o *options) *cobra.Command {
	var series []string
	var out string
	var period app.Period
	c := &cobra.Command{
		Use:   "backtest [--from DATE] [--to DATE] | --series FILE.csv ...",
		Short: "Say when alerts would have fired",
		Long: `Without --series, runs the alerts as configured over the history in ClickHouse, minute by
minute as if it were live: all kinds, folded into incidents, rated by the voices that are stored. It knows
what stands there now: posts that came late count from when they were said, deleted ones
not at all. Sources are judged if no --brand is named, over the last 31 days; minutes in
which none of them told anything are those in which Earshot did not run.

With --series, runs the default detector over series of counts as if they were live: a decision at a row
never reads a later row. A series is a CSV file with the header timestamp,value, oldest row
first, in buckets of any one length from a second to a year. Missing rows are buckets in which nobody
was counted, up to two hours; a longer gap is taken as usual. The alerts are CSV with the header
series,timestamp: the base name of the file, and the timestamp as it stands there.`,
		Example: `  earshot alert backtest --from 2026-10-01 --to 2026-11-01
  earshot alert backtest --series mentions.csv
  earshot alert backtest --series a.csv b.csv c.csv --out alerts.csv`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			paths := append(append([]string(nil), series...), args...)
			if len(paths) == 0 {
				if out != "" {
					return usage(c, errors.New("--out belongs to --series"))
				}
				cfg, console, err := o.prepare(c)
				if err != nil {
					return err
				}
				return app.BacktestHistory(c.Context(), cfg, console, period)
			}
			if out == "" {
				return app.BacktestSeries(paths, c.OutOrStdout(), c.ErrOrStderr())
			}
			f, err := os.Create(out)
			if err != nil {
				return fmt.Errorf("alert: %w", err)
			}
			defer func() { err = errors.Join(err, f.Close()) }()
			return app.BacktestSeries(paths, f, c.OutOrStdout())
		},
	}
	c.Flags().StringSliceVar(&series, "series", nil, "`FILES` of counts; more may follow as arguments")
	periodFlags(c, &period)
	c.Flags().StringVar(&out, "out", "", "write the alerts to `FILE` (default: standard output)")
	return c
}

func evaluateCommand() *cobra.Command {
	var series []string
	var windows string
	c := &cobra.Command{
		Use:   "evaluate --windows FILE.json --series FILE.csv ...",
		Short: "Score the default detector against labelled spikes",
		Long: `Scores the default detector by the standard profile of the Numenta Anomaly Benchmark: 0 is
no alert at all, 100 is perfect. Then with each parameter a fifth lower and higher, and with
each series judged by a setting that was chosen on the others.`,
		Example: `  earshot alert evaluate --windows windows.json --series a.csv b.csv`,
		RunE: func(c *cobra.Command, args []string) error {
			if windows == "" {
				return usage(c, errors.New("name the labelled windows with --windows"))
			}
			return app.EvaluateSeries(append(append([]string(nil), series...), args...), windows, c.OutOrStdout())
		},
	}
	c.Flags().StringSliceVar(&series, "series", nil, "`FILES` of counts; more may follow as arguments")
	c.Flags().StringVar(&windows, "windows", "", "`FILE` with the labelled windows: {\"a.csv\": [[\"from\", \"to\"], ...]}")
	return c
}

func delayCommand() *cobra.Command {
	var factor float64
	var trials int
	c := &cobra.Command{
		Use:     "delay",
		Short:   "Say how soon injected bursts are found, by the brand's usual volume",
		Example: `  earshot alert delay --factor 5 --trials 100`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return app.Delays(factor, trials, c.OutOrStdout())
		},
	}
	c.Flags().Float64Var(&factor, "factor", 5, "a burst is this many times the usual")
	c.Flags().IntVar(&trials, "trials", 100, "bursts at each volume")
	return c
}

// periodFlags are those of commands that look at the history.
func periodFlags(c *cobra.Command, p *app.Period) {
	c.Flags().StringVar(&p.From, "from", "", "first `DAY` or moment (UTC) that is judged; default: 28 days before --to")
	c.Flags().StringVar(&p.To, "to", "", "`DAY` or moment (UTC) that is judged no more; default: now")
	c.Flags().StringSliceVar(&p.Brands, "brand", nil, "only these `BRANDS` (default: all that were named)")
	c.Flags().BoolVar(&p.Simulated, "simulated", false, "the simulated market")
}

func tuneCommand(o *options) *cobra.Command {
	var period app.Period
	var pages float64
	c := &cobra.Command{
		Use:   "tune --max-per-week N",
		Short: "Choose the sensitivity for a number of pages a week",
		Long: `Runs the alerts over the history in ClickHouse with one threshold after the other, and names
the most sensitive one that would have called a recipient of all brands at most so often.
It changes nothing: write what it says under alerts.detector.threshold.`,
		Example: `  earshot alert tune --max-per-week 1
  earshot alert tune --max-per-week 0.25 --from 2026-08-01 --brand Acme`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !(pages > 0) {
				return usage(c, errors.New("--max-per-week is not above 0"))
			}
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.Tune(c.Context(), cfg, console, period, pages)
		},
	}
	periodFlags(c, &period)
	c.Flags().Float64Var(&pages, "max-per-week", 1, "most pages a week that a recipient of all brands should get")
	return c
}

func alertTestCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "test NAME",
		Short: "Send a marked sample over a channel",
		Long: `Sends a sample that is marked as a test over a channel of the configuration, the way that a
page would go: written, signed and sent by the same code, once. It fails if the receiver
does not take it, and says what it answered.`,
		Example: `  earshot alert test oncall`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.TestChannel(c.Context(), cfg, console, args[0])
		},
	}
}

func yearCommand() *cobra.Command {
	var brands, days int
	var seed uint64
	c := &cobra.Command{
		Use:   "year",
		Short: "Say how often alerts would call somebody for nothing, in a simulated year",
		Long: `Simulates brands minute by minute: seasons, moods, holidays, outages, bursts of bots, famous
people, and now and then something real. One recipient gets every page of all kinds. It
prints the false ones, and what was found of the real.`,
		Example: `  earshot alert year
  earshot alert year --brands 5 --days 60 --seed 7`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if brands < 1 || days < 30 {
				return usage(c, errors.New("give at least 1 brand and 30 days"))
			}
			return app.SimulatedYear(brands, days, seed, c.OutOrStdout())
		},
	}
	c.Flags().IntVar(&brands, "brands", 20, "number of brands")
	c.Flags().IntVar(&days, "days", 365, "length in days")
	c.Flags().Uint64Var(&seed, "seed", 1, "another seed is another year")
	return c
}
