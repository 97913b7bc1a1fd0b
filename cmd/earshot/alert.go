package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

func alertCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "alert",
		Short: "Try the spike detector on series of counts",
		Long: `Tries the spike detector on what is known already. It does not run beside the stream yet:
these commands answer how often it would have fired, when, and how soon.`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(backtestCommand(), evaluateCommand(), delayCommand())
	return c
}

func backtestCommand() *cobra.Command {
	var series []string
	var out string
	c := &cobra.Command{
		Use:   "backtest --series FILE.csv ...",
		Short: "Say when the default detector would have fired",
		Long: `Runs the default detector over series of counts as if they were live: a decision at a row
never reads a later row. A series is a CSV file with the header timestamp,value, oldest row
first, in buckets of any one length. The alerts are CSV with the header series,timestamp:
the base name of the file, and the timestamp as it stands there.`,
		Example: `  earshot alert backtest --series mentions.csv
  earshot alert backtest --series a.csv b.csv c.csv --out alerts.csv`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			paths := append(append([]string(nil), series...), args...)
			if len(paths) == 0 {
				return usage(c, errors.New("name at least one file with --series"))
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
			return app.EvaluateSeries(append(append([]string(nil), series...), args...), windows, c.OutOrStdout())
		},
	}
	c.Flags().StringSliceVar(&series, "series", nil, "`FILES` of counts; more may follow as arguments")
	c.Flags().StringVar(&windows, "windows", "", "`FILE` with the labelled windows: {\"a.csv\": [[\"from\", \"to\"], ...]}")
	_ = c.MarkFlagRequired("windows")
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
