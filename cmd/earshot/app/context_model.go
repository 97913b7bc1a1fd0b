package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"earshot/enrich/namesake"
	"earshot/pipeline"
	"earshot/pipeline/query"
)

// ContextModel tells a brand from its namesakes. A configuration names the file of
// `earshot train context`, which is read at once; the topic of brands carries the model
// itself, so that every worker has the same one. It is decoded by apply, so that a model
// of a newer program keeps its brand from counting, and no other.
type ContextModel struct {
	File  string          `json:"file"`
	Model json.RawMessage `json:"model"` // compact
}

// published is a ContextModel as it travels; a name of its own keeps MarshalText out.
type published ContextModel

// UnmarshalText reads the file with this name.
func (c *ContextModel) UnmarshalText(name []byte) error {
	content, err := os.ReadFile(string(name))
	if err != nil {
		return fmt.Errorf("the context model cannot be read (`earshot train context` makes one): %w", err)
	}
	m, err := namesake.Decode(content)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if content, err = m.Encode(); err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, content); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*c = ContextModel{File: string(name), Model: compact.Bytes()}
	return nil
}

// MarshalText is the name of the file.
func (c ContextModel) MarshalText() ([]byte, error) { return []byte(c.File), nil }

// MarshalJSON writes the model beside the name of its file.
func (c ContextModel) MarshalJSON() ([]byte, error) { return json.Marshal(published(c)) }

// UnmarshalJSON reads what MarshalJSON wrote; no file is opened.
func (c *ContextModel) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*published)(c)) }

// apply gives the model to the brand.
func (c ContextModel) apply(b *query.Brand) error {
	if len(c.Model) == 0 {
		return nil
	}
	m, err := namesake.Decode(c.Model)
	if err != nil {
		return err
	}
	b.Context = func(r *pipeline.Record) float64 { return m.Score(&r.Post) }
	b.ContextVersion = m.Version()
	return nil
}
