package sentiment

// example is a row that a calibration is fitted on.
type example struct {
	z      shared    // inputs that have one slope for all classes
	own    []float64 // inputs that each class weighs by itself
	label  int
	weight float64
}

// fitted is what calibrations are made of: the softmax of slope*z plus own weights.
type fitted struct {
	slope [slopes]float64
	own   [][classes]float64 // by input
}

// apply returns the probabilities of a row.
func (f *fitted) apply(e *example) [classes]float64 {
	var sums [classes]float64
	for k := range sums {
		for g := range e.z {
			sums[k] += float64(f.slope[g] * e.z[g][k])
		}
		for i, v := range e.own {
			sums[k] += float64(f.own[i][k] * v)
		}
	}
	return softmax64(sums)
}

// fit minimises the log loss by Newton's method. The loss is convex; penalties draw the slopes
// to those expected and the own weights, of which one in three is too many, to zero: about as many rows as
// they say would.
func fit(rows []example, expected [slopes]float64, penalty float64, own []float64) fitted {
	const steps = 25
	f := fitted{slope: expected, own: make([][classes]float64, len(own))}
	for range steps {
		n := newNewton(len(own))
		for g := range slopes {
			n.gradient[g] = penalty * (f.slope[g] - expected[g])
			n.curve[g][g] = penalty
		}
		for i, p := range own {
			for k := range classes {
				at := parameter(i, k)
				n.gradient[at] = p * f.own[i][k]
				n.curve[at][at] = p
			}
		}
		for i := range rows {
			n.add(&rows[i], f.apply(&rows[i]))
		}
		most := 0.0
		for at, s := range n.solve() {
			s = max(-1, min(1, s)) // a step from far away may lead too far
			most = max(most, s, -s)
			if at < slopes {
				f.slope[at] -= s
			} else {
				at -= slopes
				f.own[at/classes][at%classes] -= s
			}
		}
		if most < 1e-7 {
			break
		}
	}
	return f
}

// parameter is where the weight of an own input for a class stands among the parameters.
func parameter(input, class int) int { return slopes + classes*input + class }

// newton holds the gradient and the upper half of the curvature of the log loss.
type newton struct {
	gradient []float64
	curve    [][]float64
}

func newNewton(own int) *newton {
	n := &newton{gradient: make([]float64, parameter(own, 0))}
	n.curve = make([][]float64, len(n.gradient))
	for i := range n.curve {
		n.curve[i] = make([]float64, len(n.gradient))
	}
	return n
}

// add adds a row's share, judged as p. Inputs that are zero add nothing.
func (n *newton) add(e *example, p [classes]float64) {
	var off, share [classes]float64 // of the gradient; of the curvature
	for k := range p {
		off[k], share[k] = e.weight*p[k], e.weight*p[k]
	}
	off[e.label] -= e.weight
	for g := range slopes {
		mean := p[0]*e.z[g][0] + p[1]*e.z[g][1] + p[2]*e.z[g][2]
		for k := range classes {
			n.gradient[g] += off[k] * e.z[g][k]
			by := share[k] * (e.z[g][k] - mean)
			for h := g; h < slopes; h++ {
				n.curve[g][h] += by * e.z[h][k]
			}
			for i, v := range e.own {
				n.curve[g][parameter(i, k)] += by * v
			}
		}
	}
	for i, v := range e.own {
		if v == 0 {
			continue
		}
		for k := range classes {
			row := n.curve[parameter(i, k)]
			n.gradient[parameter(i, k)] += off[k] * v
			by := share[k] * v
			for j, w := range e.own[i:] {
				if w == 0 {
					continue
				}
				to := row[parameter(i+j, 0):]
				for l := range classes {
					to[l] -= by * p[l] * w
				}
				to[k] += by * w
			}
		}
	}
}

// solve returns curve⁻¹·gradient by Gauss's elimination; the penalty makes the matrix
// positive definite, so no pivot is zero.
func (n *newton) solve() []float64 {
	a, b := n.curve, n.gradient
	for i := range a {
		for j := range i {
			a[i][j] = a[j][i]
		}
	}
	for i := range a {
		for j := i + 1; j < len(a); j++ {
			f := a[j][i] / a[i][i]
			for k := i; k < len(a); k++ {
				a[j][k] -= f * a[i][k]
			}
			b[j] -= f * b[i]
		}
	}
	for i := len(a) - 1; i >= 0; i-- {
		for k := i + 1; k < len(a); k++ {
			b[i] -= a[i][k] * b[k]
		}
		b[i] /= a[i][i]
	}
	return b
}
