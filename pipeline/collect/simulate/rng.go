package simulate

import "math"

// rng is splitmix64 (Steele, Lea and Flood 2014): a step costs a nanosecond, and any
// number is a good seed, so that each post can have a generator of its own.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return mix(uint64(*r))
}

// mix is the finalizer of splitmix64, a bijection of 64-bit words.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// hash folds words into one.
func hash(words ...uint64) uint64 {
	h := uint64(0x243f6a8885a308d3)
	for _, w := range words {
		h = mix(h ^ w*0x9e3779b97f4a7c15)
	}
	return h
}

// float is uniform in [0, 1).
func (r *rng) float() float64 { return unit(r.next()) }

// unit maps a hash to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// below is uniform in [0, n); 0 if n is not positive.
func (r *rng) below(n int) int {
	if n <= 0 {
		return 0
	}
	return int(r.next() >> 33 * uint64(n) >> 31)
}

func (r *rng) chance(p float64) bool { return r.float() < p }

// poisson draws a count with the given mean: by inversion, and above 30 by the normal
// approximation.
func (r *rng) poisson(mean float64) int {
	if mean <= 0 {
		return 0
	}
	if mean > 30 {
		z := math.Sqrt(-2*math.Log(1-r.float())) * math.Cos(2*math.Pi*r.float())
		return max(0, int(mean+math.Sqrt(mean)*z+0.5))
	}
	p := math.Exp(-mean)
	sum, u, n := p, r.float(), 0
	for u > sum && n < 200 {
		n++
		p *= mean / float64(n)
		sum += p
	}
	return n
}
