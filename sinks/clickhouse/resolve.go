package clickhouse

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"

	"earshot/pipeline"
)

// A record alone does not always tell its event time (an update, a delete, a create
// with an unbelievable claim) or the brands that it takes away. For those records, and
// only for those, one look-up a batch asks what is stored; records that come earlier in
// the same batch count as well.

// resolution is what the records of a batch mean together.
type resolution struct {
	events []pipeline.Time // event time of each record
	gone   [][]goneMention // of each record: the mentions that it takes away
}

// goneMention is a mention that no longer stands.
type goneMention struct {
	brand, id string
	event     pipeline.Time
	version   proto.UInt128
}

type postKey struct{ platform, id string }

// known is what is known of a post that needs the look-up.
type known struct {
	event    pipeline.Time            // frozen event time; 0 until somebody knows it
	seen     pipeline.Time            // when it was seen that has the frozen event time
	mentions map[bucket]pipeline.Time // where it counts so far, with the mention's event time
}

// resolve walks the batch in order. What it finds depends on the records and on what was
// stored before them, never on what an earlier attempt at the same batch has left.
func (l *Ledger) resolve(ctx context.Context, labelSet string, b *pipeline.Batch) (*resolution, error) {
	records := b.Records
	out := &resolution{events: make([]pipeline.Time, len(records)), gone: make([][]goneMention, len(records))}
	posts := needs(records)
	if err := l.lookUpPosts(ctx, posts, b); err != nil {
		return nil, err
	}
	if err := l.lookUpMentions(ctx, labelSet, posts, b); err != nil {
		return nil, err
	}
	if err := l.lookUpAccounts(ctx, labelSet, b, out.gone); err != nil {
		return nil, err
	}
	for i := range records {
		r := &records[i]
		out.events[i] = eventTime(r)
		if state := posts[postKey{r.Post.Platform, r.Post.ID}]; state != nil && r.Dead == nil && !deletesAccount(r) {
			out.events[i], out.gone[i] = state.apply(r)
		}
	}
	return out, nil
}

func deletesAccount(r *pipeline.Record) bool {
	return r.Dead == nil && r.Post.Op == pipeline.OpDelete && r.Post.Scope == pipeline.ScopeAccount
}

// standsAlone reports whether a record tells its event time without its post's past.
func standsAlone(r *pipeline.Record) bool {
	return (r.Post.Op == pipeline.OpCreate || r.Post.Op == pipeline.OpMetrics) && pipeline.Believable(r.Post.CreatedAt, seenAt(r))
}

// eventTime is what the record alone says.
func eventTime(r *pipeline.Record) pipeline.Time {
	if seen := seenAt(r); !pipeline.Believable(r.Post.CreatedAt, seen) {
		return seen
	}
	return r.Post.CreatedAt
}

// needs finds the posts whose past matters.
func needs(records []pipeline.Record) (posts map[postKey]*known) {
	for i := range records {
		r := &records[i]
		if r.Dead != nil || deletesAccount(r) || standsAlone(r) {
			continue
		}
		if posts == nil {
			posts = map[postKey]*known{}
		}
		posts[postKey{r.Post.Platform, r.Post.ID}] = &known{mentions: map[bucket]pipeline.Time{}}
	}
	return posts
}

// apply takes the next record of a post into account.
func (k *known) apply(r *pipeline.Record) (event pipeline.Time, gone []goneMention) {
	event = eventTime(r)
	if k.event != 0 && !standsAlone(r) { // what stands alone must not depend on its neighbours
		event = k.event
	}
	if seen := seenAt(r); k.event == 0 || seen < k.seen { // as lookUpPosts would find it
		k.event, k.seen = event, seen
	}
	switch r.Post.Op {
	case pipeline.OpUpdate:
		now := map[bucket]bool{}
		for i := range r.Mentions {
			now[bucket{r.Mentions[i].Brand, hourOf(event)}] = true // one brand, one hour
		}
		v := version(&r.Post, seenAt(r), r.Position.Offset)
		for at, when := range k.mentions {
			if !now[at] {
				gone = append(gone, goneMention{at.brand, r.Post.ID, when, v})
			}
		}
	case pipeline.OpDelete:
		for at, when := range k.mentions {
			gone = append(gone, goneMention{at.brand, r.Post.ID, when, deletedVersion(seenAt(r), r.Position.Offset)})
		}
		return event, gone
	case pipeline.OpMetrics:
		return event, nil
	case pipeline.OpCreate:
	}
	for i := range r.Mentions {
		k.mentions[bucket{r.Mentions[i].Brand, hourOf(event)}] = event
	}
	return event, gone
}
