package namesake_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/enrich/namesake"
	"earshot/pipeline"
	"earshot/pipeline/query"
	"earshot/pipeline/testclaim"
)

var update = flag.Bool("update", false, "write docs/ambiguity.md anew") //nolint:gochecknoglobals // a flag

// The promise, over all names, on posts that no query was written from.
const (
	wantPrecision = 0.95
	wantRecall    = 0.90
)

const (
	folder   = "../testdata/ambiguity/"
	document = "../../docs/ambiguity.md"
)

// labelled is a tweet that was labelled by hand for a name.
type labelled struct {
	namesake.Example
	heldOut bool
}

// TestAmbiguousNames holds queries and context models against tweets that were labelled
// by hand before either was written.
func TestAmbiguousNames(t *testing.T) {
	posts := readLabels(t, readTweets(t))
	names, definitions := readTable(t, "names.tsv")
	_, queries := readTable(t, "queries.tsv")
	require.GreaterOrEqual(t, len(names), 20)
	var rows strings.Builder
	var held, all, model, both tally
	enough := 0
	for _, name := range names {
		list := posts[name]
		if len(list) >= 50 {
			enough++
		}
		asked := matches(t, name, queries[name], nil, list)
		learnt := contextOf(t, name, list)
		scored := matches(t, name, fmt.Sprintf("%q AND context:>0.5", name), learnt, list)
		narrowed := matches(t, name, "("+queries[name]+") AND context:>0.3", learnt, list)
		h, a := count(list, asked, true), count(list, asked, true, false)
		m, b := count(list, scored, true), count(list, narrowed, true)
		held, all, model, both = held.plus(h), all.plus(a), model.plus(m), both.plus(b)
		fmt.Fprintf(&rows, "| %s | %s | %d | %s | %s | %s | %s |\n", name, definitions[name], len(list), a, h, m, b)
	}
	assert.GreaterOrEqual(t, enough, 20, "names with at least 50 posts each")
	fmt.Fprintf(&rows, "| **all** | | %d | %s | %s | %s | %s |\n", all.posts, all, held, model, both)
	t.Logf("held out: precision %.3f, recall %.3f; all: precision %.3f, recall %.3f; model alone, held out: %.3f, %.3f",
		held.precision(), held.recall(), all.precision(), all.recall(), model.precision(), model.recall())
	assert.GreaterOrEqual(t, held.precision(), wantPrecision)
	assert.GreaterOrEqual(t, held.recall(), wantRecall)
	assert.GreaterOrEqual(t, all.precision(), wantPrecision)
	assert.GreaterOrEqual(t, all.recall(), wantRecall)
	compareDocument(t, rows.String())
}

// TestAmbiguityTestCanFail asks for the bare name, which must miss the promise.
func TestAmbiguityTestCanFail(t *testing.T) {
	var sum tally
	for name, list := range readLabels(t, readTweets(t)) {
		sum = sum.plus(count(list, matches(t, name, fmt.Sprintf("%q", name), nil, list), true))
	}
	assert.Less(t, sum.precision(), 0.8)
	assert.Greater(t, sum.recall(), 0.95, "the name stands in every post")
}

// contextOf learns from the development half alone; nil if that is all yes or all no.
func contextOf(t *testing.T, name string, list []labelled) *namesake.Model {
	var examples []namesake.Example
	for _, l := range list {
		if !l.heldOut {
			examples = append(examples, l.Example)
		}
	}
	m, err := namesake.Learn(name, examples)
	if err != nil {
		require.ErrorIs(t, err, namesake.ErrOneSided)
		return nil
	}
	return m
}

