package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
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

// talk is n posts of these words, at moments (nil: now), by people of their own.
type talk struct {
	name, words string
	n           int
	at          func(i int) time.Time
}

// said writes posts to a file.
func said(t *testing.T, all ...talk) string {
	t.Helper()
	var b strings.Builder
	for _, k := range all {
		for i := range k.n {
			at := time.Now()
			if k.at != nil {
				at = k.at(i)
			}
			line, err := json.Marshal(map[string]any{"platform": "blog", "id": fmt.Sprintf("%s-%d", k.name, i), "text": fmt.Sprintf("%s %s number %d", k.words, k.name, i),
				"author": map[string]any{"id": fmt.Sprintf("%s-author-%d", k.name, i)}, "created_at": at.UTC().Format(time.RFC3339Nano)})
			require.NoError(t, err)
			b.Write(append(line, '\n'))
		}
	}
	path := filepath.Join(t.TempDir(), all[0].name+".ndjson")
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

// onCall is a program that runs, and the person whom it calls.
type onCall struct {
	*program
	hook *receiver
	log  *output
	stop func()
}

func (c *onCall) start(more ...string) { c.log, c.stop = c.running(more...) }

func (c *onCall) do(args ...string) (out string) {
	c.t.Helper()
	code, out, errs := c.run(c.t.Context(), args...)
	require.Zero(c.t, code, "%v: %s", args, errs)
	return out
}

// hear imports posts.
func (c *onCall) hear(all ...talk) {
	c.t.Helper()
	c.do("import", said(c.t, all...))
}

// called waits until somebody was called so often, and returns the last message.
func (c *onCall) called(times int) notify.Message {
	c.t.Helper()
	until(c.t, fmt.Sprintf("call %d", times), c.log, func() bool { got, _ := c.hook.messages(); return len(got) >= times })
	got, _ := c.hook.messages()
	require.Len(c.t, got, times)
	last := got[times-1]
	require.Len(c.t, last.Incidents, 1)
	assert.Equal(c.t, notify.Opened, last.Event)
	assert.Equal(c.t, pipeline.AlertVolume, last.Incidents[0].Main().Kind)
	return last
}

// TestASpikeCallsSomebodyOnce goes from Kafka to the webhook under the load of the
// simulated market. Then the past is rewritten beside the running detector: a replay with a wider
// query and another brand is promoted, and posts of the spike and of the days before come late; and it
// is restarted in the middle of the spike. Nothing of that calls anybody; a spike of each of
// the other brands, which proves that it was looked, does.
// How many posts of a spike are stored when it is looked at first is left to the machine: all of
// them together are no hundred people, so that it does not become more severe.
func TestASpikeCallsSomebodyOnce(t *testing.T) {
	hook := newReceiver(t)
	c := &onCall{program: newProgram(t, alertConfig(hook.URL)), hook: hook}
	begin := time.Now().Add(-3 * 24 * time.Hour)
	calm := func(name, words string, n int) talk {
		return talk{name, words, n, func(i int) time.Time { return begin.Add(time.Duration(i) * 3 * 24 * time.Hour / time.Duration(n)) }}
	}
	c.hear(calm("usual", "acme", 1000), calm("air", "zenith air", 1000), calm("low", "nadir", 1000),
		calm("wide", "zenith", 6000)) // of which nobody knows until a query asks for them

	c.start("--simulate")
	until(t, "simulated posts", c.log, func() bool { return c.ask("SELECT count() > 0 FROM posts", "--simulated") == "1" })
	spiked := time.Now()
	c.hear(talk{"spike", "acme", 70, nil})
	i := c.called(1).Incidents[0]
	_, when := hook.messages()
	var ms int64
	_, err := fmt.Sscan(c.ask("SELECT toUnixTimestamp64Milli(min(kafka_time)) FROM posts WHERE startsWith(id, 'spike')"), &ms)
	require.NoError(t, err)
	t.Logf("from the first post of the spike on Kafka to the webhook: %s", when[0].Sub(time.UnixMilli(ms)).Round(time.Millisecond))
	assert.Equal(t, "Acme", i.Brand)
	assert.Positive(t, i.Explanation.Voices)
	assert.Equal(t, "blog", i.Explanation.Platforms[0].Name)
	brands, last := 2, talk{"flight", "zenith air", 70, nil}
	if !testing.Short() {
		c.rewriteThePast()
		c.hear(talk{"late", "acme", 10, func(int) time.Time { return spiked }}, talk{"later", "acme", 40, func(i int) time.Time { return begin.Add(time.Duration(i) * time.Hour) }})
		c.hear(last)
		assert.Equal(t, "Zenith", c.called(2).Incidents[0].Brand)
		brands, last = 3, talk{"fall", "nadir", 70, nil}
	}
	c.stop() // in the middle of the spikes
	assert.NotContains(t, c.log.String(), hookSecret)

	c.start()
	c.hear(talk{"echo", "acme", 10, nil})
	c.hear(last)
	assert.NotEqual(t, "Acme", c.called(brands).Incidents[0].Brand)
	until(t, "what was sent is marked, and kept behind that", c.log, func() bool {
		return c.ask("SELECT count(), any(state) FROM deliveries FINAL") == fmt.Sprintf("%d\tsent", brands) && c.ask("SELECT count() FROM alerts") >= fmt.Sprint(brands)
	})
	assert.Equal(t, fmt.Sprintf("%[1]d\t%[1]d\t%[1]d\t1", brands), c.ask("SELECT count(), uniqExact(brand), countIf(state = 'open' AND severity = 'warning'), max(revision) FROM alerts"))
	c.stop()
	c.lookBackAtIt()
}

// rewriteThePast promotes a replay in which Zenith is named seven times as often, and a brand
// is new.
func (c *onCall) rewriteThePast() {
	c.t.Helper()
	wider := filepath.Join(c.t.TempDir(), "wider.yaml")
	require.NoError(c.t, os.WriteFile(wider, []byte("brands:\n  - {name: Acme, query: 'acme OR #acme'}\n  - {name: Zenith, query: zenith}\n  - {name: Nadir, query: nadir}\n"), 0o600))
	c.do("replay", "--label-set", "wider", "--brands", wider)
	assert.Contains(c.t, c.do("labels", "promote", "wider"), "wider is live now")
	assert.Equal(c.t, "7000", c.ask("SELECT count() FROM mentions_current WHERE label_set = 'live' AND brand = 'Zenith'"))
}

// lookBackAtIt asks for the same in history.
func (c *onCall) lookBackAtIt() {
	c.t.Helper()
	day := time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339)
	var out string
	until(c.t, "a minute counts in history once it is over", c.log, func() bool {
		out = c.do("alert", "backtest", "--brand", "Acme", "--from", day)
		return strings.Contains(out, "would have fired 1 times")
	})
	assert.Regexp(c.t, `Acme +opened +warning +volume`, out)
	assert.Contains(c.t, c.do("alert", "tune", "--max-per-week", "10", "--brand", "Acme", "--from", day), "detector: {threshold: ")
}

