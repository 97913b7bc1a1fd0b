package query

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/testclaim"
)

// benchQueries reads a set of queries of the benchmark.
func benchQueries(t testing.TB, n int) (brands []Brand) {
	t.Helper()
	file, err := os.Open(testclaim.Data(t, fmt.Sprintf("queries/queries_%d.jsonl", n)))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var row struct{ Name, Query string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &row))
		q, err := Parse(row.Query)
		require.NoError(t, err, row.Query)
		brands = append(brands, Brand{Name: fmt.Sprintf("%d %s", len(brands), row.Name), Query: q})
	}
	require.Len(t, brands, n)
	return brands
}

// distinctTweets are the distinct texts of the real tweets, in their order.
func distinctTweets(t testing.TB) (records []pipeline.Record) {
	t.Helper()
	_, texts := realTweets(t)
	seen := map[string]bool{}
	for _, text := range texts {
		if !seen[text] {
			seen[text] = true
			records = append(records, pipeline.Record{Post: pipeline.Post{Text: text}})
		}
	}
	return records
}

// processor is the time that this process has spent on processors.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkQueries matches real tweets with 10 to 10,000 queries: posts a second of processor
// time, matches a post, bytes a query and milliseconds to parse and compile all.
func BenchmarkQueries(b *testing.B) {
	records := distinctTweets(b)
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			before := heap()
			e, err := Compile(benchQueries(b, n))
			require.NoError(b, err)
			size := float64(heap()-before) / float64(n)
			m := e.NewMatcher()
			matches := 0
			for i := range records {
				matches += len(m.Match(&records[i]))
			}
			b.ReportAllocs()
			i, spent := 0, processor()
			for b.Loop() {
				m.Match(&records[i])
				if i++; i == len(records) {
					i = 0
				}
			}
			b.ReportMetric(float64(b.N)/(processor()-spent).Seconds(), "posts/cpu-s")
			b.ReportMetric(float64(matches)/float64(len(records)), "matches/post")
			b.ReportMetric(size, "B/query")
		})
	}
}

// TestSteadyStateDoesNotAllocate: after the buffers have grown no post costs memory.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	records := distinctTweets(t)[:2000]
	e, err := Compile(benchQueries(t, 1000))
	require.NoError(t, err)
	m := e.NewMatcher()
	all := func() {
		for i := range records {
			m.Match(&records[i])
		}
	}
	all()
	if n := testing.AllocsPerRun(3, all); n != 0 {
		t.Errorf("%v allocations for %d posts", n, len(records))
	}
}
