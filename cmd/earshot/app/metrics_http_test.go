package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"

	"earshot/pipeline/collect/client"
)

func TestRequestsAreCountedByHost(t *testing.T) {
	asked := newRequests()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(asked)
	scrape := func() string {
		w := httptest.NewRecorder()
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
		return w.Body.String()
	}
	asked.observe(client.Observation{Host: "a.example", Code: 200, Took: time.Second})
	asked.observe(client.Observation{Host: "a.example", Code: 200, Took: time.Second})
	asked.observe(client.Observation{Host: "a.example", Took: time.Second})
	text := scrape()
	assert.Contains(t, text, `earshot_http_requests_total{code="200",host="a.example"} 2`)
	assert.Contains(t, text, `earshot_http_requests_total{code="0",host="a.example"} 1`)
	assert.Contains(t, text, `earshot_http_seconds_total{host="a.example"} 3`)
	assert.Contains(t, text, `earshot_http_limited_seconds{host="a.example"} 0`)
	asked.observe(client.Observation{Host: "a.example", Code: 429, Limit: time.Now().Add(time.Hour)})
	assert.Contains(t, scrape(), `earshot_http_limited_seconds{host="a.example"} 3`, "3599 and a bit")

	for i := range 2 * mostHosts {
		asked.observe(client.Observation{Host: fmt.Sprint(i, ".example"), Code: 200})
	}
	text = scrape()
	assert.Equal(t, mostHosts+1, strings.Count(text, "earshot_http_seconds_total{"), "labels are bounded")
	assert.Contains(t, text, fmt.Sprintf(`earshot_http_requests_total{code="200",host="others"} %d`, 2*mostHosts+1-mostHosts))
}
