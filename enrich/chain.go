package enrich

import (
	"fmt"
	"strings"

	"earshot/pipeline"
)

// Chain runs stages one after the other: an immutable snapshot of brands and models.
// Whoever changes a brand makes another Chain and lets the workers take it between two
// batches.
type Chain struct {
	stages  []pipeline.Enricher
	version string
}

// NewChain joins stages in the order in which they run.
func NewChain(stages ...pipeline.Enricher) *Chain {
	versions := make([]string, len(stages))
	for i, s := range stages {
		versions[i] = s.Version()
	}
	return &Chain{stages: stages, version: strings.Join(versions, " ")}
}

// Version names all stages with their versions, separated by spaces.
func (c *Chain) Version() string { return c.version }

// Enrich runs all stages on a record; a dead record passes untouched. An error, also
// one made of a stage's panic, belongs to this record alone.
func (c *Chain) Enrich(r *pipeline.Record) (err error) {
	if r.Dead != nil {
		return nil
	}
	var at pipeline.Enricher
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("enrich: %s: panic: %v", at.Version(), p)
		}
	}()
	for _, at = range c.stages {
		if err := at.Enrich(r); err != nil {
			return fmt.Errorf("enrich: %s: %w", at.Version(), err)
		}
	}
	return nil
}
