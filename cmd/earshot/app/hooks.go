package app

import (
	"time"

	"earshot/pipeline"
	"earshot/pipeline/kafka"
)

// Hooks are for tests of the promises: they let a test crash the program at named
// points, with smaller batches and shorter sessions. The zero value is production.
type Hooks struct {
	Crash   pipeline.CrashHook
	Sink    func(pipeline.Sink) pipeline.Sink // wraps the ledger
	Limits  kafka.Limits
	Session time.Duration
}

// sink is the sink that workers write to.
func (h Hooks) sink(s pipeline.Sink) pipeline.Sink {
	if h.Sink == nil {
		return s
	}
	return h.Sink(s)
}
