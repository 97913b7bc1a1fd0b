package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// A brand that is new or has another query looks back over the archive by itself. One of
// all processes does that work, beside the stream; the table replays says how far it is
// (view backfills), and whoever takes over goes on from there.

// backfillRows are the ledger rows of a page: few, because the stream works beside it.
const backfillRows = 8_000

// backfiller lets brands of the live stream look back.
type backfiller struct {
	room *archiveRoom
	make func([]Brand) (*edition, error)
	log  zerolog.Logger
}

func (l *line) backfiller(i int) *backfiller {
	return &backfiller{
		room: &archiveRoom{db: l.stores[i].db, stream: l.streams[i], table: l.books[i].table, client: l.client},
		make: l.books[i].make, log: l.log.With().Str("stream", l.streams[i].Name).Logger(),
	}
}

// run follows the topic of brands until ctx ends.
func (b *backfiller) run(ctx context.Context) {
	tick := time.NewTicker(brandPoll)
	defer tick.Stop()
	for {
		if err := b.step(ctx); err != nil && ctx.Err() == nil {
			if errors.Is(err, clickhouse.ErrSuperseded) {
				b.log.Info().Msg("a brand has changed while it looked back; it begins anew")
			} else {
				b.log.Error().Err(err).Msg("brands cannot look back now, will try again")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// step does what is due.
func (b *backfiller) step(ctx context.Context) error {
	all, _, err := b.room.table.All(ctx)
	if err != nil {
		return err
	}
	b.room.brands = all
	if err := b.applyMutes(ctx, all); err != nil {
		return err
	}
	due, err := b.due(ctx, all)
	if err != nil || len(due) == 0 {
		return err
	}
	return b.lookBack(ctx, clickhouse.Together(due), all)
}

// backfillName names the look back of a version of a brand's query, from when it counts.
func backfillName(e *brandEntry, version string) string {
	return fmt.Sprintf("%s/%s/%s/%d", clickhouse.KindBackfill, brandKey(e.Brand.Name), version, e.Since)
}

// wanted are the looks back of all brands that count, by name.
func wanted(all map[string]brandEntry) map[string]*clickhouse.Replay {
	out := map[string]*clickhouse.Replay{}
	for _, e := range all {
		if e.Removed || e.Paused || e.Mute != nil {
			continue
		}
		ready, err := e.Brand.Compile()
		if err != nil { // of a newer program; the brand book says so
			continue
		}
		name := backfillName(&e, ready.Version())
		out[name] = &clickhouse.Replay{
			Name: name, Kind: clickhouse.KindBackfill, LabelSet: pipeline.LiveLabels, Brand: e.Brand.Name, QueryVersion: ready.Version(),
		}
	}
	return out
}

// due are the looks back that are not done; those of brands that have changed again are
// noted as superseded.
func (b *backfiller) due(ctx context.Context, all map[string]brandEntry) ([]*clickhouse.Replay, error) {
	stored, err := b.room.db.Replays(ctx)
	if err != nil {
		return nil, err
	}
	want := wanted(all)
	for i := range stored {
		s := &stored[i]
		_, wanted := want[s.Name]
		switch {
		case s.Kind != clickhouse.KindBackfill:
		case wanted && s.State == clickhouse.ReplayRunning:
			want[s.Name] = s
		case wanted && s.State == clickhouse.ReplaySuperseded: // it counts again
			s.Pass = 0
			want[s.Name] = s
		case wanted:
			delete(want, s.Name)
		case s.State == clickhouse.ReplayRunning:
			s.State = clickhouse.ReplaySuperseded
			if err := b.room.db.PutReplay(ctx, s); err != nil {
				return nil, err
			}
		}
	}
	due := slices.Collect(maps.Values(want))
	slices.SortFunc(due, func(x, y *clickhouse.Replay) int { return strings.Compare(x.Name, y.Name) })
	return due, nil
}

// lookBack labels the archive with the brands of some jobs.
func (b *backfiller) lookBack(ctx context.Context, jobs []*clickhouse.Replay, all map[string]brandEntry) error {
	names := make([]string, 0, len(jobs))
	changed := pipeline.Time(0)
	for _, job := range jobs {
		names, changed = append(names, job.Brand), max(changed, all[brandKey(job.Brand)].At)
	}
	e, err := withMutes(b.make, understood(activeBrands(all), nil), all)
	if err != nil {
		return err
	}
	for i := range e.versions {
		e.versions[i].Since = pipeline.At(time.Now())
	}
	if err := b.room.db.PutBrands(ctx, e.versions); err != nil {
		return err
	}
	begun := time.Now()
	b.log.Info().Strs("brands", names).Msg("brands look back over the archive; until they are done their past is incomplete")
	checked := time.Now()
	back := &clickhouse.Backfill{
		Replayer: &clickhouse.Replayer{DB: b.room.db, Chain: e.chain, Version: e.labels, Log: b.log, Rows: backfillRows, Progress: b.progress()},
		Jobs:     jobs,
		Check: func(ctx context.Context) error {
			if time.Since(checked) < brandPoll {
				return nil
			}
			checked = time.Now()
			return b.stillWanted(ctx, jobs)
		},
		Settled: func(ctx context.Context) error { return b.room.settled(ctx, changed.Time()) },
	}
	if err := back.Run(ctx); err != nil {
		return err
	}
	b.log.Info().Strs("brands", names).Uint64("written", jobs[0].Mentions).Str("after", time.Since(begun).Round(time.Millisecond).String()).Msg("brands have looked back")
	return nil
}

// understood are the brands whose queries this program can read; others are handed to complain.
func understood(list []Brand, complain func(Brand, error)) []Brand {
	return slices.DeleteFunc(list, func(brand Brand) bool {
		_, err := brand.Compile()
		if err != nil && complain != nil {
			complain(brand, err)
		}
		return err != nil
	})
}

// stillWanted stops a look back whose brand has changed again.
func (b *backfiller) stillWanted(ctx context.Context, jobs []*clickhouse.Replay) error {
	all, _, err := b.room.table.All(ctx)
	if err != nil {
		return err
	}
	want := wanted(all)
	for _, job := range jobs {
		if want[job.Name] == nil {
			return fmt.Errorf("%w: %s", clickhouse.ErrSuperseded, job.Brand)
		}
	}
	return nil
}

func (b *backfiller) progress() func(*clickhouse.Replay) {
	last := time.Now()
	return func(job *clickhouse.Replay) {
		if time.Since(last) >= reportEvery {
			last = time.Now()
			b.log.Info().Str("brand", job.Brand).Int("pass", job.Pass).Uint64("rows", job.Read).Uint64("of", job.Total).Uint64("mentions", job.Mentions).Msg("looking back")
		}
	}
}

// idle reports whether no brand has to look back and every mute is applied.
func (b *backfiller) idle(ctx context.Context) (bool, error) {
	all, _, err := b.room.table.All(ctx)
	if err != nil {
		return false, err
	}
	due, err := b.due(ctx, all)
	if err != nil || len(due) > 0 {
		return false, err
	}
	pending, err := b.pendingMutes(ctx, all)
	return err == nil && len(pending) == 0, err
}

// noBackfill notes that a brand needs no look back: the archive was empty when it came, or
// its labels were made before.
func (a *archiveRoom) noBackfill(ctx context.Context, e brandEntry) error {
	for _, job := range wanted(map[string]brandEntry{"": e}) {
		job.State = clickhouse.ReplayDone
		if err := a.db.PutReplay(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

// fresh notes, before the first batch is stored, that the brands of an empty archive have
// nothing to look back on.
func (b *backfiller) fresh(ctx context.Context) error {
	if some, err := b.room.db.HasPosts(ctx); err != nil || some {
		return err
	}
	all, _, err := b.room.table.All(ctx)
	if err != nil {
		return err
	}
	due, err := b.due(ctx, all)
	if err != nil {
		return err
	}
	for _, job := range due {
		job.State = clickhouse.ReplayDone
		if err := b.room.db.PutReplay(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

// lookBackState says how far a brand's look back over the archive is.
func lookBackState(e *brandEntry, jobs []clickhouse.Replay) string {
	for name := range wanted(map[string]brandEntry{"": *e}) {
		for i := range jobs {
			switch job := &jobs[i]; {
			case job.Name != name:
			case job.State == clickhouse.ReplayDone:
				return "past complete"
			case job.State == clickhouse.ReplayRunning && job.Total > 0:
				part := (float64(job.Pass-1) + min(float64(job.Read)/float64(job.Total), 1)) / 2 // of two passes
				return fmt.Sprintf("looks back %.0f %%", 100*part)
			}
		}
		return "will look back"
	}
	return "-"
}

// stamp notes from when a brand counts as it is now: an entry whose query has not changed
// keeps the time that it has.
func (e *brandEntry) stamp(old brandEntry, known bool, now pipeline.Time) {
	e.At = now
	if known && !old.Removed {
		before, err := old.Brand.Compile()
		after, err2 := e.Brand.Compile()
		if err == nil && err2 == nil && before.Version() == after.Version() && old.Brand.Name == e.Brand.Name {
			e.Since = old.Since
			return
		}
	}
	e.Since = now
}

// bookOf returns the table of brands on the topic.
func bookOf(client *kafka.Client) *kafka.Table[brandEntry] {
	return kafka.NewTable[brandEntry](kafka.NewProducer(client), kafka.BrandTopic)
}
