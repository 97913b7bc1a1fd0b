package app

import (
	"runtime/debug"

	"earshot/enrich"
	"earshot/sinks/clickhouse"
)

// Part is a piece of the program with a version of its own.
type Part struct{ Name, Version string }

// Parts lists what a bug report should name.
func Parts() []Part {
	var out []Part
	if all, err := clickhouse.Migrations(); err == nil && len(all) > 0 {
		out = append(out, Part{"schema", all[len(all)-1].Name})
	}
	if s, err := enrich.NewSentiment(enrich.DefaultSentimentConfig()); err == nil {
		out = append(out, Part{"sentiment", s.Version()})
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return out
	}
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/segmentio/kafka-go", "github.com/ClickHouse/clickhouse-go/v2", "github.com/twmb/franz-go/pkg/kfake":
			out = append(out, Part{m.Path[len("github.com/"):], m.Version})
		}
	}
	return out
}
