package main

import "github.com/spf13/cobra"

// completeWords lets the shell complete the values of a flag. `earshot completion` prints
// the scripts for bash, zsh, fish and PowerShell.
func completeWords(c *cobra.Command, flag string, words ...string) {
	err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag is not there: a mistake of ours, seen by every test
	}
}
