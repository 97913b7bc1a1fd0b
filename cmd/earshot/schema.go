package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

func schemaCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "schema",
		Short: "Apply, show and print the tables of ClickHouse",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	apply := &cobra.Command{
		Use:   "apply",
		Short: "Create what is missing; `run` and `import` do so by themselves",
		Long:  "Applies the numbered migrations that are missing, in the databases of both streams.\nApplying twice changes nothing; several processes may do it at once.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.ApplySchema(c.Context(), cfg, console)
		},
	}
	status := &cobra.Command{
		Use:   "status",
		Short: "Show which migrations are applied",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.SchemaStatus(c.Context(), cfg, console)
		},
	}
	c.AddCommand(apply, status, schemaPrint())
	return c
}

func schemaPrint() *cobra.Command {
	var database, cluster string
	c := &cobra.Command{
		Use:   "print",
		Short: "Print the SQL of all migrations",
		Long: "Prints the numbered migrations. With --cluster, what `schema apply` executes where clickhouse.cluster\n" +
			"is set: replicated tables on every shard under distributed ones (experimental: see docs/operating.md).",
		Example: "  earshot schema print\n  earshot schema print --cluster wide --database earshot",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := app.SchemaSQL(database, cluster)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.OutOrStdout(), text)
			return err
		},
	}
	c.Flags().StringVar(&cluster, "cluster", "", "for this `CLUSTER` of remote_servers")
	c.Flags().StringVar(&database, "database", "earshot", "`DATABASE` of the tables on a cluster")
	return c
}
