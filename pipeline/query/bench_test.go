package query

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"testing"

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
