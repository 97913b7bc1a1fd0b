package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const doctorLong = `Looks at everything that the program depends on and says what is wrong and how to mend it:
the configuration and its sources, the data directory and its disk, the clocks of this
machine and of ClickHouse, every broker under the address that it advertises, the topics
with their settings and our rights on them, ClickHouse's version, disks and rights, the
schema, and what went wrong in the tables within a day.

It changes nothing. Beside a running ` + "`earshot run`" + ` it looks at that one's servers; else it
starts the embedded ones for as long as it takes.

Exit code 6 says that something does not work; what only warns does not change the code.`

func doctorCommand(o *options) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "doctor",
		Short:   "Say what is wrong, and the mend",
		Long:    doctorLong,
		Example: "  earshot doctor\n  earshot doctor --json | jq 'select(.state != \"ok\")'",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.Doctor(c.Context(), cfg, console, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line: state, area, said, mend")
	return c
}
