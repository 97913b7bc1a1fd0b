package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"

	"earshot/pipeline"
)

// batchBytes is where a produce request is cut, before compression: below the 1 MiB
// that a topic accepts by default, so that only a giant post needs our own bound.
const batchBytes = 900 << 10

// The headers by which an Emit is found again.
const (
	headerSource = "earshot-source"
	headerFrom   = "earshot-from"
	headerIndex  = "earshot-n"
)

// Errors of Publish that a caller decides on.
var (
	// ErrAmbiguous says that Kafka did not answer: the posts may be there or not.
	ErrAmbiguous = errors.New("no answer: it may have been written or not")
	// ErrTooLarge says that a post is bigger than a topic accepts; no retry helps.
	ErrTooLarge = errors.New("record is too large")
)

// Producer hands posts and reports to Kafka. It is safe for concurrent use.
type Producer struct {
	client *Client
	// Settle is how long Published waits before it looks, so that a request which was
	// on its way when a process or a connection died has arrived or never will.
	Settle time.Duration

	mu         sync.Mutex
	partitions map[string][]int // by topic
}

// NewProducer returns a producer.
func NewProducer(c *Client) *Producer {
	return &Producer{client: c, Settle: time.Second, partitions: map[string][]int{}}
}

// Publish writes posts to the stream's topic and returns once all in-sync replicas
// have them, with the next offsets of the partitions it wrote to. What was surely not
// written is tried again until ctx ends, so an outage costs delay (only a topic that does
// not exist is given up after a while). After ErrAmbiguous
// a caller with a Handover asks Published and calls PublishRest; others may repeat the
// posts, which fold by identity.
func (p *Producer) Publish(ctx context.Context, s pipeline.Stream, posts []pipeline.Post, h pipeline.Handover) (pipeline.Ends, error) {
	return p.PublishRest(ctx, s, posts, h, nil)
}

// PublishRest is Publish for those posts of an Emit whose index is not in have.
func (p *Producer) PublishRest(ctx context.Context, s pipeline.Stream, posts []pipeline.Post, h pipeline.Handover, have map[int]bool) (pipeline.Ends, error) {
	topic := p.client.Name(s.Topic)
	partitions, err := p.partitionsOf(ctx, topic)
	if err != nil {
		return nil, err
	}
	records := make(map[int][]outgoing, len(partitions))
	for i := range posts {
		if have[i] {
			continue
		}
		key := posts[i].Key()
		value := posts[i].AppendJSON(nil)
		if len(value) > maxMessageBytes-1024 {
			return nil, fmt.Errorf("kafka: publish %s: %w: %d bytes of JSON", key, ErrTooLarge, len(value))
		}
		to := partitionOf(key, partitions)
		records[to] = append(records[to], outgoing{key, value, headersOf(h, i)})
	}
	return p.writeAll(ctx, topic, records)
}

func headersOf(h pipeline.Handover, index int) []kafkago.Header {
	if h.Source == "" {
		return nil
	}
	return []kafkago.Header{
		{Key: headerSource, Value: []byte(h.Source)},
		{Key: headerFrom, Value: []byte(h.From)},
		{Key: headerIndex, Value: strconv.AppendInt(nil, int64(index), 10)},
	}
}

// outgoing is a record on its way to Kafka.
type outgoing struct {
	key, value []byte
	headers    []kafkago.Header
}

// reader makes the records readable once, for one attempt.
func reader(records []outgoing) kafkago.RecordReader {
	list := make([]kafkago.Record, len(records))
	for i, r := range records {
		list[i] = kafkago.Record{Key: kafkago.NewBytes(r.key), Value: kafkago.NewBytes(r.value), Headers: r.headers}
	}
	return kafkago.NewRecordReader(list...)
}

// writeAll writes each partition's records in order, the partitions at once.
func (p *Producer) writeAll(ctx context.Context, topic string, records map[int][]outgoing) (pipeline.Ends, error) {
	ends := make(pipeline.Ends, len(records))
	var mu sync.Mutex
	var group errgroup.Group // one partition's failure leaves the others alone: less to repeat
	for partition, list := range records {
		group.Go(func() error {
			for len(list) > 0 {
				n := cut(list)
				end, err := p.write(ctx, topic, partition, list[:n])
				if err != nil {
					return err
				}
				mu.Lock()
				ends[int32(partition)] = end
				mu.Unlock()
				list = list[n:]
			}
			return nil
		})
	}
	return ends, group.Wait()
}

// cut returns how many of the records, at least one, fit one request.
func cut(records []outgoing) int {
	size := 0
	for i := range records {
		size += len(records[i].value) + len(records[i].key)
		if size > batchBytes && i > 0 {
			return i
		}
	}
	return len(records)
}

