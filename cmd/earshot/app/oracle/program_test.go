package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
	"earshot/pipeline/kafka/kafkatest"
	"earshot/pipeline/testclaim"
	"earshot/sinks/clickhouse"
)

// binary is the program as a user has it, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "earshot-oracle-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "earshot")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", path, "earshot/cmd/earshot")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
})

// program is the binary in a directory of its own, where earshot.yaml lies.
type program struct {
	t   *testing.T
	bin string
	dir string
	env []string
}

func newProgram(t *testing.T, config string) *program {
	t.Helper()
	if testing.Short() {
		t.Skip("the program as a whole is tested without the race detector")
	}
	if _, err := clickhouse.FindLibrary(""); err != nil {
		testclaim.Skip(t, err.Error())
	}
	bin, err := binary()
	require.NoError(t, err)
	p := &program{t: t, bin: bin, dir: t.TempDir()}
	p.configure(config)
	return p
}

func (p *program) configure(config string) {
	require.NoError(p.t, os.WriteFile(p.path("earshot.yaml"), []byte(config), 0o600))
}

func (p *program) path(name string) string { return filepath.Join(p.dir, name) }

// write makes a file of lines and returns its path.
func (p *program) write(name string, lines ...string) string {
	require.NoError(p.t, os.WriteFile(p.path(name), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return p.path(name)
}

// outcome is a program that runs or has run.
type outcome struct {
	cmd       *exec.Cmd
	out, errs said
	ended     chan struct{}
}

// said may be read while it is written.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// start runs a command line; the test ends it if it does not end by itself.
func (p *program) start(args ...string) *outcome {
	p.t.Helper()
	o := &outcome{cmd: exec.CommandContext(context.Background(), p.bin, args...), ended: make(chan struct{})}
	o.cmd.Dir, o.cmd.Env = p.dir, append(os.Environ(), p.env...)
	o.cmd.Stdout, o.cmd.Stderr = &o.out, &o.errs
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(p.t, o.cmd.Start())
	go func() {
		_ = o.cmd.Wait()
		close(o.ended)
	}()
	p.t.Cleanup(func() { o.signal(syscall.SIGKILL); <-o.ended })
	return o
}

func (o *outcome) signal(s syscall.Signal) { _ = o.cmd.Process.Signal(s) }

func (o *outcome) running() bool {
	select {
	case <-o.ended:
		return false
	default:
		return true
	}
}

// code waits for the end; a program that a signal ended has -1.
func (o *outcome) code(t *testing.T) int {
	t.Helper()
	select {
	case <-o.ended:
	case <-time.After(patience):
		require.FailNow(t, "the program does not end", "it said:\n%s\n%s", o.out.String(), o.errs.String())
	}
	return o.cmd.ProcessState.ExitCode()
}

// run executes a command line to its end.
func (p *program) run(args ...string) (code int, out, errs string) {
	p.t.Helper()
	o := p.start(args...)
	code = o.code(p.t)
	return code, o.out.String(), o.errs.String()
}

// ask returns the answer of a query, by `earshot sql`.
func (p *program) ask(query string) string {
	p.t.Helper()
	code, out, errs := p.run("sql", query, "--format", "TSV")
	require.Zero(p.t, code, "%s: %s", query, errs)
	return strings.TrimSpace(out)
}

// eventually waits for something that a program is about to do.
func (p *program) eventually(what string, o *outcome, done func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) || !o.running() && !done() {
			require.FailNow(p.t, what, "the program said:\n%s\n%s", o.out.String(), o.errs.String())
		}
	}
}

// runtime is what the owner of the data directory left there; false if there is nobody.
func (p *program) runtime() (rt app.Runtime, ok bool) {
	b, err := os.ReadFile(p.path("earshot-data/runtime.json"))
	return rt, err == nil && json.Unmarshal(b, &rt) == nil
}

// realKafka is the configuration of a real broker.
func realKafka(b *kafkatest.Broker) string {
	return "kafka: {brokers: ['" + b.Addr + "'], partitions: 4}\n"
}

// newServer starts a ClickHouse that belongs to the test; its configuration starts it again.
func newServer(t *testing.T) (*clickhouse.Server, clickhouse.ServerConfig) {
	t.Helper()
	config := clickhouse.ServerConfig{Dir: filepath.Join(t.TempDir(), "clickhouse"), HTTPPort: 20000 + rand.IntN(8000), Logger: zerolog.Nop()}
	s, err := clickhouse.Start(t.Context(), config)
	require.NoError(t, err)
	at, err := url.Parse(s.Addr())
	require.NoError(t, err)
	config.HTTPPort, err = strconv.Atoi(at.Port())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(context.Background()) }) // it may have been closed before
	return s, config
}
