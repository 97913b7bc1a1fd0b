package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program and of its parts",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			out := c.OutOrStdout()
			fmt.Fprintf(out, "earshot %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			for _, part := range app.Parts() {
				fmt.Fprintf(out, "%-22s %s\n", part.Name, part.Version)
			}
			return nil
		},
	}
}
