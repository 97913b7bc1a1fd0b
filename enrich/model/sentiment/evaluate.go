package sentiment

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Judged is a row with what the model said.
type Judged struct {
	Row
	P    [classes]float64
	Said int // the label that was given
}

// Class returns the class of a label's name; neutral where there is none.
func Class(label string) int {
	switch label {
	case "negative":
		return Negative
	case "positive":
		return Positive
	}
	return Neutral
}

// Confusion counts rows: [true label][model's label].
type Confusion [classes][classes]int

// Score is how a set of rows was judged.
type Score struct {
	Set      string  `json:"set"`
	Rows     int     `json:"rows"`
	MacroF1  float64 `json:"macro_f1"` // over the classes that occur
	Low      float64 `json:"low"`      // 95 % bootstrap interval of MacroF1
	High     float64 `json:"high"`     //
	Recall   float64 `json:"recall"`   // mean over the classes that occur
	Accuracy float64 `json:"accuracy"` //
	Majority float64 `json:"majority"` // macro-F1 of always saying the commonest label
	ECE      float64 `json:"ece"`      // expected calibration error, 15 bins of equal mass
	// What a perfectly calibrated model would show on as many rows: the mean, and what it
	// stays below 95 times in 100.
	ECEFloor  float64 `json:"ece_floor"`
	ECEChance float64 `json:"ece_chance"`
	// Root mean square calibration error without the part that chance explains.
	ECEDebiased float64   `json:"ece_debiased"`
	Confusion   Confusion `json:"confusion"`
	Curve       []Bin     `json:"curve"`
}

// Bin is a point of the calibration curve.
type Bin struct {
	Rows     int     `json:"rows"`
	Claimed  float64 `json:"claimed"`  // mean probability of the label
	Accuracy float64 `json:"accuracy"` // share of right labels
}

// Judge judges rows with their own language.
func (m *Model) Judge(rows []Row) []Judged {
	r := m.NewReader()
	out := make([]Judged, len(rows))
	for i, row := range rows {
		j := r.Judge(row.Lang, row.Text)
		out[i] = Judged{row, j.P, j.Label()}
	}
	return out
}

const (
	bootstraps = 500
	bins       = 15
	draws      = 200 // of a perfectly calibrated model
)

// Measure scores a set of judged rows.
func Measure(set string, rows []Judged) Score {
	s := Score{Set: set, Rows: len(rows), Confusion: confusion(rows)}
	s.MacroF1, s.Recall, s.Accuracy = s.Confusion.scores()
	var constant Confusion
	most := 0
	for k := range s.Confusion {
		if total(s.Confusion[k]) > total(s.Confusion[most]) {
			most = k
		}
	}
	for k := range constant {
		constant[k][most] = total(s.Confusion[k])
	}
	s.Majority, _, _ = constant.scores()
	random := rand.New(rand.NewPCG(1, uint64(len(rows)))) //nolint:gosec // an interval that is printed has to be repeatable
	f := make([]float64, bootstraps)
	for b := range f {
		var c Confusion
		for range rows {
			r := &rows[random.IntN(len(rows))]
			c[r.Label][r.Said]++
		}
		f[b], _, _ = c.scores()
	}
	slices.Sort(f)
	s.Low, s.High = f[bootstraps*25/1000], f[bootstraps*975/1000-1]
	s.calibration(rows, random)
	return s
}

func confusion(rows []Judged) (c Confusion) {
	for i := range rows {
		c[rows[i].Label][rows[i].Said]++
	}
	return c
}

func total(row [classes]int) int { return row[0] + row[1] + row[2] }

// scores averages over the classes that occur among the true labels.
func (c Confusion) scores() (f1, recall, accuracy float64) {
	occur, right, all := 0, 0, 0
	for k := range c {
		named := c[0][k] + c[1][k] + c[2][k]
		is := total(c[k])
		all += is
		right += c[k][k]
		if is == 0 {
			continue
		}
		occur++
		f1 += 2 * float64(c[k][k]) / float64(is+named)
		recall += float64(c[k][k]) / float64(is)
	}
	n := float64(max(1, occur))
	return f1 / n, recall / n, float64(right) / float64(max(1, all))
}

// claim is the probability of the label that a row was given, and whether it is right.
type claim struct {
	p     float64
	right bool
}

// calibration computes the expected calibration error of the label's probability
// (Guo et al. 2017, with bins of equal mass). On few rows chance alone makes it large, so
// what a perfectly calibrated model would show is drawn beside it: its labels are right
// with just the probability that it claims.
func (s *Score) calibration(rows []Judged, random *rand.Rand) {
	claims := make([]claim, len(rows))
	for i := range rows {
		label := rows[i].Said
		claims[i] = claim{rows[i].P[label], label == rows[i].Label}
	}
	sortClaims(claims)
	s.Curve = curve(claims)
	s.ECE, s.ECEDebiased = calibrationError(s.Curve)
	s.ECEFloor, s.ECEChance = chance(claims, random)
}

func sortClaims(claims []claim) {
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.p, b.p) })
}

// chance draws what perfectly calibrated models would show with the sorted claims: the mean, and what
// 95 of 100 stay below. It overwrites which claims are right.
func chance(claims []claim, random *rand.Rand) (mean, most float64) {
	drawn := make([]float64, draws)
	for d := range drawn {
		for i := range claims {
			claims[i].right = random.Float64() < claims[i].p
		}
		drawn[d], _ = calibrationError(curve(claims))
		mean += drawn[d] / draws
	}
	slices.Sort(drawn)
	return mean, drawn[draws*95/100-1]
}

// curve cuts sorted claims into bins of equal mass.
func curve(claims []claim) (out []Bin) {
	for b := range bins {
		part := claims[len(claims)*b/bins : len(claims)*(b+1)/bins]
		if len(part) == 0 {
			continue
		}
		right, sum := 0, 0.0
		for _, c := range part {
			sum += c.p
			if c.right {
				right++
			}
		}
		n := float64(len(part))
		out = append(out, Bin{Rows: len(part), Claimed: sum / n, Accuracy: float64(right) / n})
	}
	return out
}

// calibrationError returns the expected calibration error by the plain estimator, and the
// root of the mean squared error less what the chance within a bin adds to it (Kumar,
// Liang and Ma 2019, "Verified uncertainty calibration"): 0 if chance explains all.
func calibrationError(curve []Bin) (plain, debiased float64) {
	all, squares := 0.0, 0.0
	for _, b := range curve {
		n := float64(b.Rows)
		gap := math.Abs(b.Claimed - b.Accuracy)
		all += n
		plain += n * gap
		squares += n * (gap*gap - b.Accuracy*(1-b.Accuracy)/max(1, n-1))
	}
	all = max(1, all)
	return plain / all, math.Sqrt(max(0, squares/all))
}
