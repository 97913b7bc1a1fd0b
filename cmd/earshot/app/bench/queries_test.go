package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/query"
	"earshot/pipeline/testclaim"
)

// querySizes are the sets of queries that are measured.
func querySizes() []int { return []int{10, 100, 1000, 10_000} }

// queryLines reads a set of queries: the text of each.
func queryLines(tb testing.TB, n int) (sources []string) {
	tb.Helper()
	file, err := os.Open(testclaim.Data(tb, fmt.Sprintf("queries/queries_%d.jsonl", n)))
	require.NoError(tb, err)
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var row struct{ Query string }
		require.NoError(tb, json.Unmarshal(lines.Bytes(), &row))
		sources = append(sources, row.Query)
	}
	require.Len(tb, sources, n)
	return sources
}

// compileQueries parses and compiles queries, named by their index.
func compileQueries(tb testing.TB, sources []string) *query.Engine {
	tb.Helper()
	brands := make([]query.Brand, len(sources))
	for i, source := range sources {
		q, err := query.Parse(source)
		require.NoError(tb, err, source)
		brands[i] = query.Brand{Name: fmt.Sprint(i), Query: q}
	}
	e, err := query.Compile(brands)
	require.NoError(tb, err)
	return e
}

// distinctTweets are the distinct texts of the real tweets, in their order.
func distinctTweets(tb testing.TB) (texts []string) {
	tb.Helper()
	content, err := os.ReadFile(testclaim.Data(tb, "sentiment/target.tsv"))
	require.NoError(tb, err)
	seen := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		text := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 5)[4]
		if !seen[text] {
			seen[text] = true
			texts = append(texts, text)
		}
	}
	return texts
}

func recordsOf(texts []string) []pipeline.Record {
	records := make([]pipeline.Record, len(texts))
	for i, text := range texts {
		records[i].Post.Text = text
	}
	return records
}

// processorTime is what this process has spent on processors, the collector of garbage
// included.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heapInUse() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// queryCost is what a set of queries costs.
type queryCost struct {
	queries   int
	posts     float64 // a second of processor time
	matches   float64 // a post
	size      float64 // bytes a query
	compile   time.Duration
	perPost   [][]int // brands that each post matches
	allocated uint64  // while matching, in bytes
}

// Each set is measured in some rounds, of which the median counts.
const (
	queryRounds = 5
	queryRound  = 700 * time.Millisecond
)

// measureQueries matches all texts, over and over, on one core.
func measureQueries(tb testing.TB, n int, records []pipeline.Record) queryCost {
	out := queryCost{queries: n}
	sources := queryLines(tb, n)
	before, begin := heapInUse(), processorTime()
	e := compileQueries(tb, sources)
	out.compile = processorTime() - begin
	out.size = (heapInUse() - before) / float64(n)
	m := e.NewMatcher()
	total := 0
	for i := range records {
		var brands []int
		for _, match := range m.Match(&records[i]) {
			brands = append(brands, match.Brand)
		}
		total += len(brands)
		out.perPost = append(out.perPost, brands)
	}
	out.matches = float64(total) / float64(len(records))
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	held := mem.TotalAlloc
	var rates []float64
	for at := 0; len(rates) < queryRounds; {
		posts, begin := 0, processorTime()
		for processorTime()-begin < queryRound {
			for range 1000 {
				m.Match(&records[at])
				if at++; at == len(records) {
					at = 0
				}
			}
			posts += 1000
		}
		rates = append(rates, float64(posts)/(processorTime()-begin).Seconds())
	}
	runtime.ReadMemStats(&mem)
	out.allocated = mem.TotalAlloc - held
	slices.Sort(rates)
	out.posts = rates[len(rates)/2]
	runtime.KeepAlive(sources)
	return out
}

// BenchmarkQueries prints the curve of the engine of queries from 10 to 10,000 of them.
func BenchmarkQueries(b *testing.B) {
	records := recordsOf(distinctTweets(b))
	fmt.Printf("\nQueries over %d real tweets, one core (GOMAXPROCS %d)\n\n", len(records), runtime.GOMAXPROCS(0))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "queries\tposts a second of CPU\tof 1,000\tmatches a post\tbytes a query\tseconds to compile\tbytes allocated a post")
	costs := map[int]queryCost{}
	for _, n := range querySizes() {
		costs[n] = measureQueries(b, n, records)
	}
	for _, n := range querySizes() {
		c := costs[n]
		fmt.Fprintf(w, "%d\t%.0f\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\n", n, c.posts, c.posts/costs[1000].posts, c.matches, c.size, c.compile.Seconds(),
			float64(c.allocated)/c.posts/(queryRounds*queryRound.Seconds()))
	}
	require.NoError(b, w.Flush())
	fmt.Printf("\npromised: 150,000 at 1,000 queries, 75,000 at 10,000\n\n")
}
