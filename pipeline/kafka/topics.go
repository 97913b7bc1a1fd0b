package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"earshot/pipeline"
)

// The internal topics, without prefix.
const (
	DeadLetterTopic = "earshot-dead-letters"
	CoverageTopic   = "earshot-coverage"
	CursorTopic     = "earshot-cursors"
	BrandTopic      = "earshot-brands"
	SourceTopic     = "earshot-sources" // ownership only; nothing is written
)

const (
	maxMessageBytes = 4 << 20
	segmentBytes    = 32 << 20 // small, so that retention by bytes and by time is exact enough
	sourcePartition = 16
	smallTopicBytes = 64 << 20
	smallRetention  = 30 * 24 * time.Hour
	visibleTimeout  = 30 * time.Second
)

// topicSpec is a topic as we want it.
type topicSpec struct {
	name       string
	partitions int
	configs    map[string]string
}

// EnsureTopics creates the missing topics of the streams and the internal ones with
// explicit retention, and checks those that exist. What differs but does no harm comes
// back as warnings, each with its mend; what breaks a promise is an error. Partitions
// are never added to a topic, because keys would change their place.
func (c *Client) EnsureTopics(ctx context.Context, streams ...pipeline.Stream) (warnings []string, err error) {
	warnings, err = c.ensureTopics(ctx, streams)
	if refusedLogin(err) {
		err = fmt.Errorf("%w: check kafka.sasl.user, kafka.sasl.password and kafka.sasl.mechanism", err)
	}
	return warnings, err
}

func (c *Client) ensureTopics(ctx context.Context, streams []pipeline.Stream) (warnings []string, err error) {
	var missing []topicSpec
	for _, spec := range c.specs(streams) {
		info, err := c.describe(ctx, spec.name)
		switch {
		case errors.Is(err, ErrNoTopic):
			missing = append(missing, spec)
			continue
		case err != nil:
			return warnings, err
		}
		differs, err := c.check(ctx, spec, info)
		warnings = append(warnings, differs...)
		if err != nil {
			return warnings, err
		}
	}
	if len(missing) == 0 {
		return warnings, nil
	}
	return warnings, c.create(ctx, missing)
}

func (c *Client) specs(streams []pipeline.Stream) []topicSpec {
	var specs []topicSpec
	for _, s := range streams {
		perPartition := c.cfg.RetentionBytes
		if perPartition > 0 {
			perPartition = max(perPartition/int64(c.cfg.Partitions), 1<<20)
		}
		specs = append(specs, topicSpec{c.Name(s.Topic), c.cfg.Partitions, deleted(c.cfg.Retention, perPartition)})
	}
	// Dead letters hold words of posts, so they go when the posts go; the table keeps them.
	return append(specs,
		topicSpec{c.Name(DeadLetterTopic), 1, deleted(c.cfg.Retention, smallTopicBytes)},
		topicSpec{c.Name(CoverageTopic), 1, deleted(max(smallRetention, c.cfg.Retention), smallTopicBytes)},
		topicSpec{c.Name(CursorTopic), 1, compacted()},
		topicSpec{c.Name(BrandTopic), 1, compacted()},
		topicSpec{c.Name(SourceTopic), sourcePartition, deleted(c.cfg.Retention, 1<<20)},
	)
}

// compacted is the configuration of a topic that keeps the last value of each key.
func compacted() map[string]string {
	return map[string]string{
		"cleanup.policy": "compact", "segment.bytes": strconv.Itoa(segmentBytes / 4),
		"max.message.bytes": strconv.Itoa(maxMessageBytes),
	}
}

// KeptAtMost is how long words can stay in the files of Kafka: a segment leaves as a
// whole, once its newest record is older than the retention, so the oldest one stays
// longer by as much as a segment may span.
func (c Config) KeptAtMost() time.Duration { return c.Retention + segmentSpan(c.Retention) }

// segmentSpan is how long a segment is written to (segment.ms).
func segmentSpan(retention time.Duration) time.Duration { return max(retention/8, 10*time.Minute) }

