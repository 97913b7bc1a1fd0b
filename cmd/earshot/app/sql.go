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
func RunSQL(ctx context.Context, cfg *Config, c *Console, q SQL) error {
	return withTables(ctx, cfg, c.Log, tables{command: "sql", simulated: q.Simulated, write: q.Write}, func(_ *Servers, db *clickhouse.DB, _ pipeline.Stream) error {
		if q.Database != "" {
			db = db.In(q.Database)
		}
		return explainSQL(db.Query(ctx, q.Query, q.Format, c.Out))
	})
}

// tables says which tables a command works on.
type tables struct {
	command   string
	simulated bool // those of the simulated stream
	write     bool // as the user that may write
	kafka     bool // with Kafka beside them
}

// withTables opens the tables of a stream for a command, makes them first if the server is
// a new one of our own, and closes all that it opened when do has ended.
func withTables(
	ctx context.Context, cfg *Config, log zerolog.Logger, t tables, do func(*Servers, *clickhouse.DB, pipeline.Stream) error,
) (err error) {
	servers, err := startServers(ctx, cfg, needs{command: t.command, clickhouse: true, kafka: t.kafka, share: []string{"run", "import"}}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.Close(context.WithoutCancel(ctx))) }()
	if servers.engine != nil { // it may be new
		if err := migrate(ctx, cfg, servers, log); err != nil {
			return err
		}
	}
	at := servers.Reader
	if t.write {
		at = servers.ClickHouse
	}
	db, err := openClickHouse(ctx, at, askWait, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, simulated := streams(cfg)
	if t.simulated {
		s = simulated
	}
	return do(servers, db.In(s.Database), s)
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
