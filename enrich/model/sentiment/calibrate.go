package sentiment

import (
	"math"
	"slices"
)

// scored is a row that a model which did not see it has judged.
type scored struct {
	lang   string
	z      [classes]float64
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

func (t *trainer) judge(table []cell, r *rowFeatures) (z [classes]float64) {
	begin, last := int32(0), len(r.at)-1
	for g, end := range r.end {
		at := r.at[begin:end]
		if g == groupMarks {
			at = r.at[begin:last]
		}
		v := t.Values[g] / math.Sqrt(float64(max(1, len(at))))
		for _, place := range at {
			for k := range z {
				z[k] += v * float64(table[place][k])
			}
		}
		begin = end
	}
	return z
}

// calibrate fits each language with enough rows, and all together for the others.
func calibrate(folds [][]scored) map[string]Calibration {
	byLang := map[string][]scored{"": nil}
	for _, rows := range folds {
		for _, r := range rows {
			byLang[r.lang] = append(byLang[r.lang], r)
		}
	}
	out := map[string]Calibration{}
	var all []scored
	langs := make([]string, 0, len(byLang))
	for lang := range byLang {
		langs = append(langs, lang)
	}
	slices.Sort(langs)
	for _, lang := range langs {
		rows := byLang[lang]
		if len(rows) < minCalibration {
			continue
		}
		if lang == "en" {
			level(rows)
		}
		for _, r := range rows {
			r.weight = 1 / float64(len(rows)) * minCalibration
			all = append(all, r)
		}
		out[lang] = fitCalibration(rows)
	}
	unknown := fitCalibration(all)
	// What no row was seen of is judged by the lexicon, emoji and what languages share:
	// the share of a judgement that holds there is not known, so half of it is claimed.
	unknown.Slope /= 2
	out[""] = unknown
	return out
}

// level brings the classes half-way (by the square root) to equal shares. English has
// rows as they were posted (SemEval) and with equal shares (UMSAB): it stands between.
func level(rows []scored) {
	var n [classes]float64
	for _, r := range rows {
		n[r.label]++
	}
	for i := range rows {
		rows[i].weight = math.Sqrt(float64(len(rows)) / (classes * max(1, n[rows[i].label])))
	}
}

// fitCalibration minimises the log loss by gradient descent with a step for each
// parameter; the loss is convex.
func fitCalibration(rows []scored) Calibration {
	c := Calibration{Slope: 1, Rows: len(rows)}
	var total float64
	for _, r := range rows {
		total += r.weight
	}
	for range 400 {
		var slope, curve float64
		var bias [classes]float64
		for _, r := range rows {
			p := c.apply(r.z)
			mean, square := 0.0, 0.0
			for k := range p {
				g := p[k]
				if k == r.label {
					g--
				}
				bias[k] += r.weight * g
				slope += r.weight * g * r.z[k]
				mean += p[k] * r.z[k]
				square += p[k] * r.z[k] * r.z[k]
			}
			curve += r.weight * (square - mean*mean)
		}
		if total == 0 {
			break
		}
		c.Slope -= 0.5 * slope / max(curve, 1e-6*total)
		most := math.Abs(slope / max(curve, 1e-6*total))
		for k := range bias {
			c.Bias[k] -= 2 * bias[k] / total
			most = max(most, math.Abs(bias[k]/total))
		}
		if most < 1e-5 {
			break
		}
	}
	return c
}
