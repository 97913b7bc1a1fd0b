package kafka

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
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
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// childVar holds, in a child process, what it shall do.
const childVar = "EARSHOT_KAFKA_TEST_CHILD"

// order is what a child process is told.
type order struct {
	Addr, Prefix, Ledger string
	Point                pipeline.CrashPoint // where to die
	After                int                 // how often to pass there before
	Sleep                bool                // stop there instead, until woken
	Records              int                 // in a batch: no two workers cut alike
	Owner                string              // own a source under this name, instead of carrying
}

// child is a worker in a process of its own, which kills itself at its crash point.
func child() {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(childVar)), &o); err != nil {
		panic(err)
	}
	cfg := DefaultConfig()
	cfg.Brokers, cfg.TopicPrefix = []string{o.Addr}, o.Prefix
	c, err := Open(cfg)
	if err != nil {
		panic(err)
	}
	if o.Owner != "" {
		own(c, o)
		return
	}
	var mu sync.Mutex
	passed := 0
	ledger := &fileLedger{path: o.Ledger}
	crash := pipeline.CrashHook(func(p pipeline.CrashPoint) {
		mu.Lock()
		defer mu.Unlock()
		if p != o.Point {
			return
		}
		if passed++; passed > o.After {
			if !o.Sleep {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
			if passed == o.After+1 {
				ledger.mu.Lock() // not while another partition holds the file
				_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
				time.Sleep(100 * time.Millisecond) // until the signal is there
				ledger.mu.Unlock()
			}
		}
	})
	ledger.crash = crash
	producer := NewProducer(c)
	w := &Worker{
		Client: c, Stream: pipeline.LiveStream(), Chain: func() pipeline.Enricher { return chain{} },
		Sink: ledger, DeadLetters: NewDeadLetters(producer), Losses: NewCoverage(producer),
		Crash: crash, Log: zerolog.Nop(), Session: testSession, Limits: Limits{Records: o.Records, Wait: 20 * time.Millisecond},
	}
	if err := w.Run(context.Background()); err != nil {
		panic(err)
	}
}

// tokenMark begins a line that holds a token.
const tokenMark = "token:"

// fileLedger is a sink that outlives its process: a line for each row and each token,
// under a lock. As the real one it asks for rows only when a batch is a retry or replayed.
type fileLedger struct {
	path  string
	crash pipeline.CrashHook
	mu    sync.Mutex
}

func (l *fileLedger) Write(ctx context.Context, b *pipeline.Batch) ([]pipeline.Reject, error) {
	if err := b.Pending(ctx); err != nil {
		return nil, err
	}
	if err := l.append(b); err != nil {
		return nil, err
	}
	l.crash.At(pipeline.CrashLedgerInserted)
	l.crash.At(pipeline.CrashDerivedInserted)
	return nil, nil
}

func (l *fileLedger) append(b *pipeline.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	stored, err := readLedger(l.path)
	if err != nil {
		return err
	}
	token := tokenMark + b.Token
	ask := b.Retry || b.Replayed
	if stored[token] > 0 && !ask {
		return nil // a late insert of a worker that slept: the store knows its token
	}
	var rows bytes.Buffer
	fmt.Fprintln(&rows, token)
	for i := range b.Records {
		if row := fmt.Sprintf("%d/%d", b.Partition, b.Records[i].Position.Offset); !ask || stored[row] == 0 {
			fmt.Fprintln(&rows, row)
		}
	}
	_, err = f.Write(rows.Bytes())
	return err
}

// readRowsOnly counts the rows by position, readLedger the tokens too.
func readRowsOnly(path string) (map[string]int, error) {
	rows, err := readLedger(path)
	maps.DeleteFunc(rows, func(row string, _ int) bool { return strings.HasPrefix(row, tokenMark) })
	return rows, err
}

func readLedger(path string) (map[string]int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows := map[string]int{}
	for line := range bytes.FieldsSeq(data) {
		rows[string(line)]++
	}
	return rows, nil
}

func testCrashes(t *testing.T, addr string) {
	for _, point := range []pipeline.CrashPoint{
		pipeline.CrashFetched, pipeline.CrashPendingCommitted, pipeline.CrashLedgerInserted,
		pipeline.CrashDerivedInserted, pipeline.CrashDeadLetterAcked, pipeline.CrashCommitted,
	} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			crashAt(t, addr, point)
		})
	}
}

