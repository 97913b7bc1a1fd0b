package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const referenceHead = `# Commands

Generated from the program's own help (` + "`make generate`" + `); a test holds it against it.

Exit codes, of every command:

| code | meaning |
|---|---|
| 0 | done |
| 1 | failed; the last line says why |
| 2 | unknown command, flag or argument |
| 3 | the configuration, or a query, has mistakes; each is shown with its place |
| 4 | a server cannot be reached, or refuses us |
| 5 | imported with --strict, but some records became dead letters |
| 6 | doctor found something that does not work |

What a command answers goes to standard output; messages go to standard error.
`

// reference is the content of docs/cli.md.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	describe(&b, root)
	return b.String()
}

func describe(b *strings.Builder, c *cobra.Command) {
	if c.Hidden || c.Name() == "completion" {
		return
	}
	text := c.Long
	if text == "" {
		text = c.Short
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n```\n%s\n", c.CommandPath(), text, c.UseLine())
	if c.Example != "" {
		fmt.Fprintf(b, "\n%s\n", c.Example)
	}
	b.WriteString("```\n")
	var rows []string
	c.Flags().VisitAll(func(f *pflag.Flag) { rows = append(rows, flagRow(f)) })
	c.PersistentFlags().VisitAll(func(f *pflag.Flag) { rows = append(rows, flagRow(f)) })
	if len(rows) > 0 {
		b.WriteString("\n| flag | default | meaning |\n|---|---|---|\n" + strings.Join(rows, ""))
	}
	for _, sub := range c.Commands() {
		describe(b, sub)
	}
}

func flagRow(f *pflag.Flag) string {
	kind, meaning := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	if kind != "" {
		name += " " + kind
	}
	value := f.DefValue
	if value == "false" || value == "[]" {
		value = ""
	}
	if value != "" {
		value = "`" + value + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", name, value, meaning)
}
