package sentiment

import (
	"math/rand/v2"
	"slices"
)

// Difference is how much better a second judge is than a first on the same rows, with 95 %
// intervals by paired bootstrap samples.
type Difference struct {
	F1, F1Low, F1High                   float64
	Accuracy, AccuracyLow, AccuracyHigh float64
}

// Compare measures two judges of the same rows, in the same order.
func Compare(first, second []Judged) Difference {
	const samples = 1000
	f1, accuracy := make([]float64, samples), make([]float64, samples)
	difference := func(draw func(i int) int) (f, a float64) {
		var x, y Confusion
		for i := range first {
			at := draw(i)
			x[first[at].Label][first[at].Said]++
			y[second[at].Label][second[at].Said]++
		}
		xf, _, xa := x.scores()
		yf, _, ya := y.scores()
		return yf - xf, ya - xa
	}
	random := rand.New(rand.NewPCG(1, uint64(len(first)))) //nolint:gosec // an interval that is printed has to be repeatable
	for s := range samples {
		f1[s], accuracy[s] = difference(func(int) int { return random.IntN(len(first)) })
	}
	slices.Sort(f1)
	slices.Sort(accuracy)
	d := Difference{F1Low: f1[samples*25/1000], F1High: f1[samples*975/1000-1], AccuracyLow: accuracy[samples*25/1000], AccuracyHigh: accuracy[samples*975/1000-1]}
	d.F1, d.Accuracy = difference(func(i int) int { return i })
	return d
}
