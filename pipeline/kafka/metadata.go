package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"earshot/pipeline"
)

// ErrNoTopic says that a topic does not exist.
var ErrNoTopic = errors.New("topic does not exist")

// topicInfo is what the cluster says of a topic.
type topicInfo struct {
	epoch      pipeline.Epoch
	partitions int
}

// TopicEpoch returns the id of a topic (with its prefix), which Kafka gives anew
// whenever the topic is created. The error is ErrNoTopic if there is no such topic.
func (c *Client) TopicEpoch(ctx context.Context, topic string) (pipeline.Epoch, error) {
	info, err := c.describe(ctx, topic)
	return info.epoch, err
}

// describe asks a broker, never a cache, for the topic.
func (c *Client) describe(ctx context.Context, topic string) (topicInfo, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	res, err := req.RequestWith(ctx, c.admin)
	if err != nil {
		return topicInfo{}, fmt.Errorf("kafka: describe topic %s: %w", topic, err)
	}
	if len(res.Topics) != 1 {
		return topicInfo{}, fmt.Errorf("kafka: describe topic %s: the broker answered for %d topics", topic, len(res.Topics))
	}
	switch err := kerr.ErrorForCode(res.Topics[0].ErrorCode); {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return topicInfo{}, fmt.Errorf("kafka: topic %s: %w", topic, ErrNoTopic)
	case err != nil:
		return topicInfo{}, fmt.Errorf("kafka: describe topic %s: %w", topic, err)
	}
	info := topicInfo{epoch: res.Topics[0].TopicID, partitions: len(res.Topics[0].Partitions)}
	if info.epoch == (pipeline.Epoch{}) {
		return topicInfo{}, fmt.Errorf("kafka: topic %s has no id: Kafka 2.8 or later is needed", topic)
	}
	return info, nil
}

// Ends returns the next offsets of all partitions of a topic (with its prefix).
func (c *Client) Ends(ctx context.Context, topic string) (pipeline.Ends, error) {
	ranges, err := c.ranges(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends := make(pipeline.Ends, len(ranges))
	for p, r := range ranges {
		ends[int32(p)] = r.end
	}
	return ends, nil
}

// logRange is what a partition holds: offsets from start up to, not including, end.
type logRange struct{ start, end int64 }

// ranges returns the log range of every partition.
func (c *Client) ranges(ctx context.Context, topic string) ([]logRange, error) {
	info, err := c.describe(ctx, topic)
	if err != nil {
		return nil, err
	}
	partitions := make([]int, info.partitions)
	for p := range partitions {
		partitions[p] = p
	}
	found, err := c.logRanges(ctx, topic, partitions...)
	if err != nil {
		return nil, err
	}
	out := make([]logRange, info.partitions)
	for p, r := range found {
		out[p] = r
	}
	return out, nil
}

// logRanges returns the log range of some partitions.
func (c *Client) logRanges(ctx context.Context, topic string, partitions ...int) (map[int]logRange, error) {
	asked := make([]kafkago.OffsetRequest, 0, 2*len(partitions))
	for _, p := range partitions {
		asked = append(asked, kafkago.FirstOffsetOf(p), kafkago.LastOffsetOf(p))
	}
	res, err := c.requests.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: asked}})
	if err != nil {
		return nil, fmt.Errorf("kafka: list offsets of %s: %w", topic, err)
	}
	out := make(map[int]logRange, len(partitions))
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("kafka: list offsets of %s/%d: %w", topic, p.Partition, p.Error)
		}
		out[p.Partition] = logRange{start: p.FirstOffset, end: p.LastOffset}
	}
	if len(out) != len(partitions) {
		return nil, fmt.Errorf("kafka: list offsets of %s: asked for %d partitions, got %d", topic, len(partitions), len(out))
	}
	return out, nil
}
