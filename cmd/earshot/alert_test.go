package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
	"earshot/pipeline"
	"earshot/pipeline/detect/notify"
)

const hookSecret = "a key that the receiver knows"

// receiver is a webhook that keeps what it gets, with the time.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	got  []notify.Message
	when []time.Time
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if !assert.NoError(t, err) {
			return
		}
		var seconds int64
		var mac string
		_, err = fmt.Sscanf(req.Header.Get("Earshot-Signature"), "t=%d,v1=%s", &seconds, &mac)
		assert.NoError(t, err)
		assert.Equal(t, notify.Sign(hookSecret, time.Unix(seconds, 0), body), req.Header.Get("Earshot-Signature"))
		var m notify.Message
		assert.NoError(t, json.Unmarshal(body, &m))
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got, r.when = append(r.got, m), append(r.when, time.Now())
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) messages() ([]notify.Message, []time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]notify.Message(nil), r.got...), append([]time.Time(nil), r.when...)
}

func alertConfig(url string) string {
	return fmt.Sprintf(`
alerts:
  allow_private: true
  channels: [{name: oncall, type: webhook, url: '%s', secret: '%s'}]
`, url, hookSecret)
}

// said writes n posts that name Acme, at moments, by people of their own.
func said(t *testing.T, name string, n int, at func(i int) time.Time) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		line, err := json.Marshal(map[string]any{"platform": "blog", "id": fmt.Sprintf("%s-%d", name, i), "text": fmt.Sprintf("acme %s number %d", name, i),
			"author": map[string]any{"id": fmt.Sprintf("%s-author-%d", name, i)}, "created_at": at(i).UTC().Format(time.RFC3339Nano)})
		require.NoError(t, err)
		b.Write(append(line, '\n'))
	}
	path := filepath.Join(t.TempDir(), name+".ndjson")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

// running starts `earshot run` beside the test; stop ends it.
func (p *program) running(more ...string) (said *output, stop func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	said = &output{}
	done := make(chan int, 1)
	go func() {
		done <- execute(ctx, append([]string{"run", "--config", p.config}, more...), strings.NewReader(""), said, said)
	}()
	return said, func() {
		cancel()
		assert.Zero(p.t, <-done, "%v", said)
	}
}

// TestASpikeCallsSomebodyOnce goes from Kafka to the webhook, through a restart in the
// middle of the spike, under the load of the simulated market.
func TestASpikeCallsSomebodyOnce(t *testing.T) {
	hook := newReceiver(t)
	p := newProgram(t, alertConfig(hook.URL))
	begin := time.Now().Add(-3 * 24 * time.Hour)
	code, _, errs := p.run(t.Context(), "import", said(t, "usual", 1000, func(i int) time.Time { return begin.Add(time.Duration(i) * 4 * time.Minute) }))
	require.Zero(t, code, errs)

	log, stop := p.running("--simulate")
	until(t, "simulated posts", log, func() bool { return p.ask("SELECT count() > 0 FROM posts", "--simulated") == "1" })
	time.Sleep(6 * time.Second) // the first look is over: from here on it is the rhythm
	code, _, errs = p.run(t.Context(), "import", said(t, "spike", 80, func(int) time.Time { return time.Now() }))
	require.Zero(t, code, errs)
	until(t, "somebody is called", log, func() bool { got, _ := hook.messages(); return len(got) > 0 })
	got, when := hook.messages()
	first := p.ask("SELECT toUnixTimestamp64Milli(min(kafka_time)) FROM posts WHERE startsWith(id, 'spike')")
	var ms int64
	_, err := fmt.Sscan(first, &ms)
	require.NoError(t, err)
	t.Logf("from the first post of the spike on Kafka to the webhook: %s", when[0].Sub(time.UnixMilli(ms)).Round(time.Millisecond))
	require.Len(t, got[0].Incidents, 1)
	i := got[0].Incidents[0]
	assert.Equal(t, notify.Opened, got[0].Event)
	assert.Equal(t, "Acme", i.Brand)
	assert.Equal(t, pipeline.AlertVolume, i.Main().Kind)
	assert.Greater(t, i.Explanation.Voices, 20.0)
	assert.Equal(t, "blog", i.Explanation.Platforms[0].Name)

	stop() // in the middle of the spike
	assert.NotContains(t, log.String(), hookSecret)
	log, stop = p.running()
	code, _, errs = p.run(t.Context(), "import", said(t, "echo", 20, func(int) time.Time { return time.Now() }))
	require.Zero(t, code, errs)
	until(t, "the echo", log, func() bool {
		return p.ask("SELECT count() FROM mentions_current WHERE startsWith(id, 'echo')") == "20"
	})
	time.Sleep(12 * time.Second) // two looks
	assert.Equal(t, "1\t1\twarning", p.ask("SELECT count(), countIf(state = 'open'), any(severity) FROM alerts WHERE brand = 'Acme'"))
	assert.Equal(t, "1\tsent", p.ask("SELECT count(), any(state) FROM deliveries FINAL"))
	got, _ = hook.messages()
	assert.Len(t, got, 1, "the same spike calls nobody twice")
	stop()

	var out string
	until(t, "a minute counts in history once it is over", log, func() bool {
		code, out, errs = p.run(t.Context(), "alert", "backtest", "--from", time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339))
		return code != 0 || strings.Contains(out, "would have fired 1 times")
	})
	require.Zero(t, code, errs)
	assert.Regexp(t, `Acme +opened +warning +volume`, out)
	code, out, errs = p.run(t.Context(), "alert", "tune", "--max-per-week", "10", "--from", time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339))
	require.Zero(t, code, errs)
	assert.Contains(t, out, "detector: {threshold: ")
}

