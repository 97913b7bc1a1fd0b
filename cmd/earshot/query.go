package main

import (
	"errors"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const queryLong = `Tries queries before a brand gets them. The language is described in docs/query.md.
Where posts stand in a file, a line is a bare text, or, if it begins with {", the JSON of a
post (schemas/post.schema.json), so that fields can be tried too.`

func queryCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "query",
		Short: "Check, test and explain the queries of brands",
		Long:  queryLong,
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var context string
	trial := func(source string) app.QueryTrial { return app.QueryTrial{Query: source, Context: context} }
	test := &cobra.Command{
		Use:   "test QUERY FILE",
		Short: "Precision and recall on posts that say yes or no, and each miss with what decided it",
		Long:  "Each line of FILE is yes or no, a tab, and a post. Of a miss the smallest parts of the query are named that decided.",
		Example: `  earshot query test '(milan AND (match OR goal)) OR "ac milan"' labelled.tsv
  earshot query test 'milan AND context:>0.7' labelled.tsv --context milan.json`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return trial(args[0]).Test(c.OutOrStdout(), args[1]) },
	}
	explain := &cobra.Command{
		Use:     "explain QUERY POST",
		Short:   "Show what decided whether a post matches, and which words of it matched which part",
		Example: `  earshot query explain 'acme NEAR/5 cloud NOT parody' 'Acme has a new cloud'`,
		Args:    cobra.ExactArgs(2),
		RunE:    func(c *cobra.Command, args []string) error { return trial(args[0]).Explain(c.OutOrStdout(), args[1]) },
	}
	diff := &cobra.Command{
		Use:     "diff OLD NEW FILE",
		Short:   "Show which posts (one a line) two queries tell apart, and why",
		Example: `  earshot query diff 'acme' 'acme NOT pear' posts.txt`,
		Args:    cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			return app.DiffQueries(c.OutOrStdout(), trial(args[0]), trial(args[1]), args[2])
		},
	}
	for _, sub := range []*cobra.Command{o.queryCheck(trial), test, explain, diff} {
		sub.Flags().StringVar(&context, "context", "", "`FILE` of the context model (earshot train context) that context:>n asks")
		c.AddCommand(sub)
	}
	return c
}

const queryCheckLong = `Shows the query's mistakes with their place and mend, how it is read, and what is legal but
will hurt. With --posts or --archive each term is measured: a term that alone matches over
1 % of the posts, a NOT that removes everything, and a group that matches nothing are warned
of. --archive asks the ClickHouse of the configuration (as earshot sql does) for posts of the
last days, a sample where there are many, and tells matches a day.`

func (o *options) queryCheck(trial func(string) app.QueryTrial) *cobra.Command {
	var posts string
	var archive app.Archived
	var measured bool
	c := &cobra.Command{
		Use:   "check QUERY",
		Short: "Show mistakes and warnings of a query, and how it is read",
		Long:  queryCheckLong,
		Example: `  earshot query check 'acme AND cloud OR hosting'
  earshot query check 'acme OR the' --posts texts.txt
  earshot query check 'acme NOT parody' --archive --days 14`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg := app.DefaultConfig()
			if !measured {
				archive.Days = 0
			} else {
				var err error
				if archive.Days < 1 {
					return usage(c, errors.New("--days is less than 1"))
				}
				if cfg, err = o.load(); err != nil {
					return err
				}
			}
			console, err := app.NewConsole(cfg.Log, c.OutOrStdout(), c.ErrOrStderr())
			if err != nil {
				return err
			}
			return trial(args[0]).Check(c.Context(), cfg, console, posts, archive)
		},
	}
	c.Flags().StringVar(&posts, "posts", "", "`FILE` of posts to measure it on, one a line")
	c.Flags().BoolVar(&measured, "archive", false, "measure it on the archived posts")
	c.Flags().IntVar(&archive.Days, "days", 7, "with --archive: the last `N` days that have posts")
	c.Flags().BoolVar(&archive.Simulated, "simulated", false, "with --archive: the posts of the simulated stream")
	c.MarkFlagsMutuallyExclusive("posts", "archive")
	return c
}
