package rules

import (
	"slices"
	"strings"
	"unicode"

	"earshot/pipeline/query"
)

// Dialect is the rule language of a platform.
type Dialect struct {
	Platform  string // as posts and channels name it
	MaxLength int    // characters of a rule
	MaxRules  int

	and       string
	words     func(o *query.Outline) *expression // nil: cannot be said
	condition func(o *query.Outline) (e *expression, never bool)
	channel   func(name string) *expression // nil: not followed by a rule
	notes     []string
}

// X is the language of filtered stream and recent search
// (https://docs.x.com/x-api/posts/filtered-stream/integrate/operators, read 2026-11-23).
// Keywords match whole tokens, text being cut at punctuation.
func X(maxLength, maxRules int) Dialect {
	return Dialect{Platform: "x", MaxLength: maxLength, MaxRules: maxRules, and: " ", words: xWords, condition: xCondition,
		channel: func(name string) *expression {
			if !isWord(name) {
				return nil
			}
			return anyOf(leaf("from:"+name), leaf("to:"+name), leaf("retweets_of:"+name), leaf("@"+name))
		},
		notes: []string{"X compares accents and does not look inside hashtags: a word with other accents than written, or inside a longer #hashtag, is not heard"}}
}

// Reddit is the language of search
// (https://support.reddithelp.com/hc/en-us/articles/19696541895316, read 2026-11-23).
func Reddit() Dialect {
	return Dialect{Platform: "reddit", MaxLength: 512, MaxRules: 50, and: " AND ", words: redditWords, condition: redditCondition,
		channel: func(string) *expression { return nil }, // followed by their listings
		notes:   []string{"Reddit searches posts, not comments: outside the named subreddits comments are not heard", "a word inside a longer #hashtag, or with other accents than written, may not be heard"}}
}

// plainWords are the words of a term that a platform can look for: each as a run of
// letters and digits, glued where the script has no blanks. complete is false if a part
// of the term was left out.
func plainWords(words []string, o *query.Outline) (out []string, complete bool) {
	complete = true
	for i, word := range words {
		if o.Pattern[i] {
			complete = false
			continue
		}
		parts := strings.FieldsFunc(strings.TrimLeft(word, "#@"), func(r rune) bool { return !isWordRune(r) })
		if len(parts) == 0 {
			complete = false // a sign: & + $ or an emoji
			continue
		}
		if i > 0 && o.Joined[i] && len(out) > 0 && !o.Pattern[i-1] {
			out[len(out)-1] += parts[0]
			parts = parts[1:]
		}
		out = append(out, parts...)
	}
	return out, complete
}

// spellings are the words as folded and as written.
func spellings(o *query.Outline, use func(words []string, complete bool) []*expression) *expression {
	var all []*expression
	for _, words := range [][]string{o.Spelled, o.Words} {
		plain, complete := plainWords(words, o)
		if len(plain) > 0 {
			all = append(all, use(plain, complete)...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return anyOf(all...)
}

// broken reports whether a pattern or sign stands between words, so that they are not
// known to be side by side. The signs that platforms take for punctuation do not count.
func broken(o *query.Outline) bool {
	for i := range o.Words {
		inner := i > 0 && i < len(o.Words)-1
		if inner && (o.Pattern[i] || strings.Trim(o.Words[i], "&+%") != "" && !strings.ContainsFunc(o.Words[i], isWordRune)) {
			return true
		}
	}
	return false
}

func xWords(o *query.Outline) *expression {
	if o.Title {
		return never()
	}
	if len(o.Words) == 1 && !o.Pattern[0] && strings.ContainsAny(o.Words[0][:1], "#@") && isWord(o.Words[0][1:]) {
		return anyOf(leaf(o.Spelled[0]), leaf(o.Words[0]))
	}
	if emoji := o.Words[0]; len(o.Words) == 1 && []rune(emoji)[0] > 0x2000 && !strings.ContainsFunc(emoji, isWordRune) {
		return leaf(emoji)
	}
	return spellings(o, func(words []string, complete bool) []*expression {
		if broken(o) { // they stand somewhere
			return []*expression{allOf(each(words, single)...)}
		}
		out := []*expression{phrase(words)}
		if complete {
			out = append(out, leaf("#"+strings.Join(words, "")))
			if joined := strings.Join(words, ""); len(words) == 1 && isWord(joined) {
				out = append(out, leaf("@"+joined))
			}
		}
		return out
	})
}

func xCondition(o *query.Outline) (*expression, bool) {
	switch {
	case o.Field == "author" && !o.Prefix && isWord(o.Value):
		return leaf("from:" + o.Value), false
	case o.Field == "links":
		return leaf(`url:"` + strings.ReplaceAll(o.Value, `"`, "") + `"`), false
	case o.Field == "platform" && !o.Prefix:
		return nil, o.Value != "x"
	}
	return nil, false
}

func redditWords(o *query.Outline) *expression {
	in := ""
	if o.Title {
		in = "title:"
	}
	return spellings(o, func(words []string, complete bool) []*expression {
		if broken(o) {
			return []*expression{allOf(each(words, func(w string) *expression { return leaf(in + single(w).text) })...)}
		}
		out := []*expression{leaf(in + phrase(words).text)}
		if complete && len(words) > 1 { // as the hashtag reads
			out = append(out, leaf(in+single(strings.Join(words, "")).text))
		}
		return out
	})
}

func redditCondition(o *query.Outline) (*expression, bool) {
	switch {
	case o.Field == "author" && !o.Prefix && isWord(o.Value):
		return leaf("author:" + o.Value), false
	case o.Field == "source" && !o.Prefix && strings.HasPrefix(o.Value, "r/") && isWord(o.Value[2:]):
		return leaf("subreddit:" + o.Value[2:]), false
	case o.Field == "platform" && !o.Prefix:
		return nil, o.Value != "reddit"
	}
	return nil, false
}

func each(words []string, of func(string) *expression) []*expression {
	out := make([]*expression, len(words))
	for i, w := range words {
		out[i] = of(w)
	}
	return out
}

// single quotes what the platform would take for an operator.
func single(word string) *expression {
	if isWord(word) && !slices.Contains([]string{"or", "and", "not"}, strings.ToLower(word)) {
		return leaf(word)
	}
	return leaf(`"` + word + `"`)
}

func phrase(words []string) *expression {
	if len(words) == 1 {
		return single(words[0])
	}
	return leaf(`"` + strings.Join(words, " ") + `"`)
}

func isWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isWordRune(r) })
}

func isWordRune(r rune) bool {
	return r == '_' || unicode.In(r, unicode.L, unicode.M, unicode.N)
}
