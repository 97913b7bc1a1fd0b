package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"earshot/pipeline"
)

// BrokerAnswer is one broker under the address that the cluster itself tells clients.
type BrokerAnswer struct {
	Addr string
	Err  error // nil: it answered
}

// TopicAnswer is one topic as it stands, compared with what we would create.
type TopicAnswer struct {
	Name     string
	Missing  bool     // EnsureTopics would create it
	Warnings []string // differences that do no harm, each with its mend
	Denied   []string // rights that we need and lack, where the cluster tells
	Err      error    // a difference that breaks a promise, or no answer
}

// InspectBrokers asks the cluster for its brokers and each of them for a sign of life,
// under the address that it advertises: that one may be wrong where the first contact works.
func (c *Client) InspectBrokers(ctx context.Context) ([]BrokerAnswer, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	res, err := req.RequestWith(ctx, c.admin)
	if err != nil {
		if refusedLogin(err) {
			err = fmt.Errorf("%w: check kafka.sasl.user, kafka.sasl.password and kafka.sasl.mechanism", err)
		}
		return nil, fmt.Errorf("kafka: ask for brokers: %w", err)
	}
	out := make([]BrokerAnswer, 0, len(res.Brokers))
	for _, b := range res.Brokers {
		answer := BrokerAnswer{Addr: net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))}
		asked, cancel := context.WithTimeout(ctx, dialTimeout)
		_, answer.Err = c.admin.Broker(int(b.NodeID)).Request(asked, kmsg.NewPtrApiVersionsRequest())
		cancel()
		out = append(out, answer)
	}
	return out, nil
}

// InspectTopics looks at the topics of the streams and at the internal ones, and changes
// nothing.
func (c *Client) InspectTopics(ctx context.Context, streams ...pipeline.Stream) []TopicAnswer {
	specs := c.specs(streams)
	out := make([]TopicAnswer, 0, len(specs))
	for _, spec := range specs {
		answer := TopicAnswer{Name: spec.name}
		info, err := c.describe(ctx, spec.name)
		if err == nil {
			answer.Warnings, err = c.check(ctx, spec, info)
		}
		if err == nil {
			answer.Denied, err = c.denied(ctx, spec.name)
		}
		if answer.Missing = errors.Is(err, ErrNoTopic); !answer.Missing {
			answer.Err = err
		}
		out = append(out, answer)
	}
	return out
}

// The operations of Kafka's access control that we need on a topic, by their numbers in
// the protocol (org.apache.kafka.common.acl.AclOperation).
const (
	opRead     = 3
	opWrite    = 4
	opDescribe = 8
	// opsUnknown is the answer of a broker that does not tell.
	opsUnknown = -2147483648
)

// denied names the rights on a topic that we need and lack.
func (c *Client) denied(ctx context.Context, topic string) ([]string, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics, req.IncludeTopicAuthorizedOperations = append(req.Topics, t), true
	res, err := req.RequestWith(ctx, c.admin)
	if err != nil {
		return nil, fmt.Errorf("kafka: rights on %s: %w", topic, err)
	}
	if len(res.Topics) != 1 {
		return nil, fmt.Errorf("kafka: rights on %s: the broker answered for %d topics", topic, len(res.Topics))
	}
	if err := kerr.ErrorForCode(res.Topics[0].ErrorCode); err != nil {
		return nil, fmt.Errorf("kafka: rights on %s: %w", topic, err)
	}
	return missingRights(res.Topics[0].AuthorizedOperations), nil
}

// missingRights reads the bits of an answer; none means that nobody told.
func missingRights(bits int32) []string {
	if bits == opsUnknown || bits == 0 {
		return nil
	}
	var out []string
	for _, need := range []struct {
		bit  int
		name string
	}{{opRead, "READ"}, {opWrite, "WRITE"}, {opDescribe, "DESCRIBE"}} {
		if bits&(1<<need.bit) == 0 {
			out = append(out, need.name)
		}
	}
	return out
}
