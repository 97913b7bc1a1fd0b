package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// partition carries one partition during one generation.
type partition struct {
	w      *Worker
	a      *assignment
	log    zerolog.Logger
	epoch  pipeline.Epoch
	budget *budget // shared by all partitions of the worker

	replayed int64     // records below it may be stored under other tokens
	checked  time.Time // when the epoch was last asked for
}

// epochAge is how old the knowledge of the topic's epoch may grow. Most often a topic
// that is created anew shows itself by an error of a fetch, and at once.
const epochAge = 10 * time.Second

// run carries the partition until stop ends or the member must leave it. Trouble with
// reading is met by beginning again from what is committed.
func (p *partition) run(stop context.Context) error {
	work, cancel := draining(stop, drainTime)
	defer cancel()
	wait := retryBackoff()
	for stop.Err() == nil {
		err := p.carry(stop, work, &wait)
		if errors.Is(err, errStale) || errors.Is(err, errUnknownCommit) {
			return err
		}
		if err == nil || stop.Err() != nil {
			return nil
		}
		p.log.Warn().Err(err).Msg("reading again from the committed offset")
		if wait.sleep(stop) != nil {
			return nil
		}
	}
	return nil
}

// carry takes the partition up where the group stands and moves batch after batch.
func (p *partition) carry(stop, work context.Context, wait *backoff) error {
	begin, marked, err := p.where(stop)
	if err != nil {
		return err
	}
	p.replayed = begin.replayed
	for _, note := range begin.notes {
		p.log.Warn().Msg(note)
	}
	for _, l := range begin.lost {
		if err := p.lose(stop, l, marked); err != nil {
			return err
		}
	}
	if begin.pending != nil {
		if err := p.confirm(stop, work, begin); err != nil {
			return err
		}
	}
	b := p.builder(begin.from)
	for stop.Err() == nil {
		if err := p.step(stop, work, b); err != nil {
			return err
		}
		wait.reset()
	}
	return nil
}

// step waits for a batch and stores it. If nothing comes it returns after a while.
func (p *partition) step(stop, work context.Context, b *builder) error {
	ready, err := b.ready(stop)
	if err != nil {
		return err
	}
	defer b.release()
	if time.Since(p.checked) > epochAge {
		if err := p.sameTopic(stop); err != nil {
			return err
		}
	}
	if !ready {
		p.w.stats.lag(p.a.partition, max(b.fetch.high-b.fetch.next, 0))
		return nil
	}
	raw, err := b.next(stop)
	if err != nil {
		return err
	}
	ahead := max(b.fetch.high-b.fetch.next, 0)
	if len(raw.records) > 0 {
		p.w.stats.lag(p.a.partition, ahead+int64(len(raw.records))) // the batch in hand is not stored yet
		err = p.deliver(stop, work, p.batch(raw), raw)
	}
	if err == nil {
		p.w.stats.lag(p.a.partition, ahead)
	}
	return err
}

// where asks Kafka for all that the plan needs. The epoch is asked before and after, so
// that all of it is of one incarnation of the topic.
func (p *partition) where(ctx context.Context) (plan, committed, error) {
	epoch, err := p.a.client.TopicEpoch(ctx, p.a.topic)
	if err != nil {
		return plan{}, committed{}, err
	}
	at, err := p.a.client.committed(ctx, p.w.group(), p.a.topic, p.a.partition)
	if err != nil {
		return plan{}, committed{}, err
	}
	ranges, err := p.a.client.logRanges(ctx, p.a.topic, p.a.partition)
	if err != nil {
		return plan{}, committed{}, err
	}
	p.epoch = epoch
	if err := p.sameTopic(ctx); err != nil {
		return plan{}, committed{}, err
	}
	return makePlan(at, ranges[p.a.partition], epochText(epoch)), at, nil
}

// sameTopic fails if the topic has been created anew.
func (p *partition) sameTopic(ctx context.Context) error {
	epoch, err := p.a.client.TopicEpoch(ctx, p.a.topic)
	if err != nil {
		return err
	}
	if epoch != p.epoch {
		return fmt.Errorf("kafka: topic %s was created anew", p.a.topic)
	}
	p.checked = time.Now()
	return nil
}

func (p *partition) builder(from int64) *builder {
	share := p.budget.share(max(len(p.a.gen.Assignments[p.a.topic]), 1))
	// Answers come compressed, to a third or a tenth, and stand beside the batch.
	answer := max(share/16, minBatchBytes)
	return &builder{
		fetch:  newFetcher(p.a.client, p.a.topic, p.a.partition, from, answer),
		stream: p.w.Stream, epoch: p.epoch, limits: p.w.limits(), share: share, budget: p.budget, mean: usualBytes,
	}
}

// confirm rebuilds the range that may be stored in part, and has the sink store what is
// missing of it.
func (p *partition) confirm(stop, work context.Context, begin plan) error {
	p.log.Info().Stringer("offsets", begin.pending).Msg("confirming a range that was pending")
	b := p.builder(begin.pending.first)
	if err := b.take(stop, p.budget.slot()); err != nil {
		return err
	}
	defer b.release()
	raw, err := b.exactly(stop, *begin.pending)
	if err != nil || len(raw.records) == 0 {
		return err
	}
	batch := p.batch(raw)
	batch.First, batch.Last = begin.pending.first, begin.pending.last
	batch.Retry = true
	if batch.Token = begin.token; batch.Token == "" {
		batch.Token = p.token(batch.First, batch.Last)
	}
	return p.deliver(stop, work, batch, raw)
}

func (p *partition) token(first, last int64) string {
	return tokenOf(p.w.group(), p.epoch, p.a.topic, int32(p.a.partition), first, last)
}

