package x

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/budget"
)

// lookup is how many posts one request asks for.
const lookup = 100

// again looks up posts whose time has come, for their counts, edits and deletes.
func (r *run) again(ctx context.Context, now time.Time) error {
	ids := r.at.Watch.Due(now, lookup)
	if len(ids) == 0 {
		return nil
	}
	granted, err := r.afford(ctx, perEvent, int64(len(ids)*perEvent))
	if errors.Is(err, budget.ErrSpent) {
		return nil // the stream goes first with what is left
	}
	if err != nil {
		return err
	}
	ids = ids[:granted/perEvent]
	q := url.Values{"ids": {strings.Join(ids, ",")}}
	with := strings.Replace(fields, "expansions=", "expansions=edit_history_tweet_ids,", 1)
	resp, err := r.http.Get(ctx, r.cfg.Endpoint+"/2/tweets?"+q.Encode()+"&"+with, r.header())
	if err != nil {
		return err
	}
	a, data, err := r.list(ctx, resp.Body, "lookup")
	if err != nil {
		return err
	}
	r.out.Alive()
	r.at.Account.Use(a.price(len(data)))
	gone := map[string]bool{}
	found := a.changes(data, gone)
	r.at.Watch.Done(now, ids, gone)
	return r.hold(ctx, found)
}

// changes are what a second look tells: counts, the newest version of what was edited, and
// deletes of what is no longer public.
func (a *answer) changes(data []post, gone map[string]bool) []pipeline.Post {
	var out []pipeline.Post
	for i := range data {
		p := &data[i]
		if n := len(p.Versions); n > 1 {
			if newest := a.Includes.byID(p.Versions[n-1]); newest.ID != "" {
				out = append(out, a.Includes.post(&newest))
				continue
			}
		}
		whole := a.Includes.post(p)
		if whole.Kind == pipeline.KindRepost { // it has no counts of its own
			continue
		}
		out = append(out, pipeline.Post{Platform: platform, ID: whole.ID, Op: pipeline.OpMetrics, Kind: whole.Kind, Metrics: whole.Metrics,
			Author: pipeline.Author{ID: whole.Author.ID, Handle: whole.Author.Handle, Followers: whole.Author.Followers}})
	}
	for _, e := range a.Errors {
		if e.ResourceID != "" && (strings.HasSuffix(e.Type, "/resource-not-found") || strings.HasSuffix(e.Type, "/not-authorized-for-resource")) {
			gone[e.ResourceID] = true
			out = append(out, deleted(e.ResourceID))
		}
	}
	return out
}

func deleted(id string) pipeline.Post {
	return pipeline.Post{Platform: platform, ID: id, Op: pipeline.OpDelete, Scope: pipeline.ScopePost}
}
