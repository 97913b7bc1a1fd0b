package language

import "math/bits"

// Answer is what was found.
type Answer struct {
	Code       string // empty: there are no letters
	Letters    int    // that were read
	Margin     int    // points between the best and the next
	Confidence int    // that it is right, in thousandths, calibrated
	ByRule     bool   // the script or letters of the language alone decided
}

// Candidates are the languages that may be answered.
type Candidates struct {
	lanes [groups]uint64
	codes map[string]bool
}

// NewCandidates makes a set of codes; none at all are all languages.
func (d *Detector) NewCandidates(codes []string) *Candidates {
	c := &Candidates{codes: map[string]bool{}}
	if len(codes) == 0 {
		codes = Codes()
	}
	for _, code := range codes {
		c.codes[code] = true
	}
	for g, t := range d.tables {
		for lane, code := range t.codes {
			if c.codes[code] {
				c.lanes[g] |= 1 << lane
			}
		}
	}
	return c
}

func (d *Detector) decide(r *reading, claim string, c *Candidates) Answer {
	a := Answer{Letters: int(r.total())}
	if a.Letters == 0 {
		return a
	}
	script := r.main()
	switch {
	case script == NoScript:
		return a
	case script < Han:
		return d.decideGroup(r, c, script, claim, a)
	}
	a.ByRule = true
	switch script {
	case Han:
		a.Code = "zh"
		if claim == "ja" && c.codes["ja"] { // ideographs alone may be either's
			a.Code = "ja"
		}
	case Kana:
		a.Code = "ja"
	case Hangul:
		a.Code = "ko"
	default:
		a.Code = d.others[script-FirstOther]
	}
	if !c.codes[a.Code] {
		a.Code = ""
	}
	return a
}

// main is the script of most of the text. An ideograph or syllable block says as much
// as three letters; Japanese mixes kana with ideographs.
func (r *reading) main() Script {
	best, most := NoScript, int32(0)
	for s := Latin; int(s) < Scripts; s++ {
		n := r.letters[s]
		switch s {
		case Han:
			n *= 3
			if r.letters[Kana]*10 >= r.letters[Han] {
				n = 0
			}
		case Kana:
			n *= 3
			if n*10 >= r.letters[Han] {
				n += 3 * r.letters[Han]
			}
		case Hangul:
			n *= 3
		}
		if n > most {
			best, most = s, n
		}
	}
	return best
}

// decideGroup tells the languages of one script apart.
func (d *Detector) decideGroup(r *reading, c *Candidates, script Script, claim string, a Answer) Answer {
	g := int(script - Latin)
	lanes, t := c.lanes[g], d.tables[g]
	if lanes == 0 {
		return a
	}
	counts := &r.counts[g]
	if lane, ok := counts.single(lanes); ok {
		a.Code, a.ByRule = t.codes[lane], true
		return a
	}
	claimed := uint64(0)
	for i, code := range t.codes {
		if code == claim {
			claimed = 1 << i
		}
	}
	lane, margin := d.best(r, g, counts.filter(lanes), claimed)
	a.Code, a.Margin = t.codes[lane], margin
	if claim == "sr" && script == Latin && (a.Code == "hr" || a.Code == "bs") && c.codes["sr"] {
		a.Code = "sr" // in Latin letters the three are one to n-grams
	}
	return a
}

// best is the lane of a set with the smallest sum, and how far it is ahead of the next. A
// claimed lane has ClaimPoints fewer.
func (d *Detector) best(r *reading, g int, lanes, claimed uint64) (lane, margin int) {
	first, second := maxMargin, maxMargin
	for rest := lanes; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		p := r.sums[g].lane(i)
		if claimed>>i&1 == 1 {
			p -= d.claimPoints
		}
		if p < first {
			first, second, lane = p, first, i
		} else if p < second {
			second = p
		}
	}
	return lane, second - first
}

// ClaimPoints is what the platform's claim weighs: chosen by the table in the model card.
const ClaimPoints = 20

// WithClaimPoints is the detector with another weight of the claim.
func (d *Detector) WithClaimPoints(points int) *Detector {
	other := *d
	other.claimPoints = points
	return &other
}

// maxMargin is more than any sum.
const maxMargin = 1 << 16

// single is the language whose own letters at least half of the words have.
func (c *counts) single(lanes uint64) (lane int, ok bool) {
	if c.told == 0 {
		return 0, false
	}
	most, second := uint8(0), uint8(0)
	for rest := lanes; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		if n := c.alone[i]; n > most {
			most, second, lane = n, most, i
		} else if n > second {
			second = n
		}
	}
	unknown := c.words - c.told
	return lane, most > second && (2*unknown < c.words || int32(most) > unknown)
}

// filter leaves the languages that share the special letters, if there is one for every
// other word.
func (c *counts) filter(lanes uint64) uint64 {
	var left uint64
	for rest := lanes; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		if n := int32(c.few[i]); n > 0 && 2*n >= c.words {
			left |= 1 << i
		}
	}
	if left == 0 {
		return lanes
	}
	return left
}
