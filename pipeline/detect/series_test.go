package detect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// daily is a series with a strong rhythm of the day, without the rows from one to another.
func daily(t *testing.T, bucket time.Duration, rows, from, to int) Series {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 9))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var text strings.Builder
	text.WriteString("timestamp,value\n")
	for i := range rows {
		at := start.Add(time.Duration(i) * bucket)
		hour := float64(at.Sub(start)%(24*time.Hour)) / float64(24*time.Hour)
		usual := 40 * (1 + 0.9*math.Sin(2*math.Pi*hour))
		count := max(0, math.Round(usual+math.Sqrt(usual)*rng.NormFloat64()))
		if i < from || i >= to {
			fmt.Fprintf(&text, "%s,%.0f\n", at.Format(time.DateTime), count)
		}
	}
	s, err := ReadSeries("x.csv", strings.NewReader(text.String()))
	require.NoError(t, err)
	return s
}

func TestGapsKeepTheTimeOfDay(t *testing.T) {
	for _, gap := range []int{0, 6, 500, 9000} {
		s := daily(t, 5*time.Minute, 12_000, 3000, 3000+gap)
		alerts, err := Backtest(DefaultConfig(), s)
		require.NoError(t, err)
		assert.Empty(t, alerts, "%d rows are missing", gap)
	}
}

func TestRowsOfAlertsAreThoseOfTheFile(t *testing.T) {
	s := daily(t, 5*time.Minute, 12_000, 3000, 3500)
	s.Counts[6000] = 5000
	alerts, err := Backtest(DefaultConfig(), s)
	require.NoError(t, err)
	require.Len(t, alerts, 1)
	assert.Equal(t, 6000, alerts[0].Row)
}

// Whatever a file's buckets are, and however uneven its first rows, what is said of a row
// does not change with the rows after it.
func TestCuttingAFileChangesNothingBefore(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for _, bucket := range []time.Duration{5 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour} {
		s := daily(t, bucket, 1200, 0, 0)
		late := time.Duration(0)
		for i := range s.Times {
			if rng.IntN(4) == 0 || i > 3 && i < 10 {
				late += bucket
			}
			s.Times[i] = s.Times[i].Add(late)
			if i%300 == 299 || i == 8 {
				s.Counts[i] += 4000
			}
		}
		whole, err := Backtest(DefaultConfig(), s)
		require.NoError(t, err)
		require.NotEmpty(t, whole)
		assert.GreaterOrEqual(t, whole[0].Row, bucketRows, "nothing is judged before the bucket is known for good")
		for cut := 2; cut < len(s.Times); cut += 1 + cut/3 {
			part := Series{Name: s.Name, Stamps: s.Stamps[:cut], Times: s.Times[:cut], Counts: s.Counts[:cut]}
			var want []Alert
			for _, a := range whole {
				if a.Row < cut {
					want = append(want, a)
				}
			}
			got, err := Backtest(DefaultConfig(), part)
			require.NoError(t, err)
			assert.Equal(t, want, got, "buckets of %s, cut after %d rows", bucket, cut)
		}
	}
}

func TestReadSeriesTakesHeadersAsTheyAreWritten(t *testing.T) {
	for _, content := range []string{
		"timestamp,value\r\n2026-01-01 00:00:00,1\r\n2026-01-01 00:05:00,2",
		"\ufeffTimestamp, Value\n2026-01-01 00:00:00 , 1 \n2026-01-01T00:05:00Z,2\n\n",
		"\"timestamp\",\"value\"\n\"2026-01-01\",\"1\"\n2026-01-02,2.0\n",
	} {
		s, err := ReadSeries("x", strings.NewReader(content))
		require.NoError(t, err, content)
		assert.Equal(t, []float64{1, 2}, s.Counts)
	}
}
