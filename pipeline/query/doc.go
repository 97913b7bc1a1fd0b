// Package query is the language in which a brand says what counts as a mention of
// it, and the engine that finds the mentions of all brands in one pass over a post.
// It is a leaf: it imports the types of package pipeline and nothing else of Earshot.
// The language is described in docs/query.md.
//
//	lexer.go        source text to lexemes
//	parser.go       lexemes to a tree; parse_term.go and field.go read its leaves
//	check.go        warnings; error.go shows where a mistake stands
//	query.go        Query: the tree, its canonical form and version; term.go its terms
//	tokens.go       what a word is, for queries and posts alike; fold.go makes them equal
//	compile.go      all queries to one immutable Engine; index.go finds tokens and patterns
//	trigger.go      the rarest terms without which a query cannot match
//	match.go        Matcher: tokens of a post, candidates, mentions
//	post_tokens.go  the tokens of a post, and the words inside its hashtags
//	eval.go         evaluation of a candidate; near.go for distances, fulfil.go for fields
//
// # What matches
//
// Text is cut into tokens: words after UAX #29, cut further at apostrophes, dots
// and other marks inside them (so sony finds "Sony's" and "sony.com", but not
// "Sonys" nor "sony_fan"; figures such as 8.1 stay whole); each character of the
// scripts that are written without spaces (Chinese, Japanese, Thai, Lao, Khmer,
// Burmese); and the symbols & + $ % with other currency signs and emoji. Other
// punctuation separates and is otherwise ignored. Tokens are compared after NFKC
// and case folding without accents. The words of #AcmeCloud are also acme and cloud.
//
// # Cost
//
// Each token is looked up once, whatever the number of queries. Only the queries of
// which a necessary term occurs are evaluated, and each evaluation is linear in the
// occurrences of its terms.
package query
