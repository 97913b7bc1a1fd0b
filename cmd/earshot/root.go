package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
)

// defaultConfig is read if it is there and --config is not given.
const defaultConfig = "earshot.yaml"

const rootLong = `Earshot streams public posts into Kafka, finds language, brand mentions and sentiment,
and stores every post and mention in ClickHouse, exactly once.

Without a configuration it starts a Kafka-protocol broker and a ClickHouse server of its
own and simulates a market, so that there is something to look at at once.`

const rootExample = `  earshot run                                    start, and simulate a market
  earshot sql "SELECT brand, count() FROM mentions_current GROUP BY brand" --simulated
  earshot import tweets.tsv                      store a file, through Kafka like everything else
  earshot config check                           every mistake of earshot.yaml, with line and mend`

// options are the flags that all commands share.
type options struct {
	config string
}

func rootCommand() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:           "earshot",
		Short:         "Public posts about brands, turned into market research",
		Long:          rootLong,
		Example:       rootExample,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVarP(&o.config, "config", "c", "",
		"configuration `FILE` (default: ./"+defaultConfig+" if it is there, else built-in defaults)")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, err) })
	root.AddCommand(deadCommand(o), backupCommand(o), restoreCommand(o))
	root.AddCommand(
		runCommand(o), importCommand(o), sqlCommand(o), schemaCommand(o), configCommand(o), modelCommand(), trainCommand(), versionCommand(),
		replayCommand(o), labelsCommand(o),
		queryCommand(o), brandCommand(o), forgetCommand(o), alertCommand(o),
		doctorCommand(o),
		sourceCommand(o), webCommand(o), dashboardsCommand(o),
		labelCommand(o), evalCommand(), correctCommand(o),
	)
	for _, c := range root.Commands() {
		checkArguments(c)
	}
	root.SetHelpCommand(helpCommand())
	return root
}

// helpCommand answers those who type help instead of --help.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show what a command does", Hidden: true,
		RunE: func(c *cobra.Command, args []string) error {
			of, left, err := c.Root().Find(args)
			if err != nil || len(left) > 0 {
				return usage(c.Root(), fmt.Errorf("unknown command %q", strings.Join(args, " ")))
			}
			return of.Help()
		},
	}
}

// usage marks an error as one of the command line.
func usage(c *cobra.Command, err error) error {
	return &app.Failure{Code: app.ExitUsage, Err: fmt.Errorf("%w (see `%s --help`)", err, c.CommandPath())}
}

// checkArguments gives wrong arguments the exit code of usage.
func checkArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usage(c, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		checkArguments(sub)
	}
}

// load reads the configuration file, if there is one, and the environment.
func (o *options) load() (*app.Config, error) {
	name, content, err := o.read()
	if err != nil {
		return nil, err
	}
	cfg, err := app.LoadConfig(name, content, os.Environ())
	if err != nil {
		return nil, err
	}
	cfg.Invocation, cfg.File, cfg.Reload = os.Args[0], name, o.load
	if o.config != "" {
		cfg.Invocation += " --config " + o.config
	}
	return cfg, nil
}

// read finds the file; without one its content is empty.
func (o *options) read() (name string, content []byte, err error) {
	name = o.config
	if name == "" {
		name = defaultConfig
	}
	content, err = os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && o.config == "" {
		return name, nil, nil
	}
	if err != nil {
		return "", nil, &app.Failure{Code: app.ExitConfiguration, Err: fmt.Errorf("configuration: %w", err)}
	}
	return name, content, nil
}

// prepare loads the configuration and makes the console that it asks for.
func (o *options) prepare(c *cobra.Command) (*app.Config, *app.Console, error) {
	cfg, err := o.load()
	if err != nil {
		return nil, nil, err
	}
	console, err := app.NewConsole(cfg.Log, c.OutOrStdout(), c.ErrOrStderr())
	return cfg, console, err
}
