package sentiment

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// scored is a row that a model which did not see it has judged.
type scored struct {
	lang   string
	other  bool // of a source that is not the language's main one
	fold   int
	z      logits
	looks  looks
	label  int
	weight float64
}

// minCalibration is how many rows a calibration of its own needs.
const minCalibration = 300

// outside judges the rows of a fold. The feature of the source is left out: it is not
// known when a post is judged.
func (t *trainer) outside(table []cell, net *netTrainer, data []Row, fold int) []scored {
	var out []scored
	for i := range t.rows {
		r := &t.rows[i]
		source := calibrated(data[i].Lang, data[i].Source)
		if int(r.fold) != fold || source == notCalibrated {
			continue
		}
		z := t.judge(table, r)
		z[partNet] = net.judge(r)
		out = append(out, scored{
			lang: data[i].Lang, other: source == otherSource, fold: fold, z: z, looks: r.looks, label: int(r.label), weight: 1,
		})
	}
	return out
}

func (t *trainer) judge(table []cell, r *rowFeatures) (z logits) {
	begin, last := int32(0), len(r.at)-1
	for g, end := range r.end {
		at := r.at[begin:end]
		if g == groupMarks {
			at = r.at[begin:last]
		}
		v := t.Values[g] / math.Sqrt(float64(max(1, len(at))))
		for _, place := range at {
			for k := range classes {
				z[g][k] += v * float64(table[place][k])
			}
		}
		begin = end
	}
	return z
}

// calibrate fits each language with enough rows, and all together for the others.
func calibrate(folds [][]scored) map[string]Calibration {
	byLang := map[string][]scored{}
	for _, rows := range folds {
		for _, r := range rows {
			byLang[r.lang] = append(byLang[r.lang], r)
		}
	}
	langs := slices.Sorted(maps.Keys(byLang))
	langs = slices.DeleteFunc(langs, func(lang string) bool { return len(byLang[lang]) < minCalibration })
	var all, tweets []scored
	for _, lang := range langs {
		rows := byLang[lang]
		balanceSources(rows)
		if lang == "en" {
			level(rows)
		}
		for _, r := range rows {
			r.weight *= minCalibration / float64(len(rows))
			all = append(all, r)
			if slices.Contains(umsabLanguages, lang) {
				tweets = append(tweets, r)
			}
		}
	}
	pooled := fitChoice(tweets, even, weak).Slope
	out := map[string]Calibration{}
	for _, lang := range langs {
		calibrate := func(rows []scored) Calibration {
			var c Calibration
			if slices.Contains(umsabLanguages, lang) {
				c = fitChoice(rows, pooled, strong)
			} else {
				c = fitChoice(rows, even, weak)
			}
			c.Worth = worth(rows)
			c.Claim = fitClaim(rows, &c)
			return c
		}
		c := calibrate(byLang[lang])
		c.Claim.Crossed = crossed(byLang[lang], calibrate)
		out[lang] = c
	}
	unknown := fitChoice(all, even, weak)
	// What no row was seen of is judged by the lexicon, emoji and what languages share:
	// the share of a judgement that holds there is not known, so half of it is claimed.
	for g := range unknown.Slope {
		unknown.Slope[g] /= 2
	}
	unknown.Worth = [classes]float64{1, 1, 1}
	out[""] = unknown
	return out
}

// balanceSources lets the other sources of a language together count half as much as its main ones.
func balanceSources(rows []scored) {
	others := 0
	for _, r := range rows {
		if r.other {
			others++
		}
	}
	for i := range rows {
		if rows[i].other {
			rows[i].weight = 0.5 * float64(len(rows)-others) / float64(others)
		}
	}
}

// level brings the classes nearer to equal shares. English has rows as they were posted
// (SemEval, few of them negative) and with equal shares (UMSAB): it stands between. On
// validation three quarters of the way won over none, a quarter, half and the whole.
func level(rows []scored) {
	var n [classes]float64
	for _, r := range rows {
		n[r.label]++
	}
	for i := range rows {
		rows[i].weight = math.Pow(float64(len(rows))/(classes*n[rows[i].label]), 0.75)
	}
}

