package detect

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Span is a labelled stretch of time, both ends inclusive.
type Span struct{ From, To time.Time }

// Score of alerts against labelled windows, by the standard profile of the Numenta
// Anomaly Benchmark (Lavin and Ahmad, 2015, "Evaluating Real-time Anomaly Detection
// Algorithms"): +1 for an alert at the begin of a window and less toward its end, -1 for
// a window missed, down to -0.11 for an alert outside.
type Score struct {
	Raw      float64
	Windows  int
	Hit      int
	Rows     int     // false alerts
	Episodes int     // of these, those with no other in the six hours before
	Weeks    float64 // length of the series
}

const (
	falsePositive = 0.11
	missed        = 1.0
	episodeGap    = 6 * time.Hour
	probationPart = 0.15
	probationMost = 750
)

// Normal is the score on the benchmark's scale: 0 is no alert at all, 100 is perfect.
func (s Score) Normal() float64 {
	n := float64(s.Windows)
	return 100 * (s.Raw + missed*n) / (n + missed*n)
}

// FalsePerWeek is the number of false episodes a week of a series.
func (s Score) FalsePerWeek() float64 { return float64(s.Episodes) / s.Weeks }

// Plus adds the score of another series.
func (s Score) Plus(o Score) Score {
	return Score{s.Raw + o.Raw, s.Windows + o.Windows, s.Hit + o.Hit, s.Rows + o.Rows, s.Episodes + o.Episodes, s.Weeks + o.Weeks}
}

// Rate scores alerts of a series. Every labelled span must begin and end at a row.
func Rate(s Series, labels []Span, alerts []Alert) (Score, error) {
	row := make(map[time.Time]int, len(s.Times))
	for i, t := range s.Times {
		row[t] = i
	}
	spans := make([][2]int, 0, len(labels))
	for _, l := range labels {
		a, okA := row[l.From]
		b, okB := row[l.To]
		if !okA || !okB || b <= a {
			return Score{}, fmt.Errorf("%s: the labelled window %s to %s is not one of rows", s.Name, l.From, l.To)
		}
		spans = append(spans, [2]int{a, b})
	}
	if len(s.Times) < 2 {
		return Score{}, errors.New("a series of less than two rows cannot be scored")
	}
	out := Score{Windows: len(spans), Weeks: s.Weeks()}
	probation := min(int(probationPart*float64(len(s.Times))), probationMost)
	best := make([]float64, len(spans))
	var last time.Time
	for _, alert := range alerts {
		i := alert.Row
		if i < probation {
			continue
		}
		if w := within(spans, i); w >= 0 {
			best[w] = max(best[w], gain(spans[w], i))
			continue
		}
		out.Raw += loss(spans, i)
		out.Rows++
		if last.IsZero() || s.Times[i].Sub(last) > episodeGap {
			out.Episodes++
		}
		last = s.Times[i]
	}
	for _, g := range best {
		if g == 0 {
			out.Raw -= missed
			continue
		}
		out.Raw += g
		out.Hit++
	}
	return out, nil
}

func sigmoid(y float64) float64 { return 2/(1+math.Exp(5*y)) - 1 }

func within(spans [][2]int, row int) int {
	for i, s := range spans {
		if s[0] <= row && row <= s[1] {
			return i
		}
	}
	return -1
}

// gain of an alert inside a window: 1 at its begin, toward 0 at its end.
func gain(s [2]int, row int) float64 {
	return sigmoid(-float64(s[1]-row+1)/float64(s[1]-s[0]+1)) / sigmoid(-1)
}

// loss of an alert outside: small just after a window, whole far from any.
func loss(spans [][2]int, row int) float64 {
	for _, s := range slices.Backward(spans) {
		if s[1] < row {
			if y := float64(row-s[1]) / float64(s[1]-s[0]); y <= 3 {
				return falsePositive * sigmoid(y)
			}
			return -falsePositive
		}
	}
	return -falsePositive
}
