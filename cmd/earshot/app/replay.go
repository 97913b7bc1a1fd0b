package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"time"

	"github.com/rs/zerolog"

	"earshot/enrich"
	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// Replay says how the archive is read anew.
type Replay struct {
	LabelSet  string
	From, To  string // event time, RFC 3339 or a day; empty: open
	Brands    string // file with brands; empty: the present ones
	Model     string // engine of sentiment; empty: the configured one
	Simulated bool
}

// archiveRoom is what the commands that work on the archive have in hand.
type archiveRoom struct {
	db     *clickhouse.DB // of the stream
	stream pipeline.Stream
	brands map[string]brandEntry // of the topic; empty for the simulation
	table  *kafka.Table[brandEntry]
	client *kafka.Client
}

// withArchive opens the tables of a stream and the topic of brands.
func withArchive(ctx context.Context, cfg *Config, log zerolog.Logger, command string, simulated bool, do func(*archiveRoom) error) (err error) {
	servers, err := startServers(ctx, cfg, needs{
		command: command, kafka: true, clickhouse: true, share: []string{"run", "import"},
	}, log)
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { err = errors.Join(err, servers.Close(context.WithoutCancel(ctx))) }()
	live, invented := streams(cfg)
	room := &archiveRoom{stream: live}
	if simulated {
		room.stream = invented
	}
	room.client, err = openKafka(ctx, servers.Kafka, log, live)
	if err != nil {
		return err
	}
	defer room.client.Close()
	db, err := openClickHouse(ctx, servers.ClickHouse, startWait, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := clickhouse.Migrate(ctx, db, room.stream.Database); err != nil {
		return err
	}
	room.db = db.In(room.stream.Database)
	room.table = bookOf(room.client)
	if !simulated {
		if room.brands, _, err = room.table.All(ctx); err != nil {
			return err
		}
	}
	return do(room)
}

// RunReplay labels the archive anew into a label set, and goes on where it was left.
func RunReplay(ctx context.Context, cfg *Config, c *Console, in Replay) error {
	job, err := in.job()
	if err != nil {
		return failure(ExitUsage, err)
	}
	var own []Brand // of the file
	if in.Brands != "" {
		if own, err = readBrands(in.Brands); err != nil {
			return err
		}
	}
	settings := *cfg
	if in.Model != "" {
		settings.Sentiment.Engine = enrich.SentimentEngine(in.Model)
		if err := settings.Sentiment.Validate(); err != nil {
			return failure(ExitUsage, fmt.Errorf("--model: %w", err))
		}
	}
	err = withArchive(ctx, cfg, c.Log, "replay", in.Simulated, func(room *archiveRoom) error {
		list := own
		if in.Brands == "" {
			list = room.present(cfg)
		}
		if len(list) == 0 {
			return errors.New("replay: there are no brands yet: name some with --brands, `brand add` or the configuration")
		}
		edition, err := settings.edition(list, room.brands)
		if err != nil {
			return failure(ExitConfiguration, err)
		}
		definition, err := json.Marshal(list)
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		job.Definition = string(definition)
		return room.replay(ctx, c, edition, job)
	})
	return interrupted(ctx, "replay", err)
}

// stand is what a label set holds; job.Mentions counts what both passes wrote.
func (a *archiveRoom) stand(ctx context.Context, name string) (clickhouse.LabelSet, error) {
	sets, err := a.db.LabelSets(ctx)
	if err != nil {
		return clickhouse.LabelSet{}, err
	}
	for _, s := range sets {
		if s.Name == name {
			return s, nil
		}
	}
	return clickhouse.LabelSet{Name: name}, nil // nothing was named
}

// replay runs a job to its end, with its totals.
func (a *archiveRoom) replay(ctx context.Context, c *Console, e *edition, job *clickhouse.Replay) error {
	for i := range e.versions {
		e.versions[i].Since = pipeline.At(time.Now())
	}
	if err := a.db.PutBrands(ctx, e.versions); err != nil {
		return err
	}
	r := &clickhouse.Replayer{
		DB: a.db, Chain: e.chain, Version: e.labels, Log: c.Log, Parallel: runtime.GOMAXPROCS(0), Progress: progress(c, "replay "+job.LabelSet),
	}
	err := r.Run(ctx, job)
	if err == nil {
		err = clickhouse.OpenRollups(a.db, c.Log).Drain(ctx)
	}
	switch {
	case errors.Is(err, clickhouse.ErrOtherLabels):
		return fmt.Errorf("%w; take another name, or `labels drop %s` first", err, job.LabelSet)
	case err != nil:
		return err
	}
	note := ""
	if job.Failed > 0 {
		note = fmt.Sprintf(" (%s could not be enriched)", count(int64(job.Failed)))
	}
	stand, err := a.stand(ctx, job.LabelSet)
	if err != nil {
		return err
	}
	c.print(fmt.Sprintf("%s: %s mentions of %s brands%s; compare it with `earshot labels diff live %s`\n", job.LabelSet,
		count(int64(stand.Mentions)), count(int64(stand.Brands)), note, job.LabelSet))
	return nil
}

// present are the brands that count now.
func (a *archiveRoom) present(cfg *Config) []Brand {
	if a.stream.Simulated {
		return cfg.simulatedBrands()
	}
	if list := activeBrands(a.brands); len(list) > 0 {
		return list
	}
	return cfg.Brands // that no run has published yet
}

// edition joins the models of the configuration with brands, and with what the entries of
// the topic mute.
func (c *Config) edition(list []Brand, all map[string]brandEntry) (*edition, error) {
	chains, err := c.newChains()
	if err != nil {
		return nil, err
	}
	return withMutes(chains, list, all)
}

func (in Replay) job() (*clickhouse.Replay, error) {
	if err := labelSetName(in.LabelSet); err != nil {
		return nil, err
	}
	from, err := moment("--from", in.From)
	if err != nil {
		return nil, err
	}
	to, err := moment("--to", in.To)
	if err != nil {
		return nil, err
	}
	if from.Known() && to.Known() && to <= from {
		return nil, errors.New("--to: is not after --from")
	}
	return &clickhouse.Replay{Name: in.LabelSet, Kind: clickhouse.KindReplay, LabelSet: in.LabelSet, From: from, To: to}, nil
}

// labelSetName refuses names that would be confusing in SQL and on boards.
func labelSetName(name string) error {
	if name == pipeline.LiveLabels {
		return errors.New("live is the label set of the stream: name another one")
	}
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`).MatchString(name) {
		return fmt.Errorf("%q is no name of a label set: 1 to 64 letters, digits, _, . and -", name)
	}
	return nil
}

// moment reads a time of the command line, in UTC if it does not say otherwise.
func moment(flag, text string) (pipeline.Time, error) {
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return pipeline.At(t), nil
		}
	}
	return 0, fmt.Errorf("%s: %q is no time: write 2026-01-31 or 2026-01-31T12:00:00Z", flag, text)
}

// readBrands reads the brands of a configuration file.
func readBrands(path string) ([]Brand, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, failure(ExitConfiguration, fmt.Errorf("--brands: %w", err))
	}
	cfg, err := LoadConfig(path, content, nil)
	if err != nil {
		return nil, err
	}
	if len(cfg.Brands) == 0 {
		return nil, failure(ExitConfiguration, fmt.Errorf("--brands: %s names no brand", path))
	}
	return cfg.Brands, nil
}

// progress says how far a replay is: in a terminal all the time, else every ten seconds.
func progress(c *Console, what string) func(*clickhouse.Replay) {
	begun, last := time.Now(), time.Now()
	return func(job *clickhouse.Replay) {
		part := 100.0
		if job.Total > 0 {
			part = min(100*float64(job.Read)/float64(job.Total), 100)
		}
		line := fmt.Sprintf("%s: pass %d, %.0f %% of %s rows, %s mentions, %s", what, job.Pass, part, count(int64(job.Total)),
			count(int64(job.Mentions)), time.Since(begun).Round(time.Second))
		if c.screen.width() > 0 {
			c.screen.show(line)
		} else if time.Since(last) >= reportEvery {
			last = time.Now()
			c.Log.Info().Msg(line)
		}
	}
}
