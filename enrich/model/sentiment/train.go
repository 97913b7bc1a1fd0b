package sentiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Settings of a training.
type Settings struct {
	Bits   int             // 2^Bits places
	Epochs int             // passes over the rows
	Rate   float64         // AdaGrad's step
	Delta  float64         // added to AdaGrad's sum of squares: rare features learn slower
	L2     float64         // decay of the weights of a row's features, in units of Rate
	Values [groups]float64 // length of each group's part of a row
	Folds  int             // for calibration; 0: none
	Seed   uint64
	Net    NetSettings
}

// DefaultSettings won on validation; the model card tells what else was tried.
func DefaultSettings() Settings {
	return Settings{Bits: 22, Epochs: 7, Rate: 0.2, Delta: 0.02, L2: 3e-3, Values: [groups]float64{1, 1, 0.6}, Folds: 5, Seed: 1,
		Net: NetSettings{Bits: 15, Epochs: 6, Rate: 0.05, Delta: 0.05, L2: 1e-4, Drop: 0.2, Init: 0.1}}
}

// cell is a place in the table while it is trained: weights and sum of squared gradients.
type cell [classes + 1]float32

// rowFeatures are the features of a row in one slice, groups one after the other.
type rowFeatures struct {
	at     []uint32
	end    [groups]int32
	label  uint8
	weight float32
	fold   uint8
	tokens []netToken
	looks  looks
	source string
}

// trainer holds what all folds share; immutable while they run.
type trainer struct {
	Settings
	rows []rowFeatures
}

// newTrainer extracts the features once. The source of a row is a feature of its own,
// which nothing has when it is judged: it takes up how often a source has each label.
func newTrainer(s Settings, lex *Lexicon, data []Row) *trainer {
	t := &trainer{Settings: s, rows: make([]rowFeatures, len(data))}
	x := NewExtractor(lex, s.Bits)
	for i, r := range data {
		f := x.Extract(r.Lang, r.Text)
		x.add(groupMarks, hashString(seedSource, r.Source))
		row := &t.rows[i]
		row.source, row.looks = r.Lang+" "+r.Source, x.looks()
		if s.Net.Bits > 0 {
			row.tokens = slices.Clone(x.netTokens(nil, s.Net.Bits))
		}
		n := 0
		for g := range f {
			n += len(f[g])
			row.end[g] = int32(n)
		}
		row.at = make([]uint32, 0, n)
		for g := range f {
			row.at = append(row.at, f[g]...)
		}
		row.label, row.weight = uint8(r.Label), float32(weightOf(r.Lang, r.Source))
		if s.Folds > 0 {
			row.fold = uint8(textHash(r.Text) / 16 % uint64(s.Folds))
		}
	}
	return t
}

// noFold trains on all rows.
const noFold = -1

// fit trains on all rows but those of a fold.
func (t *trainer) fit(ctx context.Context, without int) ([]cell, error) {
	table, mean := make([]cell, 1<<t.Bits), make([]cell, 1<<t.Bits)
	order := make([]int32, 0, len(t.rows))
	for i := range t.rows {
		if without == noFold || int(t.rows[i].fold) != without {
			order = append(order, int32(i))
		}
	}
	random := rand.New(rand.NewPCG(t.Seed, uint64(without+1))) //nolint:gosec // the order of training has to be repeatable
	for epoch := range t.Epochs {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		rate := t.Rate * (1 - 0.9*float64(epoch)/float64(t.Epochs))
		for n, i := range order {
			if n%4096 == 0 && ctx.Err() != nil {
				return nil, fmt.Errorf("sentiment: train: %w", context.Cause(ctx))
			}
			t.step(table, &t.rows[i], float32(rate))
		}
		if epoch > 0 || t.Epochs == 1 {
			average(mean, table, epoch)
		}
	}
	return mean, nil
}

// average makes mean the mean of the tables after each epoch but the first.
func average(mean, table []cell, n int) {
	share := 1 / float32(max(1, n))
	for i := range mean {
		for k := range classes {
			mean[i][k] += share * (table[i][k] - mean[i][k])
		}
	}
}

