package simulate

import (
	"fmt"
	"slices"
)

// circleSize is how many accounts talk mostly with each other.
const circleSize = 40

// world is all that stays fixed while a simulation runs; it is never changed, and a
// generator (with caches of its own) reads it.
type world struct {
	cfg    Config
	key    uint64 // hash of the seed, the settings and the begin: each has ids of its own
	begin  int64  // ms, a multiple of slice
	end    int64  // ms; 0 = never
	slice  int64  // ms
	first  int64  // begin / slice
	perma  permutation
	places []country
	rhythm *rhythm
	words  []*words // by index of place
	brands []Brand
	forms  []forms
	market []float64 // cumulative weights of brands

	names     []string    // of platforms
	platforms [][]float64 // cumulative weights by place
	circles   []int       // first circle of each place, and the end
	kin       [][]int     // places that share a language, by place
	common    []int       // brands that are common words
}

// newWorld builds the world of a validated configuration that begins at a moment (ms).
func newWorld(cfg Config, begin int64) (*world, error) {
	w := &world{cfg: cfg, slice: cfg.sliceLength(), brands: Brands(cfg), names: platformNames()}
	w.first = begin / w.slice
	w.begin = w.first * w.slice
	if !cfg.To.IsZero() {
		w.end = cfg.To.UnixMilli()
	}
	w.key = hash(settingsHash(cfg), uint64(w.begin))
	w.perma = newPermutation(w.key)
	if err := w.settle(); err != nil {
		return nil, err
	}
	w.rhythm = newRhythm(w.places)
	sum := 0.0
	for i, b := range w.brands {
		sum += b.market
		w.market = append(w.market, sum)
		w.forms = append(w.forms, newForms(b))
		if b.Common {
			w.common = append(w.common, i)
		}
	}
	for i := range w.market {
		w.market[i] /= sum
	}
	return w, nil
}

// settle picks the countries whose language and platforms are wanted and shares the
// circles of authors out among them.
func (w *world) settle() error {
	parsed := map[string]*words{}
	total := 0.0
	for _, c := range countries() {
		if len(w.cfg.Languages) > 0 && !slices.Contains(w.cfg.Languages, c.lang) {
			continue
		}
		weights, ok := w.cumulate(c.platforms)
		if !ok {
			continue
		}
		if parsed[c.lang] == nil {
			text, err := loadWords(c.lang)
			if err != nil {
				return err
			}
			parsed[c.lang] = text
		}
		w.places = append(w.places, c)
		w.platforms = append(w.platforms, weights)
		w.words = append(w.words, parsed[c.lang])
		total += c.weight
	}
	if len(w.places) == 0 {
		return fmt.Errorf("simulate: nobody speaks %v on %v: choose other languages or platforms", w.cfg.Languages, w.cfg.Platforms)
	}
	at, spare := 0, w.cfg.Authors/circleSize-len(w.places)
	for i, c := range w.places {
		w.circles = append(w.circles, at)
		at += 1 + int(float64(spare)*c.weight/total)
		var kin []int
		for j, d := range w.places {
			if i != j && d.lang == c.lang {
				kin = append(kin, j)
			}
		}
		w.kin = append(w.kin, kin)
	}
	w.circles = append(w.circles, at)
	return nil
}

// cumulate keeps the wanted platforms of a country; ok is false if none is left.
func (w *world) cumulate(weights [platformCount]float64) ([]float64, bool) {
	out := make([]float64, platformCount)
	sum := 0.0
	for i, name := range platformNames() {
		if len(w.cfg.Platforms) == 0 || slices.Contains(w.cfg.Platforms, name) {
			sum += weights[i]
		}
		out[i] = sum
	}
	for i := range out {
		out[i] /= sum
	}
	return out, sum > 0
}

func draw(cumulative []float64, u float64) int {
	for i, c := range cumulative {
		if u < c {
			return i
		}
	}
	return len(cumulative) - 1
}

func (w *world) pickBrand(r *rng) int { return draw(w.market, r.float()) }