// TestABacktestLooksForCrowds: a hashtag that is new and a post that is passed on are found in
// history, each at its time, and not what was always there.
func TestABacktestLooksForCrowds(t *testing.T) {
	p := newProgram(t, "\nalerts: {kinds: [topic, cascade]}\n")
	now := time.Now().UTC().Truncate(time.Hour)
	var b strings.Builder
	post := func(id string, at time.Time, text string, more map[string]any) {
		line := map[string]any{"platform": "blog", "id": id, "text": text, "author": map[string]any{"id": "of-" + id}, "created_at": at.Format(time.RFC3339)}
		maps.Copy(line, more)
		written, err := json.Marshal(line)
		require.NoError(t, err)
		b.Write(append(written, '\n'))
	}
	for i := range 1500 {
		post(fmt.Sprintf("calm-%d", i), now.Add(-5*24*time.Hour+time.Duration(i)*4*time.Minute), "acme as ever", map[string]any{"hashtags": []string{"everyday"}})
	}
	for i := range 90 {
		post(fmt.Sprintf("angry-%d", i), now.Add(-40*time.Hour+time.Duration(i*30)*time.Second), "acme again", map[string]any{"hashtags": []string{"Boycott"}})
	}
	post("root", now.Add(-20*time.Hour), "acme, look", nil)
	for i := range 90 {
		post(fmt.Sprintf("repost-%d", i), now.Add(-20*time.Hour+time.Duration(i*10)*time.Second), "",
			map[string]any{"kind": "repost", "repost_of": "root", "root_id": "root"})
	}
	file := filepath.Join(t.TempDir(), "crowds.ndjson")
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	code, _, errs := p.run(t.Context(), "import", file)
	require.Zero(t, code, errs)
	code, out, errs := p.run(t.Context(), "alert", "backtest", "--from", now.Add(-60*time.Hour).Format(time.RFC3339))
	require.Zero(t, code, errs)
	assert.Regexp(t, now.Add(-40*time.Hour).Format("2006-01-02 15")+`:\d\d +Acme +opened +warning +topic boycott`, out)
	assert.Regexp(t, now.Add(-20*time.Hour).Format("2006-01-02 15")+`:\d\d +Acme +opened +warning +cascade blog/root`, out)
	assert.NotContains(t, out, "everyday")
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
