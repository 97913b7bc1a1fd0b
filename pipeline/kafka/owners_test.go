package kafka

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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
