package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"earshot/dashboards"
	"earshot/dashboards/grafana"
	"earshot/pipeline"
)

// grafanaConfig fills what Grafana needs to know of ClickHouse from our own settings.
func (c *Config) grafanaConfig() (grafana.Config, error) {
	out := c.Grafana
	if out.ClickHouse == "" {
		out.ClickHouse = c.ClickHouse.Addr
	}
	if out.ClickHouse == "" || out.User == "" {
		rt, err := readRuntime(c.Data)
		if err != nil || rt == nil {
			return out, failure(ExitConfiguration, errors.New("grafana: which ClickHouse shall Grafana ask? Set grafana.clickhouse, grafana.user and grafana.password, "+
				"or start earshot on this data directory"))
		}
		if out.ClickHouse == "" {
			out.ClickHouse = rt.ClickHouse
		}
		if out.User == "" {
			out.User, out.Password = rt.Reader.User, pipeline.Secret(rt.Reader.Password)
		}
	}
	return out, nil
}

// ApplyDashboards brings data source, boards and alert rules into the configured Grafana,
// and prints what it does.
func ApplyDashboards(ctx context.Context, cfg *Config, c *Console, o grafana.Options) error {
	if cfg.Grafana.URL == "" {
		return failure(ExitConfiguration, errors.New("grafana.url: is not set; name the Grafana, and a token in grafana.token"))
	}
	settings, err := cfg.grafanaConfig()
	if err != nil {
		return err
	}
	boards, err := dashboards.Boards()
	if err != nil {
		return err
	}
	counts := map[grafana.Verb]int{}
	err = grafana.Apply(ctx, settings, boards, o, func(change grafana.Change) {
		counts[change.Verb]++
		c.print(fmt.Sprintf("%-7s %s\n", change.Verb, change.What))
		if o.DryRun && change.Diff != "" {
			c.print("        " + strings.ReplaceAll(change.Diff, "\n", "\n        ") + "\n")
		}
	})
	if err != nil {
		return err
	}
	if counts[grafana.Keep] > 0 {
		c.print(fmt.Sprintf("\n%d kept as people changed them; --overwrite brings ours back\n", counts[grafana.Keep]))
	}
	return nil
}

// ExportDashboards writes the files of Grafana's own provisioning.
func ExportDashboards(cfg *Config, c *Console, dir, seen string) error {
	settings, err := cfg.grafanaConfig()
	if err != nil {
		return err
	}
	boards, err := dashboards.Boards()
	if err != nil {
		return err
	}
	names, err := grafana.Export(dir, seen, settings, boards)
	if err != nil {
		return err
	}
	for _, name := range names {
		c.print(name + "\n")
	}
	return nil
}

// LintDashboards checks board files, ours if none is named, and prints what is wrong.
func LintDashboards(c *Console, files map[string][]byte) error {
	boards, err := dashboards.Boards()
	if err != nil {
		return err
	}
	if len(files) > 0 {
		boards = boards[:0]
		for name, raw := range files {
			b, err := dashboards.Parse(name, raw)
			if err != nil {
				return failure(ExitConfiguration, err)
			}
			boards = append(boards, b)
		}
	}
	wrong := 0
	for i := range boards {
		for _, w := range boards[i].Lint() {
			wrong++
			c.print(w + "\n")
		}
	}
	if wrong > 0 {
		return failure(ExitConfiguration, fmt.Errorf("dashboards: %d rules are broken", wrong))
	}
	c.print(fmt.Sprintf("%d boards, nothing wrong\n", len(boards)))
	return nil
}
