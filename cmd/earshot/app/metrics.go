package app

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"earshot/pipeline"
)

// gauges reads the running parts whenever Prometheus asks: nothing is counted twice.
type gauges struct {
	now     func() sample
	servers *Servers
	guard   *diskGuard

	stored, mentions, dead, lost, failures, behind         *prometheus.Desc
	up, owned, collected, refused, errors, lag             *prometheus.Desc
	clickhouseUp, clickhouseRestarts, diskFree, diskPaused *prometheus.Desc
}

// registry holds the metrics of this process alone; there is no global one.
func (l *line) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newGauges(l.sample, l.servers, l.guard))
	if l.door.requests != nil {
		r.MustRegister(l.door.requests)
	}
	return r
}

func newGauges(now func() sample, servers *Servers, guard *diskGuard) *gauges {
	stream := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("earshot_"+name, help, []string{"stream"}, nil)
	}
	source := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("earshot_source_"+name, help, []string{"source", "platform", "stream"}, nil)
	}
	alone := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("earshot_"+name, help, nil, nil)
	}
	return &gauges{
		now: now, servers: servers, guard: guard,
		stored:   stream("stored_posts_total", "Records stored by this process, dead ones included."),
		mentions: stream("stored_mentions_total", "Mentions stored by this process."),
		dead:     stream("dead_letters_total", "Records that this process could not enrich or store."),
		lost:     stream("lost_records_total", "Records that Kafka's retention took before they were stored."),
		failures: stream("store_failures_total", "Attempts to store that failed and were repeated."),
		behind:   stream("lag_records", "Records behind the ends of the partitions that this process owns."),

		up:        source("up", "1 if the source is connected and alive, or read to its end."),
		owned:     source("owned", "1 if this process runs the source."),
		collected: source("posts_total", "Posts that Kafka acknowledged."),
		refused:   source("refused_total", "Posts refused as dead letters."),
		errors:    source("errors_total", "Failed connections."),
		lag:       source("lag_seconds", "Our clock minus the newest created_at seen."),

		clickhouseUp:       alone("embedded_clickhouse_up", "1 if the embedded ClickHouse answers."),
		clickhouseRestarts: alone("embedded_clickhouse_restarts_total", "How often it was started again."),
		diskFree:           alone("disk_free_bytes", "Room on the disk of the data directory."),
		diskPaused:         alone("disk_paused", "1 while collecting and storing wait for room on the disk."),
	}
}

// Describe names every metric.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		g.stored, g.mentions, g.dead, g.lost, g.failures, g.behind, g.up, g.owned, g.collected, g.refused, g.errors, g.lag,
		g.clickhouseUp, g.clickhouseRestarts, g.diskFree, g.diskPaused,
	} {
		out <- d
	}
}

// Collect tells their values now.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	total := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	level := func(d *prometheus.Desc, n float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
	}
	s := g.now()
	for _, f := range s.streams {
		total(g.stored, f.posts, f.stream)
		total(g.mentions, f.mentions, f.stream)
		total(g.dead, f.dead, f.stream)
		total(g.lost, f.lost, f.stream)
		total(g.failures, f.storeFailures, f.stream)
		level(g.behind, float64(f.lag), f.stream)
	}
	for _, src := range s.sources {
		labels := []string{src.Name, src.Platform, src.Stream}
		level(g.up, one(src.State == pipeline.CoverageOK || src.State == pipeline.CoverageDone), labels...)
		level(g.owned, one(src.Owned), labels...)
		total(g.collected, src.Posts, labels...)
		total(g.refused, src.Refused, labels...)
		total(g.errors, src.Errors, labels...)
		level(g.lag, src.Lag.Seconds(), labels...)
	}
	if g.servers.engine != nil {
		up, restarts := g.servers.engine.State()
		level(g.clickhouseUp, one(up))
		total(g.clickhouseRestarts, int64(restarts))
	}
	if free, ok := g.guard.look(); ok {
		level(g.diskFree, float64(free))
		level(g.diskPaused, one(g.guard.low() != nil))
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
