package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect"
	"earshot/pipeline/collect/file"
	"earshot/pipeline/kafka"
)

// Import says which file is stored, and how it is read.
type Import struct {
	Path     string
	Format   string
	Columns  map[string]string
	Platform string
	Preset   string
	TimeZone string
	Order    string // of day and month
	TweetIDs bool
	Follow   bool
	Strict   bool // dead letters are a failure
}

// importPrefix begins the names of sources that imports make for themselves.
const importPrefix = "import/"

// progressPoll is how often an import asks how far its posts are stored.
const progressPoll = 250 * time.Millisecond

func (in Import) settings() file.Config {
	c := file.DefaultConfig()
	c.Path, c.Columns, c.Platform = in.Path, in.Columns, in.Platform
	c.TweetIDs, c.Follow = in.TweetIDs, in.Follow
	c.Preset = in.Preset
	c.Format, c.TimeZone, c.DateOrder = cmp.Or(in.Format, c.Format), cmp.Or(in.TimeZone, c.TimeZone), cmp.Or(in.Order, c.DateOrder)
	return c
}

// sourceName names the source after the file's name, its beginning and the settings:
// the same command goes on where it stopped; another file or another mapping begins anew.
func sourceName(c file.Config) (string, error) {
	f, err := os.Open(c.Path)
	if err != nil {
		return "", fmt.Errorf("import: %w", err)
	}
	begin, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("import: read %s: %w", c.Path, err)
	}
	if c.Follow {
		begin = nil // it grows
	}
	base := filepath.Base(c.Path)
	c.Path = base
	sum := sha256.Sum256(fmt.Appendf(begin, "\x00%v", c))
	return importPrefix + base + "-" + hex.EncodeToString(sum[:4]), nil
}

// there reports a file that is none, before anything is said of its name.
func (in Import) there() error {
	info, err := os.Stat(in.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && in.Follow:
		return nil
	case err != nil:
		return fmt.Errorf("import: %w", err)
	case info.IsDir():
		return fmt.Errorf("import: %s is a directory; name a file of posts", in.Path)
	}
	return nil
}

// RunImport stores a file and returns when all of it is stored, or when ctx ends. The
// same file again goes on from where it was left, and stores nothing twice.
func RunImport(ctx context.Context, cfg *Config, c *Console, in Import) (err error) {
	if err := in.there(); err != nil {
		return err
	}
	if err := in.settings().Validate(); err != nil {
		return failure(ExitUsage, fmt.Errorf("import: %w", err))
	}
	source, err := file.Open(in.settings())
	if err != nil {
		return err
	}
	name, err := sourceName(in.settings())
	if err != nil {
		return err
	}
	if said := source.Columns(); said != "" {
		c.Log.Info().Msg(said)
	}
	servers, err := startServers(ctx, cfg, needs{command: "import", kafka: true, clickhouse: true, share: []string{"run"}}, c.Log)
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { err = errors.Join(err, servers.Close(context.WithoutCancel(ctx))) }()
	live, _ := streams(cfg)
	l, err := connect(ctx, cfg, servers, []pipeline.Stream{live}, startWait, c.Log)
	if err != nil {
		return interrupted(ctx, "import", stopped(ctx, err))
	}
	defer func() { err = errors.Join(err, l.close()) }()

	job := &importing{line: l, console: c, source: source, name: name, stream: live, strict: in.Strict}
	if err := job.prepare(ctx); err != nil {
		return interrupted(ctx, "import", stopped(ctx, err))
	}
	return job.run(ctx)
}

// importing is one import on its way.
type importing struct {
	*line
	console *Console
	source  *file.Source
	name    string
	strict  bool
	stream  pipeline.Stream

	from, to pipeline.Ends // what of the topic is stored, before and after
}

// prepare opens the tables, and the enrichment unless another process does that work.
func (j *importing) prepare(ctx context.Context) error {
	if err := j.store(ctx, j.servers.Storing); err != nil {
		return err
	}
	// One process at a time reads the file, also if the command is given twice.
	owners := &kafka.Owners{Client: j.client, Group: j.name, Log: j.log}
	entry := collect.Entry{Name: j.name, Platform: "file", Stream: j.stream, Source: j.source}
	if err := j.collect([]collect.Entry{entry}, owners); err != nil {
		return err
	}
	var err error
	j.from, _, err = j.client.Progress(ctx, j.stream)
	return err
}

