package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"earshot/enrich"
	"earshot/pipeline"
	"earshot/pipeline/collect/simulate"
	"earshot/pipeline/kafka"
	"earshot/pipeline/query"
	"earshot/sinks/clickhouse"
)

// marketSource is the name of the simulation that runs when nothing else is configured.
const marketSource = "market"

// SetRoles replaces the configured roles.
func (c *Config) SetRoles(roles []string) error {
	for _, r := range roles {
		if r != RoleCollect && r != RoleEnrich && r != RoleDetect && r != RoleWeb {
			return fmt.Errorf("unknown role %q; known are %s, %s, %s, %s", r, RoleCollect, RoleEnrich, RoleDetect, RoleWeb)
		}
	}
	if len(roles) == 0 {
		return errors.New("no role is given")
	}
	c.Roles = roles
	return nil
}

// SetSimulate switches the simulated market on or off.
func (c *Config) SetSimulate(on bool) {
	c.Simulate = "off"
	if on {
		c.Simulate = "on"
	}
}

func (c *Config) has(role string) bool { return slices.Contains(c.Roles, role) }

// sources are the configured ones, and the simulated market if it is to run.
func (c *Config) sources() []Source {
	all := slices.Clone(c.Sources)
	market := c.Simulate == "on" || c.Simulate == "auto" && len(c.Sources) == 0
	if market && !slices.ContainsFunc(all, func(s Source) bool { return s.Type == typeSimulate }) {
		all = append(all, Source{Name: marketSource, Type: typeSimulate})
	}
	if c.Public == "on" && len(c.Sources) == 0 {
		all = append(all, publicSources()...)
	}
	if c.Simulate == "off" {
		all = slices.DeleteFunc(all, func(s Source) bool { return s.Type == typeSimulate })
	}
	return all
}

// simulatedBrands are those of all simulated markets.
func (c *Config) simulatedBrands() []Brand {
	var out []Brand
	seen := map[string]bool{}
	for _, s := range c.sources() {
		settings, ok := s.Settings(s.Type).(*simulate.Config)
		if !ok {
			continue
		}
		for _, b := range simulate.Brands(*settings) {
			if !seen[b.Name] {
				seen[b.Name] = true
				out = append(out, Brand{Name: b.Name, Query: b.Query})
			}
		}
	}
	return out
}

// activeStreams are the live stream, and the simulated one if somebody fills it.
func (c *Config) activeStreams() []pipeline.Stream {
	live, simulated := streams(c)
	if len(c.simulatedBrands()) == 0 {
		return []pipeline.Stream{live}
	}
	return []pipeline.Stream{live, simulated}
}

// newChains makes the function that joins the models, which all streams share, with brands.
func (c *Config) newChains() (func([]Brand) (*edition, error), error) {
	language, err := enrich.NewLanguage(c.Language)
	if err != nil {
		return nil, err
	}
	sentiment, err := enrich.NewSentiment(c.Sentiment)
	if err != nil {
		return nil, err
	}
	return func(list []Brand) (*edition, error) {
		out := &edition{}
		compiled := make([]query.Brand, len(list))
		for i, b := range list {
			ready, err := b.Compile()
			if err != nil {
				return nil, fmt.Errorf("brand %s: %w", b.Name, err)
			}
			compiled[i] = ready
			out.versions = append(out.versions, clickhouse.BrandVersion{Brand: b.Name, Version: ready.Version(), Query: b.Query})
		}
		brands, err := enrich.NewBrands(compiled)
		if err != nil {
			return nil, err
		}
		out.chain = enrich.NewChain(language, brands, sentiment)
		return out, nil
	}, nil
}

// savedCursors lends Kafka's cursors to the runner of sources.
type savedCursors struct{ *kafka.Cursors }

// Load returns no cursor for a source that was never seen.
func (c savedCursors) Load(ctx context.Context, source string) (pipeline.Cursor, pipeline.Ends, error) {
	saved, _, err := c.Cursors.Load(ctx, source)
	return saved.Cursor, saved.Ends, err
}
