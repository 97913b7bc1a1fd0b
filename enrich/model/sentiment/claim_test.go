package sentiment

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLooks(t *testing.T) {
	lex, err := NewLexicon()
	require.NoError(t, err)
	x := NewExtractor(lex, 20)
	of := func(lang, text string) looks {
		x.Extract(lang, text)
		return x.looks()
	}
	plain := of("en", "it opens on monday")
	assert.Equal(t, looks{claimOne: 1, claimLength: plain[claimLength], claimLatin: 1}, plain)
	full := of("en", "@acme it OPENS!!! 😍 #BestDayEver #yes #a #b https://t.co/x")
	assert.InDelta(t, 1, full[claimLink], 0)
	assert.InDelta(t, 1, full[claimTags], 0, "no more than three are counted")
	assert.InDelta(t, 1, full[claimEmoji], 0)
	assert.InDelta(t, 1, full[claimExclaim], 0)
	assert.Greater(t, full[claimLength], plain[claimLength])
	assert.Equal(t, plain, of("en", "@acme it opens on monday @user"), "a brand that is hidden changes nothing")
	assert.InDelta(t, 0.5, of("hi", "यह good है ok")[claimLatin], 1e-9)
	assert.InDelta(t, 2.0/3, of("zh", "很好 #好#")[claimTags], 1e-9, "no word of its own, and still a tag")
	assert.Equal(t, looks{claimOne: 1, claimLength: -2.5}, of("en", ""))
}

func TestCoarseLog(t *testing.T) {
	for n := 1; n < 5000; n++ {
		assert.InDelta(t, math.Log2(float64(n)), coarseLog(n), 0.0861, "%d", n)
		assert.Greater(t, coarseLog(n+1), coarseLog(n))
	}
}

// TestClaimsAreFitted draws posts of two kinds, of which those with a link have other labels than
// their words say: the label stays, and what is claimed of it is right for both kinds.
func TestClaimsAreFitted(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rows := make([]scored, 6000)
	for i := range rows {
		r := &rows[i]
		r.weight, r.fold = 1, i%3
		for k := range classes {
			r.z[0][k] = random.NormFloat64()
		}
		truth := Calibration{Slope: [parts]float64{2, 1, 1, 1}}
		if i%2 == 0 {
			r.looks[claimLink] = 1
			truth.Bias[Negative] = 2
		}
		r.looks[claimOne] = 1
		p, u := truth.apply(&r.z), random.Float64()
		r.label = Positive
		if u < p[Negative]+p[Neutral] {
			r.label = Neutral
		}
		if u < p[Negative] {
			r.label = Negative
		}
	}
	calibrate := func(rows []scored) Calibration {
		c := fitChoice(rows, even, weak)
		c.Worth = [classes]float64{1, 1, 1}
		c.Claim = fitClaim(rows, &c)
		return c
	}
	whole := calibrate(rows)
	alone := whole
	alone.Claim = nil
	var negative, claimed, before [2]float64
	for i := range rows {
		kind := int(rows[i].looks[claimLink])
		j := whole.judge(&rows[i].z, rows[i].looks)
		old := alone.judge(&rows[i].z, rows[i].looks)
		require.Equal(t, old.Label(), j.Label())
		claimed[kind] += j.P[Negative]
		before[kind] += old.P[Negative]
		if rows[i].label == Negative {
			negative[kind]++
		}
	}
	for kind := range negative {
		assert.InDelta(t, negative[kind], claimed[kind], 30, "one in a hundred of 3,000")
		assert.Greater(t, math.Abs(negative[kind]-before[kind]), 150.0, "without their looks both kinds are far off")
	}
	x := crossed(rows, calibrate)
	assert.Equal(t, len(rows), x.Rows)
	assert.Less(t, x.ECE, 2*x.Floor, "and on folds that it was not fitted on")
	again := crossed(rows, func([]scored) Calibration { return Calibration{Slope: [parts]float64{9, 9, 9, 9}, Worth: whole.Worth} })
	assert.Greater(t, again.ECE, 0.1, "too sure")
}

func TestUmsabCountsTwiceInClaims(t *testing.T) {
	const n = 1500
	claims := func(other bool) [classes]float64 {
		rows := make([]scored, 0, 2*n)
		for i := range 2 * n {
			rows = append(rows, scored{label: Positive, weight: 1})
			if i >= n {
				rows[i].label, rows[i].other = Negative, other
			}
		}
		c := Calibration{Slope: even, Worth: [classes]float64{1, 1, 1}}
		c.Claim = fitClaim(rows, &c)
		return c.judge(&logits{}, looks{}).P
	}
	assert.InDelta(t, 2.0/3, claims(true)[Positive], 0.01)
	assert.InDelta(t, 0.5, claims(false)[Positive], 0.01, "where there is one source all count the same")
}
