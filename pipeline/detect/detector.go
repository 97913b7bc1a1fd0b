package detect

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// referenceWindow is the window whose threshold is Config.Threshold itself.
const referenceWindow = 30 * time.Minute

// spans are the lengths over which counts are summed: a burst shows in a short one
// first, a slow climb in a long one alone.
func spans() []time.Duration {
	return []time.Duration{
		time.Minute, 2 * time.Minute, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute,
		15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
	}
}

// The usual at a time of day: the mean of the same time on the days of the history,
// smoothed over an hour to each side because a single bucket tells little, and drawn a
// fifth toward the mean of all the history because few days tell little as well.
const (
	smoothing = time.Hour
	shrinkage = 0.2
	dayLength = 24 * time.Hour
)

// Detector judges one series of counts in buckets of equal length, one bucket at a time.
//
// For each window length it compares the latest sum S with what is usual at this time of
// day, m. Counts of mentions are overdispersed, and more so the more there are, so their
// variance is taken as phi times m (quasi-Poisson: Wedderburn, 1974), where phi is the
// mean of (S-m)^2/m over the history that ended when the window began, and at least 1: a
// surge does not hide itself. A bucket is an alert if S exceeds m by more deviations
// than the window's threshold, and no alert was raised within the quiet time, or this
// one is a new maximum.
//
// Time a bucket depends on the days of the history, memory on its buckets.
type Detector struct {
	cfg     Config
	windows []window
	history int // buckets, as are the next four
	quiet   int
	warmup  int
	day     int
	half    int

	rows  int       // buckets read
	sums  []float64 // ring: sums[i%len] = counts of the first i buckets together
	usual []float64 // ring: the same of what was usual

	level Alert // of the last bucket, whether it is an alert or not
	latch latch
}

// latch keeps a surge that was told quiet, unless it grows.
type latch struct {
	fired   bool
	last    int     // row of the last alert
	highest float64 // score of the last alert
}

// passes reports whether a score is worth an alert.
func (l *latch) passes(row int, score float64, quiet int, refire float64) bool {
	return score > 1 && (!l.fired || row-l.last > quiet || score > refire*l.highest)
}

// mark remembers an alert.
func (l *latch) mark(row int, score float64) { l.fired, l.last, l.highest = true, row, score }

// window keeps the overdispersion of one window length.
type window struct {
	length    int // buckets
	span      time.Duration
	threshold float64
	n         int
	phi       float64 // sum of (S-m)^2/m over n sums
}

// Alert says why a bucket is a spike.
type Alert struct {
	Row      int           // number of the bucket, from 0
	Window   time.Duration // length of the window that shows it most
	Observed float64       // count in that window
	Expected float64       // usual count of such a window at this time of day
	Phi      float64       // overdispersion of such windows: variance over mean, at least 1
	Score    float64       // deviations above it, over the window's threshold: above 1
}

// longestBucket is the length of buckets from which on nothing could be learnt in a lifetime.
const longestBucket = 366 * dayLength

// Of long buckets the history and the warm-up have to hold some, whatever their lengths say:
// a mean of two weeks tells nothing of the next.
const (
	leastHistory = 14
	leastWarmup  = 7
)

// New returns a detector for buckets of one length, of at least a second and at most a year.
func New(cfg Config, bucket time.Duration) (*Detector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("detect: %w", err)
	}
	if bucket < time.Second || bucket > longestBucket {
		return nil, fmt.Errorf("detect: buckets of %s are not between a second and a year", bucket)
	}
	d := &Detector{
		cfg: cfg, quiet: buckets(cfg.Quiet, bucket), day: buckets(dayLength, bucket),
		history: max(leastHistory, buckets(cfg.History, bucket)), warmup: max(leastWarmup, buckets(cfg.Warmup, bucket)),
	}
	d.half = min(int(smoothing/bucket), (d.day-1)/2)
	longest := 0
	for _, span := range spans() {
		length := buckets(span, bucket)
		if length <= longest {
			continue
		}
		longest = length
		whole := time.Duration(length) * bucket
		d.windows = append(d.windows, window{
			length: length, span: whole,
			threshold: threshold(cfg, whole),
		})
	}
	d.sums = make([]float64, d.history+2*longest+d.half+2+maxPeek)
	d.usual = make([]float64, len(d.sums))
	return d, nil
}

// threshold is that of windows of one length. Where buckets are longer than the longest of
// spans, its own holds: a window of a day is not ten times as sure as one of an hour.
func threshold(cfg Config, window time.Duration) float64 {
	all := spans()
	return cfg.Threshold * math.Pow(float64(referenceWindow)/float64(min(window, all[len(all)-1])), cfg.Shortness)
}

func buckets(span, bucket time.Duration) int {
	return max(1, int(math.Round(float64(span)/float64(bucket))))
}

// Add reads the count of the next bucket and reports whether it is an alert. What it
// answers depends on this and earlier buckets alone.
func (d *Detector) Add(count float64) (Alert, bool) {
	d.step(count)
	if !d.latch.passes(d.level.Row, d.level.Score, d.quiet, d.cfg.Refire) {
		return Alert{}, false
	}
	d.latch.mark(d.level.Row, d.level.Score)
	return d.level, true
}

