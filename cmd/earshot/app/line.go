package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/pipeline/collect"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// line is the connected parts of a process, from the sources to the tables.
type line struct {
	cfg      *Config
	log      zerolog.Logger
	servers  *Servers
	guard    *diskGuard // nil without embedded servers
	streams  []pipeline.Stream
	patience time.Duration // that a server has to answer at the start

	client   *kafka.Client
	producer *kafka.Producer
	db       *clickhouse.DB // nil without the role enrich
	stores   []*store
	workers  []*kafka.Worker
	books    []*brandBook    // of the workers, in their order
	back     *backfiller     // of the live stream; nil if another process works
	runner   *collect.Runner // nil without the role collect
	webView  net.Listener    // nil without the role web
	door     *front          // where the monitor answers
}

// connect opens what the servers offer, and gives each of them some time to answer. The
// schema is brought up to date by whoever writes to it.
func connect(
	ctx context.Context, cfg *Config, servers *Servers, streams []pipeline.Stream, patience time.Duration, log zerolog.Logger,
) (*line, error) {
	l := &line{cfg: cfg, log: log, servers: servers, guard: newDiskGuard(cfg, log), streams: streams, patience: patience}
	var err error
	if l.client, err = reachKafka(ctx, servers.Kafka, patience, log, streams...); err != nil {
		return nil, err
	}
	l.producer = kafka.NewProducer(l.client)
	return l, nil
}

// store opens the tables of the streams, and unless another process carries them, the
// enrichment and a worker for each.
func (l *line) store(ctx context.Context, carried bool) (err error) {
	if l.db, err = openClickHouse(ctx, l.servers.ClickHouse, l.patience, l.log); err != nil {
		return err
	}
	live, simulated := streams(l.cfg)
	for _, s := range []pipeline.Stream{live, simulated} {
		if err := clickhouse.Migrate(ctx, l.db, s.Database); err != nil {
			return err
		}
	}
	for _, s := range l.streams {
		st, err := newStore(ctx, l.cfg, l.db.In(s.Database), s, l.log)
		if err != nil {
			return err
		}
		l.stores = append(l.stores, st)
	}
	if carried {
		return nil
	}
	if err := l.work(ctx); err != nil {
		return err
	}
	boundMemory(l.servers.broker != nil)
	return nil
}

// work makes the enrichment and the workers.
func (l *line) work(ctx context.Context) error {
	chains, err := l.cfg.newChains()
	if err != nil {
		return failure(ExitConfiguration, err)
	}
	for i, s := range l.streams {
		st := l.stores[i]
		book := &brandBook{make: chains, db: st.db, cfg: l.cfg, log: l.log.With().Str("stream", s.Name).Logger()}
		brands := l.cfg.simulatedBrands()
		if !s.Simulated {
			brands, book.table = l.cfg.Brands, kafka.NewTable[brandEntry](l.producer, kafka.BrandTopic)
		}
		if err := book.open(ctx, brands); err != nil {
			return err
		}
		l.books = append(l.books, book)
		if !s.Simulated {
			l.back = l.backfiller(i)
			if err := l.back.fresh(ctx); err != nil {
				return err
			}
		}
		l.workers = append(l.workers, &kafka.Worker{
			Client: l.client, Stream: s, Sink: guardedSink{recordingSink{l.cfg.Hooks.sink(st.ledger), book}, l.guard}, Crash: l.cfg.Hooks.Crash,
			Limits: l.cfg.Hooks.Limits, Session: l.cfg.Hooks.Session,
			Chain:       book.chain,
			DeadLetters: kafka.NewDeadLetters(l.producer), Losses: kafka.NewCoverage(l.producer),
			Log: l.log.With().Str("stream", s.Name).Logger(),
		})
	}
	return nil
}

