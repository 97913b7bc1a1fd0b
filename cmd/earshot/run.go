package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const runLong = `Collects, enriches and stores until it is told to stop.

Where no servers are configured it starts a Kafka-protocol broker and a ClickHouse server
of its own, in the directory that ` + "`data:`" + ` names. Where no sources are configured it
simulates a market: invented brands and people, labelled as simulated in every row, in the
database earshot_simulated.

SIGTERM or Ctrl-C finishes the batch in hand and ends; nothing is lost, and the next start
goes on where this one stopped. A second signal ends the program at once, which loses
nothing either.`

func runCommand(o *options) *cobra.Command {
	var roles []string
	var simulate bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Collect, enrich and store until told to stop",
		Long:  runLong,
		Example: `  earshot run                          everything in one process, servers included
  earshot run --roles collect          one of many collectors
  earshot run --roles enrich           one of many workers
  earshot run --roles detect           looks for spikes, tells people, finds who carries the talk
  earshot run --simulate               the simulated market beside the configured sources`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			if c.Flags().Changed("roles") {
				if err := cfg.SetRoles(roles); err != nil {
					return usage(c, err)
				}
			}
			if c.Flags().Changed("simulate") {
				cfg.SetSimulate(simulate)
			}
			return app.Run(c.Context(), cfg, console)
		},
	}
	c.Flags().StringSliceVar(&roles, "roles", nil, "`ROLES` of this process, of collect, enrich, detect and web, comma-separated (default: all)")
	completeWords(c, "roles", app.RoleCollect, app.RoleEnrich, app.RoleDetect, app.RoleWeb)
	c.Flags().BoolVar(&simulate, "simulate", false, "simulate a market, or not (default: if no source is configured)")
	return c
}
