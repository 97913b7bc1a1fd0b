package sentiment

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds that keep the time for one text small.
const (
	maxBytes   = 8 << 10 // of a text; what follows is not read
	maxTokens  = 1024
	maxWord    = 40 // characters of a word of which n-grams are taken
	negScope   = 3  // words after a negator that are turned round
	longestSub = 4  // characters of an entry of the lexicon in a script without spaces
)

// Groups of features, each with a scale of its own.
const (
	groupWords = iota // words and pairs of words
	groupChars        // character n-grams
	groupMarks        // what the lexicon, emoji, elongation and shouting say
	groups
)

// Features are places in the table of weights, by group.
type Features [groups][]uint32

// kind is what a token is.
type kind uint8

const (
	kindWord  kind = iota
	kindDense      // a run of a script without spaces
	kindSign       // punctuation, emoticon, emoji
	kindFixed      // a link or a handle: its text says nothing
)

// token is a stretch of Extractor.text.
type token struct {
	begin, end int
	hash       uint64
	kind       kind
	score      int8 // by the lexicon
	negator    bool
}

// Extractor turns texts into features. It holds buffers: one goroutine each.
type Extractor struct {
	Features
	lex    *Lexicon
	shift  uint // 64 - bits of the table
	text   []rune
	tokens []token
	long   int // elongated words
	shout  int // words in capitals
	tags   int // hashtags
	slot   uint32
}

// NewExtractor makes one for a table of 2^bits weights a class.
func NewExtractor(lex *Lexicon, bits int) *Extractor {
	return &Extractor{lex: lex, shift: uint(64 - bits)}
}

// mix adds a value to a hash (multiplication by the golden ratio, folded).
func mix(h, v uint64) uint64 {
	h = (h ^ v) * 0x9E3779B97F4A7C15
	return h ^ h>>29
}

// Seeds keep the kinds of features apart.
const (
	seedWord uint64 = 0x51ed270b + iota
	seedPair
	seedNegated
	seedChar
	seedMark
	seedLanguage
	seedSource
	seedSkip
	seedScore
)

// spread makes all bits of a hash count in its upper ones.
const spread = 0xD6E8FEB86659FD93

func (x *Extractor) add(group int, h uint64) {
	x.Features[group] = append(x.Features[group], uint32(h*spread>>x.shift))
}

