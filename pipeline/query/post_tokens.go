package query

import (
	"unicode"
	"unicode/utf8"
)

// field is a searched field of a post.
type field uint8

const (
	fieldTitle field = iota
	fieldText
	fieldHashtags
	fieldHandles
)

func (f field) String() string {
	return [...]string{"title", "text", "hashtags", "handles"}[f]
}

// token is a token of the post. A hashtag or handle stands at its first token.
type token struct {
	word              int32 // number of the token, or none
	pos               int32 // place among the words of the post; fields are far apart
	begin, end        int32 // bytes in the segment's text
	folded, foldedEnd int32 // bytes in the arena
	segment           int32
	field             field

	sigil                   int32 // number of the hashtag or handle that begins here, or none
	sigilBegin, sigilEnd    int32 // bytes in the segment's text; the end is 0 if none begins here
	sigilLast               int32 // index of its last token
	sigilFold, sigilFoldEnd int32
}

// segment is a text whose tokens may follow one another.
type segment struct {
	text string
	base int32 // of the text in its field
}

// fieldGap keeps words of different fields from being near each other.
const fieldGap = 1 << 17

// tokens are those of all fields of a post.
type tokens struct {
	scan     *scanner
	list     []token
	segments []segment
	arena    []byte
	pos      int32
}

func (ts *tokens) clear() {
	ts.list, ts.segments, ts.arena, ts.pos = ts.list[:0], ts.segments[:0], ts.arena[:0], 0
}

func (ts *tokens) foldedOf(t *token) []byte { return ts.arena[t.folded:t.foldedEnd] }
func (ts *tokens) sigilOf(t *token) []byte  { return ts.arena[t.sigilFold:t.sigilFoldEnd] }

func (ts *tokens) keep(folded []byte) (begin, end int32) {
	begin = int32(len(ts.arena))
	ts.arena = append(ts.arena, folded...)
	return begin, int32(len(ts.arena))
}

// read adds the tokens of a text, which stands at byte base of its field.
func (ts *tokens) read(x *index, f field, text string, mark byte, base int) {
	s := ts.scan
	seg := int32(len(ts.segments))
	ts.segments = append(ts.segments, segment{text: text, base: int32(base)})
	first, begun := 0, -1 // the last sigil: index of its first token, and its place
	s.reset(text, mark)
	for s.next() {
		t := token{word: x.find(s.folded), sigil: none, pos: ts.pos, begin: int32(s.begin), end: int32(s.end), segment: seg, field: f}
		ts.pos++
		t.folded, t.foldedEnd = ts.keep(s.folded)
		switch {
		case !s.inSigil():
		case begun == s.sigil.begin:
			ts.list[first].sigilLast = int32(len(ts.list))
		default:
			first, begun = len(ts.list), s.sigil.begin
			t.sigilBegin, t.sigilEnd, t.sigilLast = int32(s.sigil.begin), int32(s.sigil.end), int32(first)
			t.sigil = x.find(s.sigil.folded)
			t.sigilFold, t.sigilFoldEnd = ts.keep(s.sigil.folded)
		}
		ts.list = append(ts.list, t)
	}
	if mark != 0 {
		ts.pos += MaxNear + 1
	} else {
		ts.pos += fieldGap
	}
}

// split adds the words of which the hashtags from index begin are made, as in
// #AcmeCloud2026: acme, cloud, 2026. They stand where the hashtag stands, and follow one
// another, but nothing else.
func (ts *tokens) split(x *index, f field, begin int) {
	for i, end := begin, len(ts.list); i < end; i++ {
		t := ts.list[i]
		source := ts.segments[t.segment].text
		if t.sigilEnd == 0 || ts.arena[t.sigilFold] != '#' || t.sigilLast != int32(i) {
			continue // several tokens are characters, which need no split
		}
		seg, pos := int32(len(ts.segments)), ts.pos
		for at := t.begin; at < t.end; {
			next := at + int32(camel(source[at:t.end]))
			if at == t.begin && next == t.end {
				break // one word
			}
			if at == t.begin {
				ts.segments = append(ts.segments, ts.segments[t.segment])
			}
			part := token{sigil: none, pos: t.pos, begin: at, end: next, segment: seg, field: f}
			part.folded = int32(len(ts.arena))
			ts.arena = ts.scan.fold.append(ts.arena, source[at:next])
			part.foldedEnd = int32(len(ts.arena))
			part.word = x.find(ts.foldedOf(&part))
			ts.list = append(ts.list, part)
			at = next
		}
		ts.pos = pos
	}
}

// camel returns the length of the first part of a word that is split where the case goes
// up (acmeCloud, BMWCars) and between letters and digits.
func camel(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	last, before := r, rune(0)
	for i := n; i < len(s); {
		r, n = utf8.DecodeRuneInString(s[i:])
		switch {
		case unicode.IsMark(r):
			i += n
			continue
		case unicode.IsUpper(r) && unicode.IsLower(last),
			unicode.IsDigit(r) != unicode.IsDigit(last) && r != '_' && last != '_':
			return i
		case unicode.IsLower(r) && unicode.IsUpper(last) && unicode.IsUpper(before):
			return i - utf8.RuneLen(last)
		}
		before, last = last, r
		i += n
	}
	return len(s)
}
