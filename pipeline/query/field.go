package query

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// condition is what a field must hold.
type condition struct {
	field   string
	value   string // folded; of links, site and url in lower case
	prefix  bool   // the value ended in *
	words   term   // of authorname, region and city
	compare string // of numbers: < <= > >= =
	number  float64
}

func (c *condition) canonical() string {
	switch {
	case c.compare != "":
		return c.field + ":" + c.compare + strconv.FormatFloat(c.number, 'g', -1, 64)
	case c.words != nil:
		return c.field + `:"` + c.words.body() + `"`
	case c.prefix:
		return c.field + `:"` + c.value + `*"`
	default:
		return c.field + `:"` + c.value + `"`
	}
}

// The fields by the way they are compared.
var (
	textFields   = []string{"title", "hashtag", "mentions", "raw"}
	exactFields  = []string{"author", "platform", "source", "kind", "lang", "country"}
	wordFields   = []string{"authorname", "region", "city"}
	linkFields   = []string{"links", "site", "url"}
	numberFields = []string{"followers", "following", "likes", "reposts", "replies", "quotes", "views", "rating", "context"}
	flagFields   = []string{"verified", "bot"}
	laterFields  = []string{"sentiment", "aspect", "intent", "emotion"}
)

// knownField refuses names that are no field of a brand's query.
func (p *parser) knownField(name lexeme) error {
	all := slices.Concat(textFields, exactFields, wordFields, linkFields, numberFields, flagFields)
	switch {
	case slices.Contains(all, name.text):
		return nil
	case slices.Contains(laterFields, name.text):
		return errorAt(p.source, name.at, name.text+": is known only after a mention was found and labelled", "a field of the post",
			"use it in segments, alerts and categories")
	case name.text == "categories" || name.text == "channels":
		return errorAt(p.source, name.at, name.text+": belongs to the brand, not to its query", "a field of the post",
			"write it beside `query:` in the configuration")
	}
	mend := fmt.Sprintf("to find the words, quote them: %q", p.source[name.at:name.end]+"…")
	for _, known := range all {
		if near(name.text, known) {
			mend = "did you mean " + known + ":?"
		}
	}
	return errorAt(p.source, name.at, fmt.Sprintf("unknown field %q", name.text), "one of "+strings.Join(all, ", "), mend)
}

// near reports whether one letter more, less or other makes a of b.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i, j := 0, 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	for j < len(a)-i && a[len(a)-1-j] == b[len(b)-1-j] {
		j++
	}
	return len(b)-i-j <= 1 && len(a) > 2
}

// condition reads the value of a field.
func (p *parser) condition() (*condition, error) {
	if p.look.kind == lexExact || p.look.slop > 0 {
		return nil, p.errorHere("this is no value of a field", "a word or a \"phrase\"", "")
	}
	text := strings.TrimSpace(p.look.text)
	c := &condition{field: p.field}
	switch {
	case slices.Contains(numberFields, p.field):
		return c, p.number(c, plain(text))
	case slices.Contains(flagFields, p.field):
		c.value = strings.ToLower(plain(text))
		if c.value != "true" && c.value != "false" {
			return nil, p.errorHere(fmt.Sprintf("%q is no flag", text), "true or false", "")
		}
		return c, nil
	case slices.Contains(wordFields, p.field):
		c.words = steps(p.scan, text, false, false)
		if len(c.words) == 0 {
			return nil, p.errorHere("there is nothing to look for in this value", "letters or digits", "")
		}
		return c, nil
	}
	if cut, ok := strings.CutSuffix(plain(text), "*"); ok {
		c.prefix, text = true, cut
	}
	switch {
	case p.field == "url":
		c.value = strings.ToLower(text) // any part of an address, slashes and all
	case slices.Contains(linkFields, p.field):
		c.value = address(text)
	case p.field == "author":
		c.value = string(p.scan.fold.append(nil, strings.TrimPrefix(text, "@")))
	default:
		c.value = string(p.scan.fold.append(nil, text))
	}
	if c.value == "" || c.prefix && len(c.value) < 2 || strings.ContainsAny(c.value, "*") {
		return nil, p.errorHere("there is nothing to look for in this value", "a value", "")
	}
	return c, nil
}

func (p *parser) number(c *condition, text string) error {
	c.compare = "="
	for _, compare := range []string{">=", "<=", ">", "<", "="} {
		if rest, ok := strings.CutPrefix(text, compare); ok {
			c.compare, text = compare, rest
			break
		}
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		return p.errorHere(fmt.Sprintf("%q is not a number", text), "a number, as in followers:>1000", "")
	}
	c.number = number
	return nil
}

// address drops what says nothing of an address: scheme, www and the last slash.
func address(text string) string {
	text = strings.ToLower(text)
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "www."), "/")
}
