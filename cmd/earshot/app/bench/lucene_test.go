package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"

	"earshot/pipeline/testclaim"
)

// luceneVar names the folder with the classes and jars of the runner of Lucene Monitor;
// `make bench-lucene` builds it.
const luceneVar = "EARSHOT_LUCENE"

// luceneCost is what Lucene Monitor's runner reports.
type luceneCost struct {
	posts   float64 // a second of its matching thread's processor time
	perPost [][]int // of the texts that it came to, in their order: on a busy machine not all
}

var (
	luceneRate = regexp.MustCompile(`docs per thread-cpu-s min \S+ median (\S+) max`)
	luceneRead = regexp.MustCompile(`pass: docs=(\d+) `)
)

// runLucene matches the texts with a set of queries in a process of its own, on one core.
func runLucene(tb testing.TB, dir, texts string, n int, presearcher string, batch int) luceneCost {
	tb.Helper()
	dump := filepath.Join(tb.TempDir(), "matches.txt")
	c := exec.CommandContext(tb.Context(), "java", "-XX:ActiveProcessorCount=1", "-Xmx2g",
		"-cp", filepath.Join(dir, "classes")+":"+filepath.Join(dir, "jars", "*"), "LM",
		testclaim.Data(tb, fmt.Sprintf("queries/queries_%d.jsonl", n)), texts, presearcher, "regexp", strconv.Itoa(batch), "3", "3", budget(batch), dump)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, os.Stderr
	require.NoError(tb, c.Run(), "%s", &out)
	rate := luceneRate.FindStringSubmatch(out.String())
	require.NotNil(tb, rate, "%s", &out)
	var cost luceneCost
	var err error
	cost.posts, err = strconv.ParseFloat(rate[1], 64)
	require.NoError(tb, err)
	if batch > 1 {
		return cost // its matches are those of one text at a time, which this presearcher is too slow for
	}
	read, err := strconv.Atoi(luceneRead.FindStringSubmatch(out.String())[1])
	require.NoError(tb, err)
	cost.perPost = make([][]int, read)
	file, err := os.Open(dump)
	require.NoError(tb, err)
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		post, list, ok := strings.Cut(lines.Text(), "\t")
		require.True(tb, ok)
		at, err := strconv.Atoi(post)
		require.NoError(tb, err)
		require.NoError(tb, json.Unmarshal([]byte(list), &cost.perPost[at]))
	}
	require.NoError(tb, lines.Err())
	return cost
}

// budget is the seconds of processor time that warm the runner up: where its matches count,
// enough to read every text on a machine that is not too busy.
func budget(batch int) string {
	if batch > 1 {
		return "5"
	}
	return "30"
}

// writeTexts writes one JSON string a line.
func writeTexts(tb testing.TB, texts []string) (path string) {
	tb.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, text := range texts {
		require.NoError(tb, encoder.Encode(text))
	}
	path = filepath.Join(tb.TempDir(), "texts.jsonl")
	require.NoError(tb, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

// BenchmarkLucene prints processor time and matches of both engines, on the same queries,
// texts and core, and explains each post on which they disagree.
func BenchmarkLucene(b *testing.B) {
	dir := os.Getenv(luceneVar)
	if dir == "" {
		b.Skipf("%s is not set: run make bench-lucene", luceneVar)
	}
	texts := distinctTweets(b)
	records, file := recordsOf(texts), writeTexts(b, texts)
	fmt.Printf("\nLucene Monitor 9.11.1 and Earshot over %d real tweets, one core each\n\n", len(texts))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "queries\tposts a CPU second: Lucene\tin batches\tEarshot\ttimes\tmatches: Lucene\tEarshot\tboth\tLucene alone\tEarshot alone\tunexplained")
	classes := map[string]int{}
	var strange []string
	for _, n := range querySizes() {
		lucene := runLucene(b, dir, file, n, "term", 1)
		batched, best := "-", lucene.posts
		if n >= 1000 { // the presearcher that passes four times, in batches of 100, pays there
			other := runLucene(b, dir, file, n, "multi4", 100).posts
			batched, best = fmt.Sprintf("%.0f", other), max(best, other)
		}
		ours := measureQueries(b, n, records)
		if read := len(lucene.perPost); read < len(texts) {
			fmt.Printf("of %d queries Lucene came to the first %d texts in its time; those are compared\n", n, read)
		}
		d := compare(b, texts[:len(lucene.perPost)], queryLines(b, n), lucene.perPost, ours.perPost)
		fmt.Fprintf(w, "%d\t%.0f\t%s\t%.0f\t%.1f\t%d\t%d\t%d\t%d\t%d\t%d\n", n, lucene.posts, batched, ours.posts, ours.posts/best,
			d.lucene, d.earshot, d.both, d.lucene-d.both, d.earshot-d.both, len(d.unexplained))
		if n == 10_000 {
			classes = d.classes
		}
		strange = append(strange, d.unexplained...)
	}
	require.NoError(b, w.Flush())
	fmt.Printf("\nWhy, at 10,000 queries (a rewriting of the text, or of the query, makes both agree)\n\n")
	names := slices.SortedFunc(maps.Keys(classes), func(x, y string) int { return classes[y] - classes[x] })
	w = tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	for _, name := range names {
		fmt.Fprintf(w, "%d\t%s\n", classes[name], name)
	}
	require.NoError(b, w.Flush())
	for _, line := range strange[:min(20, len(strange))] {
		fmt.Println(line)
	}
	require.Empty(b, strange, "every difference has a reason")
}
