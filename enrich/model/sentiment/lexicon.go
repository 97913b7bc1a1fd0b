package sentiment

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"earshot/enrich/model"
)

// Lexicon is the lexicon of package model by hash; immutable.
type Lexicon struct {
	plain   [latinEnd]rune    // Latin letters as they count
	latin   map[uint64]bool   // languages with a list of their own in Latin letters
	slots   map[string]uint32 // where a language's own weights stand beside the shared ones
	entries []entry           // open addressing, a power of two
}

// entry is a place of the table: the upper half of a key and what is known of it. NewLexicon
// makes sure that no two entries are taken for each other.
type entry struct {
	key     uint32 // 0: free
	score   int8
	negator bool
}

const entryBits = 18

// languages have weights of their own in a block of 16 places around a character n-gram's
// shared weights. Those sixteen apart in the list share a place, so related languages
// and languages of one script stand near each other.
const languages = "en de es fr it pt id ha ig yo sw pcm vi ro sv zh th ko ar fa hi ru uk am ti af jv mr om rw so su ts tt tw vmw xh zu"

// find returns what is known of a key.
func (l *Lexicon) find(key uint64) (score int8, negator bool) {
	high := uint32(key>>32) | 1
	for at := uint32(key); ; at++ {
		e := &l.entries[at&(1<<entryBits-1)]
		if e.key == high || e.key == 0 {
			return e.score, e.negator
		}
	}
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
	l := &Lexicon{plain: plainLatin(), latin: map[uint64]bool{}, slots: map[string]uint32{}}
	for i, language := range strings.Fields(languages) {
		l.slots[language] = uint32(i%15 + 1)
	}
	known := make(map[uint64]entry, len(entries))
	x := NewExtractor(l, minBits)
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
		addScore(known, key, int8(e.Score))
	}
	for language, negation := range negations {
		for _, word := range negation.Words {
			x.tokenize(word)
			if len(x.tokens) != 1 || x.tokens[0].kind != kindWord {
				continue
			}
			key := mix(hashString(seedLanguage, language), x.tokens[0].hash)
			known[key] = entry{negator: true}
		}
	}
	l.entries = place(known)
	for key, e := range known {
		if score, negator := l.find(key); score != e.score || negator != e.negator {
			return nil, fmt.Errorf("sentiment: lexicon: key %x collides with another", key)
		}
	}
	return l, nil
}

// place puts the entries into a table, always in the same order.
func place(known map[uint64]entry) []entry {
	table := make([]entry, 1<<entryBits)
	for _, key := range slices.Sorted(maps.Keys(known)) {
		e := known[key]
		e.key = uint32(key>>32) | 1
		at := uint32(key)
		for table[at&(1<<entryBits-1)].key != 0 {
			at++
		}
		table[at&(1<<entryBits-1)] = e
	}
	return table
}

// addScore keeps the weaker of two scores of one key, and none if they contradict each other.
func addScore(known map[uint64]entry, key uint64, score int8) {
	if old, ok := known[key]; ok {
		switch {
		case old.score*score < 0:
			score = 0
		case max(old.score, -old.score) < max(score, -score):
			score = old.score
		}
	}
	known[key] = entry{score: score}
}
