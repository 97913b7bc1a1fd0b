package enrich

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// loaded is the default detector, loaded once for all tests of this file.
var loaded = sync.OnceValues(func() (*Language, error) { return NewLanguage(DefaultLanguageConfig()) })

func newLanguage(t testing.TB) *Language {
	t.Helper()
	l, err := loaded()
	require.NoError(t, err)
	return l
}

func TestLanguage(t *testing.T) {
	l := newLanguage(t)
	for _, c := range []struct{ title, text, want string }{
		{"", "My new phone broke after two days and nobody answers", "en"},
		{"", "Mein neues Handy ist nach zwei Tagen kaputt gegangen", "de"},
		{"", "Mon nouveau téléphone est cassé après deux jours", "fr"},
		{"", "Мой новый телефон сломался через два дня", "ru"},
		{"", "我的新手机两天后就坏了", "zh"},
		{"", "新しい携帯が二日で壊れました", "ja"},
		{"", "새 휴대폰이 이틀 만에 고장났어요", "ko"},
		{"", "ไทย", "th"}, // the script decides
		{"Mein neues Handy ist", "nach zwei Tagen kaputt", "de"},
		{"", "@nobody_in_particular http://t.co/abcdefghij", "und"},
		{"", "@the_english_house Mein neues Handy ist kaputt https://example.com/this-is-the-english-address", "de"},
		{"", "Mein neues Handy ist kaputt #thisisbroken #whatthehell", "de"},
		{"", "#MeinNeuesHandy #IstLeiderKaputt", "de"},
		{"", "", "und"},
		{"", "12345 :-) 😀", "und"},
		{"", "ok", "und"},
		{"", "\xff\x00", "und"},
		{"", "\u202e\u200f\u200d", "und"},
		{"", "\xed\xa0\x80\xed\xbf\xbf", "und"}, // surrogates
		{"", "https://example.com/a https://example.com/b", "und"},
		{"", strings.Repeat("This phone is great. ", 50_000), "en"},
		{"", "Th\u0336i\u0336s\u0336 p\u0336h\u0336o\u0336n\u0336e\u0336 broke after two days and nobody answers", "en"},
		{"", "Нови телефон се покварио после два дана и ћутим", "sr"},
		{"", "我的新手機兩天後就壞了", "zh"},
		{"", "Жаңа телефоным екі күннен кейін бұзылып қалды", "kk"},
		{"", "yaar ye phone bahut accha hai lekin battery nahi chalti", "hi"},
		{"", "ስልኩ በጣም ጥሩ ነው", "am"},
		{"", "نیا فون دو دن بعد خراب ہو گیا", "ur"},
	} {
		r := &pipeline.Record{Post: pipeline.Post{Title: c.title, Text: c.text}}
		require.NoError(t, l.Enrich(r))
		assert.Equal(t, c.want, r.Language.Code, "%q %q", c.title, c.text)
		if c.want == pipeline.Undetermined {
			assert.Zero(t, r.Language.Confidence)
		} else {
			assert.Greater(t, r.Language.Confidence, float32(0.3))
		}
	}
}

// TestLanguageIsPure asks again and again: lingua adds up in an order of its own.
func TestLanguageIsPure(t *testing.T) {
	l := newLanguage(t)
	for _, text := range []string{"My new phone broke after two days", "la casa es grande e bella", "de beste van het land"} {
		first := l.detect("", text, "")
		for range 50 {
			require.Equal(t, first, l.detect("", text, ""))
		}
	}
}

func TestLanguageNone(t *testing.T) {
	l, err := NewLanguage(LanguageConfig{Engine: LanguageNone})
	require.NoError(t, err)
	r := &pipeline.Record{Post: pipeline.Post{Text: "My new phone broke after two days"}}
	require.NoError(t, l.Enrich(r))
	assert.Equal(t, pipeline.Language{Code: pipeline.Undetermined}, r.Language)
	assert.Equal(t, "language=none", l.Version())
}

func TestLanguageConfig(t *testing.T) {
	require.NoError(t, DefaultLanguageConfig().Validate())
	for want, c := range map[string]LanguageConfig{
		`engine: "cld" is unknown; use table, lingua or none`: {Engine: "cld", Languages: []string{"en", "de"}},
		"languages: fewer than two are named; name two, or none for all": {
			Engine: LanguageLingua, Languages: []string{"en", "en"}},
		`languages[1]: "xx" is not a language that can be told; use ISO 639-1 codes such as en, de, zh`: {
			Engine: LanguageLingua, Languages: []string{"en", "xx", "de"}},
		`languages[0]: "EN" is not a language that can be told; use ISO 639-1 codes such as en, de, zh`: {
			Engine: LanguageLingua, Languages: []string{"EN", "fr", "de"}},
		"min_letters: -1 is negative; 0 is no limit": {Engine: LanguageLingua, Languages: []string{"en", "de"}, MinLetters: -1},
	} {
		require.EqualError(t, c.Validate(), want)
		_, err := NewLanguage(c)
		require.EqualError(t, err, "enrich: language: "+want)
	}
}

func TestOwnWords(t *testing.T) {
	for text, want := range map[string]string{
		"see www.acme.com and (https://x.y/z) now": "see and ( now",
		".@acme hi you there, how are you":         ". hi you there, how are you",
		"谢谢@acme看http://t.co/x 好":                  "谢谢 好",
		"hi #AcmeCloud":                            "hi AcmeCloud",
		"this is long enough #AcmeCloud":           "this is long enough",
	} {
		assert.Equal(t, want, strings.Join(strings.Fields(ownWords("", text)), " "), text)
	}
	assert.Equal(t, "aé", cut("aéé", 4))
}

// TestLanguageClaim shows what the platform's claim does, and does not.
func TestLanguageClaim(t *testing.T) {
	l := newLanguage(t)
	for _, c := range []struct{ text, claim, want string }{
		{"Novi telefon se pokvario nakon dva dana i niko ne odgovara", "sr", "sr"}, // Serbian in Latin letters
		{"東京都新宿区", "ja", "ja"},
		{"東京都新宿区", "zh-Hans", "zh"},
		{"Mein neues Handy ist nach zwei Tagen kaputt gegangen", "en-US", "de"}, // the claim is wrong
		{"hallo", "", "und"},
		{"danke", "de", "de"},
	} {
		assert.Equal(t, c.want, l.detect("", c.text, c.claim).Code, "%q %s", c.text, c.claim)
	}
}

func FuzzLanguage(f *testing.F) {
	l, err := NewLanguage(LanguageConfig{Engine: LanguageTable, Languages: []string{"en", "de"}, MinLetters: 5})
	require.NoError(f, err)
	f.Add("", "My phone @a #b http://c")
	f.Add("\xff", "#\x00")
	f.Fuzz(func(t *testing.T, title, text string) {
		got := l.detect(title, text, "")
		assert.Contains(t, []string{"en", "de", pipeline.Undetermined}, got.Code)
		assert.Equal(t, got, l.detect(title, text, ""))
	})
}

func BenchmarkLanguage(b *testing.B) {
	l := newLanguage(b)
	text := "dear @Acme the new Office is great and all, but no update? I don't think that's good. C'mon. http://t.co/abc"
	for b.Loop() {
		l.detect("", text, "")
	}
}
