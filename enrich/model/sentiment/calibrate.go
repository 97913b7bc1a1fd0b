package sentiment

import (
	"maps"
	"math"
	"slices"
)

// scored is a row that a model which did not see it has judged.
type scored struct {
	lang   string
	other  bool // of a source that is not the language's main one
	z      logits
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
		out = append(out, scored{lang: data[i].Lang, other: source == otherSource, z: z, label: int(r.label), weight: 1})
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
	pooled := fitCalibration(tweets, even, weak).Slope
	out := map[string]Calibration{}
	for _, lang := range langs {
		var c Calibration
		if slices.Contains(umsabLanguages, lang) {
			c = fitCalibration(byLang[lang], pooled, strong)
		} else {
			c = fitCalibration(byLang[lang], even, weak)
		}
		c.Worth = worth(byLang[lang])
		out[lang] = c
	}
	unknown := fitCalibration(all, even, weak)
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

// Parameters of a calibration: the slopes, then the biases.
const parameters = parts + classes

// newton holds the gradient and the curvature of the log loss.
type newton struct {
	gradient [parameters]float64
	curve    [parameters][parameters]float64
}

// How strongly slopes are drawn to where they are expected: about as so many rows would.
const (
	weak   = 4.0
	strong = 30.0 // to those of all languages of tweets
)

// even slopes take the scores as they are.
var even = [parts]float64{1, 1, 1, 1}

// fitCalibration minimises the log loss by Newton's method. The loss is convex; a penalty
// draws the slopes to those expected and keeps the biases, of which one is too many, determined.
func fitCalibration(rows []scored, expected [parts]float64, penalty float64) Calibration {
	const (
		steps  = 25
		biases = 0.01 * weak
	)
	c := Calibration{Rows: len(rows), Slope: expected}
	for range steps {
		var n newton
		for g := range parts {
			n.gradient[g] = penalty * (c.Slope[g] - expected[g])
		}
		for k := range classes {
			n.gradient[parts+k] = biases * c.Bias[k]
		}
		for i := range parameters {
			n.curve[i][i] = penalty
			if i >= parts {
				n.curve[i][i] = biases
			}
		}
		for i := range rows {
			n.add(c, &rows[i])
		}
		step := n.solve()
		most := 0.0
		for i, s := range step {
			s = max(-1, min(1, s)) // a step from far away may lead too far
			most = max(most, math.Abs(s))
			if i < parts {
				c.Slope[i] -= s
			} else {
				c.Bias[i-parts] -= s
			}
		}
		if most < 1e-7 {
			break
		}
	}
	return c
}

// add adds a row's share of gradient and curvature.
func (n *newton) add(c Calibration, r *scored) {
	p := c.apply(r.z)
	var by [classes][parameters]float64 // each logit's derivatives
	var mean [parameters]float64
	for k := range by {
		for g := range parts {
			by[k][g] = r.z[g][k]
		}
		by[k][parts+k] = 1
		for i, d := range by[k] {
			mean[i] += p[k] * d
		}
	}
	for i := range mean {
		n.gradient[i] += r.weight * (mean[i] - by[r.label][i])
	}
	for k := range by {
		for i := range mean {
			for j := range mean {
				n.curve[i][j] += r.weight * p[k] * (by[k][i] - mean[i]) * (by[k][j] - mean[j])
			}
		}
	}
}

// solve returns curve⁻¹·gradient by Gauss's elimination; the penalty makes the matrix
// positive definite, so no pivot is zero.
func (n newton) solve() [parameters]float64 {
	a, b := n.curve, n.gradient
	for i := range parameters {
		for j := i + 1; j < parameters; j++ {
			f := a[j][i] / a[i][i]
			for k := i; k < parameters; k++ {
				a[j][k] -= f * a[i][k]
			}
			b[j] -= f * b[i]
		}
	}
	for i := parameters - 1; i >= 0; i-- {
		for k := i + 1; k < parameters; k++ {
			b[i] -= a[i][k] * b[k]
		}
		b[i] /= a[i][i]
	}
	return b
}
