package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"earshot/enrich/model"
)

func modelCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "model",
		Short: "Show how right the labels are, and what they were learned from",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var asJSON bool
	show := &cobra.Command{
		Use:       "show [sentiment|language]",
		Short:     "Print the card of a model",
		Long:      "Prints what the model learned from, how right it is in each language, how far its\nprobabilities can be believed, what was tried, and where it fails.",
		Example:   "  earshot model show\n  earshot model show language --json",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"sentiment", "language"},
		RunE: func(c *cobra.Command, args []string) error {
			card, figures := model.SentimentCard, model.SentimentFigures
			if len(args) == 1 && args[0] == "language" {
				card, figures = model.LanguageCard, model.LanguageFigures
			}
			text := card()
			if asJSON {
				text = figures()
			}
			_, err := fmt.Fprint(c.OutOrStdout(), text)
			return err
		},
	}
	show.Flags().BoolVar(&asJSON, "json", false, "print the figures as JSON: confusion matrices and calibration curves too")
	c.AddCommand(show)
	return c
}
