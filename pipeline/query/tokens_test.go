package query

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// TestFoldTableAgreesWithFold compares the fast way with the slow one.
func TestFoldTableAgreesWithFold(t *testing.T) {
	f := newFolder()
	simple := 0
	for r := range rune(tableEnd) {
		if folded := f.simple(r); folded > 0 {
			simple++
			assert.Equal(t, string(folded), string(f.slow(nil, string(r))), "%U", r)
		}
	}
	assert.Greater(t, simple, 2500, "the table answers for most letters")
}

// TestFoldsToItself compares what is answered at once with the slow way.
func TestFoldsToItself(t *testing.T) {
	f := newFolder()
	for r := range rune(0x20000) {
		if foldsToItself(r) {
			assert.Equal(t, string(r), string(f.slow(nil, string(r))), "%U", r)
			assert.False(t, unicode.Is(unicode.M, r), "%U", r)
		}
	}
}

// TestPicturesAreNoWords holds what is said of the blocks of emoji against Unicode.
func TestPicturesAreNoWords(t *testing.T) {
	f := newFolder()
	pictures := 0
	for r := rune(tableEnd); r <= 0x1ffff; r++ {
		if !isPicture(r) {
			continue
		}
		pictures++
		assert.False(t, unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc, unicode.Cf), "%U", r)
		if !isSkinTone(r) {
			assert.Equal(t, string(r), string(f.slow(nil, string(r))), "%U", r)
		}
	}
	assert.Greater(t, pictures, 1500)
}

// TestFind holds the short way against the words themselves.
func TestFind(t *testing.T) {
	long := strings.Repeat("a", 70)
	e := compile(t, "sony OR #sony OR "+long, "索尼")
	for word, number := range e.index.words {
		assert.Equal(t, number, e.index.find([]byte(word)))
	}
	for _, word := range []string{"", "s", "sonx", "sonys", "@sony", "你", long + "a", long[:69]} {
		assert.Equal(t, int32(none), e.index.find([]byte(word)), word)
	}
}

// TestKeptWordsFoldAlike folds more words than are kept, so that they drive each other out, and long ones.
func TestKeptWordsFoldAlike(t *testing.T) {
	plain, kept := newFolder(), newFolder()
	kept.known = newFoldedWords()
	for range 3 {
		for i := range 3 * keptWords {
			word := strings.Repeat("हिन्दी", i%4) + strconv.Itoa(i) + "É\u0301 ﷺ"[:i%3*2]
			for range 2 {
				assert.Equal(t, "x"+string(plain.slow(nil, word)), string(kept.append([]byte("x"), word)))
			}
		}
	}
	const salaam = "ﷺ" // one letter that folds to eighteen
	for range 2 {
		assert.Equal(t, string(plain.slow(nil, salaam+salaam)), string(kept.append(nil, salaam+salaam)))
	}
	buffer := make([]byte, 0, keptBytes)
	assert.Zero(t, testing.AllocsPerRun(100, func() { buffer = kept.append(buffer[:0], "ไม่") }))
}

func FuzzFold(f *testing.F) {
	f.Add("Straße Œuvre İstanbul Ёлка Йогурт e\u0301 ｿﾆｰ 한글 हिन्दी")
	fold := newFolder()
	fold.known = newFoldedWords()
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip()
		}
		assert.Equal(t, string(fold.slow(nil, s)), string(fold.append(nil, s)))
	})
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"I like #Sony's L'Oréal @a.b 8.1 AT&amp;T", "我爱#索尼#手机 ソニー", "__a__ ＿b＿ a\u200db\u0301", "👍🏽🇩🇪 ½㍿", "\xff#\xffa"} {
		f.Add(s)
	}
	s := newScanner()
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for s.reset(text, 0); s.next(); end = s.end {
			require.GreaterOrEqual(t, s.begin, end, "tokens do not overlap")
			require.Greater(t, s.end, s.begin)
			require.LessOrEqual(t, s.end, len(text))
			require.NotEmpty(t, s.folded)
		}
	})
}

// FuzzMatch looks for a text's own beginning in the text.
func FuzzMatch(f *testing.F) {
	f.Add("sony", "My #Sony and @sony: SONY")
	f.Add("@a.b OR #c OR 索尼", "@a.b #c 索尼 ＃索尼＃")
	f.Fuzz(func(t *testing.T, source, text string) {
		q, err := Parse(source)
		if err != nil {
			t.Skip()
		}
		e, err := Compile([]Brand{{Name: "a", Query: q, Context: func(*pipeline.Record) float64 { return 1 }}})
		require.NoError(t, err)
		m := e.NewMatcher()
		post := record(pipeline.Post{Title: text, Text: text, Hashtags: []string{text, text}, Handles: []string{text}})
		limits := map[string]int{"title": len(text), "text": len(text), "hashtags": 2*len(text) + 1, "handles": len(text)}
		for _, match := range m.Match(post) {
			for _, s := range match.Spans {
				require.True(t, s.Begin >= 0 && s.Begin < s.End && s.End <= limits[s.Field], "%+v", s)
			}
		}
	})
}
