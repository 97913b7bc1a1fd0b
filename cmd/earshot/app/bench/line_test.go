package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"

	"earshot/cmd/earshot/app"
)

// lineConfig is the earshot.yaml of the line: the enrichment's role alone, twenty
// brands, and neither language nor sentiment.
func lineConfig(s *servers, database string) string {
	store := s.store(database)
	return strings.Join([]string{
		"roles: [enrich]",
		"simulate: \"on\"",
		"sources:",
		"  - {name: market, type: simulate, brands: 20}",
		"language: {engine: none}",
		"sentiment: {engine: none}",
		"kafka: {brokers: [\"" + s.broker + "\"], retention_bytes: -1}",
		"clickhouse: {addr: \"" + store.Addr + "\", user: " + store.User + ", password: \"" + store.Password.Reveal() + "\", database: " + database + "}",
		"log: {level: warn, format: json}",
	}, "\n") + "\n"
}

// runLine is `earshot run` with a configuration, until it is told to stop.
func runLine(path string) (err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	cfg, err := app.LoadConfig(path, content, nil)
	if err != nil {
		return err
	}
	console, err := app.NewConsole(cfg.Log, io.Discard, os.Stderr)
	if err != nil {
		return err
	}
	if dir := os.Getenv(profileVar); dir != "" {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("line-%d.pprof", os.Getpid())))
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // a profile is not data
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return app.Run(ctx, cfg, console)
}