// Skip passes over buckets of which nothing is known, so that the time of day stays right:
// they are taken as usual. What is longer than the history says no more than the history does.
func (d *Detector) Skip(n int) {
	if n > d.history {
		n = d.history + (n-d.history)%d.day
	}
	for range n {
		d.step(d.Usual())
	}
}

// maxPeek is the most buckets that Peek judges.
const maxPeek = 180

// Peek judges buckets that are not complete yet, the next ones in a row, and forgets
// them: their counts may still grow. It returns the highest score among them, and whether
// that would be an alert.
func (d *Detector) Peek(counts []float64) (Alert, bool) {
	if len(counts) > maxPeek {
		counts = counts[len(counts)-maxPeek:]
	}
	rows, level, windows := d.rows, d.level, slices.Clone(d.windows)
	var best Alert
	for _, c := range counts {
		if d.step(c); d.level.Score > best.Score {
			best = d.level
		}
	}
	d.rows, d.level, d.windows = rows, level, windows
	return best, d.latch.passes(best.Row, best.Score, d.quiet, d.cfg.Refire)
}

// Level is the highest score of the last bucket, whether it was an alert or not.
func (d *Detector) Level() Alert { return d.level }

// Usual is what is usual in the next bucket.
func (d *Detector) Usual() float64 { return d.expect(d.rows) }

// step reads a bucket and finds the window that shows most.
func (d *Detector) step(count float64) {
	row := d.rows
	d.rows++
	d.usual[d.rows%len(d.usual)] = d.usual[row%len(d.usual)] + d.expect(row)
	d.sums[d.rows%len(d.sums)] = d.sums[row%len(d.sums)] + count
	best := Alert{Row: row}
	for i := range d.windows {
		w := &d.windows[i]
		d.learn(w, row)
		if w.n < d.warmup {
			continue
		}
		observed, mean := d.within(w, row)
		phi := max(1, w.phi/float64(w.n))
		variance := max(phi*mean, 1)
		if score := (observed - mean) / math.Sqrt(variance) / (w.threshold * tail(phi)); score > best.Score {
			best = Alert{Row: row, Window: w.span, Observed: observed, Expected: mean, Phi: phi, Score: score}
		}
	}
	d.level = best
}

// Least is the smallest positive count of the longest window that may be an alert, for
// any brand: below it nothing has to be judged.
func Least(cfg Config) float64 {
	all := spans()
	least := threshold(cfg, all[len(all)-1]) * lightest
	return math.Floor(leastUsual+least) + 1
}

// Counts that are hardly overdispersed have light tails: there fewer deviations mean as
// much. The ease ends where phi is e^2, about 7.4.
const (
	lightest = 0.5
	heavier  = 0.25
)

// tail is the part of the threshold that counts with an overdispersion of phi need.
func tail(phi float64) float64 { return min(1, lightest+heavier*math.Log(phi)) }

// expect is what is usual in a bucket, from what came before it.
func (d *Detector) expect(row int) float64 {
	sum, days := 0.0, 0
	for past := row - d.day; past >= max(0, row-d.history); past -= d.day {
		from, to := max(0, past-d.half), past+d.half+1
		sum += d.counted(from, to) / float64(to-from)
		days++
	}
	if days == 0 {
		return 0
	}
	from := max(0, row-d.history)
	return (1-shrinkage)*sum/float64(days) + shrinkage*d.counted(from, row)/float64(row-from)
}

// counted is the count of rows from (inclusive) to to (exclusive).
func (d *Detector) counted(from, to int) float64 {
	return d.sums[to%len(d.sums)] - d.sums[from%len(d.sums)]
}

// leastUsual is the least that is taken as usual in a window: nobody is never named.
const leastUsual = 0.5

// within is the count in the window that ends with a row, and what is usual there.
func (d *Detector) within(w *window, row int) (observed, usual float64) {
	from := max(0, row+1-w.length)
	usual = d.usual[(row+1)%len(d.usual)] - d.usual[from%len(d.usual)]
	return d.counted(from, row+1), max(usual, leastUsual)
}

// learn takes the newest window that does not overlap the current one into the
// overdispersion, and the one that is older than the history out of it. Nothing is
// learnt from the first day, of which nobody knows what is usual.
func (d *Detector) learn(w *window, row int) {
	in, out := row-w.length, row-w.length-d.history
	if in < d.day {
		return
	}
	if in%d.history == d.history-1 { // begin anew now and then: no rounding error may pile up
		w.n, w.phi = 0, 0
		for i := max(d.day, out+1); i <= in; i++ {
			d.take(w, i, 1)
		}
		return
	}
	d.take(w, in, 1)
	if out >= d.day {
		d.take(w, out, -1)
	}
}

func (d *Detector) take(w *window, row int, sign float64) {
	observed, usual := d.within(w, row)
	w.n += int(sign)
	w.phi += sign * (observed - usual) * (observed - usual) / usual
}
