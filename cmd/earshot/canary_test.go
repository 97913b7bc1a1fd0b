package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
	"earshot/pipeline"
)

// canary is the beginning of every credential of this test.
const canary = "canary4711"

// canarySources is a source of each platform that has credentials. ADDR is an address of
// its own, URL that of a server which refuses everything and repeats what it was sent.
func canarySources() map[string]string {
	return map[string]string{
		"rss":       "feeds: ['{{.URL}}/feed?key=CANARY']\n    websub: {callback: '{{.URL}}/websub', listen: '{{.ADDR}}', secret: CANARY}",
		"webhook":   "listen: '{{.ADDR}}'\n    secret: CANARY\n    previous: CANARY",
		"mastodon":  "server: '{{.URL}}'\n    token: CANARY",
		"youtube":   "endpoint: '{{.URL}}'\n    key: CANARY\n    channels: [UC1]",
		"x":         "endpoint: '{{.URL}}'\n    token: CANARY\n    rules: [acme]",
		"weibo":     "endpoint: '{{.URL}}'\n    token: CANARY",
		"reddit":    "endpoint: '{{.URL}}'\n    sign_in: '{{.URL}}/token'\n    client_id: someone\n    client_secret: CANARY\n    subreddits: [acme]",
		"facebook":  "endpoint: '{{.URL}}'\n    token: CANARY\n    app_secret: CANARY\n    verify_token: CANARY\n    listen: '{{.ADDR}}'\n    pages: ['123456789']",
		"instagram": "endpoint: '{{.URL}}'\n    token: CANARY\n    app_secret: CANARY\n    verify_token: CANARY\n    listen: '{{.ADDR}}'\n    account: '17841400000000000'",
	}
}

// secrets counts the credentials among settings.
func secrets(t reflect.Type) int {
	switch {
	case t == reflect.TypeFor[pipeline.Secret]():
		return 1
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice:
		return secrets(t.Elem())
	case t.Kind() != reflect.Struct:
		return 0
	}
	n := 0
	for f := range t.Fields() {
		if f.IsExported() {
			n += secrets(f.Type)
		}
	}
	return n
}

// echo refuses every request and repeats all of it, credentials too, as some servers do.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	var body bytes.Buffer
	_, _ = body.ReadFrom(r.Body)
	fmt.Fprintf(w, `{"error":%q,"error_description":%q}`, fmt.Sprint(r.Header), r.URL.String()+" "+body.String())
}

// TestNoCredentialOfASourceIsTold runs a source of every platform that has credentials
// against a server that repeats them, and looks for them wherever the program speaks.
func TestNoCredentialOfASourceIsTold(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	monitor := freeAddr(t)
	text, names := canaryConfig(t, server.URL)
	p := newProgram(t, text+fmt.Sprintf("http: {allow_private: true, retries: 0, timeout: 2s}\nmonitor: {listen: '%s'}\n", monitor))
	p.debug()

	code, _, errs := p.run(t.Context(), "config", "check")
	require.Zero(t, code, errs)
	said := map[string]string{}
	log, stop := p.running()
	until(t, "ready", log, func() bool { status, _ := get(t, monitor, "/readyz"); return status == http.StatusOK })
	tell := func(args ...string) {
		_, out, errs := p.run(t.Context(), args...)
		said[strings.Join(args, " ")] = out + errs
	}
	for _, name := range names {
		tell("source", "check", name)
	}
	tell("config", "check")
	tell("config", "print")
	tell("source", "list", "--all", "--format", "json")
	until(t, "each source has been refused, or stands", log, func() bool {
		_, said["metrics"] = get(t, monitor, "/metrics")
		for _, name := range names { // each has been refused, or stands
			if !strings.Contains(said["metrics"], fmt.Sprintf("source=%q", name)) {
				return false
			}
		}
		return strings.Contains(said["metrics"], "earshot_source_errors_total")
	})
	time.Sleep(2 * time.Second) // for second attempts
	tell("doctor")
	tell("dead", "list")
	tell("sql", "SELECT * FROM dead_letters FORMAT JSONEachRow")
	tell("sql", "SELECT * FROM coverage FORMAT JSONEachRow")
	stop()
	said["run"] = log.String()
	for where, what := range said {
		assert.NotContains(t, what, canary, "a credential appears in %s", where)
	}
	assert.Contains(t, said["run"], "403", "the sources were refused, and said so")
	assert.Contains(t, said["config print"], "***")
}

// canaryConfig configures every platform that has credentials; one that is not in the
// table above fails the test.
func canaryConfig(t *testing.T, address string) (text string, names []string) {
	t.Helper()
	table := canarySources()
	var b strings.Builder
	b.WriteString("sources:\n")
	for _, kind := range (&app.Source{}).Kinds() {
		settings, known := table[kind]
		want := secrets(reflect.TypeOf((&app.Source{}).Settings(kind)))
		require.GreaterOrEqual(t, strings.Count(settings, "CANARY"), want, "every credential of %s stands in canarySources", kind)
		if !known {
			continue
		}
		n := 0
		for strings.Contains(settings, "CANARY") { // each its own, so that a finding names it
			n++
			settings = strings.Replace(settings, "CANARY", fmt.Sprintf("%s-%s-%d-0123456789", canary, kind, n), 1)
		}
		fmt.Fprintf(&b, "  - name: %s\n    type: %s\n    ", kind, kind)
		require.NoError(t, template.Must(template.New(kind).Parse(settings)).Execute(&b, map[string]string{"URL": address, "ADDR": freeAddr(t)}))
		b.WriteString("\n")
		names = append(names, kind)
	}
	return b.String(), names
}

// debug makes the program say all that it can.
func (p *program) debug() {
	p.t.Helper()
	text, err := os.ReadFile(p.config)
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(p.config, bytes.Replace(text, []byte("log: {level: warn}"), []byte("log: {level: debug}"), 1), 0o600))
}
