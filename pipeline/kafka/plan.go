package kafka

import "fmt"

// span is a range of offsets, both inclusive; if last is below first the end is unknown.
type span struct{ first, last int64 }

func (s span) String() string {
	if s.last < s.first {
		return fmt.Sprintf("from %d on", s.first)
	}
	return fmt.Sprintf("%d to %d", s.first, s.last)
}

// loss is a range that can no longer be read, and why.
type loss struct {
	span
	why string
}

// plan is where a partition is taken up.
type plan struct {
	from    int64  // where reading begins, after pending if there is one
	pending *span  // a range that may be stored in part: to be rebuilt and confirmed
	token   string // of the pending range as it was first committed
	// replayed is an offset: what stands below may be stored under tokens of other ranges,
	// because it is not known where the group stood.
	replayed int64

	lost  []loss
	notes []string // what an operator should know
}

const (
	whyRetention = "removed by retention before it was stored"
	whyRecreated = "the topic was deleted and created anew; what was not stored of the old one is gone"
	whyTruncated = "the log became shorter: a broker lost what it had acknowledged"
)

// makePlan decides from what the group had committed, what the log holds, and the
// topic's present epoch. It is pure, so that every case can be tested.
func makePlan(c committed, log logRange, epoch string) plan {
	switch {
	case c.offset < 0: // a new group, or Kafka has forgotten where it stood
		return plan{from: log.start, replayed: log.end}
	case c.mark.Epoch != "" && c.mark.Epoch != epoch, c.mark.Epoch == "" && c.offset > log.end:
		return plan{from: log.start, replayed: log.end, lost: []loss{{span{c.offset, c.offset - 1}, whyRecreated}},
			notes: []string{fmt.Sprintf("begin at %d of the new topic; the old one stood at %d", log.start, c.offset)}}
	case c.offset > log.end:
		// The same topic, so its offsets below c.offset are taken in the ledger already.
		return plan{from: log.end, lost: []loss{{span{log.end, c.offset - 1}, whyTruncated}}}
	}
	p := plan{from: c.offset, replayed: replayedOf(c, log)}
	if c.mark.Epoch == "" {
		p.notes = []string{fmt.Sprintf("the offset %d is not ours (a tool has set it): what is stored of %d to %d is not stored again", c.offset, c.offset, log.end-1)}
	}
	if c.mark.Pending != nil && *c.mark.Pending >= c.offset {
		p.from = *c.mark.Pending + 1
		whole := span{c.offset, *c.mark.Pending}
		rest := span{max(whole.first, log.start), min(whole.last, log.end-1)}
		if whole.first < rest.first {
			p.lost = append(p.lost, loss{span{whole.first, min(rest.first-1, whole.last)}, whyRetention + ", or perhaps just after"})
		}
		if whole.last > rest.last {
			p.lost = append(p.lost, loss{span{max(rest.last+1, whole.first), whole.last}, whyTruncated})
			p.from = log.end
		}
		if rest.first <= rest.last {
			p.pending, p.token = &rest, c.mark.Token
		}
	}
	if p.from < log.start {
		if gap := (span{p.from, log.start - 1}); len(p.lost) == 0 || p.lost[len(p.lost)-1].last < gap.first {
			p.lost = append(p.lost, loss{gap, whyRetention})
		}
		p.from = log.start
	}
	return p
}

// replayedOf is the end of what may be stored under other tokens: all of the log if the
// committed offset is not ours, else what the mark says, so that doubt outlives a worker.
func replayedOf(c committed, log logRange) int64 {
	if c.mark.Epoch == "" {
		return log.end
	}
	return c.mark.Replayed
}