// values returns the value of a feature of each group of a row.
func (t *trainer) values(r *rowFeatures) (v [groups]float32) {
	begin := int32(0)
	for g, end := range r.end {
		v[g] = float32(t.Values[g] / math.Sqrt(float64(max(1, end-begin))))
		begin = end
	}
	return v
}

// step is AdaGrad on the logistic loss of one row.
func (t *trainer) step(table []cell, r *rowFeatures, rate float32) {
	v := t.values(r)
	var z [classes]float32
	begin := int32(0)
	for g, end := range r.end {
		var a, b, c float32
		for _, at := range r.at[begin:end] {
			w := &table[at]
			a += w[0]
			b += w[1]
			c += w[2]
		}
		z[0] += v[g] * a
		z[1] += v[g] * b
		z[2] += v[g] * c
		begin = end
	}
	e := softmax(z)
	e[r.label]--
	for k := range e {
		e[k] *= r.weight
	}
	square := e[0]*e[0] + e[1]*e[1] + e[2]*e[2]
	delta, l2 := float32(t.Delta), float32(t.L2)*r.weight
	begin = 0
	for g, end := range r.end {
		x := v[g]
		for _, at := range r.at[begin:end] {
			w := &table[at]
			w[3] += square * x * x
			s := rate / float32(math.Sqrt(float64(w[3]+delta)))
			w[0] -= s * (e[0]*x + l2*w[0])
			w[1] -= s * (e[1]*x + l2*w[1])
			w[2] -= s * (e[2]*x + l2*w[2])
		}
		begin = end
	}
}

func softmax(z [classes]float32) (p [classes]float32) {
	most := max(z[0], z[1], z[2])
	sum := float32(0)
	for k := range z {
		p[k] = float32(math.Exp(float64(z[k] - most)))
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}

// quantize turns weights into int8: one scale a group would need one table a group, so
// the scale is one, and weights beyond 5 standard deviations are cut.
func (t *trainer) quantize(table []cell) (weights []byte, scales [groups]float64) {
	sum, n := 0.0, 0
	for i := range table {
		for _, w := range table[i][:classes] {
			if w != 0 {
				sum += float64(w) * float64(w)
				n++
			}
		}
	}
	unit := 5 * math.Sqrt(sum/float64(max(1, n))) / 127
	weights = make([]byte, 0, len(table)*classes)
	for i := range table {
		for _, w := range table[i][:classes] {
			q := math.Round(max(-127, min(127, float64(w)/unit)))
			weights = append(weights, byte(int8(q)))
		}
	}
	for g := range scales {
		scales[g] = unit * t.Values[g]
	}
	return append(weights, 0), scales // the last weight too is read as four bytes
}

// Train trains and calibrates a model and returns its file. The same data and settings
// give the same bytes on the same architecture.
func Train(ctx context.Context, s Settings, data *Data, progress func(string)) ([]byte, error) {
	if s.Folds < 2 {
		return nil, errors.New("sentiment: calibration needs at least 2 folds")
	}
	if s.Net.Bits > 0 && (s.Net.Bits < minBits || s.Net.Bits > maxNetBits) {
		return nil, fmt.Errorf("sentiment: a net of 2^%d rows; it has from 2^%d to 2^%d", s.Net.Bits, minBits, maxNetBits)
	}
	lex, err := NewLexicon()
	if err != nil {
		return nil, err
	}
	progress(fmt.Sprintf("%d rows to train on; extracting features", len(data.Train)))
	t := newTrainer(s, lex, data.Train)
	outside := make([][]scored, s.Folds)
	var final []cell
	var finalNet *netTrainer
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for fold := noFold; fold < s.Folds; fold++ {
		group.Go(func() error {
			table, err := t.fit(ctx, fold)
			if err != nil {
				return err
			}
			net, err := t.fitNet(ctx, fold)
			if err != nil {
				return err
			}
			if fold == noFold {
				final, finalNet = table, net
			} else {
				outside[fold] = t.outside(table, net, data.Train, fold)
			}
			progress(fmt.Sprintf("trained without fold %d", fold))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	weights, scales := t.quantize(final)
	h := header{Bits: s.Bits, Scales: scales, Calibration: calibrate(outside)}
	if s.Net.Bits > 0 {
		var rows []byte
		h.Net, rows = finalNet.quantized()
		weights = append(weights, rows...)
	}
	return h.marshal(weights)
}