// matches asks the query of each post; without a model context: is always sure.
func matches(t *testing.T, name, source string, m *namesake.Model, list []labelled) []bool {
	t.Helper()
	q, err := query.Parse(source)
	require.NoError(t, err, name)
	brand := query.Brand{Name: name, Query: q, ContextVersion: "always"}
	brand.Context = func(*pipeline.Record) float64 { return 1 }
	if m != nil {
		brand.Context = func(r *pipeline.Record) float64 { return m.Score(&r.Post) }
		brand.ContextVersion = m.Version()
	}
	engine, err := query.Compile([]query.Brand{brand})
	require.NoError(t, err, name)
	matcher := engine.NewMatcher()
	out := make([]bool, len(list))
	for i, l := range list {
		out[i] = len(matcher.Match(&pipeline.Record{Post: *l.Post})) > 0
	}
	return out
}

// tally counts right and wrong matches and misses.
type tally struct{ posts, right, wrong, missed int }

func count(list []labelled, matched []bool, halves ...bool) tally {
	var c tally
	for i, l := range list {
		for _, half := range halves {
			if l.heldOut != half {
				continue
			}
			c.posts++
			switch {
			case matched[i] && l.Yes:
				c.right++
			case matched[i]:
				c.wrong++
			case l.Yes:
				c.missed++
			}
		}
	}
	return c
}

func (c tally) plus(d tally) tally {
	return tally{c.posts + d.posts, c.right + d.right, c.wrong + d.wrong, c.missed + d.missed}
}

func (c tally) precision() float64 { return float64(c.right) / float64(max(c.right+c.wrong, 1)) }
func (c tally) recall() float64    { return float64(c.right) / float64(max(c.right+c.missed, 1)) }

func (c tally) String() string {
	return fmt.Sprintf("%.2f / %.2f (%d yes)", c.precision(), c.recall(), c.right+c.missed)
}

// readTweets returns the text of each tweet by its id; of an id with two texts the first.
func readTweets(t *testing.T) map[string]string {
	content, err := os.ReadFile(testclaim.Data(t, "sentiment/target.tsv"))
	require.NoError(t, err)
	out := map[string]string{}
	for line := range strings.Lines(string(content)) {
		row := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 5)
		if _, twice := out[row[2]]; !twice {
			out[row[2]] = row[4]
		}
	}
	return out
}

func readLabels(t *testing.T, tweets map[string]string) map[string][]labelled {
	content, err := os.ReadFile(folder + "labels.tsv")
	require.NoError(t, err)
	out := map[string][]labelled{}
	for line := range strings.Lines(string(content)) {
		row := strings.Split(strings.TrimSpace(line), "\t")
		require.Len(t, row, 3)
		require.Contains(t, []string{"yes", "no"}, row[2])
		text, ok := tweets[row[1]]
		require.True(t, ok, "tweet %s", row[1])
		sum := sha256.Sum256([]byte(row[0] + "/" + row[1]))
		last := hex.EncodeToString(sum[:])[63]
		out[row[0]] = append(out[row[0]], labelled{
			Example: namesake.Example{Post: &pipeline.Post{Platform: "x", ID: row[1], Text: text}, Yes: row[2] == "yes"},
			heldOut: strings.IndexByte("0123456789abcdef", last)%2 == 1,
		})
	}
	return out
}

// readTable reads name and value of each line.
func readTable(t *testing.T, file string) (names []string, values map[string]string) {
	content, err := os.ReadFile(folder + file)
	require.NoError(t, err)
	values = map[string]string{}
	for line := range strings.Lines(string(content)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		require.True(t, ok, "%s: %q", file, line)
		names = append(names, name)
		values[name] = value
	}
	return names, values
}

func compareDocument(t *testing.T, rows string) {
	content, err := os.ReadFile(document)
	require.NoError(t, err)
	const begin, end = "<!-- generated: go test ./enrich/namesake -update -->\n", "<!-- end -->"
	head, rest, ok := strings.Cut(string(content), begin)
	require.True(t, ok)
	_, tail, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := head + begin + "\n| name | what counts | posts | query, all | query, held out | model alone, held out | query and model, held out |\n" +
		"|---|---|---|---|---|---|---|\n" + rows + "\n" + end + tail
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(want), 0o600))
		return
	}
	assert.Equal(t, want, string(content), "run go test ./enrich/namesake -update")
}
