package bluesky

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/recount"
	"earshot/pipeline/collect/rules"
)

// What is written about a post tells app.bsky.feed.getPosts
// (github.com/bluesky-social/atproto, lexicons/app/bsky/feed/getPosts.json): 25 posts a
// request, without credentials.
const (
	countsAtOnce = 25
	// countsPause is a sixth of what is allowed, beside the half that profiles take.
	countsPause = time.Second
)

// Follow reads the counts of what these brands look for again.
func (s *Source) Follow(brands rules.Brands) { s.brands = brands }

// plan is what is read again; nothing where no service is named.
func (s *Source) plan() recount.Plan {
	p := recount.Plan{Ages: s.cfg.Reread, Most: s.cfg.Watch, Batch: func() int { return countsAtOnce }, Pause: countsPause,
		ID: watchID, Read: s.counts, Brands: s.brands}
	if s.cfg.Profiles == "" {
		p.Ages = nil
	}
	return p
}

// watchID is a post's address without what is the same in all: account and rkey.
func watchID(p *pipeline.Post) string {
	account, rkey, ok := strings.Cut(strings.TrimPrefix(p.ID, "at://"), "/"+postType+"/")
	if !ok {
		return ""
	}
	return account + "/" + rkey
}

func addressOf(watched string) string {
	account, rkey, _ := strings.Cut(watched, "/")
	return "at://" + account + "/" + postType + "/" + rkey
}

// counts reads posts again. Those that were deleted are not in the answer, nor those of
// accounts that are away for a while.
func (s *Source) counts(ctx context.Context, ids []string) ([]pipeline.Post, error) {
	q, asked := url.Values{}, map[string]bool{}
	for _, id := range ids {
		q.Add("uris", addressOf(id))
		asked[addressOf(id)] = true
	}
	address := strings.TrimSuffix(s.cfg.Profiles, "/") + "/xrpc/app.bsky.feed.getPosts?" + q.Encode()
	resp, err := s.http.Do(ctx, client.Request{Address: address, Once: true})
	if err != nil {
		return nil, err
	}
	posts, err := decodeCounts(resp.Body)
	return slices.DeleteFunc(posts, func(p pipeline.Post) bool { return !asked[p.ID] }), err
}

// decodeCounts reads an answer of getPosts: postView of lexicons/app/bsky/feed/defs.json.
func decodeCounts(data []byte) ([]pipeline.Post, error) {
	var answer struct {
		Posts []struct {
			URI     string `json:"uri"`
			Replies int64  `json:"replyCount"`
			Reposts int64  `json:"repostCount"`
			Likes   int64  `json:"likeCount"`
			Quotes  int64  `json:"quoteCount"`
		} `json:"posts"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("bluesky: decode counts: %w", err)
	}
	posts := make([]pipeline.Post, 0, len(answer.Posts))
	for _, v := range answer.Posts {
		posts = append(posts, pipeline.Post{Platform: platform, ID: v.URI, Op: pipeline.OpMetrics, Kind: pipeline.KindPost,
			Metrics: pipeline.Metrics{Likes: max(v.Likes, 0), Reposts: max(v.Reposts, 0), Replies: max(v.Replies, 0), Quotes: max(v.Quotes, 0)}})
	}
	return posts, nil
}
