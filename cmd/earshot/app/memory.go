package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// What the parts may hold beside the models, which are loaded once. The collector of garbage
// lets the heap double before it works, and after an outage, when all parts catch up at
// once, the process would grow by twice what they really hold: so it works at half more.
// The limit is a second net. It must stay well above what is really held, about 45 MB
// while catching up, or collecting takes more than the work.
const (
	gcPercent     = 50
	workingMemory = 72 << 20 // batches, requests and answers of all streams
	brokerMemory  = 64 << 20 // the embedded broker, while it compacts
)

// boundMemory gives the process a soft limit: what it holds now, and what work needs.
// It is called when the models are loaded. GOGC and GOMEMLIMIT in the environment win.
func boundMemory(embeddedBroker bool) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	runtime.GC()
	held := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(held)
	limit := int64(held[0].Value.Uint64()) + workingMemory
	if embeddedBroker {
		limit += brokerMemory
	}
	debug.SetMemoryLimit(limit)
}
