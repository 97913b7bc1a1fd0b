package hackernews

import (
	"context"
	"slices"
	"strconv"

	"earshot/pipeline"
)

const (
	// maxThreads bounds the items whose story is known.
	maxThreads = 100_000
	// maxClimb bounds the parents that are asked for to find one story.
	maxClimb = 30
)

// node is what the answers to an item need to know of it.
type node struct {
	root       int64
	by, rootBy string
}

// threads are the items that were read, in memory: what is not known is asked for.
type threads map[int64]node

func (t threads) add(id int64, n node) {
	if len(t) >= maxThreads {
		clear(t)
	}
	t[id] = n
}

// climb fills in the thread of a post. The items above a comment are older than it, so they
// can be had; where one cannot, the thread is left out rather than the post.
func (r *run) climb(ctx context.Context, i *item, p *pipeline.Post) {
	if i.Parent <= 0 {
		r.threads.add(i.ID, node{root: i.ID, by: i.By, rootBy: i.By})
		return
	}
	above, ok := r.node(ctx, i.Parent)
	if !ok {
		return
	}
	r.threads.add(i.ID, node{root: above.root, by: i.By, rootBy: above.rootBy})
	p.ParentAuthor = above.by
	p.RootID, p.RootAuthor = strconv.FormatInt(above.root, 10), above.rootBy
}

// node finds what is known of an item, asking for those above it until one is known.
func (r *run) node(ctx context.Context, id int64) (node, bool) {
	var path []*item
	for range maxClimb {
		if known, ok := r.threads[id]; ok {
			return r.descend(path, known), true
		}
		body, err := r.get(ctx, id)
		if err != nil {
			return node{}, false
		}
		i, err := decode(id, body)
		if err != nil || i == nil {
			return node{}, false
		}
		if i.Parent <= 0 {
			top := node{root: i.ID, by: i.By, rootBy: i.By}
			r.threads.add(i.ID, top)
			return r.descend(path, top), true
		}
		path = append(path, i)
		id = i.Parent
	}
	return node{}, false
}

// descend notes the items on the way down, of which the last is nearest to the story, and
// returns the first.
func (r *run) descend(path []*item, above node) node {
	for _, i := range slices.Backward(path) {
		above = node{root: above.root, by: i.By, rootBy: above.rootBy}
		r.threads.add(i.ID, above)
	}
	return above
}
