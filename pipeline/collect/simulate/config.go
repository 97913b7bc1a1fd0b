package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Config says what is simulated. The same seed and settings give the same posts.
type Config struct {
	Seed  uint64    `yaml:"seed" json:"seed" doc:"same seed and settings, same posts"`
	Rate  float64   `yaml:"rate" json:"rate" doc:"posts a second of simulated time, mean over a week; 0 = as fast as possible"`
	Speed float64   `yaml:"speed" json:"speed" doc:"simulated seconds a real second; 0 = 1 in real time, as fast as possible in a period"`
	From  time.Time `yaml:"from" json:"from" doc:"begin of a past or future period; empty = now on, in real time"`
	To    time.Time `yaml:"to" json:"to" doc:"end of the period; empty = never"`
	Limit int64     `yaml:"limit" json:"limit" doc:"end after so many posts; 0 = none"`

	Brands     int      `yaml:"brands" json:"brands" doc:"number of invented brands, 1 to 500; the first 12 are hand-made"`
	BrandNames []string `yaml:"brand_names" json:"brand_names" doc:"names of the brands instead of a number"`
	Mentions   float64  `yaml:"mentions" json:"mentions" doc:"share of original posts that name a brand, 0 to 1"`
	Platforms  []string `yaml:"platforms" json:"platforms" doc:"platforms to simulate; empty = all"`
	Languages  []string `yaml:"languages" json:"languages" doc:"languages to simulate (ISO 639-1); empty = all"`
	Authors    int      `yaml:"authors" json:"authors" doc:"accounts a platform, at least 1000"`

	RumourEvery time.Duration `yaml:"rumour_every" json:"rumour_every" doc:"mean time between rumours that spike for one brand; 0 = none"`
	BurstEvery  time.Duration `yaml:"burst_every" json:"burst_every" doc:"mean time between bursts of bots; 0 = none"`
	Shares      Shares        `yaml:"shares" json:"shares" doc:"shares of the stream, each 0 to 1; 0 switches it off"`
	CatchUp     time.Duration `yaml:"catch_up" json:"catch_up" doc:"in real time: how far back to catch up after a stop; what is older becomes a gap; 0 = all"`
}

// Shares are the parts of the stream that are not original posts, each 0 to 1 of all
// records; their sum is at most 0.95, and the rest is original posts.
type Shares struct {
	Reposts    float64 `yaml:"reposts" json:"reposts" doc:"textless reposts"`
	Replies    float64 `yaml:"replies" json:"replies" doc:"replies and comments"`
	Quotes     float64 `yaml:"quotes" json:"quotes" doc:"quotes with words of their own"`
	Metrics    float64 `yaml:"metrics" json:"metrics" doc:"news of grown counts"`
	Edits      float64 `yaml:"edits" json:"edits" doc:"edits, as whole snapshots"`
	Deletes    float64 `yaml:"deletes" json:"deletes" doc:"deletes; one in forty is of an account"`
	Duplicates float64 `yaml:"duplicates" json:"duplicates" doc:"posts that come a second time"`
	Orphans    float64 `yaml:"orphans" json:"orphans" doc:"replies that come before their parent"`
	BadClocks  float64 `yaml:"bad_clocks" json:"bad_clocks" doc:"posts that claim 1970 or 2999 (a share of posts, not a part of the stream)"`
}

// DefaultConfig is a small market in real time: 50 posts a second, a rumour every six
// hours.
func DefaultConfig() Config {
	return Config{
		Seed: 1, Rate: 50, Brands: 12, Mentions: 0.42, Authors: 20000,
		RumourEvery: 6 * time.Hour, BurstEvery: 8 * time.Hour, CatchUp: time.Hour,
		Shares: Shares{
			Reposts: 0.22, Replies: 0.24, Quotes: 0.03, Metrics: 0.05, Edits: 0.008,
			Deletes: 0.006, Duplicates: 0.001, Orphans: 0.002, BadClocks: 0.0002,
		},
	}
}

// maxRate bounds the posts a second, so that a slot fits into an id.
const maxRate = 1e6

// Validate names the first setting that cannot be used, and why.
func (c *Config) Validate() error {
	shares := []struct {
		name  string
		value float64
	}{
		{"mentions", c.Mentions},
		{"shares.reposts", c.Shares.Reposts}, {"shares.replies", c.Shares.Replies},
		{"shares.quotes", c.Shares.Quotes}, {"shares.metrics", c.Shares.Metrics},
		{"shares.edits", c.Shares.Edits}, {"shares.deletes", c.Shares.Deletes},
		{"shares.duplicates", c.Shares.Duplicates}, {"shares.orphans", c.Shares.Orphans},
		{"shares.bad_clocks", c.Shares.BadClocks},
	}
	for _, s := range shares {
		if !(s.value >= 0 && s.value <= 1) {
			return fmt.Errorf("simulate: %s is %v: give a share from 0 to 1", s.name, s.value)
		}
	}
	switch {
	case c.Shares.sum() > 0.95:
		return fmt.Errorf("simulate: shares add up to %.2f: leave at least 0.05 for original posts", c.Shares.sum())
	case c.Rate != 0 && !(c.Rate >= 0.001 && c.Rate <= maxRate):
		return fmt.Errorf("simulate: rate is %v: give posts a second from 0.001 to %.0f, or 0", c.Rate, maxRate)
	case !(c.Speed >= 0 && c.Speed <= 1e9):
		return fmt.Errorf("simulate: speed is %v: give simulated seconds a real second, or 0", c.Speed)
	case c.Limit < 0:
		return fmt.Errorf("simulate: limit is %d: give a number of posts, or 0 for none", c.Limit)
	case c.Authors < 1000 || c.Authors > 1<<24:
		return fmt.Errorf("simulate: authors is %d: give 1000 to %d", c.Authors, 1<<24)
	}
	if err := c.validatePeriod(); err != nil {
		return err
	}
	return c.validateNames()
}

