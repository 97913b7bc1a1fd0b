package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"earshot/enrich"
	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// What is muted stands on the topic of brands beside them, under keys that no name of a
// brand has.
const mutePrefix = "\x01mute/"

func muteKey(m enrich.Mute) string {
	m.Brand, m.Author, m.Domain = strings.ToLower(m.Brand), strings.ToLower(m.Author), strings.ToLower(m.Domain)
	b, _ := json.Marshal(m) //nolint:errchkjson // strings alone
	return mutePrefix + string(b)
}

// withMutes makes the enrichment of brands, less what the entries of the topic mute.
func withMutes(chains func([]Brand) (*edition, error), list []Brand, all map[string]brandEntry) (*edition, error) {
	e, err := chains(list)
	if err != nil {
		return nil, err
	}
	e.labels = e.chain.Version()
	if mutes := activeMutes(all); len(mutes) > 0 {
		e.chain = enrich.NewChain(e.chain, enrich.NewMutes(mutes))
	}
	return e, nil
}

// activeMutes are those of the topic that stand.
func activeMutes(all map[string]brandEntry) []enrich.Mute {
	var out []enrich.Mute
	for _, e := range all {
		if e.Mute != nil && !e.Removed {
			out = append(out, *e.Mute)
		}
	}
	return out
}

// MuteChange says what is to count no more, or again.
type MuteChange struct {
	Kind  string // author, source, domain or post
	Value string // of an author platform/id; of a post platform/id
	Brand string // empty: every brand
	Who   string // empty: the user of the machine
	Undo  bool
}

func (m MuteChange) rule() (enrich.Mute, error) {
	out := enrich.Mute{Brand: strings.TrimSpace(m.Brand)}
	value := strings.TrimSpace(m.Value)
	platform, rest, qualified := strings.Cut(value, "/")
	switch {
	case value == "":
		return out, errors.New("nothing is named")
	case m.Kind == "source":
		out.Source = value
	case m.Kind == "domain":
		out.Domain = strings.ToLower(strings.TrimPrefix(value, "www."))
		if strings.ContainsAny(value, "/:@ ") || !strings.Contains(value, ".") {
			return out, fmt.Errorf("%q is no domain: write spam.example", value)
		}
	case m.Kind != "author" && m.Kind != "post":
		return out, fmt.Errorf("%q cannot be muted: author, source or domain", m.Kind)
	case !qualified || platform == "" || rest == "":
		return out, fmt.Errorf("%q: write PLATFORM/ID", value)
	case m.Kind == "author":
		out.Platform, out.Author = platform, strings.TrimPrefix(rest, "@")
	case m.Kind == "post":
		out.Platform, out.Post = platform, rest
	}
	return out, nil
}

// ChangeMute publishes what counts no more, or again. Workers take it up between two
// batches; what is stored follows within seconds, where `earshot run` runs.
func ChangeMute(ctx context.Context, cfg *Config, c *Console, change MuteChange) error {
	if change.Who == "" {
		if u, err := user.Current(); err == nil {
			change.Who = u.Username
		}
	}
	if _, err := change.rule(); err != nil { // before anything is opened
		return failure(ExitUsage, err)
	}
	return withBrands(ctx, cfg, c.Log, func(table *kafka.Table[brandEntry]) error {
		said, err := change.apply(ctx, table)
		if err != nil {
			return err
		}
		c.print(said + "\n")
		return nil
	})
}

// apply publishes the change and says what counts now.
func (m MuteChange) apply(ctx context.Context, table *kafka.Table[brandEntry]) (said string, err error) {
	rule, err := m.rule()
	if err != nil {
		return "", failure(ExitUsage, err)
	}
	all, _, err := table.All(ctx)
	if err != nil {
		return "", err
	}
	key := muteKey(rule)
	old, known := all[key]
	stands := known && !old.Removed
	switch {
	case m.Undo && !stands:
		return "", failure(ExitFailed, fmt.Errorf("%s is not muted; `brand mutes` shows what is", describeMute(rule)))
	case rule.Brand != "" && !m.Undo && (all[brandKey(rule.Brand)].Brand.Name == "" || all[brandKey(rule.Brand)].Removed):
		return "", failure(ExitFailed, fmt.Errorf("there is no brand %q; `brand list` shows them", rule.Brand))
	case !m.Undo && stands:
		return describeMute(rule) + ": was muted before", nil
	}
	entry := brandEntry{Mute: &rule, Who: m.Who, Removed: m.Undo, At: pipeline.At(time.Now())}
	if err := table.Put(ctx, key, entry); err != nil {
		return "", err
	}
	if m.Undo {
		return describeMute(rule) + ": counts again", nil
	}
	return describeMute(rule) + ": does not count any more", nil
}

