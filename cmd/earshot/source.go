package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

func sourceCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "source",
		Short: "What is collected, and how it goes",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(sourceListCommand(o), sourceCheckCommand(o), sourceRulesCommand(o))
	return c
}

func sourceListCommand(o *options) *cobra.Command {
	l := app.SourceList{}
	c := &cobra.Command{
		Use:   "list",
		Short: "All configured sources with state, rate, lag and last error",
		Long: `Shows what the sources reported within the last ten minutes, of their last whole minute. A
source is "silent" if it reported nothing: it does not run, or began a minute or two ago.`,
		Example: `  earshot source list
  earshot source list --all --format json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if l.Format != "table" && l.Format != "json" {
				return usage(c, fmt.Errorf("unknown format %q; known are table, json", l.Format))
			}
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.ListSources(c.Context(), cfg, console, l)
		},
	}
	c.Flags().BoolVar(&l.All, "all", false, "the platforms that are not configured too")
	c.Flags().StringVarP(&l.Format, "format", "f", "table", "`FORMAT`: table or json (a list of objects)")
	return c
}

func sourceCheckCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "check NAME",
		Short:   "Try a source and say what it allows",
		Example: `  earshot source check bluesky`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.CheckSource(c.Context(), cfg, console, args[0])
		},
	}
}

func sourceRulesCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "rules NAME",
		Short: "What the brands' queries become on a platform that filters at its side",
		Long: `Prints the rules (X) or searches (Reddit) that the configured brands come to, within the
platform's limits. They never match less than the queries, but for what is listed as lost.`,
		Example: `  earshot source rules x`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.SourceRules(cfg, console, args[0])
		},
	}
}
