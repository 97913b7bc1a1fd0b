package language

import "hash/fnv"

// Trace is what Detect reads of a text: what the generator tunes the tables by.
type Trace struct {
	Group int      // of the tables that decide; -1: the script or letters of one language do
	Lanes uint64   // the languages that may be answered
	Keys  []uint64 // the n-grams that count
	all   [groups][]uint64
}

// Trace reads a text like Detect.
func (d *Detector) Trace(text string, c *Candidates) Trace {
	t := Trace{Group: -1}
	r := reading{trace: &t}
	d.read(&r, "", text, c)
	if a := d.decide(&r, "", c); a.ByRule || a.Code == "" {
		return t
	}
	t.Group = int(r.main() - Latin)
	t.Lanes, t.Keys = r.counts[t.Group].filter(c.lanes[t.Group]), t.all[t.Group]
	return t
}

// add tells the n-grams of a word.
func (t *Trace) add(tb *table, group int, word *[maxWord + 8]byte, n int) {
	for i := range n {
		if key, at := tb.longest(word, i); at >= 0 {
			t.all[group] = append(t.all[group], key)
		}
	}
}

// HeldOut reports whether a labelled text is kept apart for measuring: a fifth, by hash, so
// that a text that stands in several files is either in all of them or in none.
func HeldOut(text string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // a hash takes everything
	return h.Sum32()%5 == 0
}
