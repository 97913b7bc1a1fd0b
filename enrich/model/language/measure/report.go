package measure

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"earshot/enrich/model/language"
)

// Report is how often a kind of texts is told right. Shares are of 1.
type Report struct {
	Kind      Kind                      `json:"kind"`
	Texts     int                       `json:"texts"`
	Accuracy  Share                     `json:"accuracy"`
	Mean      float64                   `json:"mean_of_languages"`
	ECE       float64                   `json:"expected_calibration_error"`
	Curve     []Bin                     `json:"calibration"`
	Languages map[string]Share          `json:"languages"`
	Confusion map[string]map[string]int `json:"confusion"` // by the true language and the answer; "und": none
}

// Share is a share of n with its 95 % interval by 1,000 bootstrap samples.
type Share struct {
	N     int     `json:"n"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Bin is a fifteenth of the answers, by confidence.
type Bin struct {
	N          int     `json:"n"`
	Confidence float64 `json:"confidence"` // their mean
	Right      float64 `json:"right"`      // the share that is
}

// Judged is an answer.
type Judged struct {
	Confidence float64
	Right      bool
}

// NewReport measures texts of one kind with all candidates. The platform claims nothing.
func NewReport(d *language.Detector, kind Kind, texts []Text) Report {
	r := Report{Kind: kind, Languages: map[string]Share{}, Confusion: map[string]map[string]int{}}
	among := d.NewCandidates(nil)
	var answers []Judged
	hits := map[string][2]int{} // right, n
	for _, t := range texts {
		if t.Kind != kind {
			continue
		}
		a := d.Detect("", t.Words, "", among)
		right := a.Code == t.Code
		h := hits[t.Code]
		if h[1]++; right {
			h[0]++
		}
		hits[t.Code] = h
		if r.Confusion[t.Code] == nil {
			r.Confusion[t.Code] = map[string]int{}
		}
		r.Confusion[t.Code][cmp.Or(a.Code, "und")]++
		if a.Code != "" {
			answers = append(answers, Judged{float64(a.Confidence) / 1000, right})
		}
	}
	all := [2]int{}
	for _, code := range slices.Sorted(maps.Keys(hits)) {
		h := hits[code]
		r.Languages[code] = newShare(h[0], h[1])
		r.Mean += r.Languages[code].Value / float64(len(hits))
		all[0], all[1] = all[0]+h[0], all[1]+h[1]
	}
	r.Texts, r.Accuracy, r.Mean = all[1], newShare(all[0], all[1]), digits(r.Mean)
	r.ECE, r.Curve = Calibration(answers)
	return r
}

// newShare draws samples from right answers of n: each is as many draws with replacement.
func newShare(right, n int) Share {
	if n == 0 {
		return Share{}
	}
	const samples = 1000
	random := rand.New(rand.NewPCG(uint64(right), uint64(n))) //nolint:gosec // the same every time
	found := make([]int, samples)
	for i := range found {
		for range n {
			if random.IntN(n) < right {
				found[i]++
			}
		}
	}
	slices.Sort(found)
	of := func(k int) float64 { return digits(float64(k) / float64(n)) }
	return Share{n, of(right), of(found[samples*25/1000]), of(found[samples*975/1000])}
}

// bins is the number of fifteenths.
const bins = 15

// Calibration cuts the answers into bins of equal mass by confidence. The error is the mean
// distance between confidence and share of right answers (Naeini et al. 2015).
func Calibration(answers []Judged) (ece float64, curve []Bin) {
	slices.SortStableFunc(answers, func(a, b Judged) int { return cmp.Compare(a.Confidence, b.Confidence) })
	for i := range bins {
		part := answers[i*len(answers)/bins : (i+1)*len(answers)/bins]
		if len(part) == 0 {
			continue
		}
		b := Bin{N: len(part)}
		for _, a := range part {
			b.Confidence += a.Confidence / float64(len(part))
			if a.Right {
				b.Right += 1 / float64(len(part))
			}
		}
		ece += math.Abs(b.Confidence-b.Right) * float64(len(part)) / float64(len(answers))
		curve = append(curve, Bin{b.N, digits(b.Confidence), digits(b.Right)})
	}
	return digits(ece), curve
}

// digits keeps four.
func digits(x float64) float64 { return math.Round(x*1e4) / 1e4 }
