package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
	"earshot/dashboards/grafana"
)

func dashboardsCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "dashboards",
		Short: "Bring the boards into Grafana, write them as files, check them",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(dashboardsApply(o), dashboardsExport(o), dashboardsLint(o))
	return c
}

func dashboardsApply(o *options) *cobra.Command {
	var how grafana.Options
	c := &cobra.Command{
		Use:   "apply",
		Short: "Bring data source, boards and alert rules into the Grafana of the configuration",
		Long: `Makes or updates the data source, the folder, the boards, the alert rules about the pipeline, and, if
grafana.contact is set, a contact point and the route to it. Applying twice changes nothing. What people
changed in Grafana stays, and is listed, unless --overwrite is given.`,
		Example: `  earshot dashboards apply --dry-run       what would be done, with differences
  earshot dashboards apply
  earshot dashboards apply --prune         remove boards that this version no longer has`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.ApplyDashboards(c.Context(), cfg, console, how)
		},
	}
	c.Flags().BoolVar(&how.DryRun, "dry-run", false, "say what would be done, and do nothing")
	c.Flags().BoolVar(&how.Overwrite, "overwrite", false, "also what people changed in Grafana")
	c.Flags().BoolVar(&how.Prune, "prune", false, "remove boards of ours that this version no longer has")
	return c
}

func dashboardsExport(o *options) *cobra.Command {
	var seen string
	c := &cobra.Command{
		Use:     "export DIR",
		Short:   "Write the same as files for Grafana's own file provisioning",
		Long:    "Writes datasources, dashboards and alerting files and the boards into DIR. The password of the data source is not in\nthem: Grafana reads it from its environment variable EARSHOT_READER_PASSWORD.",
		Example: "  earshot dashboards export grafana/provisioning --seen-at /etc/grafana/provisioning",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			if seen == "" {
				if seen, err = filepath.Abs(args[0]); err != nil {
					return fmt.Errorf("dashboards: %w", err)
				}
			}
			return app.ExportDashboards(cfg, console, args[0], seen)
		},
	}
	c.Flags().StringVar(&seen, "seen-at", "", "`PATH` of DIR as Grafana sees it (default: its path here)")
	return c
}

func dashboardsLint(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "lint [FILE]...",
		Short:   "Check boards: data source by variable, units, descriptions, escaping, overlaps",
		Example: "  earshot dashboards lint my-board.json",
		RunE: func(c *cobra.Command, args []string) error {
			_, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			files := map[string][]byte{}
			for _, path := range args {
				if files[path], err = os.ReadFile(path); err != nil {
					return fmt.Errorf("dashboards: %w", err)
				}
			}
			return app.LintDashboards(console, files)
		},
	}
}
