package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/detect"
	"earshot/pipeline/detect/notify"
	"earshot/sinks/clickhouse"
)

// poster lends the hardened client to channels.
type poster struct{ *client.Client }

// Post sends one request.
func (p poster) Post(ctx context.Context, address string, header http.Header, body []byte) (notify.Answer, error) {
	a, err := p.Client.Post(ctx, address, header, body)
	if err != nil {
		return notify.Answer{}, err
	}
	return notify.Answer{Code: a.Code, Header: a.Header, Body: a.Body}, nil
}

// outside is the client of channels. Where they lead is the operator's word alone, so it
// is apart from that of the sources, which go where strangers send them.
func (c *Config) outside() (*client.Client, error) {
	cfg := c.HTTP
	cfg.AllowPrivate = c.Alerts.AllowPrivate
	return client.New(cfg, "1")
}

// ways makes the ways of all channels.
func (c *Config) ways(out *client.Client) ([]notify.Member, error) {
	var members []notify.Member
	for _, channel := range c.Alerts.Channels {
		way, err := notify.NewWay(channel, poster{out}, out.DialContext)
		if err != nil {
			return nil, failure(ExitConfiguration, err)
		}
		members = append(members, notify.Member{Channel: channel, Way: way})
	}
	return members, nil
}

// reachTables connects to the tables where no role before has. They are made by whoever
// stores, and must be there.
func (l *line) reachTables(ctx context.Context) (err error) {
	if l.db != nil {
		return nil
	}
	if l.db, err = openClickHouse(ctx, l.servers.ClickHouse, startWait, l.log); err != nil {
		return err
	}
	for _, s := range l.streams {
		if err := clickhouse.CheckSchema(ctx, l.db.In(s.Database)); err != nil {
			return err
		}
	}
	return nil
}

// detecting is the stage that reads what is stored: it looks for what is unusual and tells people, and keeps who
// carries the talk. A graph of a month has no place in the memory of a worker that stores posts.
func (l *line) detecting(ctx context.Context) (stage, error) {
	out := stage{name: "alerts"}
	if !l.cfg.has(RoleDetect) {
		return out, nil
	}
	if err := l.reachTables(ctx); err != nil {
		return out, err
	}
	web, err := l.cfg.outside()
	if err != nil {
		return out, failure(ExitConfiguration, err)
	}
	members, err := l.cfg.ways(web)
	if err != nil {
		return out, err
	}
	for _, s := range l.streams {
		db := l.db.In(s.Database)
		influence := clickhouse.OpenInfluence(db, l.log)
		out.tasks = append(out.tasks, l.lead("detect-"+s.Name, func(ctx context.Context) { l.watchStream(ctx, s, db, members) }),
			l.lead("influence-"+s.Name, influence.Run))
		if !s.Simulated && l.cfg.Alerts.Listen != "" {
			out.tasks = append(out.tasks, func(ctx context.Context) error { return l.acknowledging(ctx, clickhouse.OpenAlerts(db)) })
		}
	}
	return out, nil
}

// watchStream looks at a stream until ctx ends. Nobody is called because of the simulation.
func (l *line) watchStream(ctx context.Context, s pipeline.Stream, db *clickhouse.DB, members []notify.Member) {
	log := l.log.With().Str("stream", s.Name).Logger()
	alerts := clickhouse.OpenAlerts(db)
	runner := &detect.Runner{Config: l.cfg.Alerts.Detector, Kinds: l.cfg.Alerts.Kinds, Counts: clickhouse.OpenCounts(db),
		Store: marked{alerts, s.Simulated}, Link: l.cfg.Alerts.board, Log: log}
	var group errgroup.Group
	if !s.Simulated && len(members) > 0 {
		queue := &notify.Queue{Store: alerts, Members: members, Log: log}
		if l.cfg.Alerts.Listen != "" {
			queue.Ack = l.acknowledger(alerts).Link
		}
		runner.Deliver = func(ctx context.Context, i pipeline.Incident, e detect.Event) error {
			return queue.Tell(ctx, i, notify.Event(e))
		}
		group.Go(func() error { return queue.Run(ctx) })
	}
	group.Go(func() error { return runner.Run(ctx) })
	if err := group.Wait(); err != nil {
		log.Error().Err(err).Msg("alerts stopped")
	}
}

// marked says of every incident whether it is simulated.
type marked struct {
	*clickhouse.Alerts
	simulated bool
}

// Save stores the incident with the mark.
func (m marked) Save(ctx context.Context, i *pipeline.Incident) error {
	i.Simulated = m.simulated
	return m.Alerts.Save(ctx, i)
}

func (l *line) acknowledger(alerts *clickhouse.Alerts) *notify.Acknowledger {
	base := l.cfg.Alerts.Base
	if base == "" {
		base = "http://" + l.cfg.Alerts.Listen
	}
	return &notify.Acknowledger{Secret: l.cfg.Alerts.Secret, Base: base, Find: alerts.Incident, Store: alerts.Acknowledge}
}

// acknowledging serves the links by which people take note of incidents.
func (l *line) acknowledging(ctx context.Context, alerts *clickhouse.Alerts) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.cfg.Alerts.Listen)
	if err != nil {
		return fmt.Errorf("alerts.listen: %w", err)
	}
	return serve(ctx, listener, &http.Server{
		Handler: l.acknowledger(alerts).Handler(), ReadHeaderTimeout: readyTimeout, ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second,
	})
}

// TestChannel sends a marked sample over a channel and says what became of it.
func TestChannel(ctx context.Context, cfg *Config, c *Console, name string) error {
	channel, err := cfg.Alerts.channel(name)
	if err != nil {
		return failure(ExitConfiguration, fmt.Errorf("alert: %w", err))
	}
	web, err := cfg.outside()
	if err != nil {
		return failure(ExitConfiguration, err)
	}
	defer web.Close()
	way, err := notify.NewWay(channel, poster{web}, web.DialContext)
	if err != nil {
		return failure(ExitConfiguration, err)
	}
	if err := notify.Test(ctx, channel, way, time.Now()); err != nil {
		return fmt.Errorf("alert: channel %s: %w", name, err)
	}
	fmt.Fprintf(c.Out, "channel %s (%s) has taken the sample; look whether it arrived\n", name, channel.Type)
	return nil
}
