package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const correctLong = `A person knows better than the model: the language of a post, its sentiment, or with --brand
the sentiment toward one brand in it. The correction lies over what the model said in every
view and total, and in every label set, so it survives redelivery, replays and new models.
The table overrides keeps it with who and when; mentions_current shows corrected_by and
corrected_at. A sentiment of the post counts toward a brand too, unless the model or a person
judged the brand by itself. --undo brings the model's labels back.`

func correctCommand(o *options) *cobra.Command {
	fix := app.Correct{}
	c := &cobra.Command{
		Use:   "correct PLATFORM/ID",
		Short: "Fix the language or the sentiment of a post",
		Long:  correctLong,
		Example: `  earshot correct bluesky/3kxyz --sentiment negative --note "irony"
  earshot correct bluesky/3kxyz --brand Acme --sentiment positive --by ada
  earshot correct mastodon/109348 --language nl
  earshot correct bluesky/3kxyz --undo`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			fix.Post = args[0]
			return app.RunCorrect(c.Context(), cfg, console, fix)
		},
	}
	f := c.Flags()
	f.StringVar(&fix.Sentiment, "sentiment", "", "the right sentiment: negative, neutral or positive")
	f.StringVar(&fix.Brand, "brand", "", "the sentiment is that toward this `BRAND`, not that of the post")
	f.StringVar(&fix.Language, "language", "", "the right language: an ISO 639 `CODE`, or und")
	f.StringVar(&fix.By, "by", "", "`NAME` of who corrects (default: the user of the system)")
	f.StringVar(&fix.Note, "note", "", "why")
	f.BoolVar(&fix.Undo, "undo", false, "take the corrections of the post back, or with --brand those toward it")
	f.BoolVar(&fix.Simulated, "simulated", false, "the simulated market")
	c.AddCommand(correctListCommand(o), correctExportCommand(o))
	return c
}

func correctListCommand(o *options) *cobra.Command {
	l := app.CorrectList{}
	c := &cobra.Command{
		Use:     "list",
		Short:   "Show the corrections that stand, with who and when",
		Example: "  earshot correct list\n  earshot correct list --json | jq .by",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.RunCorrectList(c.Context(), cfg, console, l)
		},
	}
	c.Flags().BoolVar(&l.JSON, "json", false, "a line of JSON each")
	c.Flags().BoolVar(&l.Simulated, "simulated", false, "the simulated market")
	return c
}

const exportLong = `Prints the corrected texts as tab-separated rows to learn from and to measure with: put
those of sentiment below more/sentiment of the training data, and earshot train sentiment
reads them (source "correction"); earshot eval reads all kinds. Texts that were deleted, or
that left the archive, are not among them.`

func correctExportCommand(o *options) *cobra.Command {
	e := app.CorrectExport{}
	c := &cobra.Command{
		Use:     "export",
		Short:   "Print corrections as training data",
		Long:    exportLong,
		Example: "  earshot correct export > data/more/sentiment/corrections.tsv\n  earshot correct export --kind toward",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.RunCorrectExport(c.Context(), cfg, console, e)
		},
	}
	c.Flags().StringVar(&e.Kind, "kind", "sentiment", "sentiment, toward or language")
	c.Flags().BoolVar(&e.Simulated, "simulated", false, "the simulated market")
	return c
}
