package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const importLong = `Reads a file of posts and stores it: through Kafka and enrichment, like everything else.

The file is NDJSON of posts, CSV, TSV or plain text (one post a line), and may be packed
(.gz, .zst). The delimiter of CSV is found (comma, semicolon or tab), and columns are guessed
if --columns is not given; the guess is printed. Exports of Brandwatch, Talkwalker, Meltwater
and 4CAT and dumps of Pushshift are known by --preset. The command ends when every record of
the file is stored, and says how many were read, stored and dead.

It can be killed and started again at any time: it goes on where it stopped and stores
nothing twice. A file that was imported before has nothing new, and says so. Beside a
running ` + "`earshot run`" + ` it uses that one's servers; else it starts its own.

A record that cannot be read becomes a dead letter (table dead_letters: what, where, why)
and harms no other. With --strict that ends with exit code 5.`

func importCommand(o *options) *cobra.Command {
	in := app.Import{}
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Store a file of posts",
		Long:  importLong,
		Example: `  earshot import tweets.tsv
  earshot import comments.csv --columns id=comment_id,text=body,created_at=date --platform facebook
  earshot import RC_2024-01.zst --preset pushshift
  earshot import mentions.csv --preset brandwatch --time-zone Europe/Berlin
  earshot import posts.ndjson --follow         go on as the file grows, until Ctrl-C`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in.Path = args[0]
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.RunImport(c.Context(), cfg, console, in)
		},
	}
	f := c.Flags()
	f.StringToStringVar(&in.Columns, "columns", nil, "columns by `FIELD=COLUMN`, the column by number from 1 or by its name in the header")
	f.StringVar(&in.Format, "format", "", "`FORMAT` of the file: ndjson, csv, tsv or text (default: by its name)")
	f.StringVar(&in.Preset, "preset", "", "`TOOL` that wrote the file: brandwatch, talkwalker, meltwater, 4cat (CSV) or pushshift (dumps of Reddit)")
	f.StringVar(&in.TimeZone, "time-zone", "", "`ZONE` of times that state none, such as Europe/Berlin (default UTC)")
	f.StringVar(&in.Order, "date-order", "", "`ORDER` of dates such as 03/04/2026: dmy or mdy")
	f.StringVar(&in.Platform, "platform", "", "`PLATFORM` of posts that do not name theirs")
	f.BoolVar(&in.TweetIDs, "tweet-ids", false, "ids are tweet ids: the time is taken from them")
	f.BoolVar(&in.Strict, "strict", false, "end with exit code 5 if a record became a dead letter")
	f.BoolVar(&in.Follow, "follow", false, "go on as the file grows")
	return c
}
