package sentiment

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCalibrationIsFound draws labels from a known calibration and fits it.
func TestCalibrationIsFound(t *testing.T) {
	want := Calibration{Slope: [parts]float64{0.5, 1.5, 2, 0.7}, Bias: [classes]float64{0.4, -0.1, -0.3}}
	random := rand.New(rand.NewPCG(1, 2))
	rows := make([]scored, 40000)
	for i := range rows {
		r := &rows[i]
		r.weight = 1
		for g := range r.z {
			for k := range r.z[g] {
				r.z[g][k] = random.NormFloat64()
			}
		}
		p, u := want.apply(&r.z), random.Float64()
		switch {
		case u < p[Negative]:
			r.label = Negative
		case u < p[Negative]+p[Neutral]:
			r.label = Neutral
		default:
			r.label = Positive
		}
	}
	got := fitChoice(rows, even, weak)
	for g := range want.Slope {
		assert.InDelta(t, want.Slope[g], got.Slope[g], 0.06)
	}
	for k := range want.Bias {
		assert.InDelta(t, want.Bias[k]-want.Bias[0], got.Bias[k]-got.Bias[0], 0.06, "only differences count")
	}
	few := fitChoice(rows[:2], even, weak)
	for g := range few.Slope {
		assert.InDelta(t, 1, few.Slope[g], 0.6, "few rows change little")
	}
	assert.Equal(t, [parts]float64{1, 1, 1, 1}, fitChoice(nil, even, weak).Slope)
}

func TestCalibrationError(t *testing.T) {
	plain, debiased := calibrationError([]Bin{{Rows: 100, Claimed: 0.9, Accuracy: 0.6}, {Rows: 300, Claimed: 0.5, Accuracy: 0.5}})
	assert.InDelta(t, 0.075, plain, 1e-9)
	assert.InDelta(t, 0.144, debiased, 2e-3, "root of a quarter of 0.3², less a little")
	_, debiased = calibrationError([]Bin{{Rows: 20, Claimed: 0.6, Accuracy: 0.65}})
	assert.Zero(t, debiased, "chance explains it")

	var s Score
	random := rand.New(rand.NewPCG(3, 4))
	rows := make([]Judged, 300)
	for i := range rows {
		p := 0.5 + 0.4*random.Float64()
		rows[i] = Judged{P: [classes]float64{p, (1 - p) / 2, (1 - p) / 2}}
		if random.Float64() > p {
			rows[i].Label = Neutral
		}
	}
	s.calibration(rows, random)
	assert.Less(t, s.ECE, s.ECEChance, "labels drawn from the claims are calibrated")
	assert.Greater(t, s.ECEFloor, 0.03, "and still no plain estimate on 300 rows says so")
	for i := range rows {
		rows[i].Label = Positive
	}
	s = Score{}
	s.calibration(rows, random)
	assert.Greater(t, s.ECE, s.ECEChance)
}

// TestRareLabelsCountMore: a class with a ninth of the rows is chosen though another is
// somewhat more probable.
func TestRareLabelsCountMore(t *testing.T) {
	rows := make([]scored, 9000)
	for i := range rows {
		rows[i] = scored{label: Neutral, weight: 1}
		switch i % 9 {
		case 0:
			rows[i].label = Negative
		case 1, 2, 3:
			rows[i].label = Positive
		}
	}
	w := worth(rows)
	assert.InDelta(t, 1.732, w[Negative], 0.01, "one over the root of three ninths")
	assert.InDelta(t, 1, w[Positive], 0.01, "a third of the rows counts one")
	assert.Less(t, w[Neutral], 1.0)
	p, even := [classes]float64{0.4, 0.5, 0.1}, Calibration{Worth: [classes]float64{1, 1, 1}}
	rare := Calibration{Worth: w}
	assert.Equal(t, Negative, rare.choose(p).Label())
	assert.Equal(t, Neutral, even.choose(p).Label(), "unknown languages take the most probable label")
	assert.Equal(t, Neutral, even.choose([classes]float64{0.4, 0.2, 0.4}).Label(), "a tie")
}

func TestOtherSourcesCountHalf(t *testing.T) {
	rows := []scored{{weight: 1}, {weight: 1}, {weight: 1, other: true}, {weight: 1, other: true}, {weight: 1, other: true}, {weight: 1, other: true}}
	balanceSources(rows)
	assert.InDelta(t, 1, rows[0].weight, 1e-9)
	assert.InDelta(t, 0.25, rows[5].weight, 1e-9, "four rows together as one of two")
}
