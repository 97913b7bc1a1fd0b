package main

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"

	"earshot/enrich/model/language"
	"earshot/enrich/model/language/measure"
)

// How the rows are tuned; chosen on texts that were held out of the training.
const (
	passes      = 4    // over the texts
	rate        = 3.0  // of the first step of a row; later ones shrink by AdaGrad
	heatOfRow   = 3.0  // the points that make a difference grow with the root of the n-grams: they repeat each other
	leastHeat   = 4.0  // and are at least these
	sureEnough  = 0.01 // a text that is told with this doubt teaches nothing
	seldomAsked = 3e-3 // a language that is as good as excluded is left alone
)

// lesson is a text as the tables read it.
type lesson struct {
	group  int
	lanes  uint64
	gold   int
	rows   []int32
	weight float32
}

// tune moves the rows of the tables, which know each language by itself, to where they tell
// the languages apart: a logistic regression by stochastic gradient descent with AdaGrad
// (Duchi et al. 2011) that begins at lingua's statistics. Rows that no text has stay.
func tune(groups []language.Group, texts []measure.Text) error {
	lessons, err := lessonsOf(groups, texts)
	if err != nil {
		return err
	}
	points, moved := make([][]float32, len(groups)), make([][]float32, len(groups))
	for g := range groups {
		n, lanes := len(groups[g].Keys), len(groups[g].Codes)
		points[g], moved[g] = make([]float32, n*lanes), make([]float32, n)
		for row := range n {
			for lane := range lanes {
				points[g][row*lanes+lane] = float32(groups[g].Rows[lane*n+row])
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // an order that is the same every time
	for pass := range passes {
		wrong := 0
		step := float32(rate * (1 - 0.7*float64(pass)/passes))
		for _, i := range random.Perm(len(lessons)) {
			l := &lessons[i]
			if l.learn(points[l.group], moved[l.group], len(groups[l.group].Codes), step) {
				wrong++
			}
		}
		fmt.Printf("pass %d: %d of %d lessons wrong before they were learnt\n", pass+1, wrong, len(lessons))
	}
	for g := range groups {
		settle(&groups[g], points[g])
	}
	return nil
}

// weight is how far a kind of texts is to be trusted, and how much there is of it.
func weight(k measure.Kind) float32 {
	switch k {
	case measure.Sentences:
		return 1
	case measure.Pairs:
		return 0.7
	case measure.MorePosts:
		return 0.2
	}
	return 0.4
}

// lessonsOf reads the texts whose language the tables have to decide.
func lessonsOf(groups []language.Group, texts []measure.Text) ([]lesson, error) {
	d, err := language.NewDetector(groups)
	if err != nil {
		return nil, err
	}
	rowOf := make([]map[uint64]int32, len(groups))
	laneOf := make([]map[string]int, len(groups))
	for g := range groups {
		rowOf[g], laneOf[g] = make(map[uint64]int32, len(groups[g].Keys)), map[string]int{}
		for row, key := range groups[g].Keys {
			rowOf[g][key] = int32(row)
		}
		for lane, code := range groups[g].Codes {
			laneOf[g][code] = lane
		}
	}
	var out []lesson
	among := d.NewCandidates(nil)
	for _, t := range texts {
		trace := d.Trace(t.Words, among)
		if trace.Group < 0 || len(trace.Keys) == 0 {
			continue
		}
		gold, ok := laneOf[trace.Group][t.Code]
		if !ok || trace.Lanes>>gold&1 == 0 {
			continue
		}
		l := lesson{group: trace.Group, lanes: trace.Lanes, gold: gold, weight: weight(t.Kind)}
		for _, key := range trace.Keys {
			l.rows = append(l.rows, rowOf[trace.Group][key])
		}
		out = append(out, l)
	}
	return out, nil
}

// learn makes one step and reports whether the text was told wrong before it.
func (l *lesson) learn(points, moved []float32, lanes int, step float32) (wrong bool) {
	var sums, p [64]float64
	for _, row := range l.rows {
		for lane, v := range points[int(row)*lanes:][:lanes] {
			sums[lane] += float64(v)
		}
	}
	heat := max(leastHeat, heatOfRow*math.Sqrt(float64(len(l.rows))))
	best, total := math.Inf(1), 0.0
	for rest := l.lanes; rest != 0; rest &= rest - 1 {
		lane := bits.TrailingZeros64(rest)
		if sums[lane] < best {
			best, wrong = sums[lane], lane != l.gold
		}
	}
	for rest := l.lanes; rest != 0; rest &= rest - 1 {
		lane := bits.TrailingZeros64(rest)
		p[lane] = math.Exp((best - sums[lane]) / heat)
		total += p[lane]
	}
	doubt := float32(1 - p[l.gold]/total)
	if doubt < sureEnough {
		return wrong
	}
	for _, row := range l.rows {
		moved[row] += doubt * doubt * l.weight * l.weight
		pace := step * l.weight / float32(math.Sqrt(1+float64(moved[row])))
		at := points[int(row)*lanes:][:lanes]
		for rest := l.lanes; rest != 0; rest &= rest - 1 {
			lane := bits.TrailingZeros64(rest)
			switch share := p[lane] / total; {
			case lane == l.gold:
				at[lane] -= pace * doubt
			case share > seldomAsked:
				at[lane] += pace * float32(share)
			}
		}
	}
	return wrong
}

// settle rounds the points to penalties: how far each language is behind the best.
func settle(g *language.Group, points []float32) {
	n, lanes := len(g.Keys), len(g.Codes)
	for row := range n {
		at := points[row*lanes:][:lanes]
		least := at[0]
		for _, v := range at {
			least = min(least, v)
		}
		for lane, v := range at {
			g.Rows[lane*n+row] = byte(min(language.MaxPenalty, math.Round(float64(v-least))))
		}
	}
}
