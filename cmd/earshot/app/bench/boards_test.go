package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"earshot/dashboards"
	"earshot/sinks/clickhouse"
)

// mentionsVar is how many mentions the boards are measured over.
const mentionsVar = "EARSHOT_BENCH_MENTIONS"

// BenchmarkBoards prints the time of every panel over ten million mentions of 90 days beside
// that of a plain count of the same rows, and of each board as a browser loads it.
func BenchmarkBoards(b *testing.B) {
	mentions := setting(b, mentionsVar, 10_000_000)
	db, server := filled(b, mentions)
	accounts, err := clickhouse.OpenInfluence(db, zerolog.Nop()).Compute(b.Context())
	require.NoError(b, err)
	memory, used, began := watchMemory(server), processCPU(server), time.Now()
	facts, err := clickhouse.OpenFacts(db).Compute(b.Context())
	require.NoError(b, err)
	fmt.Fprintf(os.Stdout, "\n%d mentions of 90 days, %d accounts in the graph; facts of %d mentions in %s (%s of CPU; the server held at most %d MB, %s)\n",
		mentions, accounts, facts, time.Since(began).Round(time.Second), (processCPU(server) - used).Round(time.Second), memory()>>20, load())
	boards, err := dashboards.Boards()
	require.NoError(b, err)
	for _, days := range []int{7, 90} {
		scope := dashboards.Scope{From: time.Now().AddDate(0, 0, -days), To: time.Now(), Step: 3 * time.Hour, Values: map[string][]string{"label_set": {"live"}, "database": {"earshot"}}}
		printBoards(b, os.Stdout, db, server, boards, scope, days)
	}
}

// printBoards measures all boards over a range. The CPU of a board, of the whole server, is what is left to compare
// where other work keeps the machine busy.
func printBoards(b *testing.B, out io.Writer, db *clickhouse.DB, server int, boards []dashboards.Board, scope dashboards.Scope, days int) {
	b.Helper()
	ask := func(text string) time.Duration {
		sql, err := boards[0].Expand(text, scope)
		require.NoError(b, err)
		return took(b, db, sql)
	}
	// The plain count reads each mention once, as people see it: without what was deleted, with what was corrected. The bare one
	// folds the stored rows alone; no question about them can take less.
	plain := ask("SELECT count() FROM ${database}.scope_mentions(label_set=${label_set:sqlstring}, brands=[''], platforms=[''], langs=[''], countries=[''], from=$__fromTime, to=$__toTime)")
	bare := ask("SELECT count() FROM ${database}.mentions FINAL WHERE label_set = ${label_set:sqlstring} AND hour >= toStartOfHour($__fromTime) AND hour < $__toTime AND is_deleted = 0")
	fmt.Fprintf(out, "\nThe last %d days; a plain count of the mentions, as people see them, takes %d ms (of the stored rows, folded, %d ms); %s\n\n  ms   times  board and panel\n",
		days, plain.Milliseconds(), bare.Milliseconds(), load())
	var worst, slowest float64
	for _, board := range boards {
		var all []string
		for _, p := range board.Panels {
			for _, target := range p.Targets {
				sql, err := board.Expand(target.SQL, scope)
				require.NoError(b, err)
				all = append(all, sql)
				spent := took(b, db, sql)
				times := float64(spent) / float64(plain)
				worst = max(worst, times)
				fmt.Fprintf(out, "%6d %6.1f  %s: %s\n", spent.Milliseconds(), times, strings.TrimPrefix(board.Title, "Earshot: "), p.Title)
			}
		}
		used := processCPU(server)
		whole := together(b, db, all)
		slowest = max(slowest, whole.Seconds())
		fmt.Fprintf(out, "%6d         %s, whole, six panels at once (%d ms of CPU)\n", whole.Milliseconds(), strings.TrimPrefix(board.Title, "Earshot: "), (processCPU(server) - used).Milliseconds())
	}
	fmt.Fprintf(out, "\nThe slowest panel takes %.1f times a plain count (asked: 4), the slowest board %.1f s (asked: 2)\n", worst, slowest)
}

// took is the median of three.
func took(b *testing.B, db *clickhouse.DB, sql string) time.Duration {
	b.Helper()
	var all []time.Duration
	for range 3 {
		began := time.Now()
		require.NoError(b, db.Query(b.Context(), sql, "Null", io.Discard), sql)
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[1]
}

// together is how long it takes to ask everything, as a browser does.
func together(b *testing.B, db *clickhouse.DB, all []string) time.Duration {
	b.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	next := make(chan string)
	for range 6 {
		wg.Go(func() {
			for sql := range next {
				_ = db.Query(b.Context(), sql, "Null", io.Discard) // it was asked before, and answered
			}
		})
	}
	for _, sql := range all {
		next <- sql
	}
	close(next)
	wg.Wait()
	return time.Since(began)
}

// load says how busy the machine was in the last minute: processes that ran or waited to run.
func load() string {
	line, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "the load is unknown"
	}
	last, _, _ := strings.Cut(string(line), " ")
	return fmt.Sprintf("load %s on %d cores", last, runtime.NumCPU())
}

// watchMemory looks at what a process holds, ten times a second, until it is asked for the most, in bytes.
func watchMemory(pid int) (most func() int64) {
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		for {
			select {
			case <-stop:
				done <- peak
				return
			case <-time.After(100 * time.Millisecond):
				peak = max(peak, memoryOf("/proc/"+strconv.Itoa(pid)+"/status", "VmRSS:"))
			}
		}
	}()
	return func() int64 { close(stop); return <-done }
}
