package detect

import (
	"errors"
	"fmt"
	"time"
)

// Config of a detector. The defaults were chosen on five series of the Numenta Anomaly
// Benchmark (docs/alerts.md) and hold for all brands.
type Config struct {
	Threshold float64       `yaml:"threshold" doc:"deviations above the mean that a sum over 30 minutes must exceed; higher is rarer"`
	Shortness float64       `yaml:"shortness" doc:"how much more a shorter window must exceed: its threshold is multiplied by (30 minutes / window) to this power"`
	History   time.Duration `yaml:"history" doc:"how far back the usual is learnt"`
	Quiet     time.Duration `yaml:"quiet" doc:"after an alert, how long the same surge raises no other"`
	Refire    float64       `yaml:"refire" doc:"within the quiet time a new maximum this many times above that of the last alert raises one all the same"`
	Warmup    time.Duration `yaml:"warmup" doc:"how much history is needed before anything is judged"`
}

// DefaultConfig is the published setting.
func DefaultConfig() Config {
	return Config{
		Threshold: 11, Shortness: 0.4, History: 14 * 24 * time.Hour,
		Quiet: 24 * time.Hour, Refire: 3, Warmup: 24 * time.Hour,
	}
}

// Validate names every field that is out of its bounds.
func (c Config) Validate() error {
	var all []error
	check := func(ok bool, field string, value any, bounds string) {
		if !ok {
			all = append(all, fmt.Errorf("%s: %v is not %s", field, value, bounds))
		}
	}
	check(c.Threshold > 0 && c.Threshold <= 1000, "threshold", c.Threshold, "above 0 and at most 1000")
	check(c.Shortness >= 0 && c.Shortness <= 2, "shortness", c.Shortness, "between 0 and 2")
	check(c.History >= 24*time.Hour && c.History <= 366*24*time.Hour, "history", c.History, "between a day and a year")
	check(c.Quiet >= 0 && c.Quiet <= 31*24*time.Hour, "quiet", c.Quiet, "between 0 and 31 days")
	check(c.Refire >= 1, "refire", c.Refire, "at least 1")
	check(c.Warmup >= time.Hour && c.Warmup <= c.History, "warmup", c.Warmup, "between an hour and history")
	return errors.Join(all...)
}
