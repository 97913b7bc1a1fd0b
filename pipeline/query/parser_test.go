package query

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestParseCanonical(t *testing.T) {
	for source, want := range map[string]string{
		`sony`:                   `"sony"`,
		`SONY OR Sony OR sony`:   `"sony"`,
		`(b OR (a OR c))`:        `"a" OR "b" OR "c"`,
		`“Play  Station” OR «x»`: `"play station" OR "x"`,
		`（ｓｏｎｙ　OR　＠Sony OR ＃Sony）`:       `"sony" OR #sony OR @sony`,
		`L’Oréal OR L'Oreal`:             `"l-oreal"`,
		`AT&T OR AT＆T`:                   `"at&t"`,
		`7-Eleven OR "7 eleven"`:         `"7 eleven" OR "7-eleven"`,
		`@Acme.bsky.social`:              `@acme-bsky-social`,
		`"hi @acme now"`:                 `"hi @acme now"`,
		`索尼 OR "索 尼" OR #索尼#`:            `"索 尼" OR "索尼" OR #索尼`,
		`C++ OR google+ OR $AAPL OR 8.1`: `"$aapl" OR "8.1" OR "c+-+" OR "google+"`,
		"a\n OR\tb\r\nOR c":              `"a" OR "b" OR "c"`,
		`"or" OR "and"`:                  `"and" OR "or"`,
		`👍🏽 OR "👍"`:                      `"👍"`,
		"\ufeffsony\u200b":               `"sony"`,
		strings.Repeat("(", 100) + "a" + strings.Repeat(")", 100): `"a"`,
	} {
		q, err := Parse(source)
		require.NoError(t, err, source)
		assert.Equal(t, want, q.String(), source)
		again, err := Parse(q.String())
		require.NoError(t, err, "canonical form of %s", source)
		assert.Equal(t, q.String(), again.String(), "the canonical form of %s means the same", source)
		assert.Equal(t, q.Version(), again.Version())
	}
}

func TestVersionIsStable(t *testing.T) {
	q, err := Parse("sony OR @sony")
	require.NoError(t, err)
	assert.Equal(t, "7c17602b4d87", q.Version(), "stored rows name it: it may not change with the program")
	other, err := Parse("@SONY OR Sony")
	require.NoError(t, err)
	assert.Equal(t, q.Version(), other.Version())
}

func TestParseErrors(t *testing.T) {
	for source, want := range map[string]string{
		"": `line 1, column 1: the query ends where a term should stand; expected a word, a "phrase", an @handle, a #hashtag or a bracket
  
  ^`,
		"sony OR": `line 1, column 8: the query ends where a term should stand; expected a word, a "phrase", an @handle, a #hashtag or a bracket
  sony OR
         ^`,
		"a OR\n\tb c OR d\nx": `line 2, column 4: two terms stand side by side; expected AND, OR, NOT or NEAR/n; write OR between them, or put quotes around words that belong together ("play station")
  	b c OR d
  	  ^`,
		"索尼 and b": `line 1, column 4: "and" between terms is not an operator; expected AND; operators are upper case: write AND; or quote the words if they are a phrase
  索尼 and b
  　　 ^`,
		"play or station": `line 1, column 6: "or" between terms is not an operator; expected OR; operators are upper case: write OR; or quote the words if they are a phrase
  play or station
       ^`,
	} {
		_, err := Parse(source)
		var mistake *Error
		require.ErrorAs(t, err, &mistake, source)
		assert.Equal(t, want, err.Error())
	}
}

