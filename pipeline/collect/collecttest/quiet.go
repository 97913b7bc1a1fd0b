package collecttest

import (
	"context"
	"time"

	"earshot/pipeline"
)

// Quiet is a session that takes everything and keeps nothing.
type Quiet struct{}

// Emit accepts.
func (Quiet) Emit(ctx context.Context, _ []pipeline.Post, _ pipeline.Cursor) error { return ctx.Err() }

// Refuse accepts.
func (Quiet) Refuse(ctx context.Context, _ []byte, _, _ string) error { return ctx.Err() }

// Gap hears nothing.
func (Quiet) Gap(time.Time, time.Time, string) {}

// Limited hears nothing.
func (Quiet) Limited(time.Time, string) {}

// Alive hears nothing.
func (Quiet) Alive() {}
