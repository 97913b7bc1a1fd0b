package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

func webCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "web",
		Short: "Show the boards in a browser, on this machine",
		Long: `Draws the boards of Grafana in a small web view, for the first look: time range, variables,
drill-down, CSV of any panel. ` + "`earshot run`" + ` does the same by itself (role web).

At /queries analysts try what counts as a mention of a brand on the archive; with web.token
set they save it there (docs/query.md).

It asks as a user that may only read, and runs the queries of the boards and of that page alone.`,
		Example: `  earshot web                            beside a running earshot, or over what it stored
  earshot web --config clusters.yaml     over a ClickHouse of your own`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.RunWeb(c.Context(), cfg, console)
		},
	}
}
