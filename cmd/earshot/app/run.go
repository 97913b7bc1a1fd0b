package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline/collect/client"
	"earshot/pipeline/kafka"
)

// Run collects, enriches and stores until ctx ends, and prints what to ask and
// where once the first rows are stored.
func Run(ctx context.Context, cfg *Config, c *Console) (err error) {
	begun, log := time.Now(), c.Log
	asked := newRequests()
	entries, err := cfg.entries(client.WithObserver(asked.observe))
	if err != nil {
		return err
	}
	if cfg.has(RoleCollect) {
		announce(log, cfg)
	}
	door, err := openFront(ctx, cfg.Monitor)
	if err != nil {
		return err
	}
	defer door.close()
	door.requests = asked
	servers, err := startServers(ctx, cfg, needs{
		command: "run", kafka: true, clickhouse: cfg.has(RoleEnrich) || cfg.has(RoleDetect) || cfg.has(RoleWeb),
	}, log)
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { err = errors.Join(err, servers.Close(context.WithoutCancel(ctx))) }()

	l, err := begin(ctx, cfg, servers, door, log)
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if cfg.has(RoleCollect) {
		l.follow(entries)
		owners := &kafka.Owners{Client: l.client, Group: kafka.SourceGroup, Log: log}
		if err := l.collect(entries, owners); err != nil {
			return err
		}
	}
	alerts, err := l.alerting(ctx)
	if err != nil {
		return stopped(ctx, err)
	}
	if cfg.has(RoleWeb) && cfg.Web.Listen != "" {
		if l.webView, err = openWeb(ctx, cfg.Web); err != nil {
			return failure(ExitConfiguration, err)
		}
	}
	log.Info().Strs("roles", cfg.Roles).Int("sources", len(entries)).Str("after", time.Since(begun).Round(time.Millisecond).String()).Msg("earshot runs")

	var shown sync.WaitGroup
	screenDone, stopScreen := context.WithCancel(context.WithoutCancel(ctx))
	shown.Go(func() {
		watch(screenDone, c, l.sample, func(stream string) { c.print(l.invitation(stream)) })
	})
	context.AfterFunc(ctx, func() { log.Info().Msg("stopping: finishing what is in hand; a second signal ends at once") })
	err = runStages(ctx, append([]stage{l.monitor(), l.web(), l.sources(), alerts}, l.storing()...))
	stopScreen()
	shown.Wait()
	return err
}

// stopped hides an error that only says that we were told to stop.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// interrupted says how to go on, if a command was told to stop before its end; whatever
// broke on the way then says nothing more.
func interrupted(ctx context.Context, command string, err error) error {
	if ctx.Err() != nil && err != nil {
		return unfinished(command)
	}
	return err
}

func unfinished(command string) error {
	return fmt.Errorf("%s: stopped before the end; nothing is lost: the same command goes on from there", command)
}

// announce says which sources there are, and which of them are invented.
func announce(log zerolog.Logger, cfg *Config) {
	for _, s := range cfg.sources() {
		if s.Type == typeSimulate {
			log.Info().Str("source", s.Name).Msg("SIMULATED: invented brands and people, labelled in every row, in a database of their own")
			continue
		}
		log.Info().Str("source", s.Name).Str("type", s.Type).Msg("source")
	}
}

// invitation says what to ask and where.
func (l *line) invitation(stream string) string {
	live, simulated := streams(l.cfg)
	flag, note := "", ""
	at := live
	if stream == simulated.Name {
		flag, at = " --simulated", simulated
		note = "\nAll of it is SIMULATED: invented brands and people, kept apart from real posts.\n"
	}
	ask := l.cfg.Invocation + " sql" + flag
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe first rows are stored. Ask in another terminal:\n%s\n", note)
	for _, q := range questions() {
		fmt.Fprintf(&b, "  %s \"%s\"\n", ask, q)
	}
	fmt.Fprintf(&b, "\n  Kafka       %s, topic %s\n", strings.Join(l.servers.Kafka.Brokers, ","), l.client.Name(at.Topic))
	fmt.Fprintf(&b, "  ClickHouse  %s, database %s, user %s", l.servers.ClickHouse.Addr, at.Database, l.servers.Reader.User)
	if l.servers.dir != nil {
		fmt.Fprintf(&b, " (password in %s/%s)", strings.TrimSuffix(l.cfg.Data, "/"), runtimeFile)
	}
	if l.webView != nil {
		fmt.Fprintf(&b, "\n  Boards      http://%s\n  Queries     http://%[1]s/queries", l.webView.Addr())
	}
	b.WriteString("\n  Ctrl-C ends it; nothing is lost, and the next start goes on from there.\n\n")
	return b.String()
}

// questions are the three to begin with.
func questions() []string {
	return []string{
		"SELECT brand, count() AS mentions, round(avg(toward), 2) AS sentiment FROM mentions_current GROUP BY brand ORDER BY mentions DESC",
		"SELECT minute, brand, sum(mentions) AS mentions FROM mentions_minute GROUP BY minute, brand ORDER BY minute DESC, mentions DESC LIMIT 20",
		"SELECT event_time, platform, lang, toward_label, text FROM mentions_current ORDER BY event_time DESC LIMIT 10 FORMAT Vertical",
	}
}
