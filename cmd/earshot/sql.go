package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"earshot/cmd/earshot/app"
)

const sqlLong = `Runs SQL in ClickHouse and prints the answer in any ClickHouse format.

It works beside a running ` + "`earshot run`" + `, on a configured server, and while nothing else
runs: then it starts the embedded ClickHouse for as long as the answer takes. It uses the
read-only user unless --write is given. Without a query it reads one from standard input.`

func sqlCommand(o *options) *cobra.Command {
	q := app.SQL{}
	var file string
	c := &cobra.Command{
		Use:   "sql [QUERY]",
		Short: "Ask ClickHouse",
		Long:  sqlLong,
		Example: `  earshot sql "SELECT brand, count() FROM mentions_current GROUP BY brand ORDER BY 2 DESC"
  earshot sql "SELECT count() FROM posts" --simulated --format TSV
  earshot sql --file report.sql --format CSVWithNames > report.csv
  echo "SHOW TABLES" | earshot sql`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if q.Query, err = readQuery(c, args, file); err != nil {
				return err
			}
			cfg, console, err := o.prepare(c)
			if err != nil {
				return err
			}
			return app.RunSQL(c.Context(), cfg, console, q)
		},
	}
	c.Flags().StringVarP(&q.Format, "format", "f", "PrettyCompactMonoBlock", "any output `FORMAT` of ClickHouse: TSV, CSVWithNames, JSON, Parquet, Vertical, ...")
	c.Flags().StringVarP(&q.Database, "database", "d", "", "`DATABASE` to ask (default: that of the live stream)")
	c.Flags().BoolVar(&q.Simulated, "simulated", false, "ask the database of the simulated stream")
	c.Flags().BoolVar(&q.Write, "write", false, "use the user that may write")
	c.Flags().StringVar(&file, "file", "", "read the query from `FILE`")
	c.MarkFlagsMutuallyExclusive("database", "simulated")
	return c
}

func readQuery(c *cobra.Command, args []string, file string) (string, error) {
	var text []byte
	var err error
	switch {
	case len(args) == 1 && file != "":
		return "", usage(c, errors.New("a query and --file do not go together"))
	case len(args) == 1:
		text = []byte(args[0])
	case file != "":
		text, err = os.ReadFile(file)
	default:
		if f, ok := c.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return "", usage(c, errors.New("no query is given"))
		}
		text, err = io.ReadAll(c.InOrStdin())
	}
	if err != nil {
		return "", fmt.Errorf("sql: read the query: %w", err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return "", usage(c, errors.New("the query is empty"))
	}
	return string(text), nil
}
