package query

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/testclaim"
)

// realTweets returns the targets, as they are written, and the texts of the real tweets.
func realTweets(t testing.TB) (targets, texts []string) {
	t.Helper()
	content, err := os.ReadFile(testclaim.Data(t, "sentiment/target.tsv"))
	require.NoError(t, err)
	for line := range strings.Lines(string(content)) {
		row := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 5)
		targets = append(targets, strings.TrimPrefix(strings.ToLower(row[1]), "@"))
		texts = append(texts, row[4])
	}
	slices.Sort(targets)
	return slices.Compact(targets), texts
}

// targetQuery asks for a target as words, hashtag or handle.
func targetQuery(target string) string {
	tag := regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(target, "")
	return `"` + target + `" OR #` + tag + ` OR @` + tag
}

// naive says what a target's query should find, in terms of characters and regular
// expressions alone. It shares no code with the matcher.
func naive(target string) func(text, lower string) bool {
	const notWord = `[^\pL\pM\pN_]`
	var words []string
	for word := range strings.FieldsSeq(target) {
		parts := regexp.MustCompile(`[-/']`).Split(word, -1)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		words = append(words, strings.Join(parts, notWord))
	}
	phrase := strings.Join(words, `[^\pL\pM\pN_&+$%\pS]+`)
	phrase = strings.ReplaceAll(phrase, `]+`+notWord, `]*`) // " 's" begins with a mark
	tag := regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(target, "")
	pattern := regexp.MustCompile(`(?i)(?:^|` + notWord + `_*)` + phrase + `(?:$|_*` + notWord + `)` +
		`|(?:^|` + notWord + `_*)[#@]` + tag + `(?:$|` + notWord + `)`)
	begin := regexp.MustCompile(`^[a-z0-9]+`).FindString(target)
	return func(text, lower string) bool {
		return strings.Contains(lower, begin) && pattern.MatchString(text) // the first part saves a minute
	}
}

// spellTags adds the words of hashtags such as #AcmeCloud2 behind the text.
func spellTags(text string) string {
	tag := regexp.MustCompile(`(?:^|[^\pL\pM\pN_#])#([\pL\pM\pN_]+)`)
	for _, found := range tag.FindAllStringSubmatch(text, -1) {
		words := found[1]
		for _, border := range []string{`(\p{Ll})(\p{Lu})`, `(\p{Lu})(\p{Lu}\p{Ll})`, `(\pL)(\pN)`, `(\pN)(\pL)`} {
			for range 2 { // borders may share a letter
				words = regexp.MustCompile(border).ReplaceAllString(words, "$1 $2")
			}
		}
		text += " ☃ " + words
	}
	return text
}

// TestCountsEqualNaiveChecker counts the tweets that name each target.
func TestCountsEqualNaiveChecker(t *testing.T) {
	targets, texts := realTweets(t)
	require.Len(t, texts, 30621)
	sources := make([]string, len(targets))
	for i, target := range targets {
		sources[i] = targetQuery(target)
	}
	counts, total := make([]int, len(targets)), 0
	found := make([][]bool, len(targets))
	for i := range found {
		found[i] = make([]bool, len(texts))
	}
	m := compile(t, sources...).NewMatcher()
	for at, text := range texts {
		for _, match := range m.Match(record(pipeline.Post{Text: text})) {
			found[match.Brand][at] = true
			counts[match.Brand]++
			total++
		}
	}
	lower, spelled := make([]string, len(texts)), make([]string, len(texts))
	for at, text := range texts {
		spelled[at] = spellTags(text)
		lower[at] = strings.ToLower(spelled[at])
	}
	for i, target := range targets {
		checker, want := naive(target), 0
		for at, text := range texts {
			named := checker(spelled[at], lower[at])
			if named {
				want++
			}
			if named != found[i][at] {
				t.Errorf("%s: checker %v, matcher %v: %q", target, named, found[i][at], text)
			}
		}
		assert.Equal(t, want, counts[i], target)
	}
	t.Logf("%d targets, %d tweets, %d mentions", len(targets), len(texts), total)
	assert.Greater(t, total, 25000, "most of the tweets name their target")
}

func BenchmarkMatchRealTweets(b *testing.B) {
	targets, texts := realTweets(b)
	sources := make([]string, len(targets))
	for i, target := range targets {
		sources[i] = targetQuery(target)
	}
	m := compile(b, sources...).NewMatcher()
	posts := make([]pipeline.Record, len(texts))
	for i := range texts {
		posts[i].Post.Text = texts[i]
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.Match(&posts[i%len(posts)])
		i++
	}
}
