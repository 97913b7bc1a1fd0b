package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"earshot/enrich"
	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// Labels is what a command does with label sets.
type Labels struct {
	JSON      bool
	Simulated bool
	Examples  int
	Model     string // engine of sentiment with which the set was made; empty: the configured one
}

// List prints the label sets with what stands in them.
func (in Labels) List(ctx context.Context, cfg *Config, c *Console) error {
	return withArchive(ctx, cfg, c.Log, "labels", in.Simulated, func(room *archiveRoom) error {
		sets, err := room.db.LabelSets(ctx)
		if err != nil {
			return err
		}
		if in.JSON {
			return printJSON(c, sets)
		}
		for _, s := range sets {
			span := ""
			if s.Mentions > 0 {
				span = s.First.Format(time.DateOnly) + " to " + s.Last.Format(time.DateOnly)
			}
			c.print(fmt.Sprintf("%-20s %-9s %12s mentions of %s brands  %s\n", s.Name, cmp.Or(s.State, "live"), count(int64(s.Mentions)), count(int64(s.Brands)), span))
		}
		if len(sets) == 0 {
			c.print("no mention stands anywhere yet\n")
		}
		return nil
	})
}

func printJSON(c *Console, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	c.print(string(b) + "\n")
	return nil
}

// Diff prints what came, went and changed from label set a to b.
func (in Labels) Diff(ctx context.Context, cfg *Config, c *Console, a, b string) error {
	return withArchive(ctx, cfg, c.Log, "labels", in.Simulated, func(room *archiveRoom) error {
		brands, err := room.comparable(ctx, a, b)
		if err != nil {
			return err
		}
		all, err := room.db.Diff(ctx, a, b, brands, in.Examples)
		if err != nil {
			return err
		}
		if in.JSON {
			return printJSON(c, all)
		}
		c.print(fmt.Sprintf("%-24s %10s %10s %10s %10s %10s\n", "brand", a, b, "came", "went", "changed"))
		for _, d := range all {
			c.print(fmt.Sprintf("%-24s %10s %10s %10s %10s %10s\n", d.Brand, count(int64(d.Before)), count(int64(d.After)),
				count(int64(d.Came)), count(int64(d.Went)), count(int64(d.Changed))))
			for _, e := range d.Examples {
				c.print("  " + exampleLine(e) + "\n")
			}
		}
		if len(all) == 0 {
			c.print("both are empty where they can be compared\n")
		}
		return nil
	})
}

func exampleLine(e clickhouse.DiffExample) string {
	labels := cmp.Or(e.To, e.From)
	if e.What == "changed" {
		labels = e.From + " -> " + e.To
	}
	return fmt.Sprintf("%-8s %s/%s  [%s]  %s", e.What, e.Platform, e.ID, labels, strings.Join(strings.Fields(e.Text), " "))
}

// comparable are the brands in which two sets are compared: a replay knows the brands
// that it looked for, and live may have others.
func (a *archiveRoom) comparable(ctx context.Context, x, y string) ([]string, error) {
	other := y
	switch pipeline.LiveLabels {
	case x:
	case y:
		other = x
	default:
		return nil, nil
	}
	job, known, err := a.db.FindReplay(ctx, other)
	if err != nil || !known || job.Definition == "" {
		return nil, err
	}
	list, err := definedBrands(&job)
	names := make([]string, 0, len(list))
	for _, b := range list {
		names = append(names, b.Name)
	}
	return names, err
}

// definedBrands are those that a label set was made with.
func definedBrands(job *clickhouse.Replay) ([]Brand, error) {
	var list []Brand
	if err := json.Unmarshal([]byte(job.Definition), &list); err != nil {
		return nil, fmt.Errorf("label set %s: its brands cannot be read: %w", job.Name, err)
	}
	return list, nil
}

// Drop deletes a label set with its totals.
func (in Labels) Drop(ctx context.Context, cfg *Config, c *Console, name string) error {
	if name == pipeline.LiveLabels {
		return failure(ExitUsage, fmt.Errorf("%s is the label set of the stream and cannot be dropped; to take posts away, see `earshot forget`", name))
	}
	return withArchive(ctx, cfg, c.Log, "labels", in.Simulated, func(room *archiveRoom) error {
		if err := room.exists(ctx, name); err != nil {
			return err
		}
		if err := room.db.DropLabels(ctx, name); err != nil {
			return err
		}
		c.print(name + ": dropped\n")
		return nil
	})
}

