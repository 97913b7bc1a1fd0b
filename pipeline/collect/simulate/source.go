package simulate

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"earshot/pipeline"
)

// batchSize is the most posts of one Emit.
const batchSize = 1000

// Source is the simulation as a source of posts. It is deterministic: from the same
// cursor it emits the same posts in the same batches.
type Source struct {
	cfg   Config
	world atomic.Pointer[world] // set when the begin is known

	truthLock sync.Mutex
	truth     *generator
}

var _ pipeline.Deterministic = (*Source)(nil)

// New checks the configuration and makes a source of it.
func New(cfg Config) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	w, err := newWorld(cfg, cfg.begin()) // in real time only to see whether it can be built
	if err != nil {
		return nil, err
	}
	s := &Source{cfg: cfg}
	if !cfg.From.IsZero() {
		s.world.Store(w)
	}
	return s, nil
}

// Deterministic says that the same cursor gives the same batches.
func (s *Source) Deterministic() bool { return true }

// Brands returns the brands of this market.
func (s *Source) Brands() []Brand { return Brands(s.cfg) }

// Run emits posts until the limit or the end of the period, or for ever.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	at, fresh, err := s.begin(from)
	if err != nil {
		return err
	}
	w := s.world.Load()
	if w == nil || w.begin != at.Begin {
		if w, err = newWorld(s.cfg, at.Begin); err != nil {
			return err
		}
		s.world.Store(w)
	}
	if at.Slice < w.first {
		return fmt.Errorf("simulate: cursor %s stands before its begin", from)
	}
	if fresh { // pin the begin, so that each cursor stands for one batch for ever
		if err := out.Emit(ctx, nil, at.encode()); err != nil {
			return fmt.Errorf("simulate: emit: %w", err)
		}
	}
	return newRun(w, at, out).all(ctx)
}

// begin finds where to go on. With other settings than the cursor's, a period begins
// anew, and a stream in real time goes on as a new simulation; both have new ids.
func (s *Source) begin(from pipeline.Cursor) (at cursor, isNew bool, err error) {
	fresh := cursor{Version: cursorVersion, Settings: settingsHash(s.cfg)}
	old, err := decodeCursor(from)
	switch {
	case err != nil:
		return fresh, false, err
	case len(from) > 0 && old.Settings == fresh.Settings:
		return old, false, nil
	case len(from) > 0 && s.cfg.From.IsZero():
		fresh.Begin = max(old.Seen, old.Begin)
	default:
		fresh.Begin = s.cfg.begin()
	}
	fresh.Slice = fresh.Begin / s.cfg.sliceLength()
	fresh.Begin = fresh.Slice * s.cfg.sliceLength()
	return fresh, true, nil
}

// run is one run of the stream.
type run struct {
	*generator
	at     cursor       // behind the last record
	next   [lanes]int32 // next slot of each lane
	out    pipeline.Session
	pace   float64   // simulated ms a real ms; 0 = as fast as possible
	tick   int64     // a paced batch stays within so many simulated ms
	anchor time.Time // the real moment at which the simulated one was zero
	zero   int64     // that simulated moment, ms
}

func newRun(w *world, at cursor, out pipeline.Session) *run {
	r := &run{generator: newGenerator(w), at: at, out: out, pace: w.cfg.pace(), tick: 3600 * 1000}
	if r.pace > 0 {
		r.tick = max(1, int64(1000*r.pace))
	}
	for range at.Done {
		r.advance()
	}
	r.anchor, r.zero = time.Now(), max(at.Begin, at.Slice*w.slice, at.Seen)
	if w.cfg.From.IsZero() && r.pace == 1 {
		r.anchor = time.UnixMilli(r.zero)
	}
	return r
}

