package kafka

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"earshot/pipeline"
)

var (
	// errStale says that the generation is over: another member may own the partition.
	errStale = errors.New("the generation is over")
	// errUnknownCommit says that a commit was not answered. It may still arrive, so the
	// member has to leave the group and join as another one; it is never sent again.
	errUnknownCommit = errors.New("a commit was not answered")
)

// mark is what we write beside a committed offset, as JSON in its metadata.
type mark struct {
	Epoch   string        `json:"epoch,omitempty"`   // topic id, hexadecimal, to which the offset belongs
	Time    pipeline.Time `json:"time,omitempty"`    // timestamp of the last record before the offset
	Pending *int64        `json:"pending,omitempty"` // last offset of the range that may be stored, which begins at the offset
	Token   string        `json:"token,omitempty"`   // token of that range
	// Replayed is an offset: what stands below may be stored under tokens of other ranges.
	Replayed int64 `json:"replayed,omitempty"`
}

func (m mark) encode() string {
	b, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("kafka: a mark of strings and numbers cannot be encoded: %v", err))
	}
	return string(b)
}

// decodeMark reads metadata. What is not ours (a tool may have reset the offset) gives
// an empty mark.
func decodeMark(metadata string) mark {
	var m mark
	if err := json.Unmarshal([]byte(metadata), &m); err != nil {
		return mark{}
	}
	return m
}

func epochText(e pipeline.Epoch) string { return hex.EncodeToString(e[:]) }

// tokenOf names a range of a partition for ever.
func tokenOf(group string, e pipeline.Epoch, topic string, partition int32, first, last int64) string {
	return fmt.Sprintf("%s/%s/%s/%d/%d-%d", group, epochText(e), topic, partition, first, last)
}

// committed is where a group stands in a partition.
type committed struct {
	offset int64 // next to read; -1 if nothing was ever committed
	mark   mark
}

// committed asks the coordinator for the offset and its mark.
func (c *Client) committed(ctx context.Context, group, topic string, partition int) (committed, error) {
	res, err := c.requests.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {partition}}})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return committed{}, fmt.Errorf("kafka: fetch committed offset of %s in %s/%d: %w", group, topic, partition, err)
	}
	for _, p := range res.Topics[topic] {
		if p.Partition != partition {
			continue
		}
		if p.Error != nil {
			return committed{}, fmt.Errorf("kafka: fetch committed offset of %s in %s/%d: %w", group, topic, partition, p.Error)
		}
		return committed{offset: p.CommittedOffset, mark: decodeMark(p.Metadata)}, nil
	}
	return committed{}, fmt.Errorf("kafka: fetch committed offset of %s in %s/%d: no answer for it", group, topic, partition)
}

// commit stores an offset as the member of a generation. The error is errStale if the
// broker refused the member, and errUnknownCommit after everything else.
func (a *assignment) commit(ctx context.Context, offset int64, m mark) error {
	res, err := a.client.requests.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: a.gen.GroupID, GenerationID: int(a.gen.ID), MemberID: a.gen.MemberID,
		Topics: map[string][]kafkago.OffsetCommit{a.topic: {{Partition: a.partition, Offset: offset, Metadata: m.encode()}}},
	})
	if err == nil {
		if answers := res.Topics[a.topic]; len(answers) == 1 {
			err = answers[0].Error
		} else {
			err = errors.New("no answer for the partition")
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kafkago.IllegalGeneration), errors.Is(err, kafkago.UnknownMemberId), errors.Is(err, kafkago.RebalanceInProgress):
		return fmt.Errorf("kafka: commit %d to %s/%d: %w: %w", offset, a.topic, a.partition, errStale, err)
	}
	return fmt.Errorf("kafka: commit %d to %s/%d: %w: %w", offset, a.topic, a.partition, errUnknownCommit, err)
}
