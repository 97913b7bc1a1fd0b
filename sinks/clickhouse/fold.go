package clickhouse

import (
	"context"
	"fmt"

	"earshot/pipeline"
)

// deadLettersBlock is a block of dead_letters.
type deadLettersBlock struct {
	block
	id, reason, origin, sha256, payload text
	stage                               word
	at                                  moments
	size                                long
}

func newDeadLettersBlock() *deadLettersBlock {
	b := &deadLettersBlock{block: block{table: "dead_letters"}}
	b.id, b.stage, b.reason, b.origin = b.text("id"), b.word("stage"), b.text("reason"), b.text("origin")
	b.at, b.size, b.sha256, b.payload = b.moment("at"), b.int64("size"), b.text("sha256"), b.text("payload")
	return b
}

// PutDeadLetters stores dead letters; the same one twice is one. The caller chooses the
// database by their stream.
func (d *DB) PutDeadLetters(ctx context.Context, letters []pipeline.DeadLetter) error {
	b := newDeadLettersBlock()
	for i := range letters {
		l := &letters[i]
		b.id.Append(l.ID)
		b.stage.Append(l.Stage)
		b.reason.Append(l.Reason)
		b.origin.Append(l.Origin)
		b.at.append(l.At)
		b.size.Append(l.Size)
		b.sha256.Append(l.SHA256)
		b.payload.Append(string(l.Payload[:min(len(l.Payload), pipeline.MaxDeadPayload)]))
	}
	return d.insert(ctx, &b.block)
}

// minutesBlock is a block of coverage.
type minutesBlock struct {
	block
	source, collector, platform, state word
	minute                             seconds
	posts, refused, errors, lag        long
	reason                             text
	at                                 moments
}

func newMinutesBlock() *minutesBlock {
	b := &minutesBlock{block: block{table: "coverage"}}
	b.source, b.minute, b.collector = b.word("source"), b.second("minute"), b.word("collector")
	b.platform, b.state = b.word("platform"), b.word("state")
	b.posts, b.refused, b.errors, b.lag = b.int64("posts"), b.int64("refused"), b.int64("errors"), b.int64("lag_ms")
	b.reason, b.at = b.text("reason"), b.moment("at")
	return b
}

const minute = pipeline.Time(60_000)

func (b *minutesBlock) append(e *pipeline.CoverageEvent) {
	b.source.Append(e.Source)
	b.minute.append(e.From - e.From%minute)
	b.collector.Append(e.Collector)
	b.platform.Append(e.Platform)
	b.state.Append(string(e.State))
	b.posts.Append(e.Posts)
	b.refused.Append(e.Refused)
	b.errors.Append(e.Errors)
	b.lag.Append(e.LagMillis)
	b.reason.Append(e.Reason)
	b.at.append(e.At)
}

// stretchBlock is a block of gaps or of sources: something of a source from then to then.
type stretchBlock struct {
	block
	source, platform word
	from, to, at     moments
	reason           text // of gaps
}

func newGapsBlock() *stretchBlock {
	b := &stretchBlock{block: block{table: "gaps"}}
	b.source, b.platform, b.from, b.to = b.word("source"), b.word("platform"), b.moment("gap_from"), b.moment("gap_to")
	b.at, b.reason = b.moment("at"), b.text("reason")
	return b
}

func newSourcesBlock() *stretchBlock {
	b := &stretchBlock{block: block{table: "sources"}}
	b.source, b.platform = b.word("source"), b.word("platform")
	b.from, b.to, b.at = b.moment("expected_from"), b.moment("expected_to"), b.moment("at")
	return b
}

func (b *stretchBlock) append(e *pipeline.CoverageEvent) {
	b.source.Append(e.Source)
	b.platform.Append(e.Platform)
	b.from.append(e.From)
	b.to.append(e.To)
	b.at.append(e.At)
	if b.reason != nil {
		b.reason.Append(e.Reason)
	}
}

// PutCoverage stores reports of sources; they fold by source and minute, or by source
// and begin. The caller chooses the database by their stream.
func (d *DB) PutCoverage(ctx context.Context, events []pipeline.CoverageEvent) error {
	minutes, gaps, expected := newMinutesBlock(), newGapsBlock(), newSourcesBlock()
	for i := range events {
		switch e := &events[i]; e.Type {
		case "minute":
			minutes.append(e)
		case "gap":
			gaps.append(e)
		case "expected":
			expected.append(e)
		default:
			return fmt.Errorf("clickhouse: coverage: unknown type %q", e.Type)
		}
	}
	// What is expected comes last: no minute shows as a gap for want of its report.
	for _, b := range []*block{&minutes.block, &gaps.block, &expected.block} {
		if err := d.insert(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// BrandVersion is one version of a brand's query.
type BrandVersion struct {
	Brand   string
	Version string // content hash of the query
	Query   string
	Since   pipeline.Time // when it was first used
}

// PutBrands records versions of queries, so that every label can be traced to its query.
func (d *DB) PutBrands(ctx context.Context, versions []BrandVersion) error {
	b := &block{table: "brands"}
	brand, version, query, since := b.word("brand"), b.text("query_version"), b.text("query"), b.moment("since")
	for _, v := range versions {
		brand.Append(v.Brand)
		version.Append(v.Version)
		query.Append(v.Query)
		since.append(v.Since)
	}
	return d.insert(ctx, b)
}