// advance takes the record of the slice that is seen next; ok is false at its end.
func (r *run) advance() (n ref, at int64, ok bool) {
	best := int64(math.MaxInt64)
	for lane := range uint8(lanes) {
		if int(r.next[lane]) >= r.count(r.at.Slice, lane) {
			continue
		}
		c := ref{r.at.Slice, lane, r.next[lane]}
		if at := r.seenAt(c); at < best {
			n, best, ok = c, at, true
		}
	}
	if ok {
		r.next[n.lane]++
	}
	return n, best, ok
}

// all hands the stream over. Records are made before their moment comes and are
// emitted when it has.
func (r *run) all(ctx context.Context) error {
	for {
		posts, end := r.batch()
		if len(posts) > 0 {
			if err := r.wait(ctx, r.at.Seen); err != nil {
				return err
			}
			if err := r.out.Emit(ctx, posts, r.at.encode()); err != nil {
				return fmt.Errorf("simulate: emit: %w", err)
			}
			r.out.Alive()
		}
		if end {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.skip(ctx); err != nil {
			return err
		}
	}
}

// batch makes the next posts and moves the cursor behind them; end says that none
// follow. A batch ends after batchSize posts and where a tick ends.
func (r *run) batch() (posts []pipeline.Post, end bool) {
	posts = make([]pipeline.Post, 0, min(batchSize, 16+int(1.5*r.cfg.density()*float64(r.tick)/1000)))
	tick := int64(-1)
	for len(posts) < batchSize {
		if r.cfg.Limit > 0 && r.at.Count >= r.cfg.Limit {
			return posts, true
		}
		before := r.next
		at, seen, ok := r.advance()
		if !ok {
			if !r.nextSlice() {
				return posts, true
			}
			continue
		}
		if r.end > 0 && seen >= r.end {
			return posts, true
		}
		if tick >= 0 && seen/r.tick > tick {
			r.next = before
			return posts, false
		}
		tick = seen / r.tick
		n := r.node(at)
		posts = append(posts, pipeline.Post{})
		r.render(&posts[len(posts)-1], &n)
		r.at.Done++
		r.at.Count++
		r.at.Seen = seen
	}
	return posts, false
}

// nextSlice moves to the next slice; it is false where the stream ends.
func (r *run) nextSlice() bool {
	begin := (r.at.Slice + 1) * r.slice
	if begin >= maxMoment || r.end > 0 && begin >= r.end {
		return false
	}
	r.at.Slice, r.at.Done, r.next = r.at.Slice+1, 0, [lanes]int32{}
	return true
}

// signOfLife is how often a waiting source says that it is alive.
const signOfLife = 5 * time.Second

// wait sleeps until the real moment at which a simulated one has come.
func (r *run) wait(ctx context.Context, ms int64) error {
	if r.pace == 0 {
		return nil
	}
	until := r.anchor.Add(time.Duration(float64(ms-r.zero) / r.pace * float64(time.Millisecond)))
	for {
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(min(left, signOfLife))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
			if left > signOfLife {
				r.out.Alive()
			}
		}
	}
}

// skip jumps to the present where a stream in real time is further behind than it may
// catch up, and reports the gap. The cursor that it leaves is emitted without posts, so
// that each cursor still stands for one batch.
func (r *run) skip(ctx context.Context) error {
	if !r.cfg.From.IsZero() || r.pace != 1 || r.cfg.CatchUp == 0 {
		return nil
	}
	now := time.Now()
	if now.UnixMilli()-r.at.Seen <= r.cfg.CatchUp.Milliseconds() {
		return nil
	}
	from := time.UnixMilli(r.at.Seen).UTC()
	r.at.Slice = now.UnixMilli() / r.slice
	r.at.Done, r.next, r.at.Seen = 0, [lanes]int32{}, r.at.Slice*r.slice
	if err := r.out.Emit(ctx, nil, r.at.encode()); err != nil {
		return fmt.Errorf("simulate: emit: %w", err)
	}
	r.out.Gap(from, time.UnixMilli(r.at.Seen).UTC(), "the simulation was stopped for longer than catch_up")
	return nil
}
