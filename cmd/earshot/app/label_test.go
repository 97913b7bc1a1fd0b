package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestLabelKeepsTheOrder(t *testing.T) {
	var in, out bytes.Buffer
	const n = 1000
	for i := range n {
		fmt.Fprintf(&in, `{"text": "I love my new Zubrola phone, number %d%s"}`+"\n", i, strings.Repeat(" Zubrola", i%7))
	}
	cfg := DefaultConfig()
	cfg.Brands = []Brand{{Name: "Zubrola", Query: "zubrola"}}
	require.NoError(t, RunLabel(t.Context(), cfg, Label{}, &in, &out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, n)
	for i, line := range lines {
		var got labelled
		require.NoError(t, json.Unmarshal([]byte(line), &got))
		require.Len(t, got.Brands, 1)
		assert.Len(t, got.Brands[0].Spans, 1+i%7, line)
		assert.NotEmpty(t, got.Lang)
		assert.InDelta(t, 1, got.Probabilities.Negative+got.Probabilities.Neutral+got.Probabilities.Positive, 1e-3)
		assert.NotEmpty(t, got.Model)
	}
}

func TestLabelAnswersEveryLine(t *testing.T) {
	lines := []struct{ in, want string }{
		{`{"text": ""}`, `"lang":"und"`},
		{`not JSON`, `line 2: not a JSON object`},
		{`{}`, `line 3: no \"text\"`},
		{`{"text": 7}`, `line 4: \"text\" is a number, not a string`},
		{`{"text": "` + strings.Repeat("x", labelLimit) + `"}`, "line 5: longer than 16777216 bytes"},
		{`["a list"]`, `line 6: not a JSON object (--plain takes bare texts): it is a JSON array"`},
		{``, `line 7: not a JSON object`},
		{`{"text": "Das neue Handy ist sehr gut", "lang": "de"}`, `"lang":"de"`},
	}
	var in strings.Builder
	for i, l := range lines {
		in.WriteString(l.in)
		if i < len(lines)-1 { // the last line has no end
			in.WriteString("\r\n"[i%2:])
		}
	}
	var out, notes bytes.Buffer
	require.NoError(t, RunLabel(t.Context(), DefaultConfig(), Label{Notes: &notes}, strings.NewReader(in.String()), &out))
	assert.Equal(t, "label: 6 of 8 lines were not understood; each has its \"error\"\n", notes.String())
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, got, len(lines))
	for i, l := range lines {
		assert.Contains(t, got[i], l.want)
		assert.True(t, json.Valid([]byte(got[i])))
	}
	err := RunLabel(t.Context(), DefaultConfig(), Label{Strict: true}, strings.NewReader(in.String()), io.Discard)
	require.EqualError(t, err, `label: 6 of 8 lines were not understood; each has its "error"`)
	assert.Equal(t, ExitDeadLetters, ExitCode(err))
}

// sequential leaves out of the race pass what one goroutine does for long.
func sequential(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("nothing runs beside it")
	}
}

// TestLabelOddTexts asks for one line each, the same every time.
func TestLabelOddTexts(t *testing.T) {
	sequential(t)
	odd := []string{
		"", " ", "😀", "👩‍👩‍👧‍👦", "https://example.com/a https://example.com/b", "\u200f\u200e\u202b\u202e", "\xed\xa0\x80\xed\xbf\xbf", "\xff\x00",
		"Z\u0351\u036b\u0343\u036aa\u0302\u036bl\u0321g\u0334o\u0321", "a" + strings.Repeat("\u0301", 100_000), strings.Repeat("great ", 180_000),
		strings.Repeat("好", 350_000), strings.Repeat("#", 1<<20), "@", "\u2028", "ﷺ", "\ufeffhello",
	}
	var plain, quoted strings.Builder
	for _, text := range odd {
		plain.WriteString(text + "\n")
		line, err := json.Marshal(map[string]string{"text": text})
		require.NoError(t, err)
		quoted.Write(append(line, '\n'))
	}
	quoted.WriteString(`{"text": "\ud800 half of a pair \udc00"}` + "\n")
	for _, c := range []struct {
		label Label
		in    string
		n     int
	}{{Label{Plain: true, Strict: true}, plain.String(), len(odd)}, {Label{Strict: true}, quoted.String(), len(odd) + 1}} {
		var first, again bytes.Buffer
		require.NoError(t, RunLabel(t.Context(), DefaultConfig(), c.label, strings.NewReader(c.in), &first))
		require.NoError(t, RunLabel(t.Context(), DefaultConfig(), c.label, strings.NewReader(c.in), &again))
		assert.Equal(t, first.String(), again.String())
		got := strings.Split(strings.TrimSpace(first.String()), "\n")
		require.Len(t, got, c.n)
		for _, line := range got {
			var l labelled
			require.NoError(t, json.Unmarshal([]byte(line), &l))
			assert.NotEmpty(t, l.Lang)
			assert.NotEmpty(t, l.Sentiment)
			assert.InDelta(t, 1, l.Probabilities.Negative+l.Probabilities.Neutral+l.Probabilities.Positive, 1e-3)
			assert.Nil(t, l.Brands, "no brands are configured")
		}
	}
}

