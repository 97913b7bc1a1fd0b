package kafka

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func testTopics(t *testing.T, addr string) {
	c := open(t, addr, func(cfg *Config) { cfg.Partitions = 3 })
	ctx := t.Context()
	_, err := c.TopicEpoch(ctx, c.Name("posts"))
	require.ErrorIs(t, err, ErrNoTopic)
	warnings, err := c.EnsureTopics(ctx, pipeline.LiveStream())
	require.NoError(t, err)
	assert.Empty(t, warnings)
	warnings, err = c.EnsureTopics(ctx, pipeline.LiveStream())
	require.NoError(t, err)
	assert.Empty(t, warnings, "what we made is as we want it")
	ends, err := c.Ends(ctx, c.Name("posts"))
	require.NoError(t, err)
	assert.Equal(t, pipeline.Ends{0: 0, 1: 0, 2: 0}, ends)

	cfg := c.cfg
	cfg.Partitions, cfg.Retention = 5, 48*time.Hour
	other, err := Open(cfg)
	require.NoError(t, err)
	defer other.Close()
	warnings, err = other.EnsureTopics(ctx, pipeline.LiveStream())
	require.NoError(t, err)
	require.NotEmpty(t, warnings)
	assert.Contains(t, warnings[0], "has 3 partitions, configured are 5")
	assert.True(t, slices.ContainsFunc(warnings, func(w string) bool {
		return strings.Contains(w, "retention.ms=604800000, wanted is 172800000")
	}), warnings)

	bad := open(t, addr, nil)
	_, err = bad.requests.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{
		Topic: bad.Name("posts"), NumPartitions: 4, ReplicationFactor: 1,
		ConfigEntries: []kafkago.ConfigEntry{{ConfigName: "cleanup.policy", ConfigValue: "compact"}},
	}}})
	require.NoError(t, err)
	_, err = bad.EnsureTopics(ctx, pipeline.LiveStream())
	require.ErrorContains(t, err, "cleanup.policy=compact")
}

func testHandover(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	p := NewProducer(c)
	p.Settle = time.Millisecond
	ctx, live := t.Context(), pipeline.LiveStream()
	before, err := p.Publish(ctx, live, posts(0, 100), pipeline.Handover{Source: "file", From: "start"})
	require.NoError(t, err)
	h := pipeline.Handover{Source: "file", From: "second"}
	list := posts(100, 200)
	// A crash in the middle: half of the Emit is there, and other posts with it.
	have := map[int]bool{}
	for i := 0; i < 200; i += 2 {
		have[i] = true
	}
	_, err = p.PublishRest(ctx, live, list, h, have)
	require.NoError(t, err)
	_, err = p.Publish(ctx, live, posts(1000, 50), pipeline.Handover{Source: "other", From: "second"})
	require.NoError(t, err)
	publish(t, c, posts(2000, 50))

	found, ends, err := p.Published(ctx, live, h, before)
	require.NoError(t, err)
	assert.Len(t, found, 100)
	_, err = p.PublishRest(ctx, live, list, h, found)
	require.NoError(t, err)
	found, _, err = p.Published(ctx, live, h, before)
	require.NoError(t, err)
	assert.Len(t, found, 200)
	after, err := c.Ends(ctx, c.Name("posts"))
	require.NoError(t, err)
	sum := int64(0)
	for _, n := range after {
		sum += n
	}
	assert.EqualValues(t, 400, sum, "no post is there twice")
	later, _, err := p.Published(ctx, live, h, ends)
	require.NoError(t, err)
	assert.Len(t, later, 100, "only what was written since")
	none, _, err := p.Published(ctx, live, pipeline.Handover{Source: "file", From: "third"}, nil)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func testCursors(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	ctx := t.Context()
	mine, theirs := NewCursors(NewProducer(c)), NewCursors(NewProducer(c))
	_, ok, err := mine.Load(ctx, "file")
	require.NoError(t, err)
	assert.False(t, ok)
	for n := range 20 {
		require.NoError(t, mine.Save(ctx, "file", pipeline.Cursor{byte(n)}, pipeline.Ends{0: int64(n), 3: 7}))
	}
	require.NoError(t, mine.Save(ctx, "jetstream", pipeline.Cursor("123"), nil))
	got, ok, err := theirs.Load(ctx, "file")
	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, pipeline.Cursor{19}, got.Cursor)
	assert.Equal(t, pipeline.Ends{0: 19, 3: 7}, got.Ends)
	require.NoError(t, mine.Save(ctx, "file", pipeline.Cursor("new"), nil))
	got, _, err = theirs.Load(ctx, "file")
	require.NoError(t, err)
	assert.Equal(t, pipeline.Cursor("new"), got.Cursor, "what another process saved is seen")
	all, err := theirs.All(ctx)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"file", "jetstream"}, slices.Collect(maps.Keys(all)))
}

func testFold(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	ctx := t.Context()
	p := NewProducer(c)
	letters, coverage := NewDeadLetters(p), NewCoverage(p)
	var mu sync.Mutex
	var gotLetters []pipeline.DeadLetter
	var gotEvents []pipeline.CoverageEvent
	var failed atomic.Bool
	f := &Fold{
		Client: c, Log: testLog(t), Session: 6 * time.Second,
		DeadLetters: func(_ context.Context, l []pipeline.DeadLetter) error {
			if failed.CompareAndSwap(false, true) {
				return assert.AnError
			}
			mu.Lock()
			defer mu.Unlock()
			gotLetters = append(gotLetters, l...)
			return nil
		},
		Coverage: func(_ context.Context, e []pipeline.CoverageEvent) error {
			mu.Lock()
			defer mu.Unlock()
			gotEvents = append(gotEvents, e...)
			return nil
		},
	}
	letter := NewDeadLetter(pipeline.LiveStream(), "collect", "absurd", "file:3", make([]byte, 100_000))
	assert.Len(t, letter.Payload, pipeline.MaxDeadPayload)
	assert.EqualValues(t, 100_000, letter.Size)
	require.NoError(t, letters.Put(ctx, letter))
	event := pipeline.CoverageEvent{Type: "minute", Stream: "live", Source: "file", From: 60_000, State: pipeline.CoverageOK, Posts: 3, At: 61_000}
	require.NoError(t, coverage.Report(ctx, event))
	stop := background(t, f.Run)
	eventually(t, "folded", func() bool { mu.Lock(); defer mu.Unlock(); return len(gotLetters) > 0 && len(gotEvents) > 0 })
	stop()
	require.Equal(t, []pipeline.DeadLetter{letter}, gotLetters)
	require.Equal(t, []pipeline.CoverageEvent{event}, gotEvents)
	stop = background(t, f.Run)
	second := NewDeadLetter(pipeline.LiveStream(), "collect", "absurd", "file:4", nil)
	require.NoError(t, letters.Put(ctx, second))
	eventually(t, "the next one", func() bool { mu.Lock(); defer mu.Unlock(); return len(gotLetters) > 1 })
	stop()
	assert.Len(t, gotLetters, 2, "what is committed is not read again")
	assert.True(t, failed.Load())
}
