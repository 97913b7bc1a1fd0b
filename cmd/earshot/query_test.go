package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// say runs a command that needs no server.
func say(t *testing.T, input string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = execute(t.Context(), args, strings.NewReader(input), &o, &e)
	return code, o.String(), e.String()
}

func writeFile(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestQueryTestNamesWhatDecidedEachMiss(t *testing.T) {
	posts := writeFile(t, "labelled.tsv", "yes\tMilan won the match\nno\tMilan match of colours\nyes\tforza Milan\r\nNo\tRome\n\n"+
		`yes`+"\t"+`{"platform":"x","id":"1","text":"Milan","author":{"handle":"acmilan"}}`+"\n")
	code, out, errs := say(t, "", "query", "test", "(milan AND (match OR goal)) OR author:acmilan", posts)
	require.Zero(t, code, errs)
	assert.Equal(t, `wrong   line 2: Milan match of colours
        decided by  (milan AND (match OR goal))  text[0:5] "Milan"  text[6:11] "match"
missed  line 3: forza Milan
        decided by  (match OR goal)  (does not hold)
precision 0.667 (2 of 3), recall 0.667 (2 of 3), 5 posts
`, out)
	code, _, errs = say(t, "", "query", "test", "milan", writeFile(t, "bad.tsv", "yes\ta\nmaybe\tb\n"))
	assert.Equal(t, 1, code)
	assert.Contains(t, errs, "line 2: expected yes or no, a tab and a post")
	code, _, errs = say(t, "", "query", "test", "milan and x", posts)
	assert.Equal(t, 3, code)
	assert.Contains(t, errs, "operators are upper case: write AND")
}

func TestQueryExplain(t *testing.T) {
	code, out, errs := say(t, "", "query", "explain", "acme NEAR/2 cloud NOT parody", "Acme cloud, a parody")
	require.Zero(t, code, errs)
	assert.Equal(t, `match: false
decided by  parody  text[14:20] "parody"
  no   acme NEAR/2 cloud NOT parody
  yes  acme NEAR/2 cloud  text[0:4] "Acme"  text[5:10] "cloud"
  yes  acme  text[0:4] "Acme"
  yes  cloud  text[5:10] "cloud"
  yes  parody  text[14:20] "parody"
`, out)
}

func TestQueryDiff(t *testing.T) {
	posts := writeFile(t, "posts.txt", "acme\nacme pear\npear tree\nnothing\n")
	code, out, errs := say(t, "", "query", "diff", "acme", "(acme NOT pear) OR tree", posts)
	require.Zero(t, code, errs)
	assert.Equal(t, `- acme pear
    decided by  pear  text[5:9] "pear"
+ pear tree
    decided by  tree  text[5:9] "tree"
1 in both, 1 no longer, 1 new
`, out)
}

func TestQueryCheckMeasures(t *testing.T) {
	posts := writeFile(t, "posts.txt", strings.Repeat("the shop\n", 3)+strings.Repeat("nothing\n", 97))
	code, out, errs := say(t, "", "query", "check", "acme OR shop AND the", "--posts", posts)
	require.Zero(t, code, errs)
	assert.Contains(t, out, `reads as  "acme" OR ("shop" AND "the")`)
	assert.Contains(t, out, "matches   0.030 (3 of 100) of the posts")
	assert.Contains(t, out, "column 9: shop alone matches 3 of 100 posts (3.0 %)")
	code, _, _ = say(t, "", "query", "check", "acme", "--posts", posts, "--archive")
	assert.NotZero(t, code, "one of both")
}

// TestQueryCheckMeasuresTheArchive imports posts of ten days and asks the server.
func TestQueryCheckMeasuresTheArchive(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "")
	var b strings.Builder
	for i := range 1000 {
		text := "nothing"
		if i%20 == 0 {
			text = "Acme cloud"
		}
		fmt.Fprintf(&b, `{"platform":"blog","id":"%d","text":"%s","created_at":"2026-01-%02dT%02d:00:00Z","author":{"handle":"h%d","followers":%d}}`+"\n",
			i, text, 1+i/100, i%24, i%7, i)
	}
	b.WriteString(`{"platform":"blog","id":"0","op":"update","text":"edited","created_at":"2026-01-01T00:00:00Z","edited_at":"2026-01-02T00:00:00Z"}` + "\n")
	code, _, errs := p.run(t.Context(), "import", writeFile(t, "posts.ndjson", b.String()))
	require.Zero(t, code, errs)
	code, out, errs := p.run(t.Context(), "query", "check", "acme AND followers:>=100", "--archive", "--days", "30")
	require.Zero(t, code, errs)
	assert.Contains(t, out, "matches   0.045 (45 of 1000) of the posts, about 5 a day; all posts from 2026-01-01 00:00 to 2026-01-10")
	assert.Contains(t, out, "acme alone matches 49 of 1000 posts", "the edit took one away")
	code, out, errs = p.run(t.Context(), "query", "check", "acme", "--archive", "--days", "5")
	require.Zero(t, code, errs)
	assert.Regexp(t, `matches   0\.050 \(2\d of 5\d\d\)`, out, "the last five days alone")
}

func TestQueryCheckDoesNotFloodTheTerminal(t *testing.T) {
	var words []string
	for i := range 60 {
		words = append(words, fmt.Sprintf("word%d", i))
	}
	posts := writeFile(t, "posts.txt", strings.Join(words, " ")+"\n")
	code, out, errs := say(t, "", "query", "check", strings.Join(words, " OR "), "--posts", posts)
	require.Zero(t, code, errs)
	assert.Equal(t, 21, strings.Count(out, "warning "), out)
	assert.Contains(t, out, "and 40 more")
}
