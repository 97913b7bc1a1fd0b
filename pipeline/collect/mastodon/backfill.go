package mastodon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
)

// page asks for the posts directly behind an id, newest first as the API has them; without
// one for the newest.
func (s *Source) page(ctx context.Context, behind string) ([]json.RawMessage, error) {
	path, q := s.cfg.timeline()
	if behind != "" {
		q.Set("min_id", behind)
	}
	resp, err := s.http.Get(ctx, s.cfg.Server+path+"?"+q.Encode(), s.header())
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(resp.Body, &list); err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	return list, nil
}

// backfill reads what the timeline holds behind the cursor. Where the server does not show
// it, or there is more than we may read, that is a gap.
func (f *follower) backfill(ctx context.Context) error {
	if len(f.at.Last) == 0 {
		return nil // the first start begins with the present
	}
	behind := f.at.Last[0]
	for range f.cfg.Backfill {
		items, err := f.page(ctx, behind)
		if closed(err) {
			f.gap("the server does not show its timeline to this token")
			return nil
		}
		if err != nil {
			return err
		}
		f.out.Alive()
		next := ""
		for _, item := range slices.Backward(items) { // oldest first
			if s, err := decode(item); err == nil {
				next = s.ID
			}
			if err := f.status(item, pipeline.OpCreate); err != nil {
				return err
			}
		}
		if next == "" || next == behind {
			return nil
		}
		behind = next
	}
	f.gap(fmt.Sprintf("more than %d pages came meanwhile", f.cfg.Backfill))
	return nil
}

// gap reports what lies between the last post and now. It is told once: the stream goes on
// from here.
func (f *follower) gap(reason string) {
	if f.at.At > 0 {
		f.out.Gap(time.UnixMilli(f.at.At).UTC(), time.Now().UTC(), reason)
	}
	f.at.Last = nil
}

// closed reports whether the server shows its timeline to nobody, or not to us.
func closed(err error) bool {
	return client.Answered(err, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusNotFound)
}