// batch is the contract's view of a raw batch.
func (p *partition) batch(raw *rawBatch) *pipeline.Batch {
	first, last := raw.records[0].Position.Offset, raw.records[len(raw.records)-1].Position.Offset
	return &pipeline.Batch{
		Topic: p.a.topic, Epoch: p.epoch, Partition: int32(p.a.partition), First: first, Last: last,
		Token: p.token(first, last), LabelSet: pipeline.LiveLabels, Records: raw.records, Replayed: first < p.replayed,
	}
}

// deliver stores a batch, exactly once: dead letters first; then, inside the sink's
// Write, the range is committed as pending before any row is sent; then the rows; then
// the offset after the range. Whatever breaks in between leaves the range pending, and
// whoever owns the partition next rebuilds just that range.
func (p *partition) deliver(stop, work context.Context, batch *pipeline.Batch, raw *rawBatch) error {
	p.w.Crash.At(pipeline.CrashFetched)
	raw.enrich(p.w.Chain(), p.w.Stream)
	batch.Records = raw.records
	if err := p.bury(stop, work, raw.letters); err != nil {
		return err
	}
	rejected, err := p.write(stop, work, batch)
	if err != nil {
		return err
	}
	if err := p.bury(stop, work, p.rejects(batch, rejected)); err != nil {
		return err
	}
	if err := p.a.commit(work, batch.Last+1, p.mark(batch.Last+1, raw.records[len(raw.records)-1].Position.Time)); err != nil {
		return err
	}
	p.w.Crash.At(pipeline.CrashCommitted)
	p.w.stats.stored(batch.Records, raw.bytes, len(raw.letters)+len(rejected))
	return nil
}

// mark is what stands beside an offset: doubt goes along until it is passed.
func (p *partition) mark(offset int64, at pipeline.Time) mark {
	m := mark{Epoch: epochText(p.epoch), Time: at}
	if offset < p.replayed {
		m.Replayed = p.replayed
	}
	return m
}

// write calls the sink until the batch is durable or the generation is over.
func (p *partition) write(stop, work context.Context, batch *pipeline.Batch) ([]pipeline.Reject, error) {
	var pending error // of the last commit: it decides, however the sink wraps it
	mark := p.mark(batch.First, batch.Records[0].Position.Time)
	mark.Pending, mark.Token = &batch.Last, batch.Token
	batch.Pending = func(ctx context.Context) error {
		if pending = p.a.commit(ctx, batch.First, mark); pending == nil {
			p.w.Crash.At(pipeline.CrashPendingCommitted)
		}
		return pending
	}
	wait := retryBackoff()
	for {
		rejected, err := p.w.Sink.Write(work, batch)
		if pending != nil {
			return nil, pending
		}
		if err == nil {
			return rejected, nil
		}
		err = fmt.Errorf("kafka: store %s/%d %d-%d: %w", batch.Topic, batch.Partition, batch.First, batch.Last, err)
		if stop.Err() != nil {
			return nil, err
		}
		p.log.Warn().Err(err).Msg("the sink refused a batch; trying again")
		p.w.stats.failed()
		batch.Retry = true
		if wait.sleep(stop) != nil {
			return nil, err
		}
	}
}

// rejects turns what the sink refused into dead letters.
func (p *partition) rejects(batch *pipeline.Batch, rejected []pipeline.Reject) []pipeline.DeadLetter {
	letters := make([]pipeline.DeadLetter, 0, len(rejected))
	for _, r := range rejected {
		var payload []byte
		for i := range batch.Records {
			if batch.Records[i].Position.Offset == r.Position.Offset {
				payload = batch.Records[i].Post.AppendJSON(nil)
			}
		}
		letters = append(letters, NewDeadLetter(p.w.Stream, r.Stage, r.Reason, originOf(r.Position), payload))
	}
	return letters
}

// bury puts dead letters. It tries until the generation is over: the partition waits
// rather than drop one.
func (p *partition) bury(stop, work context.Context, letters []pipeline.DeadLetter) error {
	wait := retryBackoff()
	for len(letters) > 0 {
		err := p.w.DeadLetters.Put(work, letters[0])
		switch {
		case err == nil:
			p.w.Crash.At(pipeline.CrashDeadLetterAcked)
			p.log.Debug().Str("stage", letters[0].Stage).Str("origin", letters[0].Origin).Msg("dead letter")
			letters = letters[1:]
		case stop.Err() != nil:
			return err
		default:
			p.log.Warn().Err(err).Msg("cannot put a dead letter; trying again")
			if wait.sleep(stop) != nil {
				return err
			}
		}
	}
	return nil
}

// lose reports records that can no longer be read, before anything goes on.
func (p *partition) lose(ctx context.Context, l loss, at committed) error {
	reason := fmt.Sprintf("offsets %s of %s/%d: %s", l.span, p.a.topic, p.a.partition, l.why)
	p.log.Error().Str("reason", reason).Msg("posts were lost")
	now := pipeline.At(time.Now())
	from := at.mark.Time
	if !from.Known() {
		from = now
	}
	event := pipeline.CoverageEvent{
		Type: "gap", Stream: p.w.Stream.Name, Source: fmt.Sprintf("kafka/%s/%d", p.a.topic, p.a.partition),
		From: from, To: now, Reason: reason, At: now,
	}
	minute := event // the stretch is a gap, and the minute in which we learned of it says so too
	minute.Type, minute.From, minute.To, minute.State, minute.Collector = "minute", now, 0, pipeline.CoverageDown, p.w.group()
	for _, e := range []pipeline.CoverageEvent{event, minute} {
		if err := p.w.Losses.Report(ctx, e); err != nil {
			return err
		}
	}
	p.w.stats.lost(max(l.last-l.first+1, 1))
	return nil
}
