package sentiment

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// Correction undoes the model's errors on the mean of many posts of one language: of the
// shares of its labels it makes the shares of the truth (Rogan and Gladen 1978, for several classes as in
// Buonaccorsi 2010). Classes stand in the order negative, neutral, positive.
type Correction struct {
	Lang    string           // empty: all languages together
	Rows    int              // labelled posts behind it
	Score   [classes]float64 // what a label adds to net sentiment
	Inverse [classes * classes]float64
	// Variance of net sentiment that the matrix's own size adds, of each true class, to be
	// multiplied with the square of that class's share.
	Variance [classes]float64
}

// Classes with fewer labelled posts than this tell too little of the model's errors.
const leastOfClass = 20

// Corrections reads the confusion matrices of a report (SentimentFigures): one correction for
// each language that has enough posts of each class, and one for all together.
func Corrections(figures string) (model string, out []Correction, err error) {
	var r Report
	if err := json.Unmarshal([]byte(figures), &r); err != nil {
		return "", nil, fmt.Errorf("sentiment: figures: %w", err)
	}
	sums, order := map[string]Confusion{}, []string{""}
	for _, s := range append(r.Val, r.Held...) {
		lang, which, _ := strings.Cut(s.Set, " ")
		if which == "all" {
			continue // the sum of others
		}
		if _, known := sums[lang]; !known {
			order = append(order, lang)
		}
		sums[lang] = sums[lang].plus(s.Confusion)
		sums[""] = sums[""].plus(s.Confusion)
	}
	for _, lang := range order {
		if c, ok := CorrectionOf(sums[lang]); ok {
			c.Lang = lang
			out = append(out, c)
		}
	}
	return r.Model, out, nil
}

func (c Confusion) plus(d Confusion) Confusion {
	for i := range c {
		for j := range c[i] {
			c[i][j] += d[i][j]
		}
	}
	return c
}

// CorrectionOf inverts one matrix; false if it has too few posts of a class, or if the model
// cannot tell the classes apart.
func CorrectionOf(confusion Confusion) (Correction, bool) {
	var c Correction
	var rates [classes][classes]float64 // [true][label]
	var of [classes]float64
	for i, row := range confusion {
		for _, n := range row {
			of[i] += float64(n)
		}
		if of[i] < leastOfClass {
			return c, false
		}
		c.Rows += int(of[i])
		for j, n := range row {
			rates[i][j] = float64(n) / of[i]
		}
	}
	inverse, ok := invertTransposed(rates)
	if !ok {
		return c, false
	}
	worth := [classes]float64{-1, 0, 1}
	for i := range classes {
		for j := range classes {
			c.Inverse[classes*i+j] = inverse[i][j]
			c.Score[j] += worth[i] * inverse[i][j]
		}
	}
	for i := range classes {
		square := 0.0
		for j := range classes {
			square += c.Score[j] * c.Score[j] * rates[i][j]
		}
		c.Variance[i] = max(square-worth[i]*worth[i], 0) / of[i] // sum of Score*rates is worth
	}
	return c, true
}

// invertTransposed inverts the transpose of a 3×3 matrix by its adjugate.
func invertTransposed(m [classes][classes]float64) (out [classes][classes]float64, ok bool) {
	minor := func(i, j int) float64 { // cyclic, so it has its sign
		a, b, c, d := (i+1)%classes, (i+2)%classes, (j+1)%classes, (j+2)%classes
		return m[a][c]*m[b][d] - m[a][d]*m[b][c]
	}
	determinant := 0.0
	for j := range classes {
		determinant += m[0][j] * minor(0, j)
	}
	if math.Abs(determinant) < 0.01 { // the rows are nearly the same: labels say nothing
		return out, false
	}
	for i := range classes {
		for j := range classes {
			out[i][j] = minor(i, j) / determinant
		}
	}
	return out, true
}
