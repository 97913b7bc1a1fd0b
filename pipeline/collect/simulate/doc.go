// Package simulate is a source that invents a market: brands that do not exist,
// talked about on several platforms in many languages. It feeds the demo, the load
// tests and the back-tests.
//
// Nothing is remembered. A post is a pure function of (seed, configuration, slice of
// time, lane, slot): node says who wrote it, when, and in answer to what; render puts
// it into words. A reply finds its parent by naming an earlier slot and computing that
// one anew, so the stream can be taken up anywhere, and the truth about a post (which
// brands it means, in what mood) can be told from its id alone.
//
// Files: config.go (settings), brand.go and event.go (the market and what happens to
// it), place.go and rhythm.go (countries and their days), author.go, node.go (threads
// and cascades), words.go and texts/ (templates), post.go and id.go (records),
// source.go and cursor.go (the stream), truth.go. To add a language, add a file to
// texts/ and its countries to place.go.
package simulate
