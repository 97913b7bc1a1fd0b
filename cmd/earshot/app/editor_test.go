package app

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/dashboards/web"
	"earshot/pipeline"
	"earshot/pipeline/query"
)

func TestWithoutExcludesAWord(t *testing.T) {
	e := &editor{}
	for _, c := range []struct{ query, word, want string }{
		{"acme", "parody", "acme NOT parody"},
		{"acme NOT parody", "street", "acme NOT parody NOT street"},
		{"acme OR globex", "parody", "(acme OR globex) NOT parody"},
		{"acme AND cloud", "parody", "(acme AND cloud) NOT parody"},
		{"acme\n", "parody", "acme NOT parody"},
		{"acme", "AND", `acme NOT "AND"`},
		{"acme", "O'Neill", "acme NOT O'Neill"},
		{"acme", "two words", `acme NOT "two words"`},
	} {
		got, err := e.Without(c.query, c.word)
		require.NoError(t, err, c)
		assert.Equal(t, c.want, got)
	}
	for _, c := range [][2]string{{"acme AND", "x"}, {"acme", "…"}, {"acme", ""}} {
		_, err := e.Without(c[0], c[1])
		require.ErrorIs(t, err, web.ErrRefused, c)
	}
}

// FuzzWithout: what is returned finds no post with the word, and no post that the query did not find.
func FuzzWithout(f *testing.F) {
	f.Add("acme OR x AND y", "parody")
	f.Add(`"a b"~3 NOT {C}`, `x" OR y`)
	f.Fuzz(func(t *testing.T, source, word string) {
		got, err := (&editor{}).Without(source, word)
		if err != nil {
			return
		}
		find := func(source, text string) bool {
			q, err := query.Parse(source)
			require.NoError(t, err, source)
			in, err := query.Inspect(query.Brand{Name: "x", Query: q})
			if err != nil {
				t.Skip(err)
			}
			return in.Match(&pipeline.Record{Post: pipeline.Post{Text: text}})
		}
		for _, text := range []string{source, source + " " + word, "acme x y"} {
			if find(got, text) {
				assert.True(t, find(source, text), "%q from %q finds %q", got, source, text)
			}
		}
	})
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Invocation = "earshot"
	cfg.Simulate = "on"
	e := &editor{cfg: cfg}
	checked := func(q string) web.Checked {
		out, err := e.Check(t.Context(), web.Trial{Query: q, Days: 1})
		require.NoError(t, err)
		return out
	}
	out := checked("acme and cloud")
	require.NotNil(t, out.Mistake)
	assert.Equal(t, 6, out.Mistake.Column)
	assert.Equal(t, "  acme and cloud\n       ^", out.Mistake.Text[strings.IndexByte(out.Mistake.Text, '\n')+1:])
	assert.Contains(t, out.Mistake.Text, "expected AND; operators are upper case: write AND")
	out = checked("acme context:>0.7")
	require.NotNil(t, out.Mistake)
	out = checked("acme AND cloud OR hosting")
	require.Nil(t, out.Mistake)
	assert.Equal(t, `"hosting" OR ("acme" AND "cloud")`, out.Reads)
	require.NotEmpty(t, out.Warnings)
	assert.Equal(t, "mixed", out.Warnings[0].Kind)
	assert.Equal(t, `earshot brand add 'query' 'O'\''Neill'`, checked("O'Neill").Command)
	brands, err := e.Brands(t.Context(), true)
	require.NoError(t, err)
	require.NotEmpty(t, brands)
	out, err = e.Check(t.Context(), web.Trial{Simulated: true, Brand: brands[0].Name, Query: brands[0].Query})
	require.NoError(t, err)
	assert.Equal(t, brands[0].Version, out.Version, "the same query is the same version")
	assert.Empty(t, out.Command)
	_, err = e.Save(t.Context(), web.Trial{Simulated: true, Brand: "x", Query: "x"})
	require.ErrorIs(t, err, web.ErrRefused)
}

func TestJudgeCountsAsTheCommandDoes(t *testing.T) {
	e := &editor{cfg: DefaultConfig()}
	out, err := e.Judge(t.Context(), web.Trial{Query: "milan AND (match OR goal)", Examples: "yes\tMilan won the match\r\nno\tMilan match of colours\n\nyes\tforza Milan\n"})
	require.NoError(t, err)
	assert.Equal(t, "0.500 (1 of 2)", out.Precision)
	assert.Equal(t, "0.500 (1 of 2)", out.Recall)
	require.Len(t, out.Posts, 3)
	assert.Equal(t, []web.Segment{{Text: "Milan", Hit: true}, {Text: " won the "}, {Text: "match", Hit: true}}, out.Posts[0].Text)
	assert.Equal(t, []string{"(match OR goal)"}, out.Posts[2].Decided)
	for _, bad := range []string{"", "maybe\tx", "yes\t{\"platform\":"} {
		_, err := e.Judge(t.Context(), web.Trial{Query: "milan", Examples: bad})
		require.ErrorIs(t, err, web.ErrRefused, bad)
	}
}

// FuzzSegments: the pieces are the text, whatever the spans.
func FuzzSegments(f *testing.F) {
	f.Add("acme cloud", 0, 4, 2, 10)
	f.Fuzz(func(t *testing.T, text string, a, b, c, d int) {
		spans := []pipeline.Span{{Field: "text", Begin: a, End: b}, {Field: "text", Begin: c, End: d}}
		if a < 0 || b < a || c < a || d < c { // the matcher sorts them
			return
		}
		var whole strings.Builder
		for _, s := range segments(text, "text", spans) {
			assert.NotEmpty(t, s.Text)
			whole.WriteString(s.Text)
		}
		assert.Equal(t, text, whole.String())
	})
}