func TestParseProblems(t *testing.T) {
	for source, want := range map[string]struct {
		column  int
		problem string
	}{
		`a -b`:                           {3, `"-" is not an operator`},
		`-b`:                             {1, `"-" is not an operator`},
		`NOT b`:                          {1, "nothing stands before this NOT"},
		`(NOT b) OR c`:                   {2, "nothing stands before this NOT"},
		`a OR NOT b`:                     {6, "nothing stands before this NOT"},
		`a && b`:                         {3, `"&&" is not an operator`},
		`a and b`:                        {3, `"and" between terms is not an operator`},
		`a near/5 b`:                     {3, `"near/5" between terms is not an operator`},
		`a not b`:                        {3, `"not" between terms is not an operator`},
		`a NEAR b`:                       {3, `"NEAR" is not a distance`},
		`a NEAR/0 b`:                     {3, "a distance of 0 words"},
		`a NEAR/500 b`:                   {3, "a distance of 500 words"},
		`(a AND b) NEAR/5 c`:             {1, "AND and NOT say nothing about places, so it cannot stand beside NEAR"},
		`c NEAR/5 lang:de`:               {10, "a field has no place among the words, so it cannot stand beside NEAR"},
		`a NEAR/2 b NEAR/2 c NEAR/2 d`:   {1, "NEAR stands in NEAR in NEAR, so it cannot stand beside NEAR"},
		`"a b"~`:                         {7, "no distance follows ~"},
		`"a"~5`:                          {1, "a single word has no distance to itself"},
		`acme~5`:                         {1, "~ stands without a phrase before it"},
		`a* OR b*`:                       {1, "too few characters stand before *"},
		`ac*me`:                          {1, "* stands inside a word"},
		`?`:                              {1, "too few characters stand beside ?"},
		`{ACME`:                          {1, "this brace is never closed"},
		`a OR raw:C++`:                   {10, `raw: needs characters in quotes`},
		`title: acme`:                    {7, "a space stands where the field's value should"},
		`title:`:                         {7, "nothing follows title:"},
		`sentiment:positive`:             {1, "sentiment: is known only after a mention was found and labelled"},
		`channels:x`:                     {1, "channels: belongs to the brand, not to its query"},
		`folowers:>1`:                    {1, `unknown field "folowers"`},
		`followers:many`:                 {11, `"many" is not a number`},
		`verified:yes`:                   {10, `"yes" is no flag`},
		`title:(author:x)`:               {8, `"author:" stands inside "title:"`},
		`Re:Zero`:                        {1, `unknown field "re"`},
		`https://acme.com`:               {1, `unknown field "https"`},
		`a | b`:                          {3, `"|" is not an operator`},
		`a , b`:                          {3, `"," is not an operator`},
		`OR a`:                           {1, "nothing stands before this OR"},
		`a OR OR b`:                      {6, "nothing stands before this OR"},
		`a OR )`:                         {6, "nothing stands before this bracket"},
		`a )`:                            {3, "this bracket was never opened"},
		`(a OR (b)`:                      {1, "this bracket is never closed"},
		`()`:                             {2, "nothing stands before this bracket"},
		`(a)(b)`:                         {4, "two terms stand side by side"},
		`a "b`:                           {3, "this quote is never closed"},
		`""`:                             {1, "there is nothing to look for in this term"},
		`a OR "!!"`:                      {6, "there is nothing to look for in this term"},
		`#`:                              {1, "there is nothing to look for in this term"},
		`@ acme`:                         {1, "there is nothing to look for in this term"},
		`#👍`:                             {1, "no name follows '#'"},
		`#play-station`:                  {1, "a hashtag ends at the first mark other than _"},
		"a OR b\xff":                     {7, "this is not valid UTF-8"},
		strings.Repeat("(", 101) + "a":   {101, "brackets are nested more than 100 deep"},
		strings.Repeat("a", MaxSource+1): {1, "a query of 65537 bytes is too long"},
	} {
		_, err := Parse(source)
		var mistake *Error
		if assert.ErrorAs(t, err, &mistake, source) {
			assert.Equal(t, want.problem, mistake.Problem, source)
			assert.Equal(t, want.column, mistake.Column, source)
			assert.Equal(t, 1, mistake.Line)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, source := range []string{`sony OR @sony OR "play station"`, `(#a OR (b))`, `L'Oréal OR AT&T`, `索尼 OR "👍"`,
		`@a.b-c OR 7-Eleven`, `a AND b`, `"`, `a AND NOT b NOT c`, `"a b"~5`, `(a OR b) NEAR/5f c`,
		`acm* OR organi?ation OR {ACME}`, `raw:"C++" AND title:(a OR b)`, `followers:>=1e6 AND links:acme.com/shop`, `hashtag:a OR mentions:b`, `８．１ OR ½ OR ㍿`} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		q, err := Parse(source)
		if err != nil {
			var mistake *Error
			require.ErrorAs(t, err, &mistake)
			assert.Positive(t, mistake.Column)
			assert.Contains(t, err.Error(), "^")
			return
		}
		_, err = Parse(q.String())
		require.NoError(t, err, "%q", q.String())
		_, err = Compile([]Brand{{Name: "a", Query: q, Context: func(*pipeline.Record) float64 { return 1 }}})
		require.NoError(t, err)
	})
}

// FuzzLexer holds the lexemes against the source: they stand in order, none overlaps, and
// together with blanks they are all of it.
func FuzzLexer(f *testing.F) {
	for _, source := range []string{`sony OR @sony "play station"~5 {ACME} title:(a)`, `“a　b”~３（ｃ）`, `raw:"C++" links:acme.com/a:b`, "\ufeffa\u200bb", `"never`, `{never`, `a: b`, `a:`, `"a"~x`} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		l := lexer{source: source}
		end := 0
		for {
			x, err := l.next()
			if err != nil {
				var mistake *Error
				require.ErrorAs(t, err, &mistake)
				return
			}
			require.GreaterOrEqual(t, x.at, end, "lexemes do not overlap")
			require.Empty(t, strings.TrimFunc(source[end:x.at], isBlank), "nothing but blanks is left out")
			require.Contains(t, strings.ToLower(source[x.at:x.end]), strings.ToLower(x.text))
			if x.kind == lexEnd {
				require.Equal(t, len(source), x.end)
				return
			}
			require.Greater(t, x.end, x.at, "each lexeme is something")
			end = x.end
		}
	})
}

func TestAMistakeInALongLineIsShownWithWhatStandsAroundIt(t *testing.T) {
	long := strings.Repeat("acme OR ", 300)
	_, err := Parse(long + "(b OR " + long + "c")
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 3)
	assert.Contains(t, lines[0], "column 2401")
	shown, caret := []rune(lines[1]), utf8.RuneCountInString(lines[2])
	assert.LessOrEqual(t, len(shown), 2+2*excerptWidth+2)
	assert.Equal(t, '(', shown[caret-1], "the caret stands under the mistake")
}
