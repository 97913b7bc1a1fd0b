package detect

import "fmt"

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

// LeaveOneOut scores each series by the setting that did best on the others, out of a
// grid of thresholds and shortness around cfg, and adds the scores up.
func LeaveOneOut(cfg Config, set []Labelled) (all Score, chosen []Variant, err error) {
	var grid []Variant
	for _, threshold := range []float64{0.75, 0.85, 0.95, 1, 1.05, 1.15, 1.25} {
		for _, shortness := range []float64{0.7, 1, 1.3} {
			c := cfg
			c.Threshold, c.Shortness = cfg.Threshold*threshold, cfg.Shortness*shortness
			grid = append(grid, Variant{fmt.Sprintf("threshold %.2f, shortness %.2f", c.Threshold, c.Shortness), c})
		}
	}
	scores := make([][]Score, len(grid))
	for i, v := range grid {
		if _, scores[i], err = Evaluate(v.Config, set); err != nil {
			return Score{}, nil, err
		}
	}
	for held := range set {
		best, top := 0, 0.0
		for i := range grid {
			var others Score
			for j, s := range scores[i] {
				if j != held {
					others = others.Plus(s)
				}
			}
			if value := others.Normal() - excess*max(0, others.FalsePerWeek()-MaxFalse); i == 0 || value > top {
				best, top = i, value
			}
		}
		all = all.Plus(scores[best][held])
		chosen = append(chosen, grid[best])
	}
	return all, chosen, nil
}

// String is one line of a table.
func (s Score) String() string {
	return fmt.Sprintf("score %5.1f  windows %d/%d  false rows %d  false episodes a brand-week %.2f",
		s.Normal(), s.Hit, s.Windows, s.Rows, s.FalsePerWeek())
}
