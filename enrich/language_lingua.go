package enrich

import (
	"math"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pemistahl/lingua-go"

	"earshot/enrich/model/language"
	"earshot/pipeline"
)

// linguaReference is lingua-go itself, which the tables are measured against.
type linguaReference struct {
	detector lingua.LanguageDetector
}

func newLinguaReference(c LanguageConfig) *linguaReference {
	builder := lingua.NewLanguageDetectorBuilder()
	if len(c.Languages) == 0 {
		return &linguaReference{builder.FromAllLanguages().Build()}
	}
	var codes []lingua.IsoCode639_1
	for _, name := range c.distinct() {
		codes = append(codes, isoCode(name))
	}
	return &linguaReference{builder.FromIsoCodes639_1(codes...).WithPreloadedLanguageModels().Build()}
}

func isoCode(name string) lingua.IsoCode639_1 {
	if strings.ToLower(name) != name {
		return lingua.UnknownIsoCode639_1
	}
	return lingua.GetIsoCode639_1FromValue(name)
}

func (l *linguaReference) detect(title, text string, minLetters int) pipeline.Language {
	und := pipeline.Language{Code: pipeline.Undetermined}
	words := ownWords(title, text)
	letters := countLetters(words)
	if letters == 0 {
		return und
	}
	values := l.detector.ComputeLanguageConfidenceValues(words)
	best, second := round(values[0].Value()), round(values[1].Value())
	if best == second || letters < minLetters && best < 1 { // lingua is sure where the script decides
		return und
	}
	return pipeline.Language{
		Code:       strings.ToLower(values[0].Language().IsoCode639_1().String()),
		Confidence: float32(best),
	}
}

// round keeps four digits: lingua adds probabilities in an order that changes from run
// to run, so the last bits do too, and results must not.
func round(p float64) float64 { return math.Round(p*1e4) / 1e4 }

// What says nothing of the writer's language.
var (
	addresses = regexp.MustCompile(`(?i)(?:https?://|www\.)\S*`)
	marks     = regexp.MustCompile(`[@＠][\pL\pN_.@-]+|[#＃]([\pL\pM\pN_]+)`) // the group holds a hashtag
)

// ownWords returns the beginning of a post without addresses, handles and, unless
// little else is left, hashtags.
func ownWords(title, text string) string {
	all := text
	if title != "" {
		all = title + "\n" + text
	}
	all = addresses.ReplaceAllString(cut(all, language.MaxBytes), " ")
	words := marks.ReplaceAllString(all, " ")
	if countLetters(words) < language.FewLetters {
		words = marks.ReplaceAllString(all, " $1 ")
	}
	return words
}

// cut returns at most n bytes of s without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func countLetters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}
