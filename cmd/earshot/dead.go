package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

func deadCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "dead",
		Short: "List, show and retry dead letters",
		Example: `  earshot dead list --stage decode
  earshot dead show 18c544326f38c3c89a85dced8a6f5c68
  earshot dead retry --all`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		deadOne(o, app.ListDead, "list", "A line for each dead letter, the newest first", "", cobra.NoArgs),
		deadOne(o, app.ShowDead, "show ID...", "Print dead letters whole", "", cobra.MinimumNArgs(1)),
		deadOne(o, app.RetryDead, "retry [ID...]", "Hand over again what can be read now",
			"Reads the payloads as posts again, by this program's rules; those that are right now go to\n"+
				"Kafka, and their letters leave the table. Letters of the stage collect hold what a platform\n"+
				"sent and are kept, as are those of which only the beginning was kept.\n\n"+
				"Exit code 5 says that some were kept.", cobra.ArbitraryArgs),
	)
	return c
}

// deadUse is one thing to do with dead letters.
type deadUse func(ctx context.Context, cfg *app.Config, c *app.Console, d app.Dead) error

func deadOne(o *options, do deadUse, use, short, long string, args cobra.PositionalArgs) *cobra.Command {
	d := app.Dead{}
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: args,
		RunE: func(c *cobra.Command, ids []string) error {
			if d.IDs = ids; c.Name() == "retry" && (len(ids) == 0) != d.All {
				return usage(c, errors.New("name ids, or --all"))
			}
			if stages := app.DeadStages(); d.Stage != "" && !slices.Contains(stages, d.Stage) {
				return usage(c, fmt.Errorf("--stage: %q is none of %s", d.Stage, strings.Join(stages, ", ")))
			}
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return do(c.Context(), cfg, console, d)
		},
	}
	f := c.Flags()
	f.BoolVar(&d.Simulated, "simulated", false, "those of the simulated stream")
	if c.Name() != "show" {
		f.StringVar(&d.Stage, "stage", "", "those of one `STAGE`: collect, decode, validate, enrich or store")
	}
	switch c.Name() {
	case "list":
		f.IntVar(&d.Limit, "limit", 50, "at most `N`")
	case "retry":
		f.BoolVar(&d.All, "all", false, "all of them")
	}
	return c
}
