package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/app/settings"
)

func configCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Check, print and describe the configuration",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(configCheck(o), configPrint(o), configSchema(), configExample())
	return c
}

func configCheck(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "check",
		Short:   "Print every mistake with its place and how to mend it",
		Long:    "Reads the configuration and the environment and prints every mistake as file:line:column.\nExit code 3 says that there are some.",
		Example: "  earshot config check --config production.yaml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "no mistakes; %d brands, %d sources\n", len(cfg.Brands), len(cfg.Sources))
			return nil
		},
	}
}

func configPrint(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "print",
		Short: "Print all settings in effect: defaults, file and environment; secrets as ***",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			text, err := settings.Print(cfg)
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}
}

func configSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration, for editors",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := app.ConfigSchema()
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}
}

func configExample() *cobra.Command {
	return &cobra.Command{
		Use:     "example",
		Short:   "Print a configuration with every setting, its meaning and its default",
		Example: "  earshot config example > earshot.yaml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(c.OutOrStdout(), app.ConfigExample())
			return err
		},
	}
}
