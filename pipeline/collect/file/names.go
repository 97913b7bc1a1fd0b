package file

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// names makes codes of the English names of countries and languages. The tables are those
// of the Unicode CLDR, as golang.org/x/text has them.
type names struct {
	countries, languages map[string]string // nil until the first name comes; most tools write codes
}

// load fills the tables.
func (n *names) load() {
	if n.countries != nil {
		return
	}
	n.languages = map[string]string{}
	n.countries = map[string]string{"united states of america": "US", "usa": "US", "uk": "GB", "great britain": "GB", "hong kong": "HK",
		"macau": "MO", "myanmar": "MM", "czech republic": "CZ", "türkiye": "TR", "ivory coast": "CI", "palestine": "PS"}
	regions, languages := display.English.Regions(), display.English.Languages()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if r, err := language.ParseRegion(code); err == nil && r.IsCountry() && r.Canonicalize() == r && r.String() == code {
				n.countries[strings.ToLower(regions.Name(r))] = code
			}
			if l, err := language.ParseBase(strings.ToLower(code)); err == nil && l.String() == strings.ToLower(code) {
				n.languages[strings.ToLower(languages.Name(l))] = l.String()
			}
		}
	}
	delete(n.countries, "") // codes without a name
	delete(n.languages, "")
}

// country is the ISO 3166-1 alpha-2 code of a country that is told by it, by the alpha-3
// code or by its English name; empty if it is none.
func (n *names) country(s string) string {
	if len(s) == 2 || len(s) == 3 {
		if r, err := language.ParseRegion(s); err == nil && r.IsCountry() {
			return r.Canonicalize().String()
		}
	}
	if s == "" {
		return ""
	}
	n.load()
	return n.countries[strings.ToLower(s)]
}

// language is the BCP 47 tag of a language that is told by it or by its English name;
// empty if it is none.
func (n *names) language(s string) string {
	if tag, err := language.Parse(s); err == nil && tag != language.Und {
		return tag.String()
	}
	if s == "" {
		return ""
	}
	n.load()
	name, _, _ := strings.Cut(strings.ToLower(s), " (") // Chinese (Traditional)
	return n.languages[strings.TrimSpace(name)]
}