func (a *archiveRoom) exists(ctx context.Context, name string) error {
	sets, err := a.db.LabelSets(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(sets, func(s clickhouse.LabelSet) bool { return s.Name == name }) {
		return failure(ExitUsage, fmt.Errorf("there is no label set %q; `labels list` shows them", name))
	}
	return nil
}

// Promote makes the labels of a set those of live, and its brands those of the stream.
func (in Labels) Promote(ctx context.Context, cfg *Config, c *Console, name string) error {
	return withArchive(ctx, cfg, c.Log, "labels", in.Simulated, func(room *archiveRoom) error {
		if err := room.exists(ctx, name); err != nil {
			return err
		}
		job, known, err := room.db.FindReplay(ctx, name)
		if err != nil {
			return err
		}
		if !known || job.Kind != clickhouse.KindReplay {
			return failure(ExitUsage, fmt.Errorf("%q was not filled by a replay, so it cannot be promoted", name))
		}
		list, err := definedBrands(&job)
		if err != nil {
			return err
		}
		settings := *cfg
		if in.Model != "" {
			settings.Sentiment.Engine = enrich.SentimentEngine(in.Model)
		}
		e, err := settings.edition(list, room.brands)
		if err != nil {
			return failure(ExitConfiguration, err)
		}
		if e.labels != job.Enrichment && in.Model == "" {
			c.Log.Info().Str("set", job.Enrichment).Str("now", e.labels).Msg("the set was made with other models: name its engine by --model")
		}
		return room.promote(ctx, c, e, &job, list)
	})
}

func (a *archiveRoom) promote(ctx context.Context, c *Console, e *edition, job *clickhouse.Replay, list []Brand) error {
	versions := map[string]string{}
	for _, v := range e.versions {
		versions[v.Brand] = v.Version
	}
	p := &clickhouse.Promotion{
		Replayer: &clickhouse.Replayer{
			DB: a.db, Chain: e.chain, Version: e.labels, Log: c.Log, Parallel: runtime.GOMAXPROCS(0), Progress: progress(c, "promote "+job.Name),
		},
		Set: job, Brands: slices.Sorted(maps.Keys(versions)),
	}
	if err := p.Prepare(ctx); err != nil {
		return err
	}
	if err := p.Switch(ctx); err != nil {
		return err
	}
	if !a.stream.Simulated {
		if err := a.publish(ctx, list); err != nil {
			return err
		}
	}
	if err := a.settled(ctx, time.Now()); err != nil {
		return err
	}
	if err := p.Settle(ctx, versions); err != nil {
		return err
	}
	if err := clickhouse.OpenRollups(a.db, c.Log).Drain(ctx); err != nil {
		return err
	}
	c.print(fmt.Sprintf("%s is live now, and the stream goes on with its %d brands\n", job.Name, len(list)))
	return nil
}

// publish makes the brands of a set those of the stream. What they look like already
// needs no look back: the set is it.
func (a *archiveRoom) publish(ctx context.Context, list []Brand) error {
	now := pipeline.At(time.Now())
	for _, brand := range list {
		key := brandKey(brand.Name)
		old, known := a.brands[key]
		if known && !old.Removed && reflect.DeepEqual(old.Brand, brand) {
			continue
		}
		next := old
		next.Brand, next.Removed, next.Since, next.At = brand, false, now, now
		if err := a.noBackfill(ctx, next); err != nil {
			return err
		}
		if err := a.table.Put(ctx, key, next); err != nil {
			return err
		}
	}
	return nil
}

// uptake is how long after a change of brands every worker uses it, by far: they look
// each second.
const uptake = 5 * brandPoll

// storedWithin bounds the wait for batches that were enriched before a change.
const storedWithin = time.Minute

// settled waits until whatever was enriched before a change of brands is stored: the
// records that came to Kafka until all workers use the change, and their batches. Where
// nobody stores them now, whoever does so later uses the change from the start.
func (a *archiveRoom) settled(ctx context.Context, changed time.Time) error {
	if err := sleep(ctx, time.Until(changed.Add(uptake))); err != nil {
		return err
	}
	ends, err := a.client.Ends(ctx, a.client.Name(a.stream.Topic))
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(storedWithin); time.Now().Before(deadline); {
		stored, _, err := a.client.Progress(ctx, a.stream)
		behind := err != nil
		for partition, end := range ends {
			behind = behind || stored[partition] < end
		}
		if !behind {
			return nil
		}
		if err := sleep(ctx, progressPoll); err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
