package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const forgetLong = `Makes a tombstone, as the platform's own delete would: views, totals and replays leave the
post or the account out at once and for ever. Its words are erased from every table before
the command ends: the ledger keeps ids, kind and times, all other rows go. The query that
proves it is printed with its answer. What ClickHouse replaced leaves the disk 8 to 18
minutes later; Kafka's files keep its records for kafka.retention and an eighth more.`

func forgetCommand(o *options) *cobra.Command {
	f := app.Forget{}
	c := &cobra.Command{
		Use:   "forget",
		Short: "Delete a post or an account for ever, erase its words and prove it",
		Long:  forgetLong,
		Example: `  earshot forget --post bluesky/3kxyz
  earshot forget --author mastodon/109348`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.RunForget(c.Context(), cfg, console, f)
		},
	}
	c.Flags().StringVar(&f.Post, "post", "", "one post, as `PLATFORM/ID`")
	c.Flags().StringVar(&f.Author, "author", "", "an account with all of its posts, as `PLATFORM/ID`")
	return c
}
