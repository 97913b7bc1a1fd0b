package app

import (
	"errors"
	"fmt"
	"strings"

	"earshot/pipeline/query"
)

// Brand is a name and what counts as a mention of it.
type Brand struct {
	Name        string          `yaml:"name" doc:"name, as boards show it"`
	Query       string          `yaml:"query" doc:"what counts as a mention, in the query language (docs/query.md)"`
	Exclusions  []string        `yaml:"exclusions" doc:"queries of which none may match"`
	Channels    []string        `yaml:"channels" doc:"owned handles and pages, as platform/name or name: posts there count without any word"`
	Categories  []BrandCategory `yaml:"categories" doc:"named sub-queries (products, campaigns, claims): a mention tells which of them matched too"`
	Competitors []string        `yaml:"competitors" doc:"names of the brands that it is compared with"`
	Market      string          `yaml:"market" doc:"market that it belongs to; share of voice is told within one"`
	Languages   []string        `yaml:"languages" doc:"languages (ISO 639-1) in which a mention counts, beside texts whose language cannot be told; empty: all"`
	Owner       string          `yaml:"owner" doc:"who answers for the query"`
	Context     ContextModel    `yaml:"context" json:",omitzero" doc:"file of a context model (earshot train context), which tells the brand from its namesakes: the query asks it by context:>0.7"`
}

// BrandCategory is a named sub-query.
type BrandCategory struct {
	Name  string `yaml:"name" doc:"name, as boards show it"`
	Query string `yaml:"query" doc:"what belongs to it, in the query language"`
}

// Compile reads the queries of the brand. The error joins all mistakes, each with the key
// at which it stands.
func (b Brand) Compile() (query.Brand, error) {
	out := query.Brand{Name: b.Name, Channels: b.Channels, Languages: b.Languages}
	var all []error
	if err := b.Context.apply(&out); err != nil {
		all = append(all, &brandError{key: "context", err: err})
	}
	read := func(key, source string) *query.Query {
		q, err := query.Parse(source)
		if err != nil {
			all = append(all, &brandError{key: key, err: err})
		}
		return q
	}
	if b.Query != "" || len(b.Channels) == 0 {
		out.Query = read("query", b.Query)
	}
	for i, source := range b.Exclusions {
		out.Exclusions = append(out.Exclusions, read(fmt.Sprintf("exclusions[%d]", i), source))
	}
	seen := map[string]bool{}
	for i, c := range b.Categories {
		key := fmt.Sprintf("categories[%d]", i)
		if strings.TrimSpace(c.Name) == "" || seen[c.Name] {
			all = append(all, &brandError{key: key + ".name", err: errors.New("is missing or stands twice")})
		}
		seen[c.Name] = true
		out.Categories = append(out.Categories, query.Category{Name: c.Name, Query: read(key+".query", c.Query)})
	}
	if err := errors.Join(all...); err != nil {
		return query.Brand{}, err
	}
	_, err := query.Compile([]query.Brand{out})
	if err != nil && b.Name != "" {
		return query.Brand{}, &brandError{key: "query", err: err}
	}
	return out, nil
}

// brandError is a mistake under a key of a brand.
type brandError struct {
	key string
	err error
}

func (e *brandError) Error() string { return e.key + ": " + e.err.Error() }
func (e *brandError) Unwrap() error { return e.err }

// brandErrors are the mistakes of a joined error.
func brandErrors(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return []error{err}
}
