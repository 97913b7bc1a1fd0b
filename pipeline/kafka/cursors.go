package kafka

import (
	"context"
	"time"

	"earshot/pipeline"
)

// SavedCursor is where a source stood, and where the stream's topic ended then.
type SavedCursor struct {
	Source string          `json:"source"`
	Cursor pipeline.Cursor `json:"cursor"`
	Ends   pipeline.Ends   `json:"ends,omitempty"`
	At     pipeline.Time   `json:"at"` // our clock, UTC
}

// Cursors keeps the cursors of sources in a compacted topic. It is safe for concurrent use.
type Cursors struct{ table *Table[SavedCursor] }

// NewCursors returns the store; the topic is read when it is first asked.
func NewCursors(p *Producer) *Cursors { return &Cursors{NewTable[SavedCursor](p, CursorTopic)} }

// Save returns once all in-sync replicas have the cursor. It tries until ctx ends. Only
// the owner of a source may save its cursor.
func (c *Cursors) Save(ctx context.Context, source string, cursor pipeline.Cursor, ends pipeline.Ends) error {
	return c.table.Put(ctx, source, SavedCursor{Source: source, Cursor: cursor, Ends: ends, At: pipeline.At(time.Now())})
}

// Load returns the last cursor that anyone saved for the source, and false if there is none.
func (c *Cursors) Load(ctx context.Context, source string) (SavedCursor, bool, error) {
	return c.table.Get(ctx, source)
}

// All returns the last cursors of all sources, by name.
func (c *Cursors) All(ctx context.Context) (map[string]SavedCursor, error) {
	all, _, err := c.table.All(ctx)
	return all, err
}
