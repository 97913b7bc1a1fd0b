package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const labelsLong = `A label set holds the mentions of one way of labelling: live is that of the stream, others
are filled by ` + "`earshot replay`" + `. They stand side by side in mentions_current, mentions_hour
and mentions_minute (column label_set). The guide is docs/replay.md.`

const promoteLong = `Makes the labels of the set those of live, at one moment for every reader, and its brands
those of the stream, which takes them up within seconds. Mentions of live that the set does
not have are taken away, as far as the set could have had them: of its brands, of its range,
and of posts whose words still stand. What the stream stores meanwhile is labelled again at
the end, so nothing is lost or doubled. The set itself stays until it is dropped. Where the
set was made with another model, name it by --model here and in the configuration.`

func labelsCommand(o *options) *cobra.Command {
	in := app.Labels{}
	c := &cobra.Command{
		Use:   "labels",
		Short: "List, compare, promote and drop label sets",
		Long:  labelsLong,
		Example: `  earshot labels list
  earshot labels diff live q2
  earshot labels promote q2
  earshot labels drop q2`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().BoolVar(&in.Simulated, "simulated", false, "those of the simulation")
	format := ""
	sub := func(use, short string, n int, do func(ctx context.Context, cfg *app.Config, console *app.Console, args []string) error) *cobra.Command {
		s := &cobra.Command{
			Use: use, Short: short, Args: cobra.ExactArgs(n),
			RunE: func(c *cobra.Command, args []string) error {
				if in.JSON = format == "json"; format != "text" && format != "json" && format != "" {
					return usage(c, errors.New("--format: text or json"))
				}
				cfg, console, err := o.prepare(c)
				if err != nil {
					return err
				}
				return do(c.Context(), cfg, console, args)
			},
		}
		c.AddCommand(s)
		return s
	}
	list := sub("list", "Show every label set with what stands in it", 0, func(ctx context.Context, cfg *app.Config, console *app.Console, _ []string) error {
		return in.List(ctx, cfg, console)
	})
	diff := sub("diff A B", "Show what came, went and changed from A to B, with examples", 2,
		func(ctx context.Context, cfg *app.Config, console *app.Console, args []string) error {
			return in.Diff(ctx, cfg, console, args[0], args[1])
		})
	diff.Example = "  earshot labels diff live q2\n  earshot labels diff live q2 --examples 10 --format json"
	diff.Flags().IntVar(&in.Examples, "examples", 3, "`NUMBER` of examples of each brand and kind")
	for _, s := range []*cobra.Command{list, diff} {
		s.Flags().StringVar(&format, "format", "text", "text or json")
	}
	promote := sub("promote NAME", "Make the labels of a set those of live", 1, func(ctx context.Context, cfg *app.Config, console *app.Console, args []string) error {
		return in.Promote(ctx, cfg, console, args[0])
	})
	promote.Long, promote.Example = promoteLong, "  earshot labels promote q2"
	promote.Flags().StringVar(&in.Model, "model", "", "`ENGINE` of sentiment that the set was made with (default: the configured one)")
	sub("drop NAME", "Delete a label set with its totals", 1, func(ctx context.Context, cfg *app.Config, console *app.Console, args []string) error {
		return in.Drop(ctx, cfg, console, args[0])
	})
	return c
}
