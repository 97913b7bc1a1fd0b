package main

import (
	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

const muteLong = `Mentions by the account, from the source, or with an address of the domain (and of its
subdomains) do not count, of every brand or of one. Workers take it up between two batches;
mentions that stand are taken away and totals rebuilt within seconds while ` + "`earshot run`" + `
runs, else by the next one. Replays and brands that look back keep to it. The posts stay in
the archive, so ` + "`brand unmute`" + ` brings their mentions back.`

const rejectLong = `Says that a post does not mean the brand: its mention is taken away and stays away, whatever
is replayed or edited. --undo takes that back.`

// muteCommands are the commands that say what does not count.
func (o *options) muteCommands() []*cobra.Command {
	change := func(use, short string, undo bool) *cobra.Command {
		m := app.MuteChange{Undo: undo}
		c := &cobra.Command{
			Use: use, Short: short, Long: muteLong, Args: cobra.ExactArgs(2),
			Example: `  earshot brand mute author mastodon/109348
  earshot brand mute source reddit-jobs --brand Acme
  earshot brand mute domain spam.example
  earshot brand unmute domain spam.example`,
			RunE: func(c *cobra.Command, args []string) error {
				m.Kind, m.Value = args[0], args[1]
				if m.Kind == "post" {
					m.Kind = "" // that is `brand reject`
				}
				cfg, console, err := o.prepare(c)
				if err != nil {
					return err
				}
				return app.ChangeMute(c.Context(), cfg, console, m)
			},
		}
		c.Flags().StringVar(&m.Brand, "brand", "", "only this `BRAND` (default: every brand)")
		c.Flags().StringVar(&m.Who, "by", "", "`NAME` of who says so (default: the user of this machine)")
		return c
	}
	reject := app.MuteChange{Kind: "post"}
	not := &cobra.Command{
		Use: "reject BRAND PLATFORM ID", Short: "Say that a post does not mean the brand", Long: rejectLong, Args: cobra.ExactArgs(3),
		Example: `  earshot brand reject Apple bluesky 3kxyz
  earshot brand reject Apple bluesky 3kxyz --undo`,
		RunE: func(c *cobra.Command, args []string) error {
			reject.Brand, reject.Value = args[0], args[1]+"/"+args[2]
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.ChangeMute(c.Context(), cfg, console, reject)
		},
	}
	not.Flags().BoolVar(&reject.Undo, "undo", false, "it means the brand after all")
	not.Flags().StringVar(&reject.Who, "by", "", "`NAME` of who says so (default: the user of this machine)")
	list := &cobra.Command{
		Use: "mutes", Short: "Show what does not count, by whom and since when", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.ListMutes(c.Context(), cfg, console)
		},
	}
	return []*cobra.Command{
		change("mute author|source|domain VALUE", "Count nothing by an account, from a source or with an address of a domain", false),
		change("unmute author|source|domain VALUE", "Count it again, also what was said meanwhile", true),
		not, list,
	}
}
