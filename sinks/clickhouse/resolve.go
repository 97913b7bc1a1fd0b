package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	event  pipeline.Time            // frozen event time; 0 until somebody knows it
	brands map[string]pipeline.Time // brands named so far, with their mention's event time
}

// resolve walks the batch in order.
func (l *Ledger) resolve(ctx context.Context, labelSet string, records []pipeline.Record) (*resolution, error) {
	out := &resolution{events: make([]pipeline.Time, len(records)), gone: make([][]goneMention, len(records))}
	posts := needs(records)
	if len(posts) > 0 {
		if err := l.lookUpPosts(ctx, posts); err != nil {
			return nil, err
		}
		if err := l.lookUpMentions(ctx, labelSet, posts, records); err != nil {
			return nil, err
		}
	}
	for i := range records {
		r := &records[i]
		out.events[i] = eventTime(r)
		if r.Dead != nil {
			continue
		}
		if r.Post.Op == pipeline.OpDelete && r.Post.Scope == pipeline.ScopeAccount {
			gone, err := l.mentionsBy(ctx, labelSet, r)
			if err != nil {
				return nil, err
			}
			out.gone[i] = gone
			continue
		}
		if state := posts[postKey{r.Post.Platform, r.Post.ID}]; state != nil {
			out.events[i], out.gone[i] = state.apply(r)
		}
	}
	return out, nil
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
		if r.Dead != nil {
			continue
		}
		believable := pipeline.Believable(r.Post.CreatedAt, seenAt(r))
		switch {
		case r.Post.Op == pipeline.OpDelete && r.Post.Scope == pipeline.ScopeAccount:
			continue
		case (r.Post.Op == pipeline.OpCreate || r.Post.Op == pipeline.OpMetrics) && believable:
			continue
		}
		if posts == nil {
			posts = map[postKey]*known{}
		}
		posts[postKey{r.Post.Platform, r.Post.ID}] = &known{brands: map[string]pipeline.Time{}}
	}
	return posts
}

// apply takes the next record of a post into account.
func (k *known) apply(r *pipeline.Record) (event pipeline.Time, gone []goneMention) {
	event = eventTime(r)
	believableCreate := r.Post.Op == pipeline.OpCreate && pipeline.Believable(r.Post.CreatedAt, seenAt(r))
	switch {
	case k.event == 0:
		k.event = event
	case !believableCreate: // what stands alone elsewhere must not depend on its neighbours here
		event = k.event
	}
	switch r.Post.Op {
	case pipeline.OpUpdate:
		now := map[string]bool{}
		for i := range r.Mentions {
			now[r.Mentions[i].Brand] = true
		}
		v := version(&r.Post, seenAt(r), r.Position.Offset)
		for brand, at := range k.brands {
			if !now[brand] {
				gone = append(gone, goneMention{brand, r.Post.ID, at, v})
			} else if hourOf(at) != hourOf(event) { // one brand, one row
				gone = append(gone, goneMention{brand, r.Post.ID, at, v})
			}
		}
	case pipeline.OpDelete:
		for brand, at := range k.brands {
			gone = append(gone, goneMention{brand, r.Post.ID, at, deletedVersion(seenAt(r), r.Position.Offset)})
		}
		return event, gone
	case pipeline.OpMetrics:
		return event, nil
	case pipeline.OpCreate:
	}
	for i := range r.Mentions {
		k.brands[r.Mentions[i].Brand] = event
	}
	return event, gone
}

// lookUpChunk bounds the posts of one look-up, for the size of its text.
const lookUpChunk = 1000

// lookUpPosts finds the frozen event times.
func (l *Ledger) lookUpPosts(ctx context.Context, posts map[postKey]*known) error {
	query := "SELECT platform, id, argMin(posts.event_time, (posts.seen_at, posts.offset)) AS event FROM " + l.db.table("posts") +
		" WHERE (platform, id) IN (%s) AND op != 'dead' AND scope != 'account' GROUP BY platform, id"
	for _, list := range chunks(posts) {
		var rows []struct {
			Platform string    `ch:"platform"`
			ID       string    `ch:"id"`
			Event    time.Time `ch:"event"`
		}
		if err := l.db.Select(ctx, &rows, fmt.Sprintf(query, list)); err != nil {
			return err
		}
		for _, row := range rows {
			posts[postKey{row.Platform, row.ID}].event = pipeline.At(row.Event)
		}
	}
	return nil
}

// storedMention is a row of a look-up in mentions.
type storedMention struct {
	Brand    string    `ch:"brand"`
	Platform string    `ch:"platform"`
	ID       string    `ch:"id"`
	Event    time.Time `ch:"event_time"`
}

// lookUpMentions finds which brands the posts name so far; only updates and deletes ask.
func (l *Ledger) lookUpMentions(ctx context.Context, labelSet string, posts map[postKey]*known, records []pipeline.Record) error {
	asked := map[postKey]*known{}
	for i := range records {
		p := &records[i].Post
		key := postKey{p.Platform, p.ID}
		if state := posts[key]; state != nil && (p.Op == pipeline.OpUpdate || p.Op == pipeline.OpDelete) {
			asked[key] = state
		}
	}
	query := "SELECT brand, platform, id, event_time FROM " + l.db.table("mentions") + " FINAL WHERE label_set = " +
		quote(labelSet) + " AND (platform, id) IN (%[1]s) AND id IN (SELECT tupleElement(arrayJoin([%[1]s]), 2))"
	for _, list := range chunks(asked) {
		var rows []storedMention
		if err := l.db.Select(ctx, &rows, fmt.Sprintf(query, list)); err != nil {
			return err
		}
		for _, row := range rows {
			asked[postKey{row.Platform, row.ID}].brands[row.Brand] = pipeline.At(row.Event)
		}
	}
	return nil
}

// mentionsBy finds the mentions of an account that is being deleted.
func (l *Ledger) mentionsBy(ctx context.Context, labelSet string, r *pipeline.Record) ([]goneMention, error) {
	var rows []storedMention
	query := "SELECT brand, platform, id, event_time FROM " + l.db.table("mentions") + " FINAL WHERE label_set = " + quote(labelSet) +
		" AND platform = " + quote(r.Post.Platform) + " AND author_id = " + quote(r.Post.ID)
	if err := l.db.Select(ctx, &rows, query); err != nil {
		return nil, err
	}
	v := deletedVersion(seenAt(r), r.Position.Offset)
	gone := make([]goneMention, 0, len(rows))
	for _, row := range rows {
		gone = append(gone, goneMention{row.Brand, row.ID, pipeline.At(row.Event), v})
	}
	return gone, nil
}

// chunks writes posts as lists for IN, of bounded length.
func chunks(posts map[postKey]*known) []string {
	var out []string
	var b strings.Builder
	n := 0
	for key := range posts {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString("(" + quote(key.platform) + "," + quote(key.id) + ")")
		if n++; n == lookUpChunk || b.Len() > 50<<10 {
			out = append(out, b.String())
			b.Reset()
			n = 0
		}
	}
	if n > 0 {
		out = append(out, b.String())
	}
	return out
}

// quote writes a string as a ClickHouse literal.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\n", `\n`).Replace(s) + "'"
}
