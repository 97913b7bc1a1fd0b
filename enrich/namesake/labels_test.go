package namesake_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/enrich/namesake"
	"earshot/pipeline"
	"earshot/pipeline/testclaim"
)

const (
	folder   = "../testdata/ambiguity/"
	document = "../../docs/ambiguity.md"
)

// labelled is a tweet that was labelled by hand for a name. One that does not tell is
// unsure, and counts as no.
type labelled struct {
	namesake.Example
	unsure, heldOut bool
}

func half(list []labelled, heldOut bool) (out []labelled) {
	for _, l := range list {
		if l.heldOut == heldOut {
			out = append(out, l)
		}
	}
	return out
}

// tally counts right and wrong matches and misses.
type tally struct{ posts, right, wrong, missed int }

func count(list []labelled, matched []bool) (c tally) {
	for i, l := range list {
		c.add(l.Yes, matched[i])
	}
	return c
}

func countSure(list []labelled, matched []bool) (c tally) {
	for i, l := range list {
		if !l.unsure {
			c.add(l.Yes, matched[i])
		}
	}
	return c
}

func (c *tally) add(yes, matched bool) {
	c.posts++
	switch {
	case matched && yes:
		c.right++
	case matched:
		c.wrong++
	case yes:
		c.missed++
	}
}

func (c tally) plus(d tally) tally {
	return tally{c.posts + d.posts, c.right + d.right, c.wrong + d.wrong, c.missed + d.missed}
}

func (c tally) precision() float64 { return float64(c.right) / float64(max(c.right+c.wrong, 1)) }
func (c tally) recall() float64    { return float64(c.right) / float64(max(c.right+c.missed, 1)) }

func (c tally) String() string {
	if c.posts == 0 {
		return "–"
	}
	return fmt.Sprintf("%d + %d − %d", c.right, c.wrong, c.missed)
}

// interval is a share with its 95 % interval (Wilson, JASA 22, 1927).
func interval(k, n int) string {
	const z = 1.96
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z*z/2/m) / (1 + z*z/m)
	reach := z * math.Sqrt(p*(1-p)/m+z*z/4/m/m) / (1 + z*z/m)
	return fmt.Sprintf("%.3f (%.3f–%.3f)", p, middle-reach, middle+reach)
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

func readLabels(t *testing.T, tweets map[string]string, file string) map[string][]labelled {
	content, err := os.ReadFile(folder + file)
	require.NoError(t, err)
	out := map[string][]labelled{}
	for line := range strings.Lines(string(content)) {
		row := strings.Split(strings.TrimSpace(line), "\t")
		require.Len(t, row, 3)
		require.Contains(t, []string{"yes", "no", "unsure"}, row[2])
		text, ok := tweets[row[1]]
		require.True(t, ok, "tweet %s", row[1])
		sum := sha256.Sum256([]byte(row[0] + "/" + row[1]))
		digit := hex.EncodeToString(sum[:])[63]
		out[row[0]] = append(out[row[0]], labelled{
			Example: namesake.Example{Post: &pipeline.Post{Platform: "x", ID: row[1], Text: text}, Yes: row[2] == "yes"},
			unsure:  row[2] == "unsure",
			heldOut: strings.IndexByte("0123456789abcdef", digit)%2 == 1,
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
	want := head + begin + "\n| name | what counts | learnt from | query and model, held-out half | bare name | query | model alone | query and model |\n" +
		"|---|---|---|---|---|---|---|---|\n" + rows + "\n" + end + tail
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(want), 0o600))
		return
	}
	assert.Equal(t, want, string(content), "run go test ./enrich/namesake -update")
}
