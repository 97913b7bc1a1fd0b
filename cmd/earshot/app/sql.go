package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// ClickHouse's errors for a statement that the user may not make.
const (
	codeReadonly = 164
	codeDenied   = 497
)

// SQL is a question to ClickHouse.
type SQL struct {
	Query     string
	Format    string // any output format of ClickHouse; a FORMAT in the query wins
	Database  string // empty: that of the live stream
	Simulated bool   // the database of the simulated stream
	Write     bool   // as the user that may write
}

// RunSQL answers a question: from a configured server, from the embedded one of another
// process, or from one that it starts for the question alone.
func RunSQL(ctx context.Context, cfg *Config, c *Console, q SQL) (err error) {
	servers, err := startServers(ctx, cfg, needs{
		command: "sql", clickhouse: true, share: []string{"run", "import"},
	}, c.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.Close(context.WithoutCancel(ctx))) }()

	live, simulated := streams(cfg)
	at := servers.Reader
	if q.Write {
		at = servers.ClickHouse
	}
	database := live.Database
	switch {
	case q.Database != "":
		database = q.Database
	case q.Simulated:
		database = simulated.Database
	}
	if servers.engine != nil { // it may be new
		if err := migrate(ctx, cfg, servers, c.Log); err != nil {
			return err
		}
	}
	db, err := openClickHouse(ctx, at, askWait, c.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return explainSQL(db.In(database).Query(ctx, q.Query, q.Format, c.Out))
}

// migrate makes the tables, so that a question about them has an answer.
func migrate(ctx context.Context, cfg *Config, servers *Servers, log zerolog.Logger) (err error) {
	db, err := openClickHouse(ctx, servers.ClickHouse, askWait, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	live, simulated := streams(cfg)
	for _, s := range []pipeline.Stream{live, simulated} {
		if err := clickhouse.Migrate(ctx, db, s.Database); err != nil {
			return err
		}
	}
	return nil
}

// explainSQL gives the exit code of a server that cannot be reached to what is not the
// question's fault. What the server says of a question is said as it is: the advice for
// our own statements (apply the schema) would mislead.
func explainSQL(err error) error {
	if answer, ok := errors.AsType[*clickhouse.Error](err); ok && answer.Code != 0 {
		if answer.Code == codeReadonly || answer.Code == codeDenied {
			return fmt.Errorf("%s: this user may only read; --write asks as the one that may write", answer.Text)
		}
		return errors.New(answer.Text)
	}
	return failure(ExitUnreachable, err)
}
