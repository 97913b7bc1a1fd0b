package sentiment

import (
	"fmt"
	"strings"

	"earshot/enrich/model"
)

// Lexicon is the lexicon of package model by hash; immutable.
type Lexicon struct {
	scores   map[uint64]int8
	negators map[uint64]bool
	latin    map[uint64]bool // languages with a list of their own in Latin letters
}

// NewLexicon folds the entries as texts are folded. Entries of several words are left out.
func NewLexicon() (*Lexicon, error) {
	entries, err := model.Lexicon()
	if err != nil {
		return nil, fmt.Errorf("sentiment: %w", err)
	}
	negations, err := model.Negations()
	if err != nil {
		return nil, fmt.Errorf("sentiment: %w", err)
	}
	l := &Lexicon{scores: make(map[uint64]int8, len(entries)), negators: map[uint64]bool{}, latin: map[uint64]bool{}}
	x := NewExtractor(l, 1)
	for _, e := range entries {
		x.tokenize(e.Text)
		if len(x.tokens) != 1 {
			continue
		}
		t := x.tokens[0]
		key := t.hash
		if t.kind == kindDense {
			key = hashRunes(seedWord, x.text[t.begin:t.end])
		}
		if e.Language != model.AnyLanguage {
			language := hashString(seedLanguage, e.Language)
			key = mix(language, key)
			if first := x.text[t.begin]; first >= 'a' && first <= 'z' && !strings.Contains("ar el fa hi ja ko ru th uk zh", e.Language) {
				l.latin[language] = true
			}
		}
		l.add(key, int8(e.Score))
	}
	for language, negation := range negations {
		for _, word := range negation.Words {
			x.tokenize(word)
			if len(x.tokens) != 1 || x.tokens[0].kind != kindWord {
				continue
			}
			key := mix(hashString(seedLanguage, language), x.tokens[0].hash)
			l.negators[key] = true
			delete(l.scores, key)
		}
	}
	return l, nil
}

// add keeps the weaker of two scores of one key, and none if they contradict each other.
func (l *Lexicon) add(key uint64, score int8) {
	if old, ok := l.scores[key]; ok {
		switch {
		case old*score < 0:
			score = 0
		case max(old, -old) < max(score, -score):
			score = old
		}
	}
	l.scores[key] = score
}