func (j *importing) run(ctx context.Context) error {
	work, done := context.WithCancel(ctx)
	defer done()
	finished := false
	read := stage{"import", []func(context.Context) error{func(ctx context.Context) error {
		defer done()
		if err := j.runner.Run(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		if err := j.stored(ctx); err != nil {
			return err
		}
		finished = true
		return nil
	}}}
	var shown sync.WaitGroup
	screen, stop := context.WithCancel(context.WithoutCancel(ctx))
	shown.Go(func() { watch(screen, j.console, j.sample, func(string) {}) })
	err := runStages(work, append([]stage{read}, j.storing()...))
	stop()
	shown.Wait()
	if err != nil {
		return err
	}
	if !finished {
		return unfinished("import")
	}
	return j.summary(context.WithoutCancel(ctx))
}

// stored waits until everything that is on Kafka now is in the tables, and totalled.
func (j *importing) stored(ctx context.Context) error {
	var err error
	if j.to, err = j.ends(ctx, j.stream); err != nil {
		return err
	}
	if err := j.await(ctx, j.stream, j.to); err != nil {
		return err
	}
	letters := pipeline.Stream{Topic: kafka.DeadLetterTopic, Group: kafka.FoldGroup}
	ends, err := j.ends(ctx, letters)
	if err != nil {
		return err
	}
	if err := j.await(ctx, letters, ends); err != nil {
		return err
	}
	if err := j.lookedBack(ctx); err != nil {
		return err
	}
	return j.stores[0].settle(ctx)
}

// lookedBack waits until the brands that are new have looked back, if that is the work of
// this process.
func (j *importing) lookedBack(ctx context.Context) error {
	for j.back != nil {
		idle, err := j.back.idle(ctx)
		if err == nil && idle {
			return nil
		}
		if err != nil {
			j.log.Debug().Err(err).Msg("whether brands have looked back cannot be asked now")
		}
		if err := sleep(ctx, progressPoll); err != nil {
			return err
		}
	}
	return nil
}

// await waits until a group has committed the given ends. What cannot be asked just now
// is asked again: an outage costs delay.
func (j *importing) await(ctx context.Context, s pipeline.Stream, ends pipeline.Ends) error {
	for {
		at, _, err := j.client.Progress(ctx, s)
		behind := int64(0)
		for partition, end := range ends {
			behind += max(end-at[partition], 0)
		}
		if err == nil && behind == 0 {
			return nil
		}
		if err != nil {
			j.log.Debug().Err(err).Msg("how far the posts are stored cannot be asked now")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(progressPoll):
		}
	}
}

// summary prints what was read, stored and dead.
func (j *importing) summary(ctx context.Context) error {
	n := j.source.Counters()
	rows, err := j.stores[0].tally(ctx, j.client, j.from, j.to)
	if err != nil {
		return err
	}
	if n.Read == 0 && rows.Posts == 0 && n.Size == 0 {
		j.console.print("nothing to store: the file is empty\n")
		return nil
	}
	if n.Read == 0 && rows.Posts == 0 {
		j.console.print("nothing new: all of this file was stored before\n")
		return nil
	}
	note := ""
	if n.Read == 0 {
		note = "read before; what an earlier run had left on Kafka is stored now\n"
	}
	dead := n.Refused + int64(rows.Dead)
	j.console.print(note + fmt.Sprintf(`read      %12s records
refused   %12s of them, as dead letters
stored    %12s rows in posts
distinct  %12s posts among them; rows of one post fold into one
mentions  %12s of brands
dead      %12s of the rows
`, count(n.Read), count(n.Refused), count(int64(rows.Posts)), count(int64(rows.Distinct)), count(int64(rows.Mentions)), count(int64(rows.Dead))))
	if dead == 0 {
		return nil
	}
	said := fmt.Sprintf("%s records became dead letters, all others are stored; see why: "+
		"%s sql \"SELECT origin, reason FROM dead_letters FINAL ORDER BY at DESC LIMIT 10\"", count(dead), j.cfg.Invocation)
	if j.strict {
		return failure(ExitDeadLetters, errors.New("import: "+said))
	}
	j.log.Warn().Msg(said)
	return nil
}