func (s Shares) sum() float64 {
	return s.Reposts + s.Replies + s.Quotes + s.Metrics + s.Edits + s.Deletes + s.Duplicates + s.Orphans
}

func (c *Config) validatePeriod() error {
	switch {
	case !c.From.IsZero() && (c.From.Year() < 2005 || c.From.Year() > 2100):
		return fmt.Errorf("simulate: from is %s: give a time between 2005 and 2100", c.From.Format(time.RFC3339))
	case !c.To.IsZero() && (c.To.Year() < 2005 || c.To.Year() > 2100):
		return fmt.Errorf("simulate: to is %s: give a time between 2005 and 2100", c.To.Format(time.RFC3339))
	case !c.From.IsZero() && !c.To.IsZero() && !c.To.After(c.From):
		return fmt.Errorf("simulate: to (%s) is not after from (%s)", c.To.Format(time.RFC3339), c.From.Format(time.RFC3339))
	case c.RumourEvery != 0 && c.RumourEvery < time.Minute:
		return fmt.Errorf("simulate: rumour_every is %s: give at least 1m, or 0 for none", c.RumourEvery)
	case c.BurstEvery != 0 && c.BurstEvery < time.Minute:
		return fmt.Errorf("simulate: burst_every is %s: give at least 1m, or 0 for none", c.BurstEvery)
	case c.CatchUp < 0:
		return fmt.Errorf("simulate: catch_up is %s: give a duration, or 0", c.CatchUp)
	}
	return nil
}

func (c *Config) validateNames() error {
	if len(c.BrandNames) == 0 && (c.Brands < 1 || c.Brands > maxBrands) {
		return fmt.Errorf("simulate: brands is %d: give 1 to %d", c.Brands, maxBrands)
	}
	if len(c.BrandNames) > maxBrands {
		return fmt.Errorf("simulate: brand_names has %d names: give at most %d", len(c.BrandNames), maxBrands)
	}
	seen := map[string]bool{}
	for _, name := range c.BrandNames {
		tag := tagOf(name)
		if tag == "" || len(name) > 60 || strings.ContainsAny(name, "\"\\{}()\n\t") {
			return fmt.Errorf("simulate: brand name %q: give letters or digits, at most 60 bytes, no quotes or brackets", name)
		}
		if seen[tag] {
			return fmt.Errorf("simulate: brand name %q stands twice", name)
		}
		seen[tag] = true
	}
	for _, p := range c.Platforms {
		if !slices.Contains(platformNames(), p) {
			return fmt.Errorf("simulate: unknown platform %q: choose from %s", p, strings.Join(platformNames(), ", "))
		}
	}
	for _, l := range c.Languages {
		if !slices.Contains(languageCodes(), l) {
			return fmt.Errorf("simulate: unknown language %q: choose from %s", l, strings.Join(languageCodes(), ", "))
		}
	}
	return nil
}

// density is the mean number of posts a second of simulated time.
func (c *Config) density() float64 {
	switch {
	case c.Rate > 0:
		return c.Rate
	case c.From.IsZero():
		return 100000 // an unpaced stream that begins now passes about as fast as the clock
	case c.Limit > 0 && !c.To.IsZero():
		return min(maxRate, max(0.001, float64(c.Limit)/c.To.Sub(c.From).Seconds()))
	default:
		return 50
	}
}

// pace is simulated seconds a real second; 0 is as fast as possible.
func (c *Config) pace() float64 {
	switch {
	case c.Rate == 0:
		return 0
	case c.Speed > 0:
		return c.Speed
	case c.From.IsZero():
		return 1
	default:
		return 0
	}
}

// sliceLength is the time that one slice covers, in milliseconds: a second, or longer
// where posts are rare, so that a slice holds some twenty posts to be answered.
func (c *Config) sliceLength() int64 {
	return 1000 * int64(min(60, max(1, 20/c.density())))
}

// begin is the first moment that a new simulation covers, ms: the present, or the first
// slice that lies in the period as a whole.
func (c *Config) begin() int64 {
	if c.From.IsZero() {
		return time.Now().UnixMilli()
	}
	length := c.sliceLength()
	return (c.From.UnixMilli() + length - 1) / length * length
}
