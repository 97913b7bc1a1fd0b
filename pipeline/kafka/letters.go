package kafka

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"earshot/pipeline"
)

// NewDeadLetter makes a dead letter. Its id is the hash of stream, stage, origin and
// payload, so the same failure twice is one dead letter. payload may be large: only its
// beginning is kept, with the size and the hash of all of it.
func NewDeadLetter(s pipeline.Stream, stage, reason, origin string, payload []byte) pipeline.DeadLetter {
	sum := sha256.Sum256(payload)
	id := sha256.New()
	for _, part := range []string{s.Name, stage, origin} {
		fmt.Fprintf(id, "%d:%s", len(part), part)
	}
	id.Write(sum[:])
	kept := payload[:min(len(payload), pipeline.MaxDeadPayload)]
	return pipeline.DeadLetter{
		ID: hex.EncodeToString(id.Sum(nil)[:16]), Stream: s.Name, Stage: stage,
		Reason: reason[:min(len(reason), maxReason)], Origin: origin,
		At: pipeline.At(time.Now()), Size: int64(len(payload)), SHA256: hex.EncodeToString(sum[:]),
		Payload: append([]byte(nil), kept...),
	}
}

// maxReason bounds a reason, which may hold a stack, in bytes.
const maxReason = 4 << 10

// DeadLetters writes the topic of dead letters.
type DeadLetters struct{ producer *Producer }

// NewDeadLetters returns the writer.
func NewDeadLetters(p *Producer) *DeadLetters { return &DeadLetters{p} }

// Put returns once all in-sync replicas have the dead letter. It tries until ctx ends.
func (d *DeadLetters) Put(ctx context.Context, letter pipeline.DeadLetter) error {
	value, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("kafka: encode dead letter %s: %w", letter.ID, err)
	}
	if err := d.producer.appendSafely(ctx, DeadLetterTopic, []byte(letter.ID), value); err != nil {
		return fmt.Errorf("kafka: dead letter %s: %w", letter.ID, err)
	}
	return nil
}

// Coverage writes the topic of coverage.
type Coverage struct{ producer *Producer }

// NewCoverage returns the writer.
func NewCoverage(p *Producer) *Coverage { return &Coverage{p} }

// Report returns once all in-sync replicas have the event. It tries until ctx ends.
func (c *Coverage) Report(ctx context.Context, e pipeline.CoverageEvent) error {
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("kafka: encode coverage of %s: %w", e.Source, err)
	}
	if err := c.producer.appendSafely(ctx, CoverageTopic, []byte(e.Source), value); err != nil {
		return fmt.Errorf("kafka: coverage of %s: %w", e.Source, err)
	}
	return nil
}