func describeMute(m enrich.Mute) string {
	var parts []string
	for _, p := range []struct{ what, value string }{
		{"author", m.Author}, {"source", m.Source}, {"domain", m.Domain}, {"post", m.Post},
	} {
		if p.value != "" {
			if m.Platform != "" {
				p.value = m.Platform + "/" + p.value
			}
			parts = append(parts, p.what+" "+p.value)
		}
	}
	if m.Brand != "" {
		parts = append(parts, "for "+m.Brand)
	}
	return strings.Join(parts, " ")
}

// ListMutes prints what is muted, by whom and since when.
func ListMutes(ctx context.Context, cfg *Config, c *Console) error {
	return withBrands(ctx, cfg, c.Log, func(table *kafka.Table[brandEntry]) error {
		all, _, err := table.All(ctx)
		if err != nil {
			return err
		}
		var lines []string
		for _, e := range all {
			if e.Mute != nil && !e.Removed {
				lines = append(lines, fmt.Sprintf("%-48s %-16s since %s\n", describeMute(*e.Mute), e.Who, e.At.Time().Format(time.DateTime)))
			}
		}
		slices.Sort(lines)
		if len(lines) == 0 {
			lines = []string{"nothing is muted\n"}
		}
		c.print(strings.Join(lines, ""))
		return nil
	})
}

// pendingMutes are the entries that what is stored does not follow yet, by key.
func (b *backfiller) pendingMutes(ctx context.Context, all map[string]brandEntry) (map[string]brandEntry, error) {
	out := map[string]brandEntry{}
	for key, e := range all {
		if e.Mute != nil {
			out[key] = e
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	stored, err := b.room.db.Mutes(ctx)
	if err != nil {
		return nil, err
	}
	for key, e := range out {
		if s, known := stored[key]; known && s.Applied && s.Since == e.At {
			delete(out, key)
		}
	}
	return out, nil
}

// applyMutes lets what is stored follow the entries: at once, and again after everything
// is stored that workers labelled before they knew.
func (b *backfiller) applyMutes(ctx context.Context, all map[string]brandEntry) error {
	pending, err := b.pendingMutes(ctx, all)
	if err != nil || len(pending) == 0 {
		return err
	}
	said := pipeline.Time(0)
	for _, e := range pending {
		said = max(said, e.At)
	}
	if err := b.mute(ctx, pending); err != nil {
		return err
	}
	if err := b.room.settled(ctx, said.Time()); err != nil {
		return err
	}
	if err := b.mute(ctx, pending); err != nil {
		return err
	}
	if err := b.unmute(ctx, pending, all); err != nil {
		return err
	}
	for key, e := range pending {
		rule := clickhouse.MuteRule{Rule: key, Muted: clickhouse.Muted(*e.Mute), Who: e.Who, Active: !e.Removed, Since: e.At, Applied: true}
		if err := b.room.db.PutMute(ctx, rule); err != nil {
			return err
		}
		b.log.Info().Str("rule", describeMute(*e.Mute)).Bool("muted", !e.Removed).Msg("what is stored follows a mute")
	}
	return nil
}

func (b *backfiller) mute(ctx context.Context, pending map[string]brandEntry) error {
	for _, e := range pending {
		if !e.Removed {
			if err := b.room.db.Mute(ctx, clickhouse.Muted(*e.Mute)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unmute labels what was muted again, as brands and mutes stand now.
func (b *backfiller) unmute(ctx context.Context, pending, all map[string]brandEntry) error {
	for _, e := range pending {
		if !e.Removed {
			continue
		}
		now, err := withMutes(b.make, understood(activeBrands(all), nil), all)
		if err != nil {
			return err
		}
		r := &clickhouse.Replayer{DB: b.room.db, Chain: now.chain, Log: b.log, Rows: backfillRows}
		if err := r.Unmute(ctx, clickhouse.Muted(*e.Mute)); err != nil {
			return err
		}
	}
	return nil
}
