package namesake

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"

	"earshot/pipeline"
)

// Example is a post that an analyst marked: does it mean the brand?
type Example struct {
	Post *pipeline.Post
	Yes  bool
}

// atLeast is how many examples of each kind it takes: from fewer a model would learn the
// words of single posts, and take the name itself for what the other kind means.
const atLeast = 5

// ErrTooFew is returned where fewer examples than that are yes, or no.
var ErrTooFew = fmt.Errorf("namesake: learning needs at least %d examples of each kind, yes and no", atLeast)

// Learning is the minimum of the mean logistic loss of the examples plus ridge/n times
// half the squared weights (Hastie, Tibshirani, Friedman, The Elements of Statistical
// Learning, 4.4.4), by Nesterov's accelerated descent with a fixed number of steps, so
// that the same examples in the same order give the same model. The bias is not bounded.
// All yes together weigh as much as all no: how many of each an analyst marked is chance,
// and says nothing of the next post. The ridge was chosen by cross-validation.
const (
	ridge = 0.3
	steps = 400
)

// Learn makes a model from examples. The name is what the posts have in common ("milan",
// "ant-man"): its words are no evidence themselves.
func Learn(name string, examples []Example) (*Model, error) {
	m := &Model{Format: Format, Weights: map[string]int{}}
	for _, w := range split(name) {
		m.Name = append(m.Name, w.folded)
	}
	for _, e := range examples {
		if e.Yes {
			m.Yes++
		} else {
			m.No++
		}
	}
	if m.Yes < atLeast || m.No < atLeast {
		return nil, ErrTooFew
	}
	if err := m.ready(); err != nil {
		return nil, err
	}
	index, rows := m.rows(examples)
	weights, bias := descend(rows, examples, len(index))
	m.Bias = int(math.Round(1000 * bias))
	m.keep(index, weights)
	return m, m.ready()
}

// rows numbers the features, in order of appearance, and returns those of each example.
func (m *Model) rows(examples []Example) (index []string, rows [][]int) {
	numbers := map[string]int{}
	for _, e := range examples {
		var row []int
		for _, f := range features(e.Post, m.names) {
			n, ok := numbers[f]
			if !ok {
				n = len(index)
				numbers[f] = n
				index = append(index, f)
			}
			row = append(row, n)
		}
		rows = append(rows, row)
	}
	return index, rows
}

// descend returns the weights and the bias of the least loss.
func descend(rows [][]int, examples []Example, size int) (w []float64, bias float64) {
	longest := 0
	for _, row := range rows {
		longest = max(longest, len(row))
	}
	n := float64(len(rows))
	shares := sharesOf(examples)
	rate := 1 / (slices.Max(shares)*n*float64(longest+1)/4 + ridge/n) // the inverse of the steepest curvature there can be
	w = make([]float64, size+1)                                       // the last is the bias
	ahead, gradient := make([]float64, size+1), make([]float64, size+1)
	for step := range steps {
		for j := range size {
			gradient[j] = ridge / n * ahead[j]
		}
		gradient[size] = 0
		for i, row := range rows {
			z := ahead[size]
			for _, j := range row {
				z += ahead[j]
			}
			miss := 1 / (1 + math.Exp(-z))
			if examples[i].Yes {
				miss--
			}
			for _, j := range row {
				gradient[j] += miss * shares[i]
			}
			gradient[size] += miss * shares[i]
		}
		momentum := float64(step) / float64(step+3)
		for j := range w {
			next := ahead[j] - rate*gradient[j]
			ahead[j] = next + momentum*(next-w[j])
			w[j] = next
		}
	}
	return w[:size], w[size]
}

// sharesOf returns what each example weighs: yes and no half of the whole each.
func sharesOf(examples []Example) []float64 {
	counts := map[bool]float64{}
	for _, e := range examples {
		counts[e.Yes]++
	}
	out := make([]float64, len(examples))
	for i, e := range examples {
		out[i] = 1 / (2 * counts[e.Yes])
	}
	return out
}

// keep stores the strongest weights, at most maxWeights, that are at least a hundredth and
// not of something too long to be a word.
func (m *Model) keep(index []string, weights []float64) {
	var order []int
	for j, w := range weights {
		if math.Abs(w) >= 0.01 && len(index[j]) <= maxFeature {
			order = append(order, j)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(math.Abs(weights[b]), math.Abs(weights[a])), cmp.Compare(index[a], index[b]))
	})
	for _, j := range order[:min(len(order), maxWeights)] {
		m.Weights[index[j]] = int(math.Round(1000 * weights[j]))
	}
}

// CrossValidate scores each example by a model that was learnt from the examples of the
// other folds. The fold of an example is drawn from the hash of its platform and id, so
// that it does not depend on the order.
func CrossValidate(name string, examples []Example, folds int) ([]float64, error) {
	scores := make([]float64, len(examples))
	for fold := range folds {
		var others []Example
		for _, e := range examples {
			if foldOf(e.Post, folds) != fold {
				others = append(others, e)
			}
		}
		m, err := Learn(name, others)
		if err != nil {
			return nil, err
		}
		for i, e := range examples {
			if foldOf(e.Post, folds) == fold {
				scores[i] = m.Score(e.Post)
			}
		}
	}
	return scores, nil
}

func foldOf(p *pipeline.Post, folds int) int {
	sum := sha256.Sum256([]byte(p.Platform + "/" + p.ID))
	return int(uint16(sum[0])<<8|uint16(sum[1])) % folds
}
