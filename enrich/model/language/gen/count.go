package main

import (
	"math"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"earshot/enrich/model/language"
	"earshot/enrich/model/language/measure"
)

// notWords are addresses, handles and entities of HTML.
var notWords = regexp.MustCompile(`(?i)(?:https?:|www\.)\S*|[@＠][\pL\pN_.@-]+|<[a-z]+>|&[a-z]+;`)

// seen is how often an n-gram has to stand in the posts to be believed.
const seen = 2

// count counts the n-grams of a language in posts, as lingua-go's statistics do: ln P(last
// letter | letters before), within words.
func count(texts []measure.Text, code string) (byOrder [language.MaxOrder + 1]map[string]float32) {
	var counts [language.MaxOrder + 1]map[string]float64
	for order := range counts {
		counts[order], byOrder[order] = map[string]float64{}, map[string]float32{}
	}
	for _, t := range texts {
		if t.Code != code {
			continue
		}
		words := strings.FieldsFunc(strings.ToLower(notWords.ReplaceAllString(t.Words, " ")), func(r rune) bool {
			return !unicode.Is(unicode.Latin, r)
		})
		for _, word := range words {
			countWord(&counts, word)
		}
	}
	for order := 1; order <= language.MaxOrder; order++ {
		for gram, n := range counts[order] {
			if order > 2 && n < seen {
				continue
			}
			_, last := utf8.DecodeLastRuneInString(gram)
			byOrder[order][gram] = float32(math.Log(n / counts[order-1][gram[:len(gram)-last]]))
		}
	}
	return byOrder
}

// countWord counts the n-grams of a word. An n-gram of no letters stands before every letter.
func countWord(counts *[language.MaxOrder + 1]map[string]float64, word string) {
	letters := []rune(word)
	for i := range letters {
		counts[0][""]++
		for n := 1; n <= language.MaxOrder && i+n <= len(letters); n++ {
			counts[n][string(letters[i:i+n])]++
		}
	}
}
