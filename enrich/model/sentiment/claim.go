package sentiment

import "math/bits"

// What a claim weighs for each class by itself: how a text looks, the label that it was given,
// and how surely. Sources differ in how often they have each label; a text's looks tell tweets from
// reviews, and long posts from short ones, and a model at work sees them too. Handles are left out: brands
// are hidden behind them.
const (
	claimOne     = iota // always 1
	claimLength         // a coarse logarithm of the characters; 0 at 64
	claimLink           // it has a link
	claimTags           // hashtags, up to three
	claimEmoji          // it has an emoji or another picture
	claimExclaim        // it has an exclamation mark
	claimLatin          // share of the words that are written in Latin letters
	claimLabel          // three inputs: 1 at the label
	claimInputs  = claimLabel + 2*classes
)

// slopes of a claim: one for each part of the model, and one for how far the sum of the parts
// stands apart, by which far scores count more or less than near ones.
const slopes = int(parts) + 1

// shared are the scores that the slopes count.
type shared [slopes][classes]float64

// sharedOf adds to the scores of the parts their sum, times what the greatest is above the next,
// up to 6, in threes.
func sharedOf(z *logits) (s shared) {
	var sum [classes]float64
	for g := range z {
		s[g] = z[g]
		for k := range sum {
			sum[k] += z[g][k]
		}
	}
	most := max(sum[0], sum[1], sum[2])
	least := min(sum[0], sum[1], sum[2])
	next := sum[0] + sum[1] + sum[2] - most - least
	apart := min(6, most-next) / 3
	for k := range sum {
		s[parts][k] = float64(sum[k] * apart)
	}
	return s
}

// looks are the inputs of a claim that a text has whatever was said of it.
type looks [claimLabel]float64

// inputs of a claim.
type inputs [claimInputs]float64

// Claim gives the probabilities of the classes once a label is chosen: the softmax of the sum of
// Slope*score, plus Weights of the inputs. It does not change the label.
type Claim struct {
	Slope   [slopes]float64               `json:"slope"`
	Weights [claimInputs][classes]float64 `json:"weights"`
	Crossed Crossed                       `json:"crossed"`
}

// Crossed is how a calibration did on the rows of each training fold when it (all but the slopes that
// languages of tweets are drawn to) was fitted
// without that fold, by models trained without it: one language.
type Crossed struct {
	Rows  int     `json:"rows"`
	ECE   float64 `json:"ece"`   // 15 bins of equal mass
	Floor float64 `json:"floor"` // mean of what perfect calibration would show on as many rows
}

// looks tells how the last text that was extracted looks.
func (x *Extractor) looks() (l looks) {
	words, latin := 0, 0
	for i := range x.tokens {
		t := &x.tokens[i]
		switch t.kind {
		case kindFixed:
			if t.hash == linkHash {
				l[claimLink] = 1
			}
		case kindSign:
			switch r := x.text[t.begin]; {
			case r == '!' || r == '！':
				l[claimExclaim] = 1
			case r >= 0x2600:
				l[claimEmoji] = 1
			}
		default:
			words++
			if x.text[t.begin] < latinEnd {
				latin++
			}
		}
	}
	l[claimOne] = 1
	l[claimLength] = coarseLog(len(x.text)+1)/2 - 3
	l[claimTags] = float64(min(x.tags, 3)) / 3
	l[claimLatin] = float64(latin) / float64(max(1, words))
	return l
}

// coarseLog is the logarithm to base 2 of n > 0, in straight lines between the powers of two:
// the same bits on every processor.
func coarseLog(n int) float64 {
	whole := bits.Len(uint(n)) - 1
	return float64(whole) + float64(n-1<<whole)/float64(int(1)<<whole)
}

// claimInputsOf adds the label that was chosen, and the probability that it was chosen by, around
// a usual one.
func claimInputsOf(l looks, label int, p float64) (in inputs) {
	const usual = 0.6
	copy(in[:], l[:])
	in[claimLabel+label] = 1
	in[claimLabel+classes+label] = float64(3 * (p - usual))
	return in
}

// apply returns the probabilities.
func (c *Claim) apply(z *logits, in *inputs) [classes]float64 {
	var sums [classes]float64
	scores := sharedOf(z)
	for g := range scores {
		for k := range sums {
			sums[k] += float64(c.Slope[g] * scores[g][k])
		}
	}
	for i, v := range in {
		if v == 0 {
			continue
		}
		for k := range sums {
			sums[k] += float64(c.Weights[i][k] * v)
		}
	}
	return softmax64(sums)
}
