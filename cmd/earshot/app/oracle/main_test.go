package oracle

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"earshot/cmd/earshot/app"
	"earshot/pipeline"
	"earshot/pipeline/kafka"
)

// Variables by which the test binary becomes a child of the storm.
const (
	childVar     = "EARSHOT_STORM_CHILD"    // the role of the child
	configVar    = "EARSHOT_STORM_CONFIG"   // its configuration file
	unfencedVar  = "EARSHOT_STORM_UNFENCED" // 1 = the pending commit is switched off: the storm must then fail
	seedVar      = "EARSHOT_STORM_SEED"
	eventsVar    = "EARSHOT_STORM_EVENTS"
	chunkVar     = "EARSHOT_STORM_POSTS"
	childSession = 6 * time.Second
)

// TestMain is also the embedded ClickHouse and every child of the storm.
func TestMain(m *testing.M) {
	if code := app.RunChild(os.Args[1:]); code >= 0 {
		os.Exit(code)
	}
	if role := os.Getenv(childVar); role != "" {
		os.Exit(child(role))
	}
	os.Exit(m.Run())
}

// child runs the real program in one role. Lines on its standard input arm a crash
// point; at the next pass of it the process kills itself.
func child(role string) int {
	content, err := os.ReadFile(os.Getenv(configVar))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cfg, err := app.LoadConfig("storm", content, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cfg.Roles = []string{role}
	var armed atomic.Value
	armed.Store(pipeline.CrashPoint(""))
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			armed.Store(pipeline.CrashPoint(strings.TrimSpace(in.Text())))
		}
	}()
	cfg.Hooks = app.Hooks{
		Crash: func(p pipeline.CrashPoint) {
			if armed.Load() == p {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // nothing may happen after the kill was sent
			}
		},
		// Each process cuts its batches at another length: what a successor takes up is
		// cut elsewhere, unless the range was committed as pending.
		Limits:  kafka.Limits{Records: 400 + os.Getpid()%500},
		Session: childSession,
	}
	if os.Getenv(unfencedVar) != "" {
		cfg.Hooks.Sink = func(s pipeline.Sink) pipeline.Sink { return unfenced{s} }
	}
	if os.Getenv(staleVar) != "" {
		cfg.Hooks.Sink = func(s pipeline.Sink) pipeline.Sink { return stale{s} }
	}
	console, err := app.NewConsole(cfg.Log, os.Stderr, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := app.Run(ctx, cfg, console); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// unfenced switches the pending commit off.
type unfenced struct{ pipeline.Sink }

func (u unfenced) Write(ctx context.Context, b *pipeline.Batch) ([]pipeline.Reject, error) {
	b.Pending = nil
	return u.Sink.Write(ctx, b)
}
