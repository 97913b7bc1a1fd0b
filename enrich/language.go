package enrich

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pemistahl/lingua-go"

	"earshot/pipeline"
)

// LanguageEngine is the way in which languages are told apart.
type LanguageEngine string

// The engines.
const (
	LanguageLingua LanguageEngine = "lingua" // n-gram statistics of lingua-go
	LanguageNone   LanguageEngine = "none"   // leaves every post undetermined
)

// LanguageConfig says which languages are expected, and how they are told apart.
type LanguageConfig struct {
	Engine     LanguageEngine `yaml:"engine" doc:"lingua, or none to leave every post undetermined" enum:"lingua,none"`
	Languages  []string       `yaml:"languages" doc:"ISO 639-1 codes of the languages to tell apart, at least two; fewer are faster, smaller and surer"`
	MinLetters int            `yaml:"min_letters" doc:"texts with fewer letters stay undetermined unless their script decides"`
}

// DefaultLanguageConfig tells the twenty languages apart in which most public posts are
// written.
func DefaultLanguageConfig() LanguageConfig {
	return LanguageConfig{
		Engine: LanguageLingua,
		Languages: []string{"ar", "de", "en", "es", "fa", "fr", "hi", "id", "it", "ja",
			"ko", "nl", "pl", "pt", "ru", "sv", "th", "tr", "vi", "zh"},
		MinLetters: 10,
	}
}

// Validate reports all mistakes, each with its key first.
func (c LanguageConfig) Validate() error {
	var all []error
	switch c.Engine {
	case LanguageNone:
		return nil
	case LanguageLingua:
	default:
		all = append(all, fmt.Errorf("engine: %q is unknown; use lingua or none", c.Engine))
	}
	if c.MinLetters < 0 {
		all = append(all, fmt.Errorf("min_letters: %d is negative; 0 is no limit", c.MinLetters))
	}
	if len(c.codes()) < 2 {
		all = append(all, errors.New("languages: fewer than two are named; name two, or use engine none"))
	}
	for i, name := range c.Languages {
		if isoCode(name) == lingua.UnknownIsoCode639_1 {
			all = append(all, fmt.Errorf("languages[%d]: %q is not a language that can be told; use ISO 639-1 codes such as en, de, zh", i, name))
		}
	}
	return errors.Join(all...)
}

// codes returns the languages as lingua names them, sorted.
func (c LanguageConfig) codes() []lingua.IsoCode639_1 {
	codes := make([]lingua.IsoCode639_1, 0, len(c.Languages))
	for _, name := range c.Languages {
		codes = append(codes, isoCode(name))
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func isoCode(name string) lingua.IsoCode639_1 {
	if strings.ToLower(name) != name {
		return lingua.UnknownIsoCode639_1
	}
	return lingua.GetIsoCode639_1FromValue(name)
}

// MaxLanguageBytes bounds how much of a post is read to find its language: more tells no more.
const MaxLanguageBytes = 1000

// Language finds the language of every post.
type Language struct {
	detector   lingua.LanguageDetector // nil: engine none
	minLetters int
	version    string
}

// NewLanguage loads the statistics of all configured languages, which takes seconds and
// some 15 MB a language.
func NewLanguage(c LanguageConfig) (*Language, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("enrich: language: %w", err)
	}
	if c.Engine == LanguageNone {
		return &Language{version: "language=none"}, nil
	}
	codes := c.codes()
	sum := sha256.Sum256(fmt.Append(nil, codes, c.MinLetters))
	return &Language{
		detector:   lingua.NewLanguageDetectorBuilder().FromIsoCodes639_1(codes...).WithPreloadedLanguageModels().Build(),
		minLetters: c.MinLetters,
		version:    "language=lingua-1.4.0-" + hex.EncodeToString(sum[:4]),
	}, nil
}

// Version changes with the engine and its configuration.
func (l *Language) Version() string { return l.version }

// Enrich sets the record's language. The confidence is lingua's own share of
// probability, which is not calibrated.
func (l *Language) Enrich(r *pipeline.Record) error {
	r.Language = l.detect(r.Post.Title, r.Post.Text)
	return nil
}

func (l *Language) detect(title, text string) pipeline.Language {
	und := pipeline.Language{Code: pipeline.Undetermined}
	if l.detector == nil {
		return und
	}
	words := ownWords(title, text)
	letters := countLetters(words)
	if letters == 0 {
		return und
	}
	values := l.detector.ComputeLanguageConfidenceValues(words)
	best, second := round(values[0].Value()), round(values[1].Value())
	if best == second || letters < l.minLetters && best < 1 { // lingua is sure where the script decides
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

// fewLetters is the length below which hashtags are read too (measured: they mislead
// in longer texts and help in shorter ones).
const fewLetters = 12

// ownWords returns the beginning of a post without addresses, handles and, unless
// little else is left, hashtags.
func ownWords(title, text string) string {
	all := text
	if title != "" {
		all = title + "\n" + text
	}
	all = addresses.ReplaceAllString(cut(all, MaxLanguageBytes), " ")
	words := marks.ReplaceAllString(all, " ")
	if countLetters(words) < fewLetters {
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
