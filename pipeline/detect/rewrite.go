package detect

import (
	"context"
	"time"
)

// A replay that is promoted, a brand that looks back and an import of old posts rewrite the
// past of a brand. Between the moment at which its last hours are counted anew and the one
// at which its history is, the two do not belong together: what is usual now looks like a
// spike, or like a silence. So nothing is told of a brand meanwhile, and its watch is built
// again from the history that stands then.

const (
	// rewrittenHours of the past that changed are more than posts that came late.
	rewrittenHours = 12
	// heldMost is how long a brand is held at the most: a spike may wait for that, and is not lost.
	heldMost = time.Hour
)

// rewritten reports whether the past of a brand changes now, or did since its watch was
// built, which is then forgotten. It is asked before anything new is told: rarely.
func (r *Runner) rewritten(ctx context.Context, brand string, st *brandState, now time.Time) (bool, error) {
	since := st.built
	if since.IsZero() {
		since = now
	}
	all, err := r.Counts.Rewritten(ctx, []string{brand}, since.Add(-overlap), now.Add(-r.span()), edge(now))
	if err != nil {
		return false, err
	}
	changed, going := false, false
	for _, w := range all {
		going = w.LooksBack || w.Waiting >= rewrittenHours
		changed = w.Changed >= rewrittenHours
	}
	if going && !st.held.IsZero() && now.Sub(st.held) >= heldMost {
		return false, nil // whoever rewrites does not come to an end
	}
	if !going {
		st.held = time.Time{}
	} else if st.held.IsZero() {
		st.held = now
		r.Log.Info().Str("brand", brand).Msg("detect: the past of a brand is rewritten; it is judged again afterwards")
	}
	if !going && (!changed || st.watch == nil) {
		return false, nil
	}
	st.watch, st.moved = nil, true
	return true, nil
}

// renew forgets the watches of brands whose past changed within the last hour, although
// nothing stood out: what is usual was learnt from a past that is no more.
func (r *Runner) renew(ctx context.Context, now time.Time) error {
	all, err := r.Counts.Rewritten(ctx, nil, now.Add(-time.Hour-longOverlap), now.Add(-r.span()), edge(now))
	if err != nil {
		return err
	}
	for _, w := range all {
		if st := r.brands[w.Brand]; st != nil && st.watch != nil && w.Changed >= rewrittenHours {
			st.watch, st.moved = nil, true
		}
	}
	return nil
}