// Extract reads a text in a language (ISO 639). The features are valid until the next call.
func (x *Extractor) Extract(lang, text string) *Features {
	for g := range x.Features {
		x.Features[g] = x.Features[g][:0]
	}
	if len(text) > maxBytes {
		cut := maxBytes
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	if !ascii(text) && !norm.NFKC.IsNormalString(text) {
		text = norm.NFKC.String(text)
	}
	if lang == "" || lang == "und" {
		lang = "en" // most of what is too short to tell
	}
	language := hashString(seedLanguage, lang)
	x.slot = x.lex.slots[lang]
	x.tokenize(text)
	x.look(language)
	x.words()
	x.chars()
	x.marks(language)
	return &x.Features
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func hashString(h uint64, s string) uint64 {
	for _, r := range s {
		h = mix(h, uint64(r))
	}
	return h
}

func hashRunes(h uint64, s []rune) uint64 {
	for _, r := range s {
		h = mix(h, uint64(r))
	}
	return h
}

// words adds words, pairs, pairs with a gap of one, and words in the scope of a negator.
func (x *Extractor) words() {
	negated := 0
	before, beforeThat := seedPair, seedPair
	for i := range x.tokens {
		t := &x.tokens[i]
		if t.kind == kindDense {
			before, beforeThat = seedPair, seedPair
			continue
		}
		x.add(groupWords, mix(seedWord, t.hash))
		x.add(groupWords, mix(mix(seedPair, before), t.hash))
		if beforeThat != seedPair {
			x.add(groupWords, mix(mix(seedSkip, beforeThat), t.hash))
		}
		beforeThat, before = before, t.hash
		switch {
		case t.negator:
			negated = negScope
		case t.kind == kindSign:
			negated = 0
		case negated > 0:
			negated--
			x.add(groupWords, mix(seedNegated, t.hash))
		}
	}
}

// chars adds n-grams of 2 to 5 characters of each word, its ends marked, and of 1 to 4
// characters where a script has no spaces. Each counts twice: in all languages, and, at a
// place in the same line of the processor's cache, in the language of the text.
func (x *Extractor) chars() {
	for i := range x.tokens {
		t := &x.tokens[i]
		switch t.kind {
		case kindDense:
			x.grams(x.text[t.begin:t.end], 1, 4)
		case kindWord:
			// Words stand in text between two spaces, which mark their ends.
			end := min(t.end+1, t.begin+maxWord)
			x.grams(x.text[t.begin-1:end], 2, 5)
		}
	}
}

func (x *Extractor) grams(s []rune, shortest, longest int) {
	for i := range s {
		h := seedChar
		for n := 0; n < longest && i+n < len(s); n++ {
			h = mix(h, uint64(s[i+n]))
			if n+1 >= shortest {
				at := uint32(h * spread >> x.shift)
				x.Features[groupChars] = append(x.Features[groupChars], at)
				if x.slot != 0 {
					x.Features[groupChars] = append(x.Features[groupChars], at^x.slot)
				}
			}
		}
	}
}

// english is the language that others borrow words from.
var english = hashString(seedLanguage, "en")

// look asks the lexicon about each token. Languages that have no list, or none in Latin
// letters, borrow the English one: their posts mix in English words.
func (x *Extractor) look(language uint64) {
	borrow := !x.lex.latin[language]
	for i := range x.tokens {
		t := &x.tokens[i]
		switch t.kind {
		case kindWord:
			t.score, t.negator = x.lex.find(mix(language, t.hash))
			if t.score == 0 && borrow && !t.negator {
				t.score, t.negator = x.lex.find(mix(english, t.hash))
			}
		case kindSign:
			t.score, _ = x.lex.find(t.hash)
		case kindDense:
			t.score = x.dense(language, x.text[t.begin:t.end])
		}
	}
}

// dense adds up the longest entries of the lexicon in a run without spaces.
func (x *Extractor) dense(language uint64, s []rune) int8 {
	sum := 0
	for i := 0; i < len(s); {
		step := 1
		score := int8(0)
		h := seedWord
		for n := 0; n < longestSub && i+n < len(s); n++ {
			h = mix(h, uint64(s[i+n]))
			if found, _ := x.lex.find(mix(language, h)); found != 0 {
				score, step = found, n+1
			}
		}
		sum += int(score)
		i += step
	}
	return int8(max(-10, min(10, sum)))
}

// marks adds what does not depend on the words of one language.
func (x *Extractor) marks(language uint64) {
	positive, negative, emoji, last := 0, 0, 0, 0
	exclaim, question, negators, negated := 0, 0, 0, 0
	for i := range x.tokens {
		t := &x.tokens[i]
		score := int(t.score)
		if t.negator {
			negators++
			negated = negScope + 1
		}
		if score != 0 {
			h := mix(mix(seedScore, uint64(score+100)), uint64(min(1, max(0, negated-1))))
			x.add(groupMarks, h)
			x.add(groupMarks, mix(h, language))
		}
		if t.kind == kindSign {
			emoji += score
			switch x.text[t.begin] {
			case '!', '！':
				exclaim++
			case '?', '？', '؟':
				question++
			}
			if score == 0 {
				negated = 0
			}
		}
		if negated > 0 {
			negated--
			score = -score
		}
		if score > 0 {
			positive += score
			last = 1
		} else if score < 0 {
			negative -= score
			last = -1
		}
	}
	values := [...]int{
		bucket(positive), bucket(negative), sign(positive-negative) * bucket(abs(positive-negative)),
		sign(emoji) * bucket(abs(emoji)), last, min(exclaim, 3), min(question, 3), min(negators, 3),
		min(x.long, 2), bucket(x.shout), bucket(len(x.tokens)), bucket(positive)*16 + bucket(negative),
		sign(positive-negative)*4 + last*16 + min(negators, 3),
	}
	for i, v := range values {
		h := mix(mix(seedMark, uint64(i)), uint64(int64(v)+1000))
		x.add(groupMarks, h)
		x.add(groupMarks, mix(h, language))
	}
	x.add(groupMarks, mix(seedMark, language))
}

// bucket is a coarse logarithm.
func bucket(n int) int {
	switch {
	case n <= 4:
		return n
	case n <= 6:
		return 5
	case n <= 9:
		return 6
	case n <= 14:
		return 7
	case n <= 25:
		return 8
	}
	return 9
}

func sign(n int) int {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}

func abs(n int) int { return max(n, -n) }

// isDense reports whether a character belongs to a script that is written without spaces.
func isDense(r rune) bool {
	switch {
	case r < 0xe00:
		return false
	case r <= 0xeff, r >= 0x1000 && r <= 0x109f, r >= 0x1780 && r <= 0x17ff: // Thai, Lao, Burmese, Khmer
		return true
	case r < 0x3040:
		return false
	case r <= 0x30ff, r >= 0x3400 && r <= 0x4dbf, r >= 0x4e00 && r <= 0x9fff, r >= 0x20000 && r <= 0x3ffff:
		return true
	}
	return false
}

// isWord reports whether a character is part of a word.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
	}
	return unicode.IsLetter(r) || unicode.IsMark(r) && !isVariation(r) || unicode.IsDigit(r)
}

// isVariation reports a selector that changes how an emoji looks and not what it says.
func isVariation(r rune) bool {
	return r == 0xfe0f || r == 0xfe0e || r == 0x200d || r >= 0x1f3fb && r <= 0x1f3ff
}
