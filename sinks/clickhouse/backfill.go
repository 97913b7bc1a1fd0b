package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Backfill lets brands look back over the archive: their mentions are written into live
// as if the brands had always been there, and what older versions of their queries found
// and these do not is taken away. A post that names them, or did, is labelled as a whole,
// because how a brand is spoken of depends on the others that the post names. A post whose
// words the archive has no more keeps the labels that it has.
type Backfill struct {
	Replayer *Replayer // with a chain of all brands that count
	Jobs     []*Replay // one a brand, all at the same place
	// Check is asked between pages; an error stops the back-fill, which goes on from there
	// when it is begun again.
	Check func(context.Context) error
	// Settled returns once every record that was labelled without these brands is stored.
	Settled func(context.Context) error
}

// Run begins the jobs or goes on with them, and marks them as done.
func (b *Backfill) Run(ctx context.Context) error {
	if len(b.Jobs) == 0 {
		return nil
	}
	r := *b.Replayer
	r.Catch, r.naming = b.Settled, map[string]bool{}
	versions := map[string]string{}
	for _, job := range b.Jobs {
		versions[job.Brand], r.naming[job.Brand] = job.QueryVersion, true
	}
	between := r.between
	r.between = func(step string) error {
		if between != nil {
			if err := between(step); err != nil {
				return err
			}
		}
		if step == "saved" && b.Check != nil {
			return b.Check(ctx)
		}
		return nil
	}
	if b.Jobs[0].Pass == 0 {
		for _, job := range b.Jobs {
			job.State, job.Enrichment = ReplayRunning, r.Version
		}
		if err := r.begin(ctx, b.Jobs, 1); err != nil {
			return err
		}
	}
	if err := r.passes(ctx, b.Jobs); err != nil {
		return err
	}
	// What named a brand by an older query and does not by this one: its other brands first.
	r.naming = nil
	for brand, version := range versions {
		stale := selection{
			"(platform, id) IN (SELECT platform, id FROM " + r.DB.table("mentions") +
				" FINAL WHERE label_set = 'live' AND brand = {stale_brand:String} AND query_version != {stale_version:String})",
			[]any{Named("stale_brand", brand), Named("stale_version", version)},
		}
		if err := r.relabelAll(ctx, openArchive(r.DB, 0, 0, nil, stale), b.Jobs[0]); err != nil {
			return err
		}
	}
	if err := r.DB.takeStale(ctx, versions, nil); err != nil {
		return err
	}
	for _, job := range b.Jobs {
		job.State = ReplayDone
		if err := r.save(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

// Together returns the jobs that can go through the archive in one reading: those that an
// earlier process had begun together and left at the same place, else those that were
// not begun yet.
func Together(jobs []*Replay) []*Replay {
	begun := func(j *Replay) bool { return j.Pass > 0 }
	i := slices.IndexFunc(jobs, begun)
	if i < 0 {
		return jobs
	}
	first := jobs[i]
	return slices.DeleteFunc(slices.Clone(jobs), func(j *Replay) bool {
		return !begun(j) || j.Pass != first.Pass || j.After != first.After || len(j.Positions.Until) != len(first.Positions.Until) ||
			!slices.Equal(j.Positions.Since, first.Positions.Since) || !slices.Equal(j.Positions.Until, first.Positions.Until)
	})
}

// ErrSuperseded says that a brand has changed while it looked back.
var ErrSuperseded = errors.New("clickhouse: the brand has changed meanwhile")

// HasPosts reports whether the ledger holds any post.
func (d *DB) HasPosts(ctx context.Context) (bool, error) {
	var rows []struct {
		One uint8 `ch:"one"`
	}
	if err := d.Select(ctx, &rows, "SELECT 1 AS one FROM "+d.table("posts")+" LIMIT 1"); err != nil {
		return false, fmt.Errorf("clickhouse: is there a post: %w", err)
	}
	return len(rows) > 0, nil
}
