package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// ApplySchema brings the databases of both streams to the schema of this program.
func ApplySchema(ctx context.Context, cfg *Config, c *Console) error {
	return withStreams(ctx, cfg, c.Log, func(db *clickhouse.DB, s pipeline.Stream) error {
		if err := clickhouse.Migrate(ctx, db, s.Database); err != nil {
			return err
		}
		all, err := clickhouse.Migrations()
		if err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "%s: at migration %s\n", s.Database, all[len(all)-1].Name)
		return nil
	})
}

// SchemaStatus prints which migrations are applied, for each database.
func SchemaStatus(ctx context.Context, cfg *Config, c *Console) error {
	return withStreams(ctx, cfg, c.Log, func(db *clickhouse.DB, s pipeline.Stream) error {
		all, err := clickhouse.Migrations()
		if err != nil {
			return err
		}
		db = db.In(s.Database)
		applied, err := clickhouse.AppliedTo(ctx, db)
		if answer, ok := errors.AsType[*clickhouse.Error](err); ok && !answer.Retryable && answer.Mend != "" {
			applied = nil // no database, or no tables yet
		} else if err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "%s\n", s.Database)
		stands := map[int]clickhouse.Applied{}
		for _, a := range applied {
			stands[int(a.Number)] = a
		}
		for _, m := range all {
			state := "pending"
			if a, ok := stands[m.Number]; ok {
				state = "applied " + a.At.UTC().Format(time.RFC3339)
				if a.Checksum != m.Checksum {
					state += ", but from another text"
				}
			}
			fmt.Fprintf(c.Out, "  %-28s %s\n", m.Name, state)
			delete(stands, m.Number)
		}
		for _, a := range applied {
			if _, ok := stands[int(a.Number)]; ok {
				fmt.Fprintf(c.Out, "  %-28s applied by a newer program\n", a.Name)
			}
		}
		return nil
	})
}

// SchemaSQL is the text of all migrations; for a cluster, what is executed there.
func SchemaSQL(database, cluster string) (string, error) {
	all, err := clickhouse.Migrations()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, m := range all {
		text := strings.TrimSpace(m.SQL)
		if cluster != "" {
			list, err := m.Statements(database, cluster)
			if err != nil {
				return "", err
			}
			text = strings.Join(list, ";\n\n") + ";"
		}
		fmt.Fprintf(&b, "-- %s\n%s\n", m.Name, text)
	}
	return b.String(), nil
}

// withStreams connects as the writer and calls do for both streams.
func withStreams(ctx context.Context, cfg *Config, log zerolog.Logger, do func(*clickhouse.DB, pipeline.Stream) error) (err error) {
	servers, err := startServers(ctx, cfg, needs{
		command: "schema", clickhouse: true, share: []string{"run", "import"},
	}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.Close(context.WithoutCancel(ctx))) }()
	db, err := openClickHouse(ctx, servers.ClickHouse, askWait, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	live, simulated := streams(cfg)
	return errors.Join(do(db, live), do(db, simulated))
}