// collect makes the runner of the sources. Without owners this process owns them all.
func (l *line) collect(entries []collect.Entry, owners collect.Owners) (err error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	for i := range entries {
		entries[i].Source = l.cfg.Pseudonyms.wrap(entries[i].Source)
	}
	l.runner, err = collect.New(collect.Parts{
		Publisher:   guardedPublisher{l.producer, l.guard},
		Ends:        l.ends,
		Cursors:     savedCursors{kafka.NewCursors(l.producer)},
		DeadLetters: kafka.NewDeadLetters(l.producer),
		Reporter:    kafka.NewCoverage(l.producer),
		Owners:      owners,
		Crash:       l.cfg.Hooks.Crash,
		Collector:   fmt.Sprintf("%s/%d", host, os.Getpid()),
		Logger:      l.log,
	}, entries)
	return err
}

// ends are the next offsets of a stream's topic.
func (l *line) ends(ctx context.Context, s pipeline.Stream) (pipeline.Ends, error) {
	return l.client.Ends(ctx, l.client.Name(s.Topic))
}

// sources is the stage that collects.
func (l *line) sources() stage {
	if l.runner == nil {
		return stage{name: "sources"}
	}
	return stage{"sources", []func(context.Context) error{l.runner.Run}}
}

// storing are the stages that carry posts from Kafka into the tables, and total them.
func (l *line) storing() []stage {
	work, rest := stage{name: "workers"}, stage{name: "totals"}
	for i, w := range l.workers {
		work.tasks = append(work.tasks, w.Run, l.books[i].follow)
		name := l.streams[i].Name
		rest.tasks = append(rest.tasks, l.lead("totals-"+name, l.stores[i].total), l.lead("archive-"+name, l.stores[i].limit),
			l.lead("erase-"+name, l.stores[i].erase))
	}
	if l.back != nil {
		rest.tasks = append(rest.tasks, l.lead("backfill-"+l.back.room.stream.Name, l.back.run))
	}
	if len(l.workers) > 0 {
		fold := &kafka.Fold{Client: l.client, DeadLetters: l.foldLetters, Coverage: l.foldCoverage, Log: l.log}
		rest.tasks = append(rest.tasks, fold.Run)
	}
	return []stage{work, rest}
}

// lead runs a task in one of all processes.
func (l *line) lead(name string, task func(context.Context)) func(context.Context) error {
	owners := &kafka.Owners{Client: l.client, Log: l.log}
	return func(ctx context.Context) error { return owners.Lead(ctx, name, task) }
}

// foldLetters brings dead letters into the tables of their stream.
func (l *line) foldLetters(ctx context.Context, letters []pipeline.DeadLetter) error {
	for _, st := range l.stores {
		var mine []pipeline.DeadLetter
		for _, d := range letters {
			if d.Stream == st.stream.Name {
				mine = append(mine, d)
			}
		}
		if err := st.db.PutDeadLetters(ctx, mine); err != nil {
			return err
		}
	}
	return nil
}

// foldCoverage brings coverage into the tables of its stream.
func (l *line) foldCoverage(ctx context.Context, events []pipeline.CoverageEvent) error {
	for _, st := range l.stores {
		var mine []pipeline.CoverageEvent
		for _, e := range events {
			if e.Stream == st.stream.Name {
				mine = append(mine, e)
			}
		}
		if err := errors.Join(st.db.PutCoverage(ctx, mine), st.db.PutLosses(ctx, mine)); err != nil {
			return err
		}
	}
	return nil
}

// sample says what the parts are doing.
func (l *line) sample() sample {
	out := sample{at: time.Now()}
	for i, w := range l.workers {
		s := w.Stats()
		f := figures{stream: l.streams[i].Name, posts: s.Posts, mentions: s.Mentions, dead: s.Dead, lost: s.Lost, storeFailures: s.Failures}
		for _, behind := range s.Lag {
			f.lag += behind
		}
		out.streams = append(out.streams, f)
	}
	if l.runner != nil {
		out.sources = l.runner.Status()
	}
	return out
}

// close ends the connections.
func (l *line) close() error {
	err := l.closeTables()
	l.client.Close()
	return err
}
