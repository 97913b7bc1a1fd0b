package kafka

import (
	"context"
	"errors"

	kafkago "github.com/segmentio/kafka-go"

	"earshot/pipeline"
)

// Progress says how far a stream is stored: the offsets that its workers have
// committed, and the ends of its topic. All of it is stored when the two are equal.
func (c *Client) Progress(ctx context.Context, s pipeline.Stream) (stored, ends pipeline.Ends, err error) {
	topic := c.Name(s.Topic)
	epoch, err := c.TopicEpoch(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	ends, err = c.Ends(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	stored = make(pipeline.Ends, len(ends))
	for partition := range ends {
		at, err := c.committed(ctx, c.Name(s.Group), topic, int(partition))
		if errors.Is(err, kafkago.GroupIdNotFound) {
			return pipeline.Ends{}, ends, nil // nobody ever joined: nothing is stored
		}
		if err != nil {
			return nil, nil, err
		}
		if foreign := at.mark.Epoch != "" && at.mark.Epoch != epochText(epoch); at.offset > 0 && !foreign {
			stored[partition] = at.offset
		}
	}
	return stored, ends, nil
}
