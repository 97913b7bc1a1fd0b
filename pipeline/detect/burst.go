package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// BurstTrial says how a detector fares against injected bursts: a brand with a Poisson
// number of mentions a minute and a daily rhythm, at 1 + 0.5 sin, rises Factor-fold for
// an hour at a moment by chance.
type BurstTrial struct {
	Rate   float64 // usual mentions a minute, on the mean of a day
	Factor float64
	Trials int
	Seed   uint64
}

// BurstResult is what became of the trials.
type BurstResult struct {
	Found  int
	Median time.Duration // from the begin of the burst to its alert, of those found
	P90    time.Duration
	False  float64 // alerts a week before the bursts
}

const (
	burstLength = 60                // minutes
	burstBefore = 15 * 24 * 60      // minutes of the usual before the first burst may begin
	burstDay    = 24 * 60 * 1.0     // minutes
	minuteIn    = time.Minute       // length of a bucket
	weekMinutes = 7 * 24 * 60 * 1.0 // minutes
)

// RunBursts runs the trials one after the other, each on a series of its own.
func RunBursts(cfg Config, b BurstTrial) (BurstResult, error) {
	var out BurstResult
	var delays []time.Duration
	alerts := 0
	for trial := range b.Trials {
		rng := rand.New(rand.NewPCG(b.Seed, uint64(trial))) //nolint:gosec // a repeatable trial, not a secret
		d, err := New(cfg, minuteIn)
		if err != nil {
			return out, err
		}
		begin := burstBefore + rng.IntN(24*60)
		found := false
		for minute := range begin + burstLength {
			rate := b.Rate * (1 + 0.5*math.Sin(2*math.Pi*float64(minute)/burstDay))
			if minute >= begin {
				rate *= b.Factor
			}
			_, alert := d.Add(poisson(rng, rate))
			switch {
			case alert && minute < begin:
				alerts++
			case alert && !found:
				found = true
				delays = append(delays, time.Duration(minute-begin+1)*minuteIn)
			}
		}
	}
	out.Found = len(delays)
	out.False = float64(alerts) / (float64(b.Trials) * burstBefore / weekMinutes)
	if len(delays) > 0 {
		slices.Sort(delays)
		out.Median, out.P90 = delays[len(delays)/2], delays[len(delays)*9/10]
	}
	return out, nil
}

// poisson draws a count: by Knuth's product of uniforms where the mean is small, else
// by the normal approximation, whose error is far below the noise from a mean of 50 on.
func poisson(rng *rand.Rand, mean float64) float64 {
	if mean > 50 {
		return max(0, math.Round(mean+math.Sqrt(mean)*rng.NormFloat64()))
	}
	limit, product, n := math.Exp(-mean), rng.Float64(), 0
	for product > limit {
		product *= rng.Float64()
		n++
	}
	return float64(n)
}
