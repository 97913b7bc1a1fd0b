package namesake

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func post(id int, text string) *pipeline.Post {
	return &pipeline.Post{Platform: "x", ID: fmt.Sprint(id), Text: text}
}

// fruit are examples of a company that is named as a fruit.
func fruit() []Example {
	yes := []string{
		"Apple shares rise after the keynote", "the new Apple phone is out", "Apple sues over a phone patent",
		"Apple store queue for the phone", "keynote by Apple at nine", "I sold my Apple shares",
	}
	no := []string{
		"an apple pie with cinnamon", "apple juice and toast", "peeled an apple for the pie",
		"the apple tree in our garden", "an apple a day", "cinnamon on apple toast",
	}
	var out []Example
	for i := range yes {
		out = append(out, Example{post(i, yes[i]), true}, Example{post(100+i, no[i]), false})
	}
	return out
}

func TestAModelTellsABrandFromItsNamesake(t *testing.T) {
	m, err := Learn("apple", fruit())
	require.NoError(t, err)
	assert.Greater(t, m.Score(post(0, "Apple will show a phone at its keynote")), 0.8)
	assert.Less(t, m.Score(post(0, "apple pie, with cinnamon from the garden")), 0.2)
	assert.Positive(t, m.Weights["phone"])
	assert.Negative(t, m.Weights["an ~"], "the word before the name")
	assert.Positive(t, m.Weights["~ in title case"])
	assert.NotContains(t, m.Weights, "apple", "the name itself is no evidence")
	assert.Equal(t, 6, m.Yes)
	assert.Equal(t, 6, m.No)
}

func TestLearningIsDeterministicAndTheFileIsTheModel(t *testing.T) {
	first, err := Learn("apple", fruit())
	require.NoError(t, err)
	second, err := Learn("apple", fruit())
	require.NoError(t, err)
	file, err := first.Encode()
	require.NoError(t, err)
	again, err := second.Encode()
	require.NoError(t, err)
	assert.Equal(t, string(file), string(again))
	read, err := Decode(file)
	require.NoError(t, err)
	assert.Equal(t, first.Version(), read.Version())
	for _, e := range fruit() {
		assert.InDelta(t, first.Score(e.Post), read.Score(e.Post), 0)
	}
	other, err := Learn("apple", fruit()[1:])
	require.NoError(t, err)
	assert.NotEqual(t, first.Version(), other.Version())
}

// TestAModelOfLongWordsCanBeRead: what is learnt is a model, whatever the posts hold.
func TestAModelOfLongWordsCanBeRead(t *testing.T) {
	m, err := Learn("apple", append(fruit(), Example{post(9, "apple "+strings.Repeat("z", 5000)), true}))
	require.NoError(t, err)
	file, err := m.Encode()
	require.NoError(t, err)
	_, err = Decode(file)
	require.NoError(t, err)
}

// TestHowManyOfEachWereMarkedDecidesNothing marks three times as many no as yes: words
// that say nothing still score a half.
func TestHowManyOfEachWereMarkedDecidesNothing(t *testing.T) {
	var examples []Example
	for i, e := range fruit() {
		examples = append(examples, e)
		if !e.Yes {
			examples = append(examples, Example{post(200+i, e.Post.Text), false}, Example{post(300+i, e.Post.Text), false})
		}
	}
	m, err := Learn("apple", examples)
	require.NoError(t, err)
	balanced, err := Learn("apple", fruit())
	require.NoError(t, err)
	for _, e := range fruit() {
		assert.InDelta(t, balanced.Score(e.Post), m.Score(e.Post), 0.05, e.Post.Text)
	}
}

func TestLearningNeedsBothKinds(t *testing.T) {
	_, err := Learn("apple", []Example{{post(1, "apple"), true}})
	require.ErrorIs(t, err, ErrTooFew)
	_, err = Learn("apple", nil)
	require.ErrorIs(t, err, ErrTooFew)
	_, err = Learn("apple", fruit()[4:])
	require.ErrorIs(t, err, ErrTooFew, "four of each")
	_, err = Learn("apple", fruit()[2:])
	require.NoError(t, err, "five of each")
}

// TestCrossValidationNeverSeesTheExampleItself gives examples whose words tell nothing of
// each other: a model that had seen an example would score it right.
func TestCrossValidationNeverSeesTheExampleItself(t *testing.T) {
	var examples []Example
	for i := range 60 {
		examples = append(examples, Example{post(i, fmt.Sprintf("thor word%d", i)), i%2 == 0})
	}
	scores, err := CrossValidate("thor", examples, 5)
	require.NoError(t, err)
	low, high := slices.Min(scores), slices.Max(scores)
	assert.Less(t, high-low, 0.4, "only the share of yes in the folds can differ")
	m, err := Learn("thor", examples)
	require.NoError(t, err)
	assert.Greater(t, m.Score(examples[0].Post)-m.Score(examples[1].Post), 0.5, "seen examples are told apart")
}

func TestFeatures(t *testing.T) {
	p := &pipeline.Post{
		Title: "Café", Text: "see THOR's hammer #Ragnarok @marvel https://t.co/thing 新百伦",
		Hashtags: []string{"#Ragnarok", "MCU"}, Handles: []string{"Marvel"},
	}
	assert.Equal(t, []string{
		"cafe", "see", "~ in upper case", "see ~", "~ s", "s", "hammer", "hamm*", "ragnarok", "ragn*", "#ragnarok",
		"marvel", "marv*", "@marvel", "新", "百", "伦", "#mcu",
	}, features(p, map[string]bool{"thor": true}))
}

func TestDecodeRefusesWhatIsNoModel(t *testing.T) {
	for name, file := range map[string]string{
		"nothing":       ``,
		"other format":  `{"format":1}`,
		"unknown field": `{"format":2,"bais":3}`,
		"two models":    `{"format":2} {"format":2}`,
		"absurd weight": `{"format":2,"weights":{"a":9000000}}`,
		"absurd word":   `{"format":2,"weights":{"` + strings.Repeat("a", maxFeature+1) + `":1}}`,
		"absurd bias":   `{"format":2,"bias":-9000000}`,
		"not a number":  `{"format":2,"bias":"much"}`,
	} {
		_, err := Decode([]byte(file))
		require.ErrorIs(t, err, ErrModel, name)
	}
}

func FuzzScore(f *testing.F) {
	m, err := Learn("apple", fruit())
	require.NoError(f, err)
	f.Add("an apple #pie @you https://a.b 新百伦 \xff")
	f.Fuzz(func(t *testing.T, text string) {
		score := m.Score(&pipeline.Post{Text: text})
		assert.True(t, score >= 0 && score <= 1, score)
	})
}

func FuzzDecode(f *testing.F) {
	m, err := Learn("apple", fruit())
	require.NoError(f, err)
	file, err := m.Encode()
	require.NoError(f, err)
	f.Add(file)
	f.Add([]byte(`{"format":2,"name":["a"],"weights":{"b":1}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Decode(file)
		if err != nil {
			require.ErrorIs(t, err, ErrModel)
			return
		}
		encoded, err := m.Encode()
		require.NoError(t, err)
		again, err := Decode(encoded)
		require.NoError(t, err)
		assert.Equal(t, m.Version(), again.Version())
	})
}

func BenchmarkScore(b *testing.B) {
	m, err := Learn("apple", fruit())
	require.NoError(b, err)
	p := post(1, strings.Repeat("an apple pie with cinnamon ", 5))
	b.ReportAllocs()
	for b.Loop() {
		m.Score(p)
	}
}
