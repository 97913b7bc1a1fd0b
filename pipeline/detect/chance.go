package detect

import "math"

// negative binomial counts of a mean and a variance of phi times the mean: the standard
// model of overdispersed counts. With r = mean/(phi-1), P(X <= k) = I(1/phi; r, k+1),
// where I is the regularised incomplete beta function (NIST DLMF 8.17).
type countModel struct{ mean, phi float64 }

// leastPhi stands for Poisson: a variance one per cent above the mean.
const leastPhi = 1.01

func modelOf(mean, phi float64) countModel { return countModel{max(mean, 1e-9), max(phi, leastPhi)} }

// atMost is P(X <= k).
func (m countModel) atMost(k float64) float64 {
	if k < 0 {
		return 0
	}
	return betainc(m.mean/(m.phi-1), math.Floor(k)+1, 1/m.phi)
}

// atLeast is P(X >= k).
func (m countModel) atLeast(k float64) float64 {
	if k <= 0 {
		return 1
	}
	return betainc(math.Ceil(k), m.mean/(m.phi-1), 1-1/m.phi)
}

// quantile is the least k with P(X <= k) >= p.
func (m countModel) quantile(p float64) float64 {
	low, high := -1.0, 1.0
	for m.atMost(high) < p {
		low, high = high, 2*high
	}
	for high-low > 1 {
		if mid := math.Floor((low + high) / 2); m.atMost(mid) < p {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// interval holds 95 % of counts.
func (m countModel) interval() (low, high float64) { return m.quantile(0.025), m.quantile(0.975) }

// betainc is the regularised incomplete beta function, by Lentz's continued fraction
// (Press et al., Numerical Recipes, 6.4).
func betainc(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab - la - lb + a*math.Log(x) + b*math.Log1p(-x))
	if x < (a+1)/(a+b+2) {
		return front * fraction(a, b, x) / a
	}
	return max(0, 1-front*fraction(b, a, 1-x)/b)
}

// fraction is the continued fraction of betainc. It converges in some √max(a, b) steps.
func fraction(a, b, x float64) float64 {
	const tiny, steps = 1e-300, 100_000
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	h := d
	for i := 1; i < steps; i++ {
		m := float64(i)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/away(1+even*d), away(1+even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/away(1+odd*d), away(1+odd/c)
		h *= d * c
		if math.Abs(d*c-1) < 1e-13 {
			break
		}
	}
	return h
}
