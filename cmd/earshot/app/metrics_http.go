package app

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot/pipeline/collect/client"
)

const (
	// mostHosts bounds the labels: feeds may name any number of hosts, and lead to more.
	mostHosts  = 200
	otherHosts = "others"
)

// requests counts what the sources ask of the platforms, beside their streams too.
type requests struct {
	mu    sync.Mutex
	hosts map[string]*hostRequests

	total, took, limited *prometheus.Desc
}

// hostRequests are what became of the requests to one host.
type hostRequests struct {
	codes map[int]int64 // 0: no answer
	took  time.Duration
	limit time.Time
}

func newRequests() *requests {
	metric := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("earshot_http_"+name, help, append([]string{"host"}, labels...), nil)
	}
	return &requests{
		hosts:   map[string]*hostRequests{},
		total:   metric("requests_total", "Requests of the sources, by the code of the answer; 0: there was none.", "code"),
		took:    metric("seconds_total", "Time until the answers to them began."),
		limited: metric("limited_seconds", "How long the host still wants to be left alone."),
	}
}

func (r *requests) observe(o client.Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	host := r.hosts[o.Host]
	if host == nil {
		name := o.Host
		if len(r.hosts) >= mostHosts {
			name = otherHosts
		}
		if host = r.hosts[name]; host == nil {
			host = &hostRequests{codes: map[int]int64{}}
			r.hosts[name] = host
		}
	}
	host.codes[o.Code]++
	host.took += o.Took
	if o.Limit.After(host.limit) {
		host.limit = o.Limit
	}
}

// Describe names every metric.
func (r *requests) Describe(out chan<- *prometheus.Desc) {
	out <- r.total
	out <- r.took
	out <- r.limited
}

// Collect tells their values now.
func (r *requests) Collect(out chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, host := range r.hosts {
		for code, n := range host.codes {
			out <- prometheus.MustNewConstMetric(r.total, prometheus.CounterValue, float64(n), name, strconv.Itoa(code))
		}
		out <- prometheus.MustNewConstMetric(r.took, prometheus.CounterValue, host.took.Seconds(), name)
		out <- prometheus.MustNewConstMetric(r.limited, prometheus.GaugeValue, max(time.Until(host.limit).Seconds(), 0), name)
	}
}
