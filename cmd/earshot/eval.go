package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const evalLong = `Labels the texts of a file whose languages or sentiments are known, as a stream would, and
prints how often it is right: accuracy, macro-F1 with its interval, macro-recall, expected
calibration error and confusions.

The file has tab-separated columns and no header, in one of five ways:
  language, text
  label (0 negative, 1 neutral, 2 positive), language, source, text
  label (0, 1, 2, toward the brand), language, source, brand, text
  label (-2 to 2, toward the target), target, id of the tweet, part, text
  language, brand, label (0, 1, 2, toward it), other brand, its label, text

The sentiment is judged in the language that was detected. Short texts are answered too, to
be comparable with other detectors: language.min_letters is taken as 0. The shipped models
were trained on the project's own training files: on those, look at --held-out, and at the
model cards.`

func evalCommand() *cobra.Command {
	e := app.Eval{}
	c := &cobra.Command{
		Use:   "eval FILE.tsv",
		Short: "Measure the labels on texts that are labelled",
		Long:  evalLong,
		Example: `  earshot eval sentiment/val.tsv
  earshot eval --held-out language/sentences.tsv
  earshot eval --claims sentiment/val.tsv`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return app.RunEval(args[0], e, c.OutOrStdout()) },
	}
	c.Flags().BoolVar(&e.HeldOut, "held-out", false, "only what was kept apart: a fifth of the texts, by hash, from the language tables; a quarter of the targets from the sentiment model; odd lines with two brands from the rules")
	c.Flags().BoolVar(&e.Claims, "claims", false, "languages alone, by what the platform claims: nothing, the right language, a wrong one")
	return c
}
