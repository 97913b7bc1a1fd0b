package sentiment

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline/testclaim"
)

// interval is what the view net_sentiment computes for one language.
func interval(c Correction, labels [classes]float64) (net, low, high float64) {
	n := labels[0] + labels[1] + labels[2]
	square, classifying := 0.0, 0.0
	for j := range classes {
		net += c.Score[j] * labels[j] / n
		square += c.Score[j] * c.Score[j] * labels[j] / n
		p := 0.0
		for k := range classes {
			p += c.Inverse[classes*j+k] * labels[k] / n
		}
		p = min(max(p, 0), 1)
		classifying += p * p * c.Variance[j]
	}
	se := math.Sqrt((square-net*net)/n + classifying)
	net = min(max(net, -1), 1)
	return net, max(net-1.96*se, -1), min(net+1.96*se, 1)
}

// TestIntervalsCoverTheTruth: of 500 resamples of labelled posts that the model never saw, each
// with a class balance of its own, the 95 % interval of net sentiment holds the truth in at least 92 %.
// One half of the posts, drawn anew each time, gives the confusion matrix; the sample is of the other half.
func TestIntervalsCoverTheTruth(t *testing.T) {
	const resamples, sample = 500, 240
	data, err := ReadData(filepath.Dir(filepath.Dir(testclaim.Data(t, "sentiment/val.tsv"))))
	require.NoError(t, err)
	byLang := map[string][]Judged{}
	var langs []string
	for _, j := range embedded(t).Judge(append(data.Val, data.Held...)) {
		if len(byLang[j.Lang]) == 0 {
			langs = append(langs, j.Lang)
		}
		byLang[j.Lang] = append(byLang[j.Lang], j)
	}
	rng := rand.New(rand.NewPCG(1, 9))
	covered, uncorrected, width, done := 0, 0, 0.0, 0
	for tries := 0; done < resamples; tries++ {
		require.Less(t, tries, 40*resamples, "some language has enough posts")
		rows := byLang[langs[rng.IntN(len(langs))]]
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		c, ok := CorrectionOf(confusion(rows[:len(rows)/2]))
		if !ok {
			continue
		}
		var pools [classes][]Judged
		for _, j := range rows[len(rows)/2:] {
			pools[j.Label] = append(pools[j.Label], j)
		}
		truth := balance(rng)
		labels, enough := draw(rng, pools, truth, sample)
		if !enough {
			continue
		}
		done++
		net, low, high := interval(c, labels)
		want := truth[2] - truth[0]
		if low <= want && want <= high {
			covered++
		}
		raw := (labels[2] - labels[0]) / sample
		if math.Abs(raw-want) <= 1.96*math.Sqrt(((labels[0]+labels[2])/sample-raw*raw)/sample) {
			uncorrected++
		}
		assert.GreaterOrEqual(t, net, -1.0)
		width += (high - low) / resamples
	}
	t.Logf("covered %.1f %% of %d; mean width %.2f; without correction %.1f %%", 100*float64(covered)/resamples, resamples, width, 100*float64(uncorrected)/resamples)
	assert.GreaterOrEqual(t, covered, resamples*92/100)
}

// balance is a random class balance, far from that of the training data.
func balance(rng *rand.Rand) (out [classes]float64) {
	sum := 0.0
	for i := range out {
		out[i] = 0.15 + rng.ExpFloat64()
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// draw labels a sample whose posts are of each class with its probability, none twice; false if
// a class has too few posts.
func draw(rng *rand.Rand, pools [classes][]Judged, truth [classes]float64, n int) (labels [classes]float64, enough bool) {
	var taken [classes]int
	for range n {
		class, u := classes-1, rng.Float64()
		for i := range classes {
			if u -= truth[i]; u < 0 {
				class = i
				break
			}
		}
		if taken[class] >= len(pools[class]) {
			return labels, false
		}
		j := pools[class][taken[class]]
		taken[class]++
		labels[j.Said]++
	}
	return labels, true
}
