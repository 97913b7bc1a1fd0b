package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

func queryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "query",
		Short: "Check, test and explain the queries of brands",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var posts string
	check := &cobra.Command{
		Use:   "check QUERY",
		Short: "Show mistakes and warnings of a query, and how it is read",
		Long:  "With --posts (one text a line) every term is measured on them: what alone matches over 1 % of them,\nand a NOT that removes everything, is warned of.",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return app.CheckQuery(c.OutOrStdout(), args[0], posts)
		},
	}
	check.Flags().StringVar(&posts, "posts", "", "`FILE` of texts, one a line")
	test := &cobra.Command{
		Use:   "test QUERY FILE",
		Short: "Precision and recall on texts that say yes or no, and each miss with its reason",
		Long:  "Each line of FILE is yes or no, a tab, and a text.",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return app.TestQuery(c.OutOrStdout(), args[0], args[1])
		},
	}
	explain := &cobra.Command{
		Use:   "explain QUERY TEXT",
		Short: "Show which words of a text matched, or which part of the query did not hold",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return app.ExplainQuery(c.OutOrStdout(), args[0], args[1])
		},
	}
	diff := &cobra.Command{
		Use:   "diff OLD NEW FILE",
		Short: "Show which texts (one a line) two queries tell apart",
		Args:  cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			return app.DiffQueries(c.OutOrStdout(), args[0], args[1], args[2])
		},
	}
	c.AddCommand(check, test, explain, diff)
	return c
}
