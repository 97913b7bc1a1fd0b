package clickhouse

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/sinks"
)

// TestLateInsertIsRefused lets a worker sleep between its pending commit and its rows
// for longer than the insert timeout: the server itself must refuse the rows.
func TestLateInsertIsRefused(t *testing.T) {
	db := fresh(t)
	db.timeout = time.Second
	l := openLedger(t, db)
	b := sinks.NewBatch(0, 99)
	b.Pending = func(context.Context) error {
		assert.Eventually(t, func() bool {
			return answer(t, db, "SELECT query_id FROM system.processes WHERE query LIKE 'INSERT INTO posts%' AND current_database = '"+db.database+"'") != ""
		}, 10*time.Second, 10*time.Millisecond, "the statement is open without a row of ours")
		time.Sleep(1500 * time.Millisecond) // the zombie's sleep: what is tested
		return nil
	}
	_, err := l.Write(t.Context(), b)
	require.Error(t, err)
	assert.True(t, Retryable(err), err)
	assert.Empty(t, storedOffsets(t, db))
	_, err = l.Write(t.Context(), again(sinks.NewBatch(0, 99)))
	require.NoError(t, err)
	assert.Len(t, storedOffsets(t, db), 100)
}

// TestKilledServer kills ClickHouse with SIGKILL again and again while batches are
// written and retried as a worker does. Each record must stand in the ledger once.
func TestKilledServer(t *testing.T) {
	server := start(t, t.TempDir())
	db := open(t, server)
	require.NoError(t, Migrate(t.Context(), db, db.database))
	l := openLedger(t, db)

	stop := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(400 * time.Millisecond):
			}
			if pid := server.PID(); pid > 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone already
			}
		}
	})
	const batches, size = 60, 500
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for n := w; n < batches; n += 2 {
				writeUntilStored(t, l, int64(n*size), int64(n*size+size-1))
			}
		})
	}
	writers.Wait()
	close(stop)
	killer.Wait()
	_, restarts := server.State()
	t.Log("restarts:", restarts)
	assert.Positive(t, restarts)
	// The last kill may have left the server on its way up.
	assert.Eventually(t, func() bool { return db.Ping(t.Context()) == nil }, time.Minute, 50*time.Millisecond)
	assert.Equal(t, "30000\t30000\t0\t29999", answer(t, db, "SELECT count(), uniqExact(offset), min(offset), max(offset) FROM posts"))
	assert.Equal(t, "30000", answer(t, db, "SELECT count() FROM mentions FINAL"))
}

// writeUntilStored is a worker's loop: after any error the same batch with Retry set.
func writeUntilStored(t *testing.T, l *Ledger, first, last int64) {
	t.Helper()
	b := sinks.NewBatch(first, last)
	for {
		_, err := l.Write(t.Context(), b)
		if err == nil {
			return
		}
		if !assert.True(t, Retryable(err), err) {
			return
		}
		b.Retry = true
		time.Sleep(20 * time.Millisecond)
	}
}

// start starts a server of the test's own.
func start(t testing.TB, dir string) *Server {
	t.Helper()
	server, err := Start(t.Context(), ServerConfig{Dir: dir, HTTPPort: randomPort(), Logger: quiet()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close(context.Background())) })
	return server
}

// open opens a server as its writer.
func open(t testing.TB, server *Server) *DB {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Addr, cfg.User, cfg.Password = server.Addr(), server.Credentials().Writer, server.Credentials().WriterPassword
	db, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// TestServerEndsCleanly: closing the pipe is all that stops the server.
func TestServerEndsCleanly(t *testing.T) {
	server := start(t, t.TempDir())
	server.mu.Lock()
	c := server.current
	server.mu.Unlock()
	require.NoError(t, server.Close(t.Context()))
	require.ErrorIs(t, syscall.Kill(c.cmd.Process.Pid, 0), syscall.ESRCH)
	assert.Equal(t, 0, c.cmd.ProcessState.ExitCode())
}

// TestServerEndsWithItsParent kills the program that started a server.
func TestServerEndsWithItsParent(t *testing.T) {
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, parentArgument, t.TempDir())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, 0), "the server runs")
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait(), "it was killed")
	assert.Eventually(t, func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) }, time.Minute, 20*time.Millisecond)
}

// zombie reports whether a process has ended and nobody has asked how; an orphan stays
// so where the first process of a container does not.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}
