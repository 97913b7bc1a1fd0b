package main

import (
	"context"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const backupLong = `Writes the data directory of the embedded broker and ClickHouse into one file (tar, zstd)
with the hash of every file. Stop ` + "`earshot run`" + ` first: what is copied is what a clean stop left.
Where servers are configured, back these up by their own means.

The file holds personal data and the passwords of the embedded servers: keep it safe.`

func backupCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Write the embedded data into one file", Long: backupLong,
		Example: "  earshot backup /backup/earshot-2026-01-31.tar.zst", Args: cobra.ExactArgs(1),
		RunE: onData(o, app.Backup),
	}
}

func restoreCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "Make the data directory anew from a backup",
		Long: "Reads a backup into the directory that `data:` names, which must not be there or be empty.\n" +
			"Every file is compared with its hash; the directory stands whole or not at all.",
		Example: "  earshot restore /backup/earshot-2026-01-31.tar.zst", Args: cobra.ExactArgs(1),
		RunE: onData(o, app.Restore),
	}
}

// onData runs a use case that needs the configuration and a file.
func onData(o *options, do func(context.Context, *app.Config, *app.Console, string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		cfg, console, err := o.prepare(c)
		if err != nil {
			return err
		}
		return do(c.Context(), cfg, console, args[0])
	}
}
