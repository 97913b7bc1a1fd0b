package app

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/sinks/clickhouse"
)

func TestCorrectChecks(t *testing.T) {
	for want, fix := range map[string]Correct{
		"name the post as PLATFORM/ID":                                        {Post: "3kxyz", Language: "de"},
		"give --language CODE, --sentiment LABEL or --undo":                   {Post: "a/b"},
		"--undo takes back what stands; leave --language and --sentiment out": {Post: "a/b", Undo: true, Language: "de"},
		`--sentiment "bad"; use negative, neutral or positive`:                {Post: "a/b", Sentiment: "bad"},
		`--language "German"; use an ISO 639 code such as en, de, zh, or und`: {Post: "a/b", Language: "German"},
		"a language is that of the post; leave --brand out":                   {Post: "a/b", Language: "de", Brand: "Acme"},
	} {
		_, _, err := fix.check()
		require.EqualError(t, err, want)
	}
	fix := Correct{Post: "mastodon/https://a.b/c", Language: "gsw", Sentiment: "negative", By: "ada", Note: "why"}
	platform, id, err := fix.check()
	require.NoError(t, err)
	assert.Equal(t, []string{"mastodon", "https://a.b/c"}, []string{platform, id}, "an id may have strokes")
	all := fix.overrides(platform, id)
	require.Len(t, all, 2)
	assert.Equal(t, clickhouse.Override{Platform: "mastodon", ID: id, Field: "lang", Value: "gsw", By: "ada", Note: "why"}, all[0])
	assert.Equal(t, "sentiment", all[1].Field)
	fix = Correct{Post: "a/b", Sentiment: "positive", Brand: "Acme", By: "ada"}
	assert.Equal(t, "toward", fix.overrides("a", "b")[0].Field)
	stand := append(all, clickhouse.Override{Brand: "Acme", Field: "toward", Value: "positive", By: "bob"})
	assert.Equal(t, []string{"language", "sentiment", "sentiment toward Acme"}, []string{whatOf(stand[0]), whatOf(stand[1]), whatOf(stand[2])})
	assert.Len(t, undone(stand, Correct{By: "ada"}), 3)
	one := undone(stand, Correct{By: "ada", Brand: "Acme"})
	require.Len(t, one, 1)
	assert.Equal(t, clickhouse.Override{Brand: "Acme", Field: "toward", By: "ada"}, one[0])
}

func TestExportRow(t *testing.T) {
	x := clickhouse.Example{Lang: "en", Brand: "Acme", Value: "negative", Text: " one\ttwo\nthree "}
	row, err := parseEval([]string{"0", "en", "correction", "one two three"})
	require.NoError(t, err)
	assert.Equal(t, "0\ten\tcorrection\tone two three", exportRow(clickhouse.OverrideSentiment, x))
	assert.Equal(t, 0, row.label, "and eval reads it")
	assert.Equal(t, "0\ten\tcorrection\tAcme\tone two three", exportRow(clickhouse.OverrideToward, x))
	x.Value = "fr"
	assert.Equal(t, "fr\tone two three", exportRow(clickhouse.OverrideLanguage, x))
}
