package language

import (
	_ "embed" // the tables
	"fmt"
	"math/bits"
	"unicode/utf8"
)

//go:embed tables.zst
var packed []byte

// groups is how many scripts have tables.
const groups = 4

// Detector tells languages apart. It is never changed and safe for concurrent use.
type Detector struct {
	letters     *letters
	tables      [groups]*table // of the scripts from Latin on
	rules       [groups]*rules
	others      []string // the language of each script from FirstOther on
	claimPoints int
}

// New loads the embedded tables.
func New() (*Detector, error) {
	return load(packed)
}

func load(packed []byte) (*Detector, error) {
	all, err := Decode(packed)
	if err != nil {
		return nil, err
	}
	return NewDetector(all)
}

// NewDetector makes a detector of groups: one for each script that languages share, in the
// order of GroupCodes.
func NewDetector(all []Group) (*Detector, error) {
	if len(all) != groups {
		return nil, fmt.Errorf("language: decode: %d groups, not %d", len(all), groups)
	}
	d := &Detector{letters: newLetters(all), claimPoints: ClaimPoints}
	for i := range all {
		d.tables[i] = newTable(&all[i])
		d.rules[i] = newRules(&all[i])
	}
	for _, o := range others() {
		d.others = append(d.others, o.code)
	}
	return d, nil
}

// Size is the memory of the tables in bytes.
func (d *Detector) Size() int {
	n := len(d.letters) * 2
	for _, t := range d.tables {
		n += t.size()
	}
	return n
}

// maxWord is the longest word in letters; more begin another one.
const maxWord = 48

// reading is what was read of a text. It lives on the caller's stack.
type reading struct {
	letters [Scripts]int32
	hashed  int32 // letters of hashtags that were passed over
	sums    [groups]sums
	counts  [groups]counts
	trace   *Trace // where to tell what was read; nil: nowhere

	enough bool   // the rest would not change the answer
	script Script // of the word at hand
	n      int
	word   [maxWord + 8]byte
}

// counts are what the letters of a group's words say.
type counts struct {
	words int32
	alone [maxLanes]uint8 // words with letters of this language alone
	few   [maxLanes]uint8 // letters of few languages
	told  int32           // words that vote in alone
}

// FewLetters is the length below which hashtags are read too: they mislead in longer
// texts and help in shorter ones.
const FewLetters = 12

// MaxBytes bounds how much of a text is read: more tells no more.
const MaxBytes = 1000

// Detect reads the beginning of a post and answers with the likeliest of the candidates.
// The claim is what the platform says, or empty: it tips the scales where they are near
// level.
func (d *Detector) Detect(title, text, claim string, c *Candidates) Answer {
	var r reading
	d.read(&r, title, text, c)
	a := d.decide(&r, claim, c)
	a.Confidence = a.confidence()
	return a
}

func (d *Detector) read(r *reading, title, text string, c *Candidates) {
	if len(title) > MaxBytes {
		title = title[:MaxBytes]
	}
	if len(title)+len(text) > MaxBytes {
		text = text[:MaxBytes-len(title)]
	}
	d.scan(r, title, c, false)
	d.scan(r, text, c, false)
	if r.hashed > 0 && r.total() < FewLetters {
		d.scan(r, title, c, true)
		d.scan(r, text, c, true)
	}
}

// total is how many letters were read.
func (r *reading) total() (n int32) {
	for _, c := range r.letters {
		n += c
	}
	return n
}

// scan reads words; if tags is set those of hashtags alone.
func (d *Detector) scan(r *reading, text string, among *Candidates, tags bool) {
	inTag := false
	for i := 0; i < len(text) && !r.enough; {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
		}
		l := letter{}
		switch {
		case int(c) < len(d.letters):
			l = d.letters[c]
		case c >= 0x20000 && c < 0x40000: // planes of ideographs
			l.script = Han
		}
		if l.script == NoScript {
			if c >= 0x300 && c <= 0x36f || c >= 0x64b && c <= 0x65f { // marks on a letter
				i += size
				continue
			}
			d.endWord(r, among)
			skip, opens := passOver(text[i:], c)
			inTag = opens || inTag && (c == '_' || c >= '0' && c <= '9')
			i += max(size, skip)
			continue
		}
		if (c|0x20 == 'h' || c|0x20 == 'w') && address(text[i:]) {
			d.endWord(r, among)
			i += untilSpace(text[i:])
			inTag = false
			continue
		}
		i += size
		if inTag != tags {
			r.hashed++
			continue
		}
		if l.script != r.script || r.n == maxWord {
			d.endWord(r, among)
			r.script = l.script
		}
		r.letters[l.script]++
		r.word[r.n] = l.code
		r.n++
	}
	d.endWord(r, among)
}

// endWord scores the word at hand.
func (d *Detector) endWord(r *reading, among *Candidates) {
	n := r.n
	if n == 0 {
		return
	}
	if g := int(r.script) - int(Latin); g >= 0 && g < groups {
		*(*[8]byte)(r.word[n:]) = [8]byte{}
		d.tables[g].score(&r.sums[g], &r.word, n)
		if r.trace != nil {
			r.trace.add(d.tables[g], g, &r.word, n)
		}
		r.counts[g].add(d.rules[g], r.word[:n])
		r.enough = d.enough(r, g, n, among)
	}
	r.n, r.script = 0, NoScript
}

// When a text has said enough: after so many letters of a script, and again after as
// many, the best language may be so many points ahead.
const (
	enoughLetters = 16
	enoughPoints  = 100
)

// enough looks whether the n letters of the last word of a group settle the answer.
func (d *Detector) enough(r *reading, g, n int, among *Candidates) bool {
	letters := int(r.letters[g+int(Latin)])
	if letters/enoughLetters == (letters-n)/enoughLetters {
		return false
	}
	_, margin := d.best(r, g, among.lanes[g], 0)
	return margin >= enoughPoints && 2*int32(letters) > r.total()
}

// add counts the letters of a word that speak for some languages.
func (c *counts) add(rules *rules, word []byte) {
	c.words++
	var alone uint64
	for _, code := range word {
		rule := &rules[code]
		alone |= rule.alone
		if c.words > 200 {
			continue
		}
		for few := rule.few; few != 0; few &= few - 1 {
			if lane := bits.TrailingZeros64(few); c.few[lane] < 255 {
				c.few[lane]++
			}
		}
	}
	if lane := bits.TrailingZeros64(alone); alone != 0 && alone&(alone-1) == 0 && c.alone[lane] < 255 {
		c.alone[lane]++
		c.told++
	}
}
