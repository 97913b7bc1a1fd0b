package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"earshot/cmd/earshot/app"
)

const labelLong = `Reads texts from standard input and writes a line of JSON for each, in order: language,
sentiment and, when --config names brands, the brands in it with the sentiment toward each.

A line of input is JSON with "text" and, if known, "lang" (what the platform says), or with
--plain the bare text. It needs no configuration and no server, streams, and uses all cores.
A line that is not understood gets {"error": ...}, and the exit code is 1 in the end.`

func labelCommand(o *options) *cobra.Command {
	l := app.Label{}
	c := &cobra.Command{
		Use:   "label",
		Short: "Label texts: language, sentiment, brands",
		Long:  labelLong,
		Example: `  echo "I love this phone" | earshot label --plain
  earshot label < posts.ndjson > labels.ndjson
  earshot label --config earshot.yaml < posts.ndjson | jq .brands`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg := app.DefaultConfig()
			if o.config != "" {
				var err error
				if cfg, err = o.load(); err != nil {
					return err
				}
			}
			if f, ok := c.ErrOrStderr().(*os.File); ok && term.IsTerminal(int(f.Fd())) && !term.IsTerminal(int(os.Stdout.Fd())) {
				l.Progress = f
			}
			return app.RunLabel(c.Context(), cfg, l, c.InOrStdin(), c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&l.Plain, "plain", false, "each line of input is a text")
	return c
}
