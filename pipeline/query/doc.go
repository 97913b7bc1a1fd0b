// Package query is the language in which a brand says what counts as a mention of
// it, and the engine that finds the mentions of all brands in one pass over a post.
// It is a leaf: it imports the types of package pipeline and nothing else of Earshot.
//
// The first version knows words, "phrases", @handles and #hashtags joined by OR,
// with brackets. Every other form of the language is an error that says so.
//
//	lexer.go    source text to lexemes
//	parser.go   lexemes to a Query; error.go shows where a mistake stands
//	tokens.go   what a word is, for queries and posts alike; fold.go makes them equal
//	compile.go  all queries to one immutable Engine
//	match.go    Matcher: the mentions in a post
//
// # What matches
//
// Text is cut into tokens: words after UAX #29, cut further at apostrophes, dots
// and other marks inside them (so sony finds "Sony's" and "sony.com", but not
// "Sonys" nor "sony_fan"; figures such as 8.1 stay whole); each character of the
// scripts that are written without spaces (Chinese, Japanese, Thai, Lao, Khmer,
// Burmese); and the symbols & + $ % with other currency signs and emoji. Other
// punctuation separates and is otherwise ignored. Tokens are compared after NFKC
// and case folding without accents.
//
//   - A word matches the whole token, wherever it stands: also as "#sony" or "@sony".
//   - A word with marks inside (L'Oréal, 7-Eleven, AC/DC) or symbols (AT&T, Google+)
//     matches its tokens in order with at most one character between them.
//   - A phrase matches its tokens in order, whatever ignored characters stand between.
//   - #acme and @acme match what the platform marks (Post.Hashtags, Post.Handles) and
//     what reads so in title and text. @acme also finds "@acme.bsky.social".
//
// Words and phrases look at title and text; URLs in them are text too. A tag or handle
// that the platform marks but that stands in neither is found by # and @ alone.
package query
