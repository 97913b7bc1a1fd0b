package oracle

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline/kafka/kafkatest"
	"earshot/sinks/clickhouse"
)

// TestAWorkerWaitsForItsServers starts the program while Kafka and ClickHouse are dead. It
// lives, is not ready and says why, until they come, one after the other; then it works.
func TestAWorkerWaitsForItsServers(t *testing.T) {
	p, broker := newProgram(t, ""), kafkatest.Start(t, kafkatest.Options{})
	server, config := newServer(t)
	users := server.Credentials()
	addr := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(4000))
	p.configure(acme + realKafka(broker) + "simulate: off\nmonitor: {listen: '" + addr + "'}\n" +
		fmt.Sprintf("clickhouse: {addr: '%s', user: %s, password: '%s'}\n", server.Addr(), users.Writer, users.WriterPassword.Reveal()) +
		"sources: [{name: feed, type: file, path: '" + p.write("feed.ndjson", `{"platform":"blog","id":"1","text":"acme"}`) + "', format: ndjson, follow: true}]\n")
	broker.Kill()
	now, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, server.Close(now), "was killed")

	o := p.start("run")
	waits := func(name string) bool {
		status, text := p.get(addr, "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(text, name)
	}
	p.eventually("it waits for Kafka", o, func() bool { return waits(broker.Addr) })
	status, _ := p.get(addr, "/healthz")
	assert.Equal(t, http.StatusOK, status, "it lives")
	broker.Restart()
	at := strings.TrimPrefix(server.Addr(), "http://")
	p.eventually("it waits for ClickHouse", o, func() bool { return waits(at) })
	assert.Contains(t, o.errs.String(), "waiting for the servers")
	assert.NotContains(t, o.errs.String(), "earshot runs")

	again, err := clickhouse.Start(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, again.Close(context.Background())) })
	p.eventually("it is ready", o, func() bool { status, _ := p.get(addr, "/readyz"); return status == http.StatusOK })
	p.eventually("it works", o, func() bool { return p.ask("SELECT count() FROM mentions_current") == "1" })
	o.signal(syscall.SIGTERM)
	assert.Zero(t, o.code(t), o.errs.String())
}

// TestAReaderCannotStore: what waiting does not mend ends the start at once, with the mend.
func TestAReaderCannotStore(t *testing.T) {
	server, _ := newServer(t)
	users := server.Credentials()
	p := newProgram(t, acme+fmt.Sprintf("clickhouse: {addr: '%s', user: %s, password: '%s'}\n", server.Addr(), users.Reader, users.ReaderPassword.Reveal()))
	code, _, errs := p.run("run")
	assert.NotZero(t, code)
	assert.Contains(t, errs, "the user")
	assert.NotContains(t, errs, "waiting for the servers")
	t.Log(errs)
}

// get asks the monitor; status 0 says that nobody answers.
func (p *program) get(addr, path string) (status int, text string) {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+addr+path, http.NoBody)
	require.NoError(p.t, err)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, ""
	}
	return res.StatusCode, string(body)
}
