package kafka

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crowd watches who runs what.
type crowd struct {
	mu      sync.Mutex
	running map[string]string // name to process
	starts  map[string]int
	clashes int
}

func (c *crowd) start(process string) func(context.Context, string) {
	return func(ctx context.Context, name string) {
		c.mu.Lock()
		if c.running[name] != "" {
			c.clashes++
		}
		c.running[name] = process
		c.starts[name]++
		c.mu.Unlock()
		<-ctx.Done()
		c.mu.Lock()
		delete(c.running, name)
		c.mu.Unlock()
	}
}

// of returns how many names each process runs.
func (c *crowd) of() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int{}
	for _, process := range c.running {
		out[process]++
	}
	return out
}

func (c *crowd) snapshot() (running map[string]string, starts map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.running), maps.Clone(c.starts)
}

// own is a child process that writes its name into a file, again and again, as long as
// it owns the source.
func own(c *Client, o order) {
	owners := &Owners{Client: c, Group: SourceGroup, Log: zerolog.Nop(), Session: testSession}
	err := owners.Run(context.Background(), []string{"source"}, func(ctx context.Context, _ string) {
		f, err := os.OpenFile(o.Ledger, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			panic(err)
		}
		for ctx.Err() == nil {
			if _, err := f.WriteString(o.Owner + "\n"); err != nil {
				panic(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		_ = f.Close()
	})
	if err != nil {
		panic(err)
	}
}

// testSleepingOwner stops an owner past its session and wakes it: it must let go at once,
// because another process runs its source.
func testSleepingOwner(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	o := order{Addr: addr, Prefix: c.cfg.TopicPrefix, Ledger: filepath.Join(t.TempDir(), "owners"), Owner: "sleeper"}
	said := func() map[string]int {
		rows, err := readLedger(o.Ledger)
		if err != nil {
			return nil
		}
		return rows
	}
	sleeper := startChild(t, o)
	eventually(t, "it owns the source", func() bool { return said()["sleeper"] > 5 })
	require.NoError(t, sleeper.Process.Signal(syscall.SIGSTOP))
	eventually(t, "it sleeps", func() bool { return stopped(t, sleeper.Process.Pid) })
	o.Owner = "other"
	other := startChild(t, o)
	eventually(t, "another took over", func() bool { return said()["other"] > 5 })
	lines := func() []string {
		data, err := os.ReadFile(o.Ledger)
		require.NoError(t, err)
		return strings.Fields(string(data))
	}
	woken := len(lines())
	require.NoError(t, sleeper.Process.Signal(syscall.SIGCONT))
	eventually(t, "the source runs on", func() bool { return len(lines()) > woken+300 })
	since := lines()[woken:]
	both := 0 // said by the sleeper while the other ran; the source may move to it later
	for i, last := 0, lastIndex(since, "other"); i < last; i++ {
		if since[i] == "sleeper" {
			both++
		}
	}
	assert.LessOrEqual(t, both, 10, "said after it woke; unaware, it says more")
	for _, cmd := range []*exec.Cmd{sleeper, other} {
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
	}
}

func lastIndex(list []string, s string) int {
	for i, one := range slices.Backward(list) {
		if one == s {
			return i
		}
	}
	return -1
}

func testOwners(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	names := make([]string, 40)
	for i := range names {
		names[i] = fmt.Sprintf("source-%d", i)
	}
	people := &crowd{running: map[string]string{}, starts: map[string]int{}}
	join := func(process string) func() {
		o := &Owners{Client: c, Group: SourceGroup, Log: testLog(t), Session: 6 * time.Second}
		return background(t, func(ctx context.Context) error { return o.Run(ctx, names, people.start(process)) })
	}
	stopA := join("a")
	eventually(t, "a runs all", func() bool { return people.of()["a"] == 40 })
	stopB := join("b")
	eventually(t, "b has a share", func() bool { n := people.of(); return n["b"] >= 8 && n["a"]+n["b"] == 40 })
	running, starts := people.snapshot()
	moved := 0
	for name, process := range running {
		if process == "b" {
			moved++
			assert.Equal(t, 2, starts[name], "moved once")
		} else {
			assert.Equal(t, 1, starts[name], "what stayed was not started again")
		}
	}
	stopA()
	eventually(t, "b runs all", func() bool { return people.of()["b"] == 40 })
	_, after := people.snapshot()
	for name, process := range running {
		if process == "b" {
			assert.Equal(t, starts[name], after[name], "what b ran ran on")
		}
	}
	stopB()
	assert.Empty(t, people.of())
	assert.Zero(t, people.clashes, "no name ran twice at a time")
	assert.Positive(t, moved)

	leaders := &crowd{running: map[string]string{}, starts: map[string]int{}}
	lead := func(process string) func() {
		o := &Owners{Client: c, Log: testLog(t), Session: 6 * time.Second}
		return background(t, func(ctx context.Context) error {
			return o.Lead(ctx, "rollups", func(ctx context.Context) { leaders.start(process)(ctx, "rollups") })
		})
	}
	stopOne := lead("one")
	eventually(t, "one leads", func() bool { return leaders.of()["one"] == 1 })
	stopTwo := lead("two")
	stopOne()
	eventually(t, "two leads", func() bool { return leaders.of()["two"] == 1 })
	stopTwo()
	assert.Zero(t, leaders.clashes)
}
