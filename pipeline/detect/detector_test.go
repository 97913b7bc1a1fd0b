package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reference is the detector written out: it keeps everything and looks at all of it.
func reference(cfg Config, bucket time.Duration, counts []float64) []Alert {
	var out []Alert
	history, quiet, warmup := max(14, buckets(cfg.History, bucket)), buckets(cfg.Quiet, bucket), max(7, buckets(cfg.Warmup, bucket))
	day, half := buckets(24*time.Hour, bucket), int(time.Hour/bucket)
	mean := func(from, to int) (s float64) {
		for _, c := range counts[from:to] {
			s += c / float64(to-from)
		}
		return s
	}
	usual := make([]float64, len(counts))
	for row := day; row < len(counts); row++ {
		sum, days := 0.0, 0.0
		for past := row - day; past >= 0 && past >= row-history; past -= day {
			sum += mean(max(0, past-half), past+half+1)
			days++
		}
		usual[row] = 0.8*sum/days + 0.2*mean(max(0, row-history), row)
	}
	within := func(row, length int) (observed, expected float64) {
		for i := max(0, row+1-length); i <= row; i++ {
			observed += counts[i]
			expected += usual[i]
		}
		return observed, max(expected, 0.5)
	}
	for row := range counts {
		best, longest := Alert{Row: row}, 0
		for _, span := range spans() {
			length := buckets(span, bucket)
			if length <= longest {
				continue
			}
			longest = length
			phi, n := 0.0, 0
			for i := max(day, row-length-history+1); i <= row-length; i++ {
				s, m := within(i, length)
				phi += (s - m) * (s - m) / m
				n++
			}
			if n < warmup {
				continue
			}
			observed, expected := within(row, length)
			whole := time.Duration(length) * bucket
			limit := cfg.Threshold * math.Pow(float64(30*time.Minute)/float64(min(whole, 2*time.Hour)), cfg.Shortness)
			phi = max(1, phi/float64(n))
			limit *= min(1, 0.5+0.25*math.Log(phi))
			score := (observed - expected) / math.Sqrt(max(phi*expected, 1)) / limit
			if score > best.Score {
				best = Alert{row, whole, observed, expected, phi, score}
			}
		}
		if best.Score > 1 && (len(out) == 0 || row-out[len(out)-1].Row > quiet || best.Score > cfg.Refire*out[len(out)-1].Score) {
			out = append(out, best)
		}
	}
	return out
}

func run(t *testing.T, cfg Config, bucket time.Duration, counts []float64) []Alert {
	t.Helper()
	d, err := New(cfg, bucket)
	require.NoError(t, err)
	var out []Alert
	for _, c := range counts {
		if a, ok := d.Add(c); ok {
			out = append(out, a)
		}
	}
	return out
}

// noisy is a series with bursts, of a rhythm of days.
func noisy(seed uint64, rows, day int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 7))
	out := make([]float64, rows)
	for i := range out {
		usual := 5 * (1 + math.Sin(2*math.Pi*float64(i)/float64(day)))
		out[i] = math.Floor(usual * rng.ExpFloat64())
		if rng.IntN(300) == 0 {
			out[i] += float64(rng.IntN(900))
		}
	}
	return out
}

func TestDetectorEqualsItsDefinition(t *testing.T) {
	cfg := DefaultConfig()
	cfg.History, cfg.Warmup, cfg.Quiet, cfg.Refire, cfg.Threshold = 48*time.Hour, 24*time.Hour, 5*time.Hour, 1.2, 3
	for seed := range uint64(4) {
		for _, bucket := range []time.Duration{20 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
			counts := noisy(seed, 700, max(7, int(24*time.Hour/bucket)))
			want, got := reference(cfg, bucket, counts), run(t, cfg, bucket, counts)
			require.NotEmpty(t, want)
			require.Len(t, got, len(want))
			for i := range want {
				assert.Equal(t, want[i].Row, got[i].Row)
				assert.Equal(t, want[i].Window, got[i].Window)
				assert.InEpsilon(t, want[i].Score, got[i].Score, 1e-6)
			}
		}
	}
}

func TestDetectorNeverLooksAhead(t *testing.T) {
	cfg := DefaultConfig()
	cfg.History, cfg.Threshold = 48*time.Hour, 4
	counts := noisy(11, 2000, 288)
	whole := run(t, cfg, 5*time.Minute, counts)
	require.NotEmpty(t, whole)
	for _, cut := range []int{500, 900, 1500} {
		var before []Alert
		for _, a := range whole {
			if a.Row < cut {
				before = append(before, a)
			}
		}
		assert.Equal(t, before, run(t, cfg, 5*time.Minute, counts[:cut]))
	}
}

func TestDetectorKeepsQuietUntilANewMaximum(t *testing.T) {
	counts := make([]float64, 3*288)
	for i := range counts {
		counts[i] = float64(10 + i%3)
	}
	counts[700], counts[720], counts[740] = 300, 310, 40_000
	alerts := run(t, DefaultConfig(), 5*time.Minute, counts)
	require.Len(t, alerts, 2)
	assert.Equal(t, 700, alerts[0].Row)
	assert.Equal(t, 740, alerts[1].Row, "a like surge is quiet, a far greater one is not")
	assert.InDelta(t, 11, alerts[0].Expected, 0.1)
}

func TestDetectorSaysNothingOfASilentOrSteadyBrand(t *testing.T) {
	assert.Empty(t, run(t, DefaultConfig(), time.Minute, make([]float64, 3000)))
	steady := make([]float64, 3000)
	for i := range steady {
		steady[i] = 1e9
	}
	assert.Empty(t, run(t, DefaultConfig(), time.Minute, steady))
}

func TestLongBucketsAreNotNoise(t *testing.T) {
	for _, bucket := range []time.Duration{6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
		rng := rand.New(rand.NewPCG(5, 7))
		counts := make([]float64, 400)
		for i := range counts {
			counts[i] = math.Max(0, math.Round(20+math.Sqrt(20)*rng.NormFloat64()))
		}
		counts[300] = 160
		alerts := run(t, DefaultConfig(), bucket, counts)
		assert.LessOrEqual(t, len(alerts), 3, "buckets of %s: chance alone fires in one of 400 at most, now and then two", bucket)
		assert.True(t, slices.ContainsFunc(alerts, func(a Alert) bool { return a.Row == 300 }), "buckets of %s: the burst is found", bucket)
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	err := Config{Threshold: -1, Shortness: 3, History: time.Hour, Quiet: -1, Refire: 0.5}.Validate()
	for _, field := range []string{"threshold", "shortness", "history", "quiet", "refire", "warmup"} {
		require.ErrorContains(t, err, field)
	}
	_, err = New(DefaultConfig(), time.Millisecond)
	require.ErrorContains(t, err, "between a second and a year")
}

func BenchmarkDetector(b *testing.B) {
	d, err := New(DefaultConfig(), time.Minute)
	require.NoError(b, err)
	b.ReportAllocs()
	for i := range b.N {
		d.Add(float64(i % 7))
	}
}