// write writes one record batch and returns the offset after it.
func (p *Producer) write(ctx context.Context, topic string, partition int, records []outgoing) (int64, error) {
	wait, since := retryBackoff(), time.Now()
	for {
		res, err := p.client.requests.Produce(ctx, &kafkago.ProduceRequest{
			Topic: topic, Partition: partition, RequiredAcks: kafkago.RequireAll,
			Compression: kafkago.Lz4, Records: reader(records),
		})
		if err == nil {
			err = res.Error
		}
		switch {
		case err == nil:
			return res.BaseOffset + int64(len(records)), nil
		case errors.Is(err, kafkago.MessageSizeTooLarge), errors.Is(err, recordListTooLarge):
			return 0, fmt.Errorf("kafka: produce to %s/%d: %w: %w", topic, partition, ErrTooLarge, err)
		case permanent(err), noSuchPlace(err) && time.Since(since) > visibleTimeout:
			p.forget(topic)
			return 0, fmt.Errorf("kafka: produce to %s/%d: %w", topic, partition, err)
		case !notWritten(err):
			if errors.Is(err, kafkago.Unknown) { // an error of the broker itself, which tells no more
				err = fmt.Errorf("%w; is the disk of the broker full?", err)
			}
			return 0, fmt.Errorf("kafka: produce to %s/%d: %w: %w", topic, partition, ErrAmbiguous, err)
		}
		if wait.sleep(ctx) != nil {
			return 0, fmt.Errorf("kafka: produce to %s/%d: %w", topic, partition, err)
		}
	}
}

// recordListTooLarge is Kafka's error for a batch bigger than a segment.
const recordListTooLarge = kafkago.Error(18)

// notWritten reports errors after which the records are surely not in the log.
func notWritten(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return true
	}
	for _, refused := range []error{
		kafkago.NotLeaderForPartition, kafkago.UnknownTopicOrPartition, kafkago.LeaderNotAvailable,
		kafkago.NotEnoughReplicas, kafkago.BrokerNotAvailable,
		protocol.ErrNoTopic, protocol.ErrNoPartition, protocol.ErrNoLeader,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}

// noSuchPlace reports that the topic or partition is unknown: it was just created, or
// somebody deleted it.
func noSuchPlace(err error) bool {
	return errors.Is(err, kafkago.UnknownTopicOrPartition) || errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)
}

// forget makes the next Publish ask again for the topic's partitions.
func (p *Producer) forget(topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.partitions, topic)
}

// Retryable reports whether waiting may mend an error of the cluster. False means that
// it refuses us: somebody has to change a password or a right.
func Retryable(err error) bool { return !permanent(err) && !refusedLogin(err) }

// Away reports that the cluster answered that it cannot serve now: it elects a leader or
// a coordinator, or loads. Errors of the network are the network's.
func Away(err error) bool {
	if e, ok := errors.AsType[kafkago.Error](err); ok {
		return e.Temporary()
	}
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		return e.Retriable
	}
	return false
}

// refusedLogin reports that the cluster does not accept our name, password or mechanism;
// the two clients each have errors of their own for it.
func refusedLogin(err error) bool {
	return errors.Is(err, kafkago.SASLAuthenticationFailed) || errors.Is(err, kafkago.UnsupportedSASLMechanism) ||
		errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, kerr.UnsupportedSaslMechanism)
}

// permanent reports refusals that no retry changes.
func permanent(err error) bool {
	for _, refused := range []error{
		kafkago.TopicAuthorizationFailed, kafkago.ClusterAuthorizationFailed, kafkago.SASLAuthenticationFailed,
		kafkago.InvalidTopic, kafkago.InvalidRequiredAcks, kafkago.InvalidTimestamp, kafkago.UnsupportedForMessageFormat,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}

// partitionsOf returns the partitions of a topic. They never change while a topic lives.
func (p *Producer) partitionsOf(ctx context.Context, topic string) ([]int, error) {
	p.mu.Lock()
	known := p.partitions[topic]
	p.mu.Unlock()
	if known != nil {
		return known, nil
	}
	wait := retryBackoff()
	for {
		info, err := p.client.describe(ctx, topic)
		if err == nil {
			list := make([]int, info.partitions)
			for i := range list {
				list[i] = i
			}
			p.mu.Lock()
			p.partitions[topic] = list
			p.mu.Unlock()
			return list, nil
		}
		if errors.Is(err, ErrNoTopic) || wait.sleep(ctx) != nil {
			return nil, err
		}
	}
}

// partitionOf is the Java client's default: murmur2 of the key.
func partitionOf(key []byte, partitions []int) int {
	return kafkago.Murmur2Balancer{Consistent: true}.Balance(kafkago.Message{Key: key}, partitions...)
}

// append writes one record, as JSON already, to the only partition of an internal topic.
func (p *Producer) append(ctx context.Context, topic string, key, value []byte) (int64, error) {
	return p.write(ctx, p.client.Name(topic), 0, []outgoing{{key: key, value: value}})
}

// appendSafely is append for records that fold by key: it repeats also what may have
// been written already, until ctx ends.
func (p *Producer) appendSafely(ctx context.Context, topic string, key, value []byte) error {
	wait := retryBackoff()
	for {
		_, err := p.append(ctx, topic, key, value)
		if err == nil || !errors.Is(err, ErrAmbiguous) {
			return err
		}
		if wait.sleep(ctx) != nil {
			return err
		}
	}
}
