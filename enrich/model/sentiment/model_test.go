package sentiment

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/enrich/model"
)

func embedded(t testing.TB) *Model {
	t.Helper()
	m, err := Load(model.SentimentWeights())
	require.NoError(t, err)
	return m
}

func TestTheSameTextGivesTheSameFeatures(t *testing.T) {
	lex, err := NewLexicon()
	require.NoError(t, err)
	x := NewExtractor(lex, 20)
	one := *x.Extract("en", "I don't LOVE it, sooooo bad :( #NotGood @acme http://a.b")
	words := append([]uint32(nil), one[groupWords]...)
	x.Extract("zh", "质量太差了")
	two := *x.Extract("en", "I don't LOVE it, sooooo bad :( #NotGood @acme http://a.b")
	assert.Equal(t, words, two[groupWords])
}

func TestTokens(t *testing.T) {
	lex, err := NewLexicon()
	require.NoError(t, err)
	x := NewExtractor(lex, 20)
	for text, want := range map[string][]string{
		"I don’t LOVE it":         {"i", "don't", "love", "it"},
		"sooooo good!!!!!":        {"soo", "good", "!!!"},
		"#BestDayEver":            {"best", "day", "ever", "bestdayever"},
		"@user hi https://t.co/x": {"", "hi", ""},
		"ok :) 😍😍":                {"ok", ":)", "😍", "😍"},
		"room 1234":               {"room", "0000"},
		"很好ok":                    {"很好", "ok"},
		"#":                       nil,
	} {
		x.tokenize(text)
		var got []string
		for _, token := range x.tokens {
			got = append(got, string(x.text[token.begin:token.end]))
		}
		assert.Equal(t, want, got, text)
	}
}

func TestExp(t *testing.T) {
	for x := -29.0; x <= 0; x += 0.37 {
		assert.InEpsilon(t, math.Exp(x), exp(x), 1e-9)
	}
	assert.Zero(t, exp(-1000))
}

func TestMeasure(t *testing.T) {
	rows := []Judged{
		{Row{Label: Negative}, [3]float64{1, 0, 0}, Negative},
		{Row{Label: Negative}, [3]float64{0, 0, 1}, Positive},
		{Row{Label: Positive}, [3]float64{0, 0, 1}, Positive},
		{Row{Label: Positive}, [3]float64{0, 0, 1}, Positive},
	}
	s := Measure("x", rows)
	assert.InDelta(t, (2.0/3+4.0/5)/2, s.MacroF1, 1e-9, "over the classes that occur")
	assert.InDelta(t, 0.75, s.Recall, 1e-9)
	assert.InDelta(t, 0.75, s.Accuracy, 1e-9)
	assert.InDelta(t, 1.0/3, s.Majority, 1e-9)
	assert.InDelta(t, 0.25, s.ECE, 1e-9)
	assert.Zero(t, s.ECEFloor)
}

func TestTrainingRepeats(t *testing.T) {
	var data Data
	for i := range 400 {
		text, label := "good nice", Positive
		switch i % 3 {
		case 0:
			text, label = "bad awful", Negative
		case 1:
			text, label = "monday at nine", Neutral
		}
		data.Train = append(data.Train, Row{Label: label, Lang: "en", Source: "umsab", Text: text + " " + string(rune('a'+i%26)) + string(rune('a'+i/26))})
	}
	s := DefaultSettings()
	s.Bits, s.Epochs, s.Folds = 14, 6, 2
	one, err := Train(context.Background(), s, &data, func(string) {})
	require.NoError(t, err)
	two, err := Train(context.Background(), s, &data, func(string) {})
	require.NoError(t, err)
	assert.Equal(t, one, two, "same seed, same bytes")
	m, err := Load(one)
	require.NoError(t, err)
	assert.Equal(t, Positive, m.NewReader().Judge("en", "good nice zz").Label())
	assert.Equal(t, Negative, m.NewReader().Judge("en", "bad awful zz").Label())
	for n := range 200 {
		_, err := Load(one[:n])
		require.Error(t, err)
	}
}

func TestEmbeddedModelIsSmall(t *testing.T) {
	assert.LessOrEqual(t, len(model.SentimentWeights()), 16<<20)
	assert.Contains(t, model.SentimentCard(), embedded(t).Version(), "the card is that of these weights")
	assert.Contains(t, model.SentimentFigures(), embedded(t).Version())
}

func FuzzJudge(f *testing.F) {
	m := embedded(f)
	r, other := m.NewReader(), m.NewReader()
	f.Add("en", "I don't love it 😍 #NotGood")
	f.Add("zh", "不好@")
	f.Add("", "''’’ @ # http")
	f.Fuzz(func(t *testing.T, lang, text string) {
		j := r.Judge(lang, text)
		assert.InDelta(t, 1, j.P[0]+j.P[1]+j.P[2], 1e-9)
		assert.GreaterOrEqual(t, min(j.P[0], j.P[1], j.P[2]), 0.0)
		assert.Equal(t, j, other.Judge(lang, text))
	})
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(magic + "\x02\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if m, err := Load(file); err == nil {
			m.NewReader().Judge("en", "good")
		}
	})
}

func TestLanguagesHaveWeightsOfTheirOwn(t *testing.T) {
	lex, err := NewLexicon()
	require.NoError(t, err)
	x := NewExtractor(lex, 20)
	places := func(lang string) []uint32 { return append([]uint32(nil), x.Extract(lang, "grazie")[groupChars]...) }
	italian, french, unknown := places("it"), places("fr"), places("qq")
	require.Len(t, italian, 2*len(unknown), "each n-gram twice: shared, and the language's own")
	for i, shared := range unknown {
		assert.Equal(t, shared, italian[2*i])
		assert.Equal(t, shared, french[2*i])
		assert.NotEqual(t, italian[2*i+1], french[2*i+1])
		assert.Equal(t, shared>>4, italian[2*i+1]>>4, "in the block of the shared one")
	}
}

func TestAccentsMakeNoDifference(t *testing.T) {
	lex, err := NewLexicon()
	require.NoError(t, err)
	x := NewExtractor(lex, 20)
	with := append([]uint32(nil), x.Extract("fr", "très déçu ŝ")[groupWords]...)
	assert.Equal(t, with, x.Extract("fr", "tres decu s")[groupWords])
}
