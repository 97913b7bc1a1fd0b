package model

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

//go:generate go run ./lexgen lexicon.tsv.gz

//go:embed lexicon.tsv.gz
var lexicon []byte

//go:embed emoji.tsv
var emoji string

//go:embed negators.tsv
var negators string

// LexiconVersion changes when the lexicon, the emoji or the negators do.
const LexiconVersion = "2"

// AnyLanguage is the language of entries that count in every language: emoji.
const AnyLanguage = "*"

// Entry is a word, phrase or emoji with its score.
type Entry struct {
	Language string // ISO 639-1, or AnyLanguage
	Text     string // lower case
	Score    int    // -5 (worst) to 5 (best), AFINN's scale; never 0
}

// Lexicon unpacks the sentiment lexicon: the words of each language, and emoji.
func Lexicon() ([]Entry, error) {
	zip, err := gzip.NewReader(bytes.NewReader(lexicon))
	if err != nil {
		return nil, fmt.Errorf("model: lexicon: %w", err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		return nil, fmt.Errorf("model: lexicon: %w", err)
	}
	var entries []Entry
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) < 3 {
			return nil, fmt.Errorf("model: lexicon: broken line %q", fields)
		}
		score, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("model: lexicon: %w", err)
		}
		for _, word := range fields[2:] {
			entries = append(entries, Entry{Language: fields[0], Text: word, Score: score})
		}
	}
	symbols, err := emojis()
	return append(entries, symbols...), err
}

// emojis returns our own table of emoji.
func emojis() ([]Entry, error) {
	var entries []Entry
	for line := range strings.Lines(emoji) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		score, symbols, _ := strings.Cut(line, "\t")
		n, err := strconv.Atoi(score)
		if err != nil {
			return nil, fmt.Errorf("model: emoji: %w", err)
		}
		for symbol := range strings.FieldsSeq(symbols) {
			entries = append(entries, Entry{Language: AnyLanguage, Text: symbol, Score: n})
		}
	}
	return entries, nil
}

// Negation is how a language turns the meaning of a word round.
type Negation struct {
	Words []string
	After bool // the negator follows what it negates, as in Turkish or Japanese
}

// Negations returns the negators of each language.
func Negations() (map[string]Negation, error) {
	r := csv.NewReader(strings.NewReader(negators))
	r.Comma, r.Comment = '\t', '#'
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("model: negators: %w", err)
	}
	all := make(map[string]Negation, len(rows))
	for _, row := range rows {
		all[row[0]] = Negation{After: row[1] == "after", Words: strings.Fields(row[2])}
	}
	return all, nil
}
