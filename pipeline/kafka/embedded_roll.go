package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The embedded broker hides what retention has taken at once, but its bytes stay on the
// disk until the newest record of their segment is as old; and it ends a segment by size
// alone, never by age (segment.ms). So in a quiet topic the words of a deleted post would
// stay for as long as the segment is written to. The roller does what segment.ms says.

const (
	rollLook = time.Minute // how often the ages are looked at
	rollWait = time.Second // the same, while a segment waits for its next record

	// timestampAt is where a record batch (format 2) has the time of its first record:
	// https://kafka.apache.org/documentation/#recordbatch
	timestampAt = 27
)

// roller makes each partition whose newest segment is older than segment.ms begin
// another one with its next record, by a segment size of one byte meanwhile.
type roller struct {
	dir     string // of the broker's data
	client  *kgo.Client
	log     zerolog.Logger
	rolling map[string]string // topics that wait, with their own segment.bytes
}

// run looks until ctx ends.
func (r *roller) run(ctx context.Context) {
	for {
		if err := r.look(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.log.Warn().Err(err).Msg("the age of Kafka's segments is not known; trying again")
		}
		wait := rollLook
		if len(r.rolling) > 0 {
			wait = rollWait
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// look finds what is overdue and starts or ends the rolling of its topic.
func (r *roller) look(ctx context.Context, now time.Time) error {
	partitions, err := os.ReadDir(filepath.Join(r.dir, "partitions"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("kafka: embedded broker: %w", err)
	}
	oldest := map[string]time.Time{} // topic: begin of its oldest segment that is written to
	for _, p := range partitions {
		name, _, ok := cutLast(p.Name(), "-")
		topic, err := url.PathUnescape(name)
		if !ok || err != nil {
			continue
		}
		begin, err := newestSegment(filepath.Join(r.dir, "partitions", p.Name()))
		if err != nil {
			return err
		}
		if at, known := oldest[topic]; !begin.IsZero() && (!known || begin.Before(at)) {
			oldest[topic] = begin
		}
	}
	for topic, begin := range oldest {
		if err := r.judge(ctx, topic, now.Sub(begin)); err != nil {
			return err
		}
	}
	return nil
}

func (r *roller) judge(ctx context.Context, topic string, age time.Duration) error {
	configs, err := r.describe(ctx, topic)
	if errors.Is(err, kerr.UnknownTopicOrPartition) { // deleted meanwhile
		delete(r.rolling, topic)
		return nil
	}
	if err != nil {
		return err
	}
	limit, err := strconv.ParseInt(configs["segment.ms"], 10, 64)
	overdue := err == nil && limit > 0 && strings.Contains(configs["cleanup.policy"], "delete") && age > time.Duration(limit)*time.Millisecond
	size, waits := r.rolling[topic]
	switch {
	case overdue && !waits:
		if size = configs["segment.bytes"]; size == "1" { // a run that was killed has left it so
			size = strconv.Itoa(segmentBytes)
		}
		r.rolling[topic] = size
		return r.resize(ctx, topic, "1")
	case !overdue && (waits || configs["segment.bytes"] == "1"):
		if !waits {
			size = strconv.Itoa(segmentBytes)
		}
		if err := r.resize(ctx, topic, size); err != nil {
			return err
		}
		delete(r.rolling, topic)
		r.log.Debug().Str("topic", topic).Msg("old segments of Kafka have ended")
	}
	return nil
}

// describe returns the settings of a topic that matter here.
func (r *roller) describe(ctx context.Context, topic string) (map[string]string, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	one := kmsg.NewDescribeConfigsRequestResource()
	one.ResourceType, one.ResourceName, one.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{"cleanup.policy", "segment.ms", "segment.bytes"}
	req.Resources = append(req.Resources, one)
	res, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return nil, fmt.Errorf("kafka: embedded broker: settings of %s: %w", topic, err)
	}
	out := map[string]string{}
	for _, resource := range res.Resources {
		if err := kerr.ErrorForCode(resource.ErrorCode); err != nil {
			return nil, fmt.Errorf("kafka: embedded broker: settings of %s: %w", topic, err)
		}
		for _, c := range resource.Configs {
			if c.Value != nil {
				out[c.Name] = *c.Value
			}
		}
	}
	return out, nil
}

// resize sets the segment size of a topic.
func (r *roller) resize(ctx context.Context, topic, size string) error {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	one, change := kmsg.NewIncrementalAlterConfigsRequestResource(), kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	change.Name, change.Op, change.Value = "segment.bytes", kmsg.IncrementalAlterConfigOpSet, &size
	one.ResourceType, one.ResourceName, one.Configs = kmsg.ConfigResourceTypeTopic, topic, append(one.Configs, change)
	req.Resources = append(req.Resources, one)
	res, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return fmt.Errorf("kafka: embedded broker: segment.bytes of %s: %w", topic, err)
	}
	for _, resource := range res.Resources {
		if err := kerr.ErrorForCode(resource.ErrorCode); err != nil {
			return fmt.Errorf("kafka: embedded broker: segment.bytes of %s: %w", topic, err)
		}
	}
	return nil
}

// newestSegment is when the first record of the segment was made that a partition writes
// to; zero if it has none.
func newestSegment(dir string) (time.Time, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // trimmed meanwhile
		return time.Time{}, fmt.Errorf("kafka: embedded broker: %w", err)
	}
	newest := int64(-1)
	for _, f := range files {
		if base, ok := strings.CutSuffix(f.Name(), ".dat"); ok {
			if n, err := strconv.ParseInt(base, 10, 64); err == nil {
				newest = max(newest, n)
			}
		}
	}
	if newest < 0 {
		return time.Time{}, nil
	}
	f, err := os.Open(filepath.Join(dir, strconv.FormatInt(newest, 10)+".dat"))
	if errors.Is(err, os.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("kafka: embedded broker: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var millis [8]byte
	if _, err := f.ReadAt(millis[:], timestampAt); errors.Is(err, io.EOF) { // nothing is written yet
		return time.Time{}, nil
	} else if err != nil {
		return time.Time{}, fmt.Errorf("kafka: embedded broker: %w", err)
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(millis[:]))), nil
}

// cutLast cuts a string at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