func TestAlertCommands(t *testing.T) {
	hook := newReceiver(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "earshot.yaml")
	require.NoError(t, os.WriteFile(config, []byte("log: {level: warn}\n"+alertConfig(hook.URL)), 0o600))
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such hook", http.StatusGone) }))
	defer refusing.Close()
	other := filepath.Join(dir, "other.yaml")
	require.NoError(t, os.WriteFile(other, []byte("log: {level: warn}\n"+alertConfig(refusing.URL)), 0o600))
	guarded := filepath.Join(dir, "guarded.yaml")
	require.NoError(t, os.WriteFile(guarded, []byte(strings.Replace(alertConfig(hook.URL), "allow_private: true", "allow_private: false", 1)), 0o600))
	series := filepath.Join(dir, "calm.csv")
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	for i := range 700 {
		value := 10 + i%3
		if i == 650 {
			value = 400
		}
		fmt.Fprintf(&b, "%s,%d\n", time.Date(2026, 1, 1, 0, 5*i, 0, 0, time.UTC).Format("2006-01-02 15:04:05"), value)
	}
	require.NoError(t, os.WriteFile(series, []byte(b.String()), 0o600))
	alerts := filepath.Join(dir, "alerts.csv")

	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"test":            {[]string{"test", "oncall", "-c", config}, app.ExitOK, "has taken the sample"},
		"test refused":    {[]string{"test", "oncall", "-c", other}, app.ExitFailed, "410 no such hook"},
		"test guarded":    {[]string{"test", "oncall", "-c", guarded}, app.ExitFailed, "private"},
		"test unknown":    {[]string{"test", "nobody", "-c", config}, app.ExitConfiguration, "there are oncall"},
		"test without":    {[]string{"test"}, app.ExitUsage, "accepts 1 arg"},
		"series":          {[]string{"backtest", "--series", series, "--out", alerts}, app.ExitOK, "would have fired 1 times"},
		"series missing":  {[]string{"backtest", "--series", "/nonexistent.csv"}, app.ExitFailed, "no such file"},
		"out alone":       {[]string{"backtest", "--out", alerts}, app.ExitUsage, "belongs to --series"},
		"bad day":         {[]string{"backtest", "--from", "yesterday", "-c", config}, app.ExitUsage, "is not a day"},
		"wrong order":     {[]string{"tune", "--from", "2026-02-01", "--to", "2026-01-01", "-c", config}, app.ExitUsage, "is not before"},
		"no budget":       {[]string{"tune", "--max-per-week", "0"}, app.ExitUsage, "not above 0"},
		"year":            {[]string{"year", "--brands", "2", "--days", "40"}, app.ExitOK, "false pages a recipient and week"},
		"year too short":  {[]string{"year", "--days", "3"}, app.ExitUsage, "at least"},
		"delay":           {[]string{"delay", "--trials", "1"}, app.ExitOK, "median delay"},
		"evaluate no set": {[]string{"evaluate", "--series", series}, app.ExitUsage, "windows"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "delay" && testing.Short() {
				t.Skip("ten volumes of fifteen days: in the plain pass")
			}
			var out, errs output
			assert.Equal(t, tc.code, execute(t.Context(), append([]string{"alert"}, tc.args...), strings.NewReader(""), &out, &errs), "%v%v", &out, &errs)
			assert.Contains(t, out.String()+errs.String(), tc.says)
			assert.NotContains(t, out.String()+errs.String(), hookSecret)
		})
	}
	got, _ := hook.messages()
	require.Len(t, got, 1)
	assert.True(t, got[0].Test)
	assert.True(t, strings.HasPrefix(got[0].Title, "[TEST]"))
	found, err := os.ReadFile(alerts)
	require.NoError(t, err)
	assert.Equal(t, "series,timestamp\ncalm.csv,2026-01-03 06:10:00\n", string(found))
}

func TestBadAlertsAreShownWithTheirPlace(t *testing.T) {
	for name, tc := range map[string]struct{ text, says string }{
		"no signature": {"channels: [{name: a, type: webhook, url: 'https://x/'}]", "secret: is missing"},
		"no address":   {"channels: [{name: a, type: slack}]", "is not an address"},
		"twice":        {"channels: [{name: a, type: pagerduty, secret: x}, {name: a, type: pagerduty, secret: x}]", "two channels are named"},
		"type":         {"channels: [{name: a, type: pager}]", "pagerduty"},
		"mail":         {"channels: [{name: a, type: email, smtp: 'mail', from: 'x@y.z', to: ['x@y.z']}]", "is not host:port"},
		"kind":         {"kinds: [volumes]", "volume"},
		"world":        {"{listen: '0.0.0.0:80', secret: 0123456789abcdef}", "of this machine alone"},
		"weak":         {"{listen: '127.0.0.1:9465', secret: short}", "less than 16 bytes"},
		"threshold":    {"detector: {threshold: -1}", "threshold"},
	} {
		t.Run(name, func(t *testing.T) {
			config := filepath.Join(t.TempDir(), "earshot.yaml")
			require.NoError(t, os.WriteFile(config, []byte("alerts: "+block(tc.text)+"\n"), 0o600))
			var out, errs output
			assert.Equal(t, app.ExitConfiguration, execute(t.Context(), []string{"config", "check", "-c", config}, strings.NewReader(""), &out, &errs))
			assert.Contains(t, errs.String(), tc.says)
		})
	}
}

// block puts a line of YAML under a key.
func block(text string) string {
	if strings.HasPrefix(text, "{") {
		return text
	}
	return "\n  " + text
}
