package sentiment

import (
	"fmt"
	"path/filepath"
	"strings"
)

// English files of other tasks whose labels tell the sentiment of the whole text.
const (
	emotionFiles = "en-brighter en-tweeteval"
	aspectFiles  = "en-hu-liu-products en-mams en-mams-terms en-semeval-hotels en-semeval-laptop-terms en-semeval-laptops en-semeval-restaurants"
)

// readOthers reads English texts that were labelled for emotions or for aspects. A text
// whose emotions or aspects contradict each other is left out.
func readOthers(dir string) (rows []Row, err error) {
	for name := range strings.FieldsSeq(emotionFiles) {
		more, err := readOther(filepath.Join(dir, "emotion", name+"-emotion.tsv"), "emotion-"+name, 4, emotion)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	for name := range strings.FieldsSeq(aspectFiles) {
		more, err := readOther(filepath.Join(dir, "aspect", name+".tsv"), "aspect-"+name, 6, aspect)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// feeling is what the labels of a text say: good, bad, both, neither; other: nothing known.
type feeling struct{ good, bad, other bool }

// readOther reads one file, one row a text; the label is the first column and the text the last.
func readOther(name, source string, columns int, read func(label string) feeling) ([]Row, error) {
	texts := map[string]feeling{}
	var order []string
	err := lines(name, func(line string) error {
		f := strings.SplitN(line, "\t", columns)
		if len(f) != columns {
			return fmt.Errorf("%d columns instead of %d", len(f), columns)
		}
		text := f[columns-1]
		all, known := texts[text]
		if !known {
			order = append(order, text)
		}
		one := read(f[0])
		texts[text] = feeling{all.good || one.good, all.bad || one.bad, all.other || one.other}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, text := range order {
		r := Row{Lang: "en", Source: source, Text: text}
		switch f := texts[text]; {
		case f.good && f.bad:
			continue
		case f.good:
			r.Label = Positive
		case f.bad:
			r.Label = Negative
		case f.other:
			continue
		default:
			r.Label = Neutral
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// emotion reads a set of emotions, divided by commas.
func emotion(label string) (f feeling) {
	for name := range strings.SplitSeq(label, ",") {
		switch name {
		case "joy", "optimism", "love":
			f.good = true
		case "anger", "disgust", "fear", "sadness":
			f.bad = true
		case "none":
		default:
			f.other = true // surprise is good or bad
		}
	}
	return f
}

// aspect reads the sentiment toward one aspect.
func aspect(label string) feeling {
	switch label {
	case "0":
		return feeling{bad: true}
	case "2":
		return feeling{good: true}
	case "3": // conflict
		return feeling{good: true, bad: true}
	}
	return feeling{}
}