func crashAt(t *testing.T, addr string, point pipeline.CrashPoint) {
	c := ready(t, addr, nil)
	const total = 3000
	publish(t, c, posts(0, total))
	broken := make([]string, 8)
	for i := range broken {
		broken[i] = `{"broken":` + strconv.Itoa(i)
	}
	publishRaw(t, c, pipeline.LiveStream(), broken...)
	o := order{Addr: addr, Prefix: c.cfg.TopicPrefix, Ledger: filepath.Join(t.TempDir(), "ledger"), Point: point}
	for _, after := range []int{0, 3} {
		o.After, o.Records = after, 100-10*after
		cmd := startChild(t, o)
		err := cmd.Wait()
		require.Error(t, err)
		require.True(t, cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled(), "the child died at %s: %v", point, err)
	}
	o.Point, o.Records = "never", 130
	last := startChild(t, o)
	eventually(t, "all stored", func() bool {
		rows, err := readRowsOnly(o.Ledger)
		return err == nil && len(rows) >= total+len(broken)
	})
	eventually(t, "all committed", func() bool { return behind(t, c) == 0 })
	require.NoError(t, last.Process.Kill())
	_ = last.Wait()
	once(t, o.Ledger, total+len(broken))
}

// behind returns how many records are not yet committed.
func behind(t testing.TB, c *Client) int64 {
	t.Helper()
	ends, err := c.Ends(t.Context(), c.Name("posts"))
	require.NoError(t, err)
	var sum int64
	for p, end := range ends {
		at, err := c.committed(t.Context(), c.Name("earshot-live"), c.Name("posts"), int(p))
		require.NoError(t, err)
		sum += end - max(at.offset, 0)
	}
	return sum
}

func startChild(t *testing.T, o order) *exec.Cmd {
	t.Helper()
	spec, err := json.Marshal(o)
	require.NoError(t, err)
	cmd := exec.CommandContext(context.Background(), os.Args[0]) //nolint:usetesting // the child is killed by name below
	cmd.Env = append(os.Environ(), childVar+"="+string(spec))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// testSleepers stops a worker past its session, lets another take over, and wakes it.
func testSleepers(t *testing.T, addr string) {
	for _, point := range []pipeline.CrashPoint{pipeline.CrashFetched, pipeline.CrashCommitted} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			c := ready(t, addr, nil)
			const total = 2000
			publish(t, c, posts(0, total))
			o := order{Addr: addr, Prefix: c.cfg.TopicPrefix, Ledger: filepath.Join(t.TempDir(), "ledger"), Point: point, After: 2, Sleep: true, Records: 100}
			sleeper := startChild(t, o)
			eventually(t, "it sleeps", func() bool { return stopped(t, sleeper.Process.Pid) })
			o.Point, o.Records = "never", 130
			other := startChild(t, o)
			eventually(t, "another took over", func() bool {
				rows, err := readRowsOnly(o.Ledger)
				return err == nil && len(rows) >= total && behind(t, c) == 0
			})
			require.NoError(t, sleeper.Process.Signal(syscall.SIGCONT))
			publish(t, c, posts(total, total))
			eventually(t, "both carry on", func() bool {
				rows, err := readRowsOnly(o.Ledger)
				return err == nil && len(rows) >= 2*total && behind(t, c) == 0
			})
			for _, cmd := range []*exec.Cmd{sleeper, other} {
				require.NoError(t, cmd.Process.Kill())
				_ = cmd.Wait()
			}
			once(t, o.Ledger, 2*total)
		})
	}
}

// stopped reports whether a process is stopped by a signal.
func stopped(t testing.TB, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return bytes.HasPrefix(rest, []byte("T"))
}

// once asserts that the ledger holds so many rows, each once.
func once(t testing.TB, path string, n int) {
	t.Helper()
	rows, err := readRowsOnly(path)
	require.NoError(t, err)
	assert.Len(t, rows, n)
	for row, times := range rows {
		assert.Equal(t, 1, times, "row %s", row)
	}
}
