package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// floorBatch is how many rows the floor inserts at once.
const floorBatch = 10_000

// cost is what one run of a program took for all posts.
type cost struct {
	cpu, wall               time.Duration
	kafkaCPU, clickhouseCPU time.Duration
	memory                  int64 // bytes
}

// each is a duration's share of one post, in microseconds.
func each(d time.Duration, posts int) float64 { return float64(d.Microseconds()) / float64(posts) }

// program is one of the two that are compared.
type program struct {
	name    string
	prepare func() (job string) // returns the configuration file's content
	stored  string              // query that counts its rows
	exact   string              // query that must give the number of posts at the end
	group   string
	stops   bool // by itself, when all is stored
	clean   string
}

// run runs a program once over the whole topic, as a process of its own.
func (s *servers) run(tb testing.TB, p program, posts int) cost {
	tb.Helper()
	s.forget(tb, p.group)
	job := filepath.Join(tb.TempDir(), "job")
	require.NoError(tb, os.WriteFile(job, []byte(p.prepare()), 0o600))
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+p.name, jobVar+"="+job)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, os.Stderr
	kafkaBegan, clickhouseBegan := s.cpu()
	began := time.Now()
	require.NoError(tb, cmd.Start())
	var wall time.Duration
	if !p.stops {
		s.await(tb, p, uint64(posts))
		wall = time.Since(began)
		require.NoError(tb, cmd.Process.Signal(syscall.SIGTERM))
	}
	require.NoError(tb, cmd.Wait(), "the %s failed", p.name)
	if p.stops {
		wall = time.Since(began)
	}
	kafkaEnded, clickhouseEnded := s.cpu()
	rows, err := s.ask(tb, p.exact)
	require.NoError(tb, err)
	require.Equal(tb, uint64(posts), rows, "%s: %s", p.name, p.exact)
	require.NoError(tb, s.db.Exec(tb.Context(), p.clean))
	memory, err := strconv.ParseInt(string(bytes.TrimSpace(said.Bytes())), 10, 64)
	require.NoError(tb, err)
	return cost{
		cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), wall: wall, memory: memory,
		kafkaCPU: kafkaEnded - kafkaBegan, clickhouseCPU: clickhouseEnded - clickhouseBegan,
	}
}

// patience bounds one run: what takes longer has failed.
const patience = 5 * time.Minute

// await waits until all posts are stored. The table does not exist at first.
func (s *servers) await(tb testing.TB, p program, posts uint64) {
	tb.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		rows, err := s.ask(tb, p.stored)
		if err == nil && rows >= posts {
			return
		}
		require.True(tb, time.Now().Before(deadline), "the %s has stored %d of %d posts; %v", p.name, rows, posts, err)
	}
}

// line is Earshot itself.
func (s *servers) line(tb testing.TB, round int) program {
	tb.Helper()
	database := fmt.Sprintf("line%d", round)
	table := database + "_simulated.posts"
	return program{
		name: "line", group: pipeline.SimulatedStream().Group,
		prepare: func() string {
			s.rewind(tb)
			return lineConfig(s, database)
		},
		stored: "SELECT count() FROM " + table,
		exact:  "SELECT if(count() = uniqExact(epoch, partition, offset) AND countIf(op = 'dead') = 0, count(), 0) FROM " + table,
		clean:  "DROP DATABASE " + database + "_simulated",
	}
}

// floor is the plainest program.
func (s *servers) floor(tb testing.TB, posts int) program {
	tb.Helper()
	return program{
		name: "floor", group: "floor", stops: true,
		prepare: func() string {
			for _, statement := range []string{"CREATE DATABASE floor", floorTable} {
				require.NoError(tb, s.db.Exec(tb.Context(), statement))
			}
			users := s.engine.Credentials()
			job, err := json.Marshal(floorJob{
				Broker: s.broker, Topic: s.client.Name(pipeline.SimulatedStream().Topic), Group: "floor",
				ClickHouse: s.engine.NativeAddr()[len("clickhouse://"):],
				User:       users.Writer, Password: users.WriterPassword.Reveal(), Posts: posts, Batch: floorBatch,
			})
			require.NoError(tb, err)
			return string(job)
		},
		exact: "SELECT count() FROM floor.posts",
		clean: "DROP DATABASE floor",
	}
}

// TestBothCopyTheTopic keeps the comparison honest: both programs store every post.
func TestBothCopyTheTopic(t *testing.T) {
	const posts = 3000
	s := start(t, true)
	require.InDelta(t, meanBytes, fill(t.Context(), t, s.client, posts), 20)
	for _, p := range []program{s.floor(t, posts), s.line(t, 1), s.floor(t, posts), s.line(t, 2)} {
		c := s.run(t, p, posts)
		require.Positive(t, c.cpu)
		require.Positive(t, c.memory)
	}
}
