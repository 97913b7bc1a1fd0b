package simulate

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed texts/*.txt
var texts embed.FS

// words are the templates of one language: by category, then by polarity.
type words struct {
	lines map[string]*[3][]template
	open  []string
	close []string
	names []string

	// The categories that every post looks up, kept apart from the map.
	chatter, opinion, reply *[3][]template
}

// template is a text with slots: literal, slot, literal, slot … literal.
type template struct {
	polarity int8 // -1, 0, 1
	aspect   string
	literals []string
	slots    []byte
	tags     []string // literal hashtags, without #
}

// The slots: {b} brand, {r} its rival, {p} a product, {t} its hashtag, {h} its handle,
// {w} the common word that is also a brand, {c} a city, {n} a number, {e} an emoji.
const slotLetters = "brpthwcne"

// categories of templates that each language must have.
func categories() []string {
	return []string{
		"chatter", "opinion", "question", "purchase", "compare", "recommend", "churn", "news",
		"reply", "rumour", "burst", "greeting", "edit", "title",
	}
}

// loadWords reads texts/LANG.txt: sections in brackets; in those of templates a line is
// a sign (+, - or =), an aspect if there is one, a blank, and the text.
func loadWords(lang string) (*words, error) {
	data, err := texts.ReadFile("texts/" + lang + ".txt")
	if err != nil {
		return nil, fmt.Errorf("simulate: language %s: %w", lang, err)
	}
	return parseWords(lang, string(data))
}

func parseWords(lang, data string) (*words, error) {
	w := &words{lines: map[string]*[3][]template{}}
	section := ""
	for i, line := range strings.Split(data, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = line[1 : len(line)-1]
		case section == "open":
			w.open = append(w.open, line)
		case section == "close":
			w.close = append(w.close, line)
		case section == "names":
			w.names = append(w.names, line)
		default:
			t, err := parseTemplate(line)
			if err != nil {
				return nil, fmt.Errorf("simulate: texts/%s.txt, line %d: %w", lang, i+1, err)
			}
			if w.lines[section] == nil {
				w.lines[section] = &[3][]template{}
			}
			byPolarity := w.lines[section]
			byPolarity[t.polarity+1] = append(byPolarity[t.polarity+1], t)
		}
	}
	for _, c := range categories() {
		if w.lines[c] == nil {
			return nil, fmt.Errorf("simulate: texts/%s.txt: no templates in section [%s]", lang, c)
		}
	}
	if len(w.open) == 0 || len(w.close) == 0 || len(w.names) == 0 {
		return nil, fmt.Errorf("simulate: texts/%s.txt: section [open], [close] or [names] is empty", lang)
	}
	w.chatter, w.opinion, w.reply = w.lines["chatter"], w.lines["opinion"], w.lines["reply"]
	return w, nil
}

func parseTemplate(line string) (template, error) {
	head, text, ok := strings.Cut(line, " ")
	sign := strings.IndexByte("-=+", head[0])
	if !ok || sign < 0 || text == "" {
		return template{}, fmt.Errorf("want a sign, perhaps an aspect, a blank and a text, have %q", line)
	}
	t := template{polarity: int8(sign - 1), aspect: head[1:]}
	for {
		begin := strings.IndexByte(text, '{')
		if begin < 0 {
			break
		}
		if begin+2 >= len(text) || text[begin+2] != '}' || strings.IndexByte(slotLetters, text[begin+1]) < 0 {
			return template{}, fmt.Errorf("unknown slot in %q", line)
		}
		t.literals = append(t.literals, text[:begin])
		t.slots = append(t.slots, text[begin+1])
		text = text[begin+3:]
	}
	t.literals = append(t.literals, text)
	for _, literal := range t.literals {
		for word := range strings.FieldsSeq(literal) {
			if len(word) > 1 && word[0] == '#' {
				t.tags = append(t.tags, strings.TrimRight(word[1:], ".,!?"))
			}
		}
	}
	return t, nil
}

// pick draws a template of a polarity; where the category has none, of another.
func pick(lines *[3][]template, polarity int8, r *rng) *template {
	of := lines[polarity+1]
	for i := 0; len(of) == 0; i++ {
		of = lines[(int(polarity)+2+i)%3]
	}
	return &of[r.below(len(of))]
}

// forms are the spellings of a brand, ready to be put into texts.
type forms struct {
	name, lower, handle, tag string
	products                 []string
	native                   map[string]string
}

func newForms(b Brand) forms {
	return forms{
		name: b.Name, lower: strings.ToLower(b.Name), handle: "@" + b.Handle, tag: "#" + b.Hashtag,
		products: b.Products, native: b.Native,
	}
}