// deleted is the configuration of a topic that is kept for a while. A segment is at
// most half of what is kept, or the newest one would outgrow the bound alone.
func deleted(retention time.Duration, bytes int64) map[string]string {
	segment := int64(segmentBytes)
	if bytes > 0 {
		segment = max(min(segment, bytes/2), 1<<20)
	}
	return map[string]string{
		"cleanup.policy":    "delete",
		"retention.ms":      strconv.FormatInt(retention.Milliseconds(), 10),
		"retention.bytes":   strconv.FormatInt(bytes, 10),
		"segment.bytes":     strconv.FormatInt(segment, 10),
		"segment.ms":        strconv.FormatInt(segmentSpan(retention).Milliseconds(), 10),
		"max.message.bytes": strconv.Itoa(maxMessageBytes),
	}
}

func (c *Client) create(ctx context.Context, specs []topicSpec) error {
	replicas := c.cfg.ReplicationFactor
	if replicas == 0 {
		replicas = -1
	}
	configs := make([]kafkago.TopicConfig, 0, len(specs))
	for _, s := range specs {
		t := kafkago.TopicConfig{Topic: s.name, NumPartitions: s.partitions, ReplicationFactor: replicas}
		for name, value := range s.configs {
			t.ConfigEntries = append(t.ConfigEntries, kafkago.ConfigEntry{ConfigName: name, ConfigValue: value})
		}
		if replicas >= 3 { // with acks=all a post then stands on two brokers
			t.ConfigEntries = append(t.ConfigEntries, kafkago.ConfigEntry{ConfigName: "min.insync.replicas", ConfigValue: "2"})
		}
		configs = append(configs, t)
	}
	res, err := c.requests.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: configs})
	if err != nil {
		return fmt.Errorf("kafka: create topics: %w", err)
	}
	for _, s := range specs {
		if err := res.Errors[s.name]; err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
			return fmt.Errorf("kafka: create topic %s: %w", s.name, err)
		}
	}
	return c.awaitTopics(ctx, specs)
}

// awaitTopics waits until every partition has a leader that answers.
func (c *Client) awaitTopics(ctx context.Context, specs []topicSpec) error {
	ctx, cancel := context.WithTimeout(ctx, visibleTimeout)
	defer cancel()
	wait := backoff{min: 50 * time.Millisecond, max: time.Second}
	for _, s := range specs {
		for {
			_, err := c.ranges(ctx, s.name)
			if err == nil {
				break
			}
			if wait.sleep(ctx) != nil {
				return fmt.Errorf("kafka: topic %s was created but does not answer: %w", s.name, err)
			}
		}
	}
	return nil
}

// check compares an existing topic with what we would have created.
func (c *Client) check(ctx context.Context, spec topicSpec, info topicInfo) (warnings []string, err error) {
	if info.partitions != spec.partitions {
		warnings = append(warnings, fmt.Sprintf("topic %s has %d partitions, configured are %d: kept, since keys would change their place; "+
			"for another number create the topic anew after all of it is stored", spec.name, info.partitions, spec.partitions))
	}
	names := make([]string, 0, len(spec.configs))
	for name := range spec.configs {
		names = append(names, name)
	}
	res, err := c.requests.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{Resources: []kafkago.DescribeConfigRequestResource{
		{ResourceType: kafkago.ResourceTypeTopic, ResourceName: spec.name, ConfigNames: names},
	}})
	if err != nil {
		return warnings, fmt.Errorf("kafka: describe configuration of %s: %w", spec.name, err)
	}
	for _, r := range res.Resources {
		if r.Error != nil {
			return warnings, fmt.Errorf("kafka: describe configuration of %s: %w", spec.name, r.Error)
		}
		for _, e := range r.ConfigEntries {
			want, ours := spec.configs[e.ConfigName]
			if !ours || e.ConfigValue == want {
				continue
			}
			mend := fmt.Sprintf("topic %s has %s=%s, wanted is %s (kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%s)",
				spec.name, e.ConfigName, e.ConfigValue, want, spec.name, e.ConfigName, want)
			if breaks(e.ConfigName, e.ConfigValue, want) {
				return warnings, fmt.Errorf("kafka: %s: as it is, records would be lost", mend)
			}
			warnings = append(warnings, mend)
		}
	}
	return warnings, nil
}

// breaks says whether a difference breaks a promise: a topic of posts that is compacted
// drops posts, cursors that are deleted let sources begin anew, and a bound below a
// megabyte refuses posts that validation lets through.
func breaks(name, value, want string) bool {
	switch name {
	case "cleanup.policy":
		return strings.Contains(value, "compact") != strings.Contains(want, "compact") || strings.Contains(value, ",")
	case "max.message.bytes":
		n, err := strconv.Atoi(value)
		return err == nil && n < 1<<20
	}
	return false
}
