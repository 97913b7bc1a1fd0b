package clickhouse

import (
	"cmp"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"earshot/pipeline"
)

// What a post's records mean together is decided here as the stream and the table
// mentions decide it between them: a create adds mentions, an update also takes those
// away that it no longer names, and of two rows of a key the higher version stands. So a
// replay with the brands and models of the stream has the mentions of the stream.

// standing is what stands under one key of mentions after all records of a post.
type standing struct {
	version proto.UInt128
	event   pipeline.Time
	record  *pipeline.Record  // that put it there
	mention *pipeline.Mention // nil: taken away
}

func less(a, b proto.UInt128) bool { return a.High < b.High || a.High == b.High && a.Low < b.Low }

// sort brings the records into the order in which the stream stored them: by offset, and
// where the topic was made anew by its incarnation.
func (p *archived) sort() {
	if len(p.records) < 2 {
		return
	}
	type log struct {
		epoch     pipeline.Epoch
		topic     string
		partition int32
	}
	of := func(r *pipeline.Record) log { return log{r.Position.Epoch, r.Position.Topic, r.Position.Partition} }
	begin := map[log]pipeline.Time{}
	for i := range p.records {
		r := &p.records[i]
		if t, ok := begin[of(r)]; !ok || r.Position.Time < t {
			begin[of(r)] = r.Position.Time
		}
	}
	order := make([]int, len(p.records))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &p.records[i], &p.records[j]
		if of(a) == of(b) {
			return cmp.Compare(a.Position.Offset, b.Position.Offset)
		}
		return cmp.Or(cmp.Compare(begin[of(a)], begin[of(b)]), slices.Compare(a.Position.Epoch[:], b.Position.Epoch[:]),
			cmp.Compare(a.Position.Topic, b.Position.Topic), cmp.Compare(a.Position.Partition, b.Position.Partition))
	})
	records, events := make([]pipeline.Record, len(order)), make([]pipeline.Time, len(order))
	for to, from := range order {
		records[to], events[to] = p.records[from], p.events[from]
	}
	p.records, p.events = records, events
}

// fold returns what stands under each key of the post, in the order of the keys.
func (p *archived) fold() (keys []bucket, stands map[bucket]standing) {
	stands = map[bucket]standing{}
	put := func(at bucket, s standing) {
		if old, known := stands[at]; !known || !less(s.version, old.version) {
			stands[at] = s
		}
	}
	for i := range p.records {
		r, event := &p.records[i], p.events[i]
		v := version(&r.Post, seenAt(r), r.Position.Offset)
		named := map[bucket]bool{}
		for j := range r.Mentions {
			at := bucket{r.Mentions[j].Brand, hourOf(event)}
			named[at] = true
			put(at, standing{v, event, r, &r.Mentions[j]})
		}
		if r.Post.Op != pipeline.OpUpdate {
			continue
		}
		for at, old := range stands {
			if !named[at] && old.mention != nil {
				put(at, standing{v, old.event, r, nil})
			}
		}
	}
	keys = make([]bucket, 0, len(stands))
	for at := range stands {
		keys = append(keys, at)
	}
	slices.SortFunc(keys, func(a, b bucket) int { return cmp.Or(cmp.Compare(a.brand, b.brand), cmp.Compare(a.hour, b.hour)) })
	return keys, stands
}
