package sentiment

import (
	"maps"
	"math"
	"slices"
)

// scored is a row that a model which did not see it has judged.
type scored struct {
	lang   string
	z      logits
	label  int
	weight float64
}

// minCalibration is how many rows a calibration of its own needs.
const minCalibration = 300

// outside judges the rows of a fold. The feature of the source is left out: it is not
// known when a post is judged.
func (t *trainer) outside(table []cell, data []Row, fold int) []scored {
	var out []scored
	for i := range t.rows {
		r := &t.rows[i]
		if int(r.fold) != fold || !calibrated(data[i].Lang, data[i].Source) {
			continue
		}
		out = append(out, scored{lang: data[i].Lang, z: t.judge(table, r), label: int(r.label), weight: 1})
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
	out := map[string]Calibration{}
	var all []scored
	for _, lang := range slices.Sorted(maps.Keys(byLang)) {
		rows := byLang[lang]
		if len(rows) < minCalibration {
			continue
		}
		if lang == "en" {
			level(rows)
		}
		out[lang] = fitCalibration(rows)
		for _, r := range rows {
			r.weight = minCalibration / float64(len(rows))
			all = append(all, r)
		}
	}
	unknown := fitCalibration(all)
	// What no row was seen of is judged by the lexicon, emoji and what languages share:
	// the share of a judgement that holds there is not known, so half of it is claimed.
	for g := range unknown.Slope {
		unknown.Slope[g] /= 2
	}
	out[""] = unknown
	return out
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

// Parameters of a calibration: the slopes, then the biases.
const parameters = groups + classes

// newton holds the gradient and the curvature of the log loss.
type newton struct {
	gradient [parameters]float64
	curve    [parameters][parameters]float64
}

// fitCalibration minimises the log loss by Newton's method. The loss is convex; a penalty
// draws the slopes to 1 (as strong as a few rows) and keeps the biases, of which one is
// too many, determined.
func fitCalibration(rows []scored) Calibration {
	const (
		steps   = 25
		penalty = 4.0
	)
	c := Calibration{Rows: len(rows)}
	for g := range c.Slope {
		c.Slope[g] = 1
	}
	for range steps {
		var n newton
		for g := range groups {
			n.gradient[g] = penalty * (c.Slope[g] - 1)
		}
		for k := range classes {
			n.gradient[groups+k] = 0.01 * penalty * c.Bias[k]
		}
		for i := range parameters {
			n.curve[i][i] = penalty
			if i >= groups {
				n.curve[i][i] = 0.01 * penalty
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
			if i < groups {
				c.Slope[i] -= s
			} else {
				c.Bias[i-groups] -= s
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
		for g := range groups {
			by[k][g] = r.z[g][k]
		}
		by[k][groups+k] = 1
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
