package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const brandLong = `Brands stand on the topic earshot-brands, where the configuration publishes its own at the
start and whenever its file changes. What a command changes stays until the configuration
says something new of the same brand. Workers take changes up between two batches, within
seconds; nothing is restarted.`

func brandCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "brand",
		Short: "Show and change brands without a restart",
		Long:  brandLong,
		Example: `  earshot brand add Acme 'acme OR #acme'
  earshot brand set Acme 'acme OR @acme'
  earshot brand pause Acme`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var format string
	list := &cobra.Command{
		Use: "list", Short: "Show every brand: state, who said it last, query", Args: cobra.NoArgs,
		Long:    "Shows every brand: its state, who said it last, how far its past was looked for, and its query.\nAs JSON also market, competitors, owner, languages, categories and all else that is said of it; boards find them\nin the table brand_profiles.",
		Example: "  earshot brand list --format json",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.ListBrands(c.Context(), cfg, console, format)
		},
	}
	list.Flags().StringVar(&format, "format", "text", "`FORMAT`: text or json")
	c.AddCommand(
		list,
		o.brandChange("add", "NAME QUERY", "Count a new brand from now on"),
		o.brandChange("set", "NAME QUERY", "Give a brand another query"),
		o.brandChange("pause", "NAME", "Count no new mentions; those that stand stay"),
		o.brandChange("resume", "NAME", "Count a paused brand again"),
		o.brandChange("remove", "NAME", "Count no new mentions and forget the query; mentions that stand stay"),
	)
	c.AddCommand(o.muteCommands()...)
	return c
}

func (o *options) brandChange(verb, arguments, short string) *cobra.Command {
	n := 1
	if arguments != "NAME" {
		n = 2
	}
	context := ""
	out := &cobra.Command{
		Use: verb + " " + arguments, Short: short, Args: cobra.ExactArgs(n),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			change := app.BrandChange{Verb: verb, Name: args[0], Context: context}
			if n == 2 {
				change.Query = args[1]
			}
			return app.ChangeBrand(c.Context(), cfg, console, change)
		},
	}
	if n == 2 {
		out.Flags().StringVar(&context, "context", "", "`FILE` of a context model (earshot train context) that the query asks by context:>0.7")
	}
	return out
}
