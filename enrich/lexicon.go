package enrich

import (
	"earshot/enrich/model"
	"earshot/pipeline"
	"earshot/pipeline/query"
)

// lexicon is model.Lexicon, folded as posts are; immutable.
type lexicon struct {
	symbols map[string]int8 // emoji, in any language
	lists   map[string]*wordList
}

// wordList is the lexicon of one language. Keys are folded tokens joined by spaces.
type wordList struct {
	scores         map[string]int8
	longest        int // tokens of the longest key of scores
	negators       map[string]bool
	longestNegator int
	after          bool // negators follow what they negate
}

// maxEntryTokens bounds an entry; what is longer was made by translation and is rare.
const maxEntryTokens = 6

func newLexicon(tokens *query.Tokenizer) (*lexicon, error) {
	entries, err := model.Lexicon()
	if err != nil {
		return nil, err
	}
	negations, err := model.Negations()
	if err != nil {
		return nil, err
	}
	lex := &lexicon{symbols: map[string]int8{}, lists: map[string]*wordList{}}
	for _, e := range entries {
		key, n := foldEntry(tokens, e.Text)
		switch {
		case n == 0 || n > maxEntryTokens:
		case e.Language == model.AnyLanguage:
			lex.symbols[key] = int8(e.Score)
		default:
			lex.enter(e.Language).add(key, n, int8(e.Score))
		}
	}
	for language, negation := range negations {
		list := lex.enter(language)
		list.after = negation.After
		for _, word := range negation.Words {
			key, n := foldEntry(tokens, word)
			list.negators[key] = true
			list.longestNegator = max(list.longestNegator, n)
			delete(list.scores, key) // it turns others round and has no score of its own
		}
	}
	return lex, nil
}

func (l *lexicon) enter(language string) *wordList {
	list := l.lists[language]
	if list == nil {
		list = &wordList{scores: map[string]int8{}, negators: map[string]bool{}}
		l.lists[language] = list
	}
	return list
}

// list returns the words of a language, or nil. A text too short to tell its language
// is read as English, the language of most of them.
func (l *lexicon) list(language string) *wordList {
	if language == pipeline.Undetermined || language == "" {
		language = "en"
	}
	return l.lists[language]
}

// add enters a word. Of two that fold to the same key the weaker score counts, and none
// if they contradict each other.
func (w *wordList) add(key string, tokens int, score int8) {
	if old, ok := w.scores[key]; ok {
		switch {
		case old*score < 0:
			score = 0
		case max(old, -old) < max(score, -score):
			score = old
		}
	}
	w.scores[key] = score
	w.longest = max(w.longest, tokens)
}

// foldEntry returns an entry's folded tokens joined by spaces, and their number.
func foldEntry(tokens *query.Tokenizer, text string) (string, int) {
	var key []byte
	n := 0
	for tokens.Reset(text); tokens.Next(); n++ {
		if n > 0 {
			key = append(key, ' ')
		}
		key = append(key, tokens.Folded()...)
	}
	return string(key), n
}
