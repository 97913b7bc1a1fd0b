package measure

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"earshot/enrich/model/language"
)

// Kind is a sort of texts.
type Kind string

// The kinds: lingua-go's test data; the posts of sentiment/train.tsv and val.tsv; those of
// more/sentiment, of which some are in the wrong language, or in two.
const (
	Sentences Kind = "sentences"
	Pairs     Kind = "word pairs"
	Words     Kind = "single words"
	Posts     Kind = "posts"
	MorePosts Kind = "more posts"
)

// Text is one of a known language.
type Text struct {
	Kind  Kind
	Code  string
	Words string
}

// perFile bounds the rows that are taken of each file of more/sentiment.
const perFile = 3000

// file is a file of labelled texts.
type file struct {
	name         string
	kind         Kind
	code, column int // numbers of the columns
	most         int // rows to take; 0: all
}

// ReadTexts reads the labelled texts below the data directory, in a fixed order.
func ReadTexts(dir string) ([]Text, error) {
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		dir = filepath.Join(dir, "data") // the folder above may be named too
	}
	files := []file{
		{"language/sentences.tsv", Sentences, 0, 1, 0},
		{"language/word-pairs.tsv", Pairs, 0, 1, 0},
		{"language/single-words.tsv", Words, 0, 1, 0},
		{"sentiment/train.tsv", Posts, 1, 3, 0},
		{"sentiment/val.tsv", Posts, 1, 3, 0},
	}
	more, err := filepath.Glob(filepath.Join(dir, "more/sentiment/*.tsv"))
	if err != nil {
		return nil, fmt.Errorf("language: list the posts: %w", err)
	}
	slices.Sort(more)
	for _, path := range more {
		files = append(files, file{"more/sentiment/" + filepath.Base(path), MorePosts, 1, 3, perFile})
	}
	var out []Text
	for _, f := range files {
		texts, err := f.read(dir)
		if err != nil {
			return nil, err
		}
		out = append(out, texts...)
	}
	return out, nil
}

func (f file) read(dir string) (out []Text, err error) {
	content, err := os.ReadFile(filepath.Join(dir, f.name))
	if err != nil {
		return nil, fmt.Errorf("language: read the texts: %w", err)
	}
	for row := range strings.Lines(string(content)) {
		if f.most > 0 && len(out) == f.most {
			break
		}
		c := strings.SplitN(strings.TrimSuffix(row, "\n"), "\t", f.column+1)
		if len(c) <= f.column {
			return nil, fmt.Errorf("language: %s: line %d: %d columns, not %d", f.name, len(out)+1, len(c), f.column+1)
		}
		out = append(out, Text{f.kind, c[f.code], c[f.column]})
	}
	return out, nil
}

// HeldOut are the texts that the tables were not tuned on.
func HeldOut(all []Text) []Text { return only(all, language.HeldOut) }

// Training are the texts that the tables may be tuned on.
func Training(all []Text) []Text {
	return only(all, func(text string) bool { return !language.HeldOut(text) })
}

func only(all []Text, keep func(string) bool) (out []Text) {
	for _, t := range all {
		if keep(t.Words) {
			out = append(out, t)
		}
	}
	return out
}

// Known leaves the texts in languages that can be answered.
func Known(all []Text) (out []Text) {
	known := language.Codes()
	for _, t := range all {
		if slices.Contains(known, t.Code) {
			out = append(out, t)
		}
	}
	return out
}