// evenness is how far labels are chosen as if the classes were equally frequent: 0 takes the
// most probable class, 1 the one that the text speaks for most.
const evenness = 0.5

// worth makes up for classes that are rare in the rows: a share of 1/3 counts 1. Without it, who
// counts labels would hardly ever see a rare class.
func worth(rows []scored) (w [classes]float64) {
	all := 0.0
	for _, r := range rows {
		w[r.label] += r.weight
		all += r.weight
	}
	for k := range w {
		share := (w[k] + 1) / (all + classes) // no class is quite absent
		w[k] = math.Round(1000*math.Pow(classes*share, -evenness)) / 1000
	}
	return w
}

// How strongly slopes are drawn to where they are expected: about as so many rows would.
const (
	weak   = 4.0
	strong = 30.0 // to those of all languages of tweets
)

// even slopes take the scores as they are.
var even = [parts]float64{1, 1, 1, 1}

// fitChoice fits what labels are chosen by: slopes and a bias for each class.
func fitChoice(rows []scored, expected [parts]float64, penalty float64) Calibration {
	examples, one := make([]example, len(rows)), []float64{1}
	for i := range rows {
		r := &rows[i]
		examples[i] = example{own: one, label: r.label, weight: r.weight}
		copy(examples[i].z[:], r.z[:]) // the last input stays zero, and its slope
	}
	var from [slopes]float64
	copy(from[:], expected[:])
	f := fit(examples, from, penalty, []float64{0.01 * weak})
	return Calibration{Slope: [parts]float64(f.slope[:parts]), Bias: f.own[0], Rows: len(rows)}
}

// fitClaim fits the probabilities of labels that are chosen by c. Rows weigh as validation
// has them, which keeps 324 rows of UMSAB's 2,160 a language but a tenth of other sources: so
// UMSAB's count twice where there are others. English stays between its sources.
func fitClaim(rows []scored, c *Calibration) *Claim {
	mixed := slices.ContainsFunc(rows, func(r scored) bool { return r.other })
	examples, penalties := make([]example, len(rows)), make([]float64, claimInputs)
	for i := range rows {
		r := &rows[i]
		in := r.inputs(c)
		examples[i] = example{sharedOf(&r.z), in[:], r.label, r.weight}
		switch {
		case r.other:
			examples[i].weight = 1
		case mixed:
			examples[i].weight = 2
		}
	}
	for i := range penalties {
		penalties[i] = weak
	}
	penalties[claimOne] = 0.01 * weak
	f := fit(examples, [slopes]float64{1, 1, 1, 1, 0}, weak, penalties)
	claim := &Claim{Slope: f.slope}
	copy(claim.Weights[:], f.own)
	return claim
}

// inputs of a claim, once the label is chosen.
func (r *scored) inputs(c *Calibration) inputs {
	p := round(c.apply(&r.z))
	label := c.choose(p).Label()
	return claimInputsOf(r.looks, label, p[label])
}

// crossed judges each fold by a calibration of the other folds.
func crossed(rows []scored, calibrate func([]scored) Calibration) Crossed {
	var claims []claim
	for fold := range slices.Max(folds(rows)) + 1 {
		var others, own []scored
		for _, r := range rows {
			if r.fold == fold {
				own = append(own, r)
			} else {
				others = append(others, r)
			}
		}
		c := calibrate(others)
		for i := range own {
			j := c.judge(&own[i].z, own[i].looks)
			claims = append(claims, claim{j.P[j.Label()], j.Label() == own[i].label})
		}
	}
	sortClaims(claims)
	x := Crossed{Rows: len(claims)}
	x.ECE, _ = calibrationError(curve(claims))
	x.Floor, _ = chance(claims, rand.New(rand.NewPCG(1, uint64(len(claims))))) //nolint:gosec // a figure that is printed has to be repeatable
	return x
}

func folds(rows []scored) []int {
	out := make([]int, len(rows))
	for i := range rows {
		out[i] = rows[i].fold
	}
	return out
}
