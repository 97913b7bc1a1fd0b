package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/pipeline/collect"
)

// lookEvery is how long an answer about the disk holds. A gigabyte of reserve is far
// more than the line writes in it.
const lookEvery = time.Second

// diskGuard stops the line before the disk of the data directory is full: what a full
// disk leaves behind is half a file, and nobody's promise holds on that. While there is
// too little room nothing is taken from the sources and nothing is stored; both try
// again by themselves, so the line goes on as soon as there is room. A nil guard, of a
// process without embedded servers, sees no disk.
type diskGuard struct {
	reserve uint64 // bytes that stay free
	space   func() (space, error)
	log     zerolog.Logger

	mu     sync.Mutex
	looked time.Time
	free   uint64
	err    error
	paused bool
}

// newDiskGuard watches the data directory, if this process or another one keeps
// embedded servers there.
func newDiskGuard(cfg *Config, log zerolog.Logger) *diskGuard {
	if !cfg.Kafka.Embedded() && cfg.ClickHouse.Addr != "" {
		return nil
	}
	return &diskGuard{
		reserve: uint64(cfg.Disk.ReserveMB) << 20, log: log,
		space: func() (space, error) { return spaceOf(cfg.Data) },
	}
}

// look returns the free bytes; false if they are not known.
func (g *diskGuard) look() (uint64, bool) {
	if g == nil {
		return 0, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.looked) >= lookEvery {
		var s space
		s, g.err = g.space()
		g.free, g.looked = s.free, time.Now()
	}
	return g.free, g.err == nil
}

// low returns an error while the disk has less room than the reserve. What cannot be
// asked is no reason to stop.
func (g *diskGuard) low() error {
	free, known := g.look()
	if !known {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	low := free < g.reserve
	if low != g.paused {
		g.paused = low
		if low {
			g.log.Error().Str("free", gib(free)).Str("reserve", gib(g.reserve)).
				Msg("the disk is nearly full: collecting and storing wait, nothing is lost; free some room")
		} else {
			g.log.Info().Str("free", gib(free)).Msg("there is room on the disk again: going on")
		}
	}
	if !low {
		return nil
	}
	return fmt.Errorf("disk: %s are free, less than the reserve of %s (disk.reserve_mb): free some room", gib(free), gib(g.reserve))
}

// guardedPublisher takes no posts while there is too little room; the session tries again.
type guardedPublisher struct {
	collect.Publisher
	guard *diskGuard
}

// PublishRest refuses, or hands on.
func (p guardedPublisher) PublishRest(
	ctx context.Context, s pipeline.Stream, posts []pipeline.Post, h pipeline.Handover, have map[int]bool,
) (pipeline.Ends, error) {
	if err := p.guard.low(); err != nil {
		return nil, err
	}
	return p.Publisher.PublishRest(ctx, s, posts, h, have)
}

// guardedSink stores nothing while there is too little room; the worker tries again.
type guardedSink struct {
	pipeline.Sink
	guard *diskGuard
}

// Write refuses, or hands on.
func (s guardedSink) Write(ctx context.Context, b *pipeline.Batch) ([]pipeline.Reject, error) {
	if err := s.guard.low(); err != nil {
		return nil, err
	}
	return s.Sink.Write(ctx, b)
}
