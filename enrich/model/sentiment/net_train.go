package sentiment

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
)

// NetSettings are those of the training of the net.
type NetSettings struct {
	Bits   int     // 2^Bits rows for words; 0: no net
	Epochs int     // passes over the rows
	Rate   float64 // AdaGrad's step
	Delta  float64 // added to AdaGrad's sum of squares
	L2     float64 // decay of the weights that a row moves
	Drop   float64 // share of the words and of the filters that is left out of a step at random
	Init   float64 // greatest value of a weight at the start
}

// smoothing is added to AdaGrad's sum of squares of biases and of what the filters say.
const smoothing = 0.1

// netTrainer trains a net by AdaGrad on the logistic loss, apart from the linear part: two
// judges that were trained apart err in different places.
type netTrainer struct {
	*trainer
	rows, squares  []float32 // (2^Bits + lexRows)*netRow weights, and their sums of squared gradients
	bias, biases   [filters]float32
	out, outs      [classes][filters]float32
	base           [classes]float32
	sources        map[string]*[classes]float32 // bias of a source, absent when a post is judged
	random         *rand.Rand
	dropped        []bool
	begins         []int
	pooled, toPool [filters]float32
	best           [filters]int32 // the word at which a filter is greatest; -1: it does not fire
}

// newNetTrainer begins at small weights drawn at random.
func newNetTrainer(t *trainer, without int) *netTrainer {
	n := &netTrainer{trainer: t, sources: map[string]*[classes]float32{}}
	n.random = rand.New(rand.NewPCG(t.Seed, 1<<32+uint64(without+1))) //nolint:gosec // training has to be repeatable
	n.rows = make([]float32, (1<<t.Net.Bits+lexRows)*netRow)
	n.squares = make([]float32, len(n.rows))
	for i := range n.rows {
		n.rows[i] = float32((2*n.random.Float64() - 1) * t.Net.Init)
	}
	for k := range n.out {
		for f := range n.out[k] {
			n.out[k][f] = float32(n.random.NormFloat64() * 0.5)
		}
	}
	return n
}

// fitNet trains on all rows but those of a fold; weights are the mean of those after each
// pass of the second half.
func (t *trainer) fitNet(ctx context.Context, without int) (*netTrainer, error) {
	if t.Net.Bits == 0 {
		return &netTrainer{trainer: t}, nil
	}
	n := newNetTrainer(t, without)
	var order []int32
	for i := range t.rows {
		if r := &t.rows[i]; len(r.tokens) > 0 && r.weight > 0 && (without == noFold || int(r.fold) != without) {
			order = append(order, int32(i))
		}
	}
	mean := &netTrainer{trainer: t, rows: make([]float32, len(n.rows)), squares: n.squares}
	passes := 0
	for epoch := range t.Net.Epochs {
		n.random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		rate := t.Net.Rate * (1 - 0.9*float64(epoch)/float64(t.Net.Epochs))
		for at, i := range order {
			if at%4096 == 0 && ctx.Err() != nil {
				return nil, fmt.Errorf("sentiment: train the net: %w", context.Cause(ctx))
			}
			n.step(&t.rows[i], float32(rate))
		}
		if epoch >= t.Net.Epochs/2 {
			passes++
			mean.approach(n, 1/float32(passes))
		}
	}
	return mean, nil
}

// approach moves the weights by a share of the way to another's.
func (t *netTrainer) approach(to *netTrainer, share float32) {
	for i := range t.rows {
		t.rows[i] += share * (to.rows[i] - t.rows[i])
	}
	for f := range filters {
		t.bias[f] += share * (to.bias[f] - t.bias[f])
		for k := range classes {
			t.out[k][f] += share * (to.out[k][f] - t.out[k][f])
		}
	}
	for k := range classes {
		t.base[k] += share * (to.base[k] - t.base[k])
	}
}

// parts returns where the parts of rows begin that add to a word's filters: of the word and
// its neighbours, their own row and the lexicon's. It is valid until the next call.
func (t *netTrainer) parts(tokens []netToken, at int) []int {
	t.begins = t.begins[:0]
	for w := range window {
		i := at - window/2 + w
		if i < 0 || i >= len(tokens) {
			continue
		}
		if !t.dropped[i] {
			t.begins = append(t.begins, int(tokens[i].word)*netRow+w*filters)
		}
		t.begins = append(t.begins, (1<<t.Net.Bits+int(tokens[i].lex))*netRow+w*filters)
	}
	return t.begins
}

// forward fills pooled and best, and returns the scores. With drop, words and filters are
// left out at random.
func (t *netTrainer) forward(tokens []netToken, drop bool) (z [classes]float32) {
	t.dropped = t.dropped[:0]
	for range tokens {
		t.dropped = append(t.dropped, drop && t.random.Float64() < t.Net.Drop)
	}
	t.pooled, t.best = [filters]float32{}, [filters]int32{}
	for f := range t.best {
		t.best[f] = -1
	}
	for i := range tokens {
		sum := t.bias
		for _, begin := range t.parts(tokens, i) {
			part := (*[filters]float32)(t.rows[begin:])
			for f := range sum {
				sum[f] += part[f]
			}
		}
		for f, v := range sum {
			if v > t.pooled[f] {
				t.pooled[f], t.best[f] = v, int32(i)
			}
		}
	}
	if drop {
		for f := range t.pooled {
			t.pooled[f] /= float32(1 - t.Net.Drop)
			if t.random.Float64() < t.Net.Drop {
				t.pooled[f], t.best[f] = 0, -1
			}
		}
	}
	z = t.base
	for k := range z {
		for f, v := range t.pooled {
			z[k] += t.out[k][f] * v
		}
	}
	return z
}

// step is AdaGrad on the logistic loss of one row.
func (t *netTrainer) step(r *rowFeatures, rate float32) {
	z := t.forward(r.tokens, true)
	source := t.sources[r.source]
	if source == nil {
		source = new([classes]float32)
		t.sources[r.source] = source
	}
	for k := range z {
		z[k] += source[k]
	}
	e := softmax(z)
	e[r.label]--
	l2 := float32(t.Net.L2) * r.weight
	t.toPool = [filters]float32{}
	for k := range e {
		source[k] -= 0.01 * e[k]
		g := e[k] * r.weight
		t.base[k] -= 0.02 * rate * g
		for f := range filters {
			if t.best[f] >= 0 {
				t.toPool[f] += g * t.out[k][f] / float32(1-t.Net.Drop)
				adagrad(&t.out[k][f], &t.outs[k][f], g*t.pooled[f]+l2*t.out[k][f], rate, smoothing)
			}
		}
	}
	for f, at := range t.best {
		if at < 0 {
			continue
		}
		g := t.toPool[f]
		adagrad(&t.bias[f], &t.biases[f], g, 0.3*rate, smoothing)
		for _, begin := range t.parts(r.tokens, int(at)) {
			w := &t.rows[begin+f]
			adagrad(w, &t.squares[begin+f], g+l2**w, rate, float32(t.Net.Delta))
		}
	}
}

// adagrad moves a weight against its gradient (Duchi, Hazan and Singer 2011).
func adagrad(w, squares *float32, gradient, rate, delta float32) {
	*squares += gradient * gradient
	*w -= rate * gradient / float32(math.Sqrt(float64(*squares+delta)))
}

// judge returns the scores of a row.
func (t *netTrainer) judge(r *rowFeatures) (z [classes]float64) {
	if t.Net.Bits == 0 || len(r.tokens) == 0 {
		return z
	}
	for k, v := range t.forward(r.tokens, false) {
		z[k] = float64(v)
	}
	return z
}
