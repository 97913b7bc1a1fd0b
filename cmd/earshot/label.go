package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"earshot/cmd/earshot/app"
)

const labelLong = `Reads texts from standard input and writes a line of JSON for each, in order: language,
sentiment and, when --config names brands, the brands in it with the sentiment toward each.

A line of input is JSON with "text" and, if known, "lang" (what the platform says), or with
--plain the bare text. With brands the other fields of a post count too, as queries ask them
(schemas/post.schema.json). It needs no configuration and no server, streams, and uses all cores.
A line that is not understood gets {"error": ...} in its place and harms no other; with
--strict that ends with exit code 5. On a terminal a bar shows how far it is.`

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
			l.Notes = c.ErrOrStderr()
			if f, ok := l.Notes.(*os.File); ok && term.IsTerminal(int(f.Fd())) && !term.IsTerminal(int(os.Stdout.Fd())) {
				l.Progress, l.Size = f, sizeOf(c.InOrStdin())
			}
			return app.RunLabel(c.Context(), cfg, l, c.InOrStdin(), c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&l.Plain, "plain", false, "each line of input is a text")
	c.Flags().BoolVar(&l.Strict, "strict", false, "end with exit code 5 if a line was not understood")
	return c
}

// sizeOf is what is left to read of a file; 0 of a pipe or a terminal.
func sizeOf(in io.Reader) int64 {
	f, ok := in.(*os.File)
	if !ok {
		return 0
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return info.Size() - at
}
