package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"earshot/pipeline/collect"
	"earshot/pipeline/collect/rules"
	"earshot/pipeline/kafka"
	"earshot/pipeline/query"
)

// ruled is a source whose platform filters at its side.
type ruled interface {
	Rules(brands []query.Brand) rules.Report
}

// follower is a source that changes what it asks for when the brands change.
type follower interface {
	Follow(brands rules.Brands)
}

// follow lets sources ask for what the brands ask for, as they stand on their topic.
func (l *line) follow(entries []collect.Entry) {
	table := kafka.NewTable[brandEntry](l.producer, kafka.BrandTopic)
	brands := func(ctx context.Context) ([]query.Brand, string, error) {
		all, edition, err := table.All(ctx)
		if err != nil {
			return nil, "", err
		}
		list := activeBrands(all)
		if len(all) == 0 { // no worker has published the configuration yet
			list = l.cfg.Brands
		}
		return compiled(list, func(name string, err error) {
			l.log.Error().Err(err).Str("brand", name).Msg("this program does not understand the query: no platform is asked for the brand")
		}), edition, nil
	}
	for _, e := range entries {
		if source, ok := e.Source.(follower); ok && !e.Stream.Simulated {
			source.Follow(brands)
		}
	}
}

// compiled leaves out what cannot be read, such as a query of a newer program.
func compiled(list []Brand, failed func(name string, err error)) []query.Brand {
	out := make([]query.Brand, 0, len(list))
	for _, b := range list {
		ready, err := b.Compile()
		if err != nil {
			failed(b.Name, err)
			continue
		}
		out = append(out, ready)
	}
	return out
}

// SourceRules prints the rules that the configured brands come to on a source's platform,
// and what its language cannot say.
func SourceRules(cfg *Config, c *Console, name string) error {
	entries, err := cfg.entries()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(entries, func(e collect.Entry) bool { return e.Name == name })
	if i < 0 {
		return failure(ExitUsage, fmt.Errorf("no source is named %q; `earshot source list` shows them", name))
	}
	source, ok := entries[i].Source.(ruled)
	if !ok {
		return failure(ExitUsage, fmt.Errorf("source %s reads all that its platform gives: there are no rules", name))
	}
	var all []error
	report := source.Rules(compiled(cfg.Brands, func(name string, err error) { all = append(all, fmt.Errorf("brand %s: %w", name, err)) }))
	if err := errors.Join(all...); err != nil {
		return failure(ExitConfiguration, err)
	}
	c.print(ruleText(report))
	return nil
}

func ruleText(r rules.Report) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d rules\n", len(r.Rules))
	for _, rule := range r.Rules {
		fmt.Fprintf(&b, "  %s\n", rule)
	}
	if len(r.Lost) == 0 {
		b.WriteString("nothing of the queries is lost\n")
	} else {
		fmt.Fprintf(&b, "%d parts of the queries will not be heard\n", len(r.Lost))
	}
	for _, l := range r.Lost {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	return b.String()
}