func TestLabelListsNoBrandsWhereNoneIsNamed(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Brands = []Brand{{Name: "Zubrola", Query: "zubrola"}}
	var out bytes.Buffer
	require.NoError(t, RunLabel(t.Context(), cfg, Label{Plain: true}, strings.NewReader("nothing here\nI love Zubrola\n"), &out))
	first, second, _ := strings.Cut(out.String(), "\n")
	assert.Contains(t, first, `"brands":[]`)
	assert.Contains(t, second, `"brands":[{"brand":"Zubrola","query_version":"`)
}

// TestLabelAsksWholePosts: a query in a pipe asks the same fields as in the line, and the
// answer says which categories matched, and whether the place alone made the post count.
func TestLabelAsksWholePosts(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Brands = []Brand{{
		Name: "Zubrola", Query: "title:zubrola OR (zubrola AND followers:>1000)", Channels: []string{"x/zubrolahelp"},
		Categories: []BrandCategory{{Name: "phones", Query: "phone"}, {Name: "cars", Query: "car"}},
	}}
	var out bytes.Buffer
	in := `{"text": "a new phone", "title": "Zubrola"}
{"text": "Zubrola", "author": {"followers": 5000}}
{"text": "Zubrola", "author": {"followers": 5}}
{"text": "how may we help?", "platform": "x", "channel": "zubrolahelp"}
{"text": "Zubrola", "id": 5}
`
	require.NoError(t, RunLabel(t.Context(), cfg, Label{}, strings.NewReader(in), &out))
	var got [5]struct {
		labelled
		Error string `json:"error"`
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, len(got))
	for i, line := range lines {
		require.NoError(t, json.Unmarshal([]byte(line), &got[i]))
	}
	require.Len(t, got[0].Brands, 1)
	assert.Equal(t, []string{"phones"}, got[0].Brands[0].Categories)
	assert.Equal(t, pipeline.ViaText, got[0].Brands[0].Via)
	assert.Len(t, got[1].Brands, 1)
	assert.Empty(t, got[2].Brands)
	require.Len(t, got[3].Brands, 1)
	assert.Equal(t, pipeline.ViaChannel, got[3].Brands[0].Via)
	assert.Empty(t, got[3].Brands[0].Spans)
	assert.Equal(t, "line 5: as a post, which queries ask: id is a number; write a string in quotes", got[4].Error)
}

// TestLabelStreams asks line by line: each answer comes before the next question.
func TestLabelStreams(t *testing.T) {
	in, ask := io.Pipe()
	answers, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- RunLabel(t.Context(), DefaultConfig(), Label{Plain: true}, in, out)
		_ = out.Close()
	}()
	read := bufio.NewReader(answers)
	for range 3 {
		_, err := io.WriteString(ask, "My new phone broke after two days\n")
		require.NoError(t, err)
		line, err := read.ReadString('\n')
		require.NoError(t, err)
		assert.Contains(t, line, `"lang":"en"`)
	}
	require.NoError(t, ask.Close())
	require.NoError(t, <-done)
}

// TestLabelStopsWhileItWaits ends though nothing more comes in.
func TestLabelStopsWhileItWaits(t *testing.T) {
	in, ask := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- RunLabel(ctx, DefaultConfig(), Label{Plain: true}, in, io.Discard) }()
	_, err := io.WriteString(ask, "My new phone\n")
	require.NoError(t, err)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NoError(t, ask.Close())
}

func TestLabelProgress(t *testing.T) {
	assert.Equal(t, "50 texts, 25 a second", progressLine(50, 1000, 0, 2*time.Second))
	assert.Equal(t, "[███████░░░░░░░░░░░░░░░░░░░░░░░]  25 %, 50 texts, 25 a second, 6s left", progressLine(50, 250, 1000, 2*time.Second))
	assert.Equal(t, "["+strings.Repeat("█", 30)+"] 100 %, 50 texts, 25 a second", progressLine(50, 1000, 1000, 2*time.Second))
}
