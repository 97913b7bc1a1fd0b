package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// RunChild turns this process into the embedded ClickHouse if the arguments ask for it;
// otherwise it returns -1. It comes before anything else in main.
func RunChild(args []string) int { return clickhouse.RunChild(args) }

// Servers are the Kafka and the ClickHouse that this process uses: configured ones,
// those of another process on this machine, or embedded ones that it started.
type Servers struct {
	Kafka      kafka.Config
	ClickHouse clickhouse.Config
	Reader     clickhouse.Config // the same server for people and boards, read-only where we made the user
	Storing    bool              // another process runs them, and carries what is on Kafka into the tables

	dir    *Directory
	broker *kafka.Embedded
	engine *clickhouse.Server
	log    zerolog.Logger
}

// needs says which servers a command uses, and whose it may share.
type needs struct {
	command    string
	kafka      bool
	clickhouse bool
	share      []string // commands whose servers it may use
}

// startServers finds or starts what is needed.
func startServers(ctx context.Context, cfg *Config, n needs, log zerolog.Logger) (*Servers, error) {
	s := &Servers{Kafka: cfg.Kafka, ClickHouse: cfg.ClickHouse, Reader: cfg.ClickHouse, log: log}
	ownKafka := n.kafka && cfg.Kafka.Embedded()
	ownClickHouse := n.clickhouse && cfg.ClickHouse.Addr == ""
	if !ownKafka && !ownClickHouse {
		return s, nil
	}
	dir, rt, err := claim(ctx, cfg.Data, n.share, log)
	if err != nil {
		return nil, err
	}
	if rt != nil {
		return s, s.attach(rt, ownKafka, ownClickHouse)
	}
	s.dir = dir
	if err := s.start(ctx, cfg, n.command, ownKafka, ownClickHouse); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// attach uses the servers that another process runs.
func (s *Servers) attach(rt *Runtime, ownKafka, ownClickHouse bool) error {
	s.Storing = slices.Contains(rt.Roles, RoleEnrich)
	if ownKafka && rt.Kafka == "" || ownClickHouse && rt.ClickHouse == "" {
		return fmt.Errorf("data directory: `earshot %s` (process %d) runs with another configuration: "+
			"it has not both embedded servers; use the same --config", rt.Command, rt.PID)
	}
	if ownKafka {
		s.Kafka.Brokers = []string{rt.Kafka}
	}
	if ownClickHouse {
		s.useClickHouse(rt)
	}
	return nil
}

func (s *Servers) useClickHouse(rt *Runtime) {
	s.ClickHouse.Addr, s.ClickHouse.User, s.ClickHouse.Password = rt.ClickHouse, rt.Writer.User, rt.Writer.secret()
	s.Reader = s.ClickHouse
	s.Reader.User, s.Reader.Password = rt.Reader.User, rt.Reader.secret()
}

// start starts the embedded servers and leaves word of them in the data directory.
func (s *Servers) start(ctx context.Context, cfg *Config, command string, ownKafka, ownClickHouse bool) error {
	rt := &Runtime{PID: os.Getpid(), Command: command, Roles: cfg.Roles, Started: time.Now().UTC().Truncate(time.Second)}
	var err error
	if ownKafka {
		s.broker, err = kafka.StartEmbedded(kafka.EmbeddedConfig{Dir: filepath.Join(cfg.Data, "kafka"), Logger: s.log})
		if err != nil {
			return err
		}
		rt.Kafka = s.broker.Addr()
		s.Kafka.Brokers = []string{rt.Kafka}
	}
	if ownClickHouse {
		s.engine, err = clickhouse.Start(ctx, clickhouse.ServerConfig{Dir: filepath.Join(cfg.Data, "clickhouse"), Logger: s.log})
		if err != nil {
			return err
		}
		users := s.engine.Credentials()
		rt.ClickHouse = s.engine.Addr()
		rt.Writer = login{users.Writer, users.WriterPassword.Reveal()}
		rt.Reader = login{users.Reader, users.ReaderPassword.Reveal()}
		s.useClickHouse(rt)
	}
	s.log.Debug().Str("kafka", rt.Kafka).Str("clickhouse", rt.ClickHouse).Msg("embedded servers run")
	return s.dir.publish(*rt)
}

// Close stops what this process started, the broker first: then nothing asks for rows.
func (s *Servers) Close(ctx context.Context) error {
	var all []error
	if s.broker != nil {
		s.broker.Close()
	}
	if s.engine != nil {
		all = append(all, s.engine.Close(ctx))
	}
	if s.dir != nil {
		all = append(all, s.dir.release())
	}
	return errors.Join(all...)
}

// streams are the two worlds of posts, in the databases that the configuration names.
func streams(cfg *Config) (live, simulated pipeline.Stream) {
	live, simulated = pipeline.LiveStream(), pipeline.SimulatedStream()
	live.Database = cfg.ClickHouse.Database
	simulated.Database = cfg.ClickHouse.Database + "_simulated"
	return live, simulated
}

// How long a configured server may be away when a command starts: one that runs for long
// may start together with its servers, a question wants its answer.
const (
	startWait = 30 * time.Second
	askWait   = 3 * time.Second
)

// openClickHouse connects, waiting a while for a server that starts.
func openClickHouse(ctx context.Context, cfg clickhouse.Config, patience time.Duration, log zerolog.Logger) (*clickhouse.DB, error) {
	var db *clickhouse.DB
	err := reach(ctx, "ClickHouse", patience, log, func(ctx context.Context) (err error) {
		db, err = clickhouse.Open(ctx, cfg)
		return err
	}, clickhouse.Retryable)
	return db, err
}

// openKafka connects and makes the topics.
func openKafka(ctx context.Context, cfg kafka.Config, log zerolog.Logger, streams ...pipeline.Stream) (*kafka.Client, error) {
	return reachKafka(ctx, cfg, startWait, log, streams...)
}

// reachKafka is openKafka with some patience.
func reachKafka(
	ctx context.Context, cfg kafka.Config, patience time.Duration, log zerolog.Logger, streams ...pipeline.Stream,
) (*kafka.Client, error) {
	client, err := kafka.Open(cfg)
	if err != nil {
		return nil, failure(ExitConfiguration, err)
	}
	err = reach(ctx, "Kafka", patience, log, func(ctx context.Context) error {
		warnings, err := client.EnsureTopics(ctx, streams...)
		for _, w := range warnings {
			log.Warn().Msg(w)
		}
		return err
	}, kafka.Retryable)
	if err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

// reach tries until it works, the error is one that waiting does not mend, or the
// patience is over.
func reach(
	ctx context.Context, what string, patience time.Duration, log zerolog.Logger,
	try func(context.Context) error, retryable func(error) bool,
) error {
	deadline := time.Now().Add(patience)
	for wait, told := 200*time.Millisecond, false; ; wait = min(2*wait, 5*time.Second) {
		attempt, cancel := context.WithTimeout(ctx, startWait)
		err := try(attempt)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !retryable(err), time.Now().Add(wait).After(deadline):
			return failure(ExitUnreachable, err)
		case !told:
			told = true
			log.Warn().Err(err).Msgf("%s does not answer yet; trying for %s", what, patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}
