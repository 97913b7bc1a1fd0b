package detect

import (
	"fmt"
	"math"
	"slices"
)

// Labelled is a series with its labelled windows.
type Labelled struct {
	Series
	Windows []Span
}

// Evaluate is the score of one setting over several series, and of each of them.
func Evaluate(cfg Config, set []Labelled) (all Score, each []Score, err error) {
	for _, s := range set {
		alerts, err := Backtest(cfg, s.Series)
		if err != nil {
			return Score{}, nil, err
		}
		one, err := Rate(s.Series, s.Windows, alerts)
		if err != nil {
			return Score{}, nil, err
		}
		each = append(each, one)
		all = all.Plus(one)
	}
	return all, each, nil
}

// Variant is a setting with a name.
type Variant struct {
	Name string
	Config
}

// Nearby are the settings with one parameter a fifth lower or higher.
func Nearby(cfg Config) []Variant {
	var out []Variant
	for _, f := range []float64{0.8, 1.2} {
		add := func(name string, change func(c *Config)) {
			v := Variant{fmt.Sprintf("%s %+.0f %%", name, (f-1)*100), cfg}
			change(&v.Config)
			out = append(out, v)
		}
		add("threshold", func(c *Config) { c.Threshold *= f })
		add("shortness", func(c *Config) { c.Shortness *= f })
		add("history", func(c *Config) { c.History = scaled(c.History, f) })
		add("quiet", func(c *Config) { c.Quiet = scaled(c.Quiet, f) })
		add("refire", func(c *Config) { c.Refire *= f })
		add("warmup", func(c *Config) { c.Warmup = scaled(c.Warmup, f) })
	}
	return out
}

func scaled[T ~int64](v T, f float64) T { return T(float64(v) * f) }

// MaxFalse is the number of false episodes a brand and week that a setting may have, to
// be chosen by LeaveOneOut.
const MaxFalse = 0.25

// excess is what an episode above MaxFalse costs a setting in points of the score, when
// settings are chosen.
const excess = 50

// LeaveOneOut scores each series by a setting chosen on the others, out of a grid of
// thresholds and shortness around cfg, and adds the scores up. Few labelled windows tell
// settings apart by luck: of those whose value is within one window of the best it takes the middle
// (the medians of both parameters), not the best.
func LeaveOneOut(cfg Config, set []Labelled) (all Score, chosen []Variant, err error) {
	thresholds, shortness := []float64{0.75, 0.85, 0.95, 1, 1.05, 1.15, 1.25}, []float64{0.7, 1, 1.3}
	grid := make([][]Variant, len(thresholds))
	scores := make([][][]Score, len(thresholds))
	for a, t := range thresholds {
		for _, s := range shortness {
			c := cfg
			c.Threshold, c.Shortness = cfg.Threshold*t, cfg.Shortness*s
			_, each, err := Evaluate(c, set)
			if err != nil {
				return Score{}, nil, err
			}
			grid[a] = append(grid[a], Variant{fmt.Sprintf("threshold %.2f, shortness %.2f", c.Threshold, c.Shortness), c})
			scores[a] = append(scores[a], each)
		}
	}
	for held := range set {
		a, b := middle(scores, held)
		all = all.Plus(scores[a][b][held])
		chosen = append(chosen, grid[a][b])
	}
	return all, chosen, nil
}

// middle is the place in the grid of the middle of those settings that the other series
// cannot tell from the best.
func middle(scores [][][]Score, held int) (a, b int) {
	windows, top := 0, math.Inf(-1)
	values := make([][]float64, len(scores))
	for a := range scores {
		for _, each := range scores[a] {
			var others Score
			for j, s := range each {
				if j != held {
					others = others.Plus(s)
				}
			}
			windows = others.Windows
			v := others.Normal() - excess*max(0, others.FalsePerWeek()-MaxFalse)
			values[a], top = append(values[a], v), max(top, v)
		}
	}
	var as, bs []int
	for a := range values {
		for b, v := range values[a] {
			if v >= top-100/float64(windows) {
				as, bs = append(as, a), append(bs, b)
			}
		}
	}
	slices.Sort(bs)
	return as[len(as)/2], bs[len(bs)/2]
}

// String is one line of a table.
func (s Score) String() string {
	return fmt.Sprintf("score %5.1f  windows %d/%d  false rows %d  false episodes a brand-week %.2f",
		s.Normal(), s.Hit, s.Windows, s.Rows, s.FalsePerWeek())
}
