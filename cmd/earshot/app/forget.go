package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// Forget names a post or an account that is to leave every table.
type Forget struct {
	Post, Author string // platform/id; one of them
}

// RunForget deletes a post or an account as the platform itself would, erases its words
// at once, and prints the query that proves it, with its answer.
func RunForget(ctx context.Context, cfg *Config, c *Console, f Forget) error {
	scope, name := pipeline.ScopePost, f.Post
	if f.Author != "" {
		scope, name = pipeline.ScopeAccount, f.Author
	}
	platform, id, ok := strings.Cut(name, "/")
	if !ok || platform == "" || id == "" || (f.Post == "") == (f.Author == "") {
		return failure(ExitUsage, errors.New("forget: give --post PLATFORM/ID or --author PLATFORM/ID"))
	}
	return withStreams(ctx, cfg, c.Log, func(db *clickhouse.DB, s pipeline.Stream) error {
		if err := clickhouse.Migrate(ctx, db, s.Database); err != nil {
			return err
		}
		db = db.In(s.Database)
		if err := db.Forget(ctx, scope, platform, id, pipeline.At(time.Now())); err != nil {
			return err
		}
		rows, err := clickhouse.Erase(ctx, db, c.Log)
		if err != nil {
			return err
		}
		if err := clickhouse.OpenRollups(db, c.Log).Drain(ctx); err != nil {
			return err
		}
		c.print(fmt.Sprintf("%s: %s %s/%s is deleted for ever; words of %d rows were erased. Their bytes leave the disk of ClickHouse in 8 to 18 minutes. The proof:\n\n%s\n\n",
			s.Database, scope, platform, id, rows, db.Remains()))
		if err := db.Query(ctx, db.Remains(), "PrettyCompactMonoBlock", c.Out); err != nil {
			return err
		}
		c.print("\n")
		return nil
	})
}
