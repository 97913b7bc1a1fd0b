package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const replayLong = `Reads every post of the archive whose words still stand, labels it with the present brands
and models or with others, and writes the mentions into a label set of that name, beside
live. Nothing of live is touched.

It can be killed and started again at any time: it goes on where it stopped. A second pass
reads what the stream has stored meanwhile. Beside a running ` + "`earshot run`" + ` it uses that
one's servers; else it starts its own. The guide is docs/replay.md.`

func replayCommand(o *options) *cobra.Command {
	in := app.Replay{}
	c := &cobra.Command{
		Use:   "replay",
		Short: "Label the archive anew, into a label set of its own",
		Long:  replayLong,
		Example: `  earshot replay --label-set again                           the present brands and models
  earshot replay --label-set q2 --brands new.yaml --from 2026-01-01 --to 2026-02-01
  earshot replay --label-set words --model lexicon`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.RunReplay(c.Context(), cfg, console, in)
		},
	}
	f := c.Flags()
	f.StringVar(&in.LabelSet, "label-set", "", "`NAME` of the label set (needed)")
	f.StringVar(&in.From, "from", "", "posts said from this `TIME` on: 2026-01-31 or 2026-01-31T12:00:00Z (default: all)")
	f.StringVar(&in.To, "to", "", "posts said before this `TIME`")
	f.StringVar(&in.Brands, "brands", "", "configuration `FILE` whose brands label (default: those that count now)")
	f.StringVar(&in.Model, "model", "", "`ENGINE` of sentiment: linear, lexicon or none (default: the configured one)")
	f.BoolVar(&in.Simulated, "simulated", false, "the archive of the simulation")
	return c
}
