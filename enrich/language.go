package enrich

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pemistahl/lingua-go"

	"earshot/enrich/model/language"
	"earshot/pipeline"
)

// LanguageEngine is the way in which languages are told apart.
type LanguageEngine string

// The engines.
const (
	LanguageTable  LanguageEngine = "table"  // tables derived from the statistics of lingua-go
	LanguageLingua LanguageEngine = "lingua" // lingua-go itself: the reference, some 500 times slower
	LanguageNone   LanguageEngine = "none"   // leaves every post undetermined
)

// LanguageConfig says which languages are expected, and how they are told apart.
type LanguageConfig struct {
	Engine     LanguageEngine `yaml:"engine" doc:"table, lingua (the slow reference), or none to leave every post undetermined" enum:"table,lingua,none"`
	Languages  []string       `yaml:"languages" doc:"ISO 639-1 codes of the languages to tell apart, at least two; none named are all that the engine knows; fewer are surer"`
	MinLetters int            `yaml:"min_letters" doc:"texts with fewer letters stay undetermined unless their script decides, or the platform's claim agrees"`
}

// DefaultLanguageConfig tells all languages apart.
func DefaultLanguageConfig() LanguageConfig {
	return LanguageConfig{Engine: LanguageTable, MinLetters: 10}
}

// Validate reports all mistakes, each with its key first.
func (c LanguageConfig) Validate() error {
	var all []error
	switch c.Engine {
	case LanguageNone:
		return nil
	case LanguageTable, LanguageLingua:
	default:
		all = append(all, fmt.Errorf("engine: %q is unknown; use table, lingua or none", c.Engine))
	}
	if c.MinLetters < 0 {
		all = append(all, fmt.Errorf("min_letters: %d is negative; 0 is no limit", c.MinLetters))
	}
	if len(c.Languages) > 0 && len(c.distinct()) < 2 {
		all = append(all, errors.New("languages: fewer than two are named; name two, or none for all"))
	}
	known := language.Codes()
	for i, name := range c.Languages {
		if c.Engine == LanguageLingua && isoCode(name) == lingua.UnknownIsoCode639_1 ||
			c.Engine != LanguageLingua && !slices.Contains(known, name) {
			all = append(all, fmt.Errorf("languages[%d]: %q is not a language that can be told; use ISO 639-1 codes such as en, de, zh", i, name))
		}
	}
	return errors.Join(all...)
}

// distinct are the named languages, sorted.
func (c LanguageConfig) distinct() []string {
	names := slices.Clone(c.Languages)
	slices.Sort(names)
	return slices.Compact(names)
}

// Language finds the language of every post.
type Language struct {
	tables     *language.Detector
	candidates *language.Candidates
	reference  *linguaReference
	minLetters int
	version    string
}

// NewLanguage loads the tables: a third of a second and 49 MB. lingua-go itself takes
// seconds and some 15 MB a language.
func NewLanguage(c LanguageConfig) (*Language, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("enrich: language: %w", err)
	}
	sum := sha256.Sum256(fmt.Append(nil, c.distinct(), c.MinLetters))
	settings := hex.EncodeToString(sum[:4])
	l := &Language{minLetters: c.MinLetters}
	switch c.Engine {
	case LanguageNone:
		l.version = "language=none"
	case LanguageLingua:
		l.reference = newLinguaReference(c)
		l.version = "language=lingua-1.4.0-" + settings
	default:
		tables, err := language.New()
		if err != nil {
			return nil, fmt.Errorf("enrich: language: %w", err)
		}
		l.tables, l.candidates = tables, tables.NewCandidates(c.Languages)
		l.version = "language=table-" + language.Version + "-" + settings
	}
	return l, nil
}

// Version changes with the engine, the tables and the configuration.
func (l *Language) Version() string { return l.version }

// Enrich sets the record's language. The platform's claim tips the scales where they are
// near level. The confidence of the tables is calibrated; that of lingua is its own share
// of probability, which is not.
func (l *Language) Enrich(r *pipeline.Record) error {
	r.Language = l.detect(r.Post.Title, r.Post.Text, r.Post.Lang)
	return nil
}

func (l *Language) detect(title, text, claim string) pipeline.Language {
	und := pipeline.Language{Code: pipeline.Undetermined}
	switch {
	case l.reference != nil:
		return l.reference.detect(title, text, l.minLetters)
	case l.tables == nil:
		return und
	}
	claim = primary(claim)
	a := l.tables.Detect(title, text, claim, l.candidates)
	if a.Code == "" || a.Letters < l.minLetters && !a.ByRule && a.Code != claim {
		return und
	}
	return pipeline.Language{Code: a.Code, Confidence: float32(a.Confidence) / 1000}
}

// primary is the language of a tag such as en-US.
func primary(tag string) string {
	if at := strings.IndexAny(tag, "-_"); at >= 0 {
		tag = tag[:at]
	}
	if tag == "no" {
		return "nb"
	}
	return tag
}
