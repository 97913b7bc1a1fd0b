package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"earshot/pipeline"
)

func testCarries(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	sink, letters := newLedger(), &box{}
	w := worker(t, c, sink, letters)
	stop := background(t, w.Run)
	publish(t, c, posts(0, 3000))
	eventually(t, "all stored", func() bool { rows, _, _ := sink.count(); return rows >= 3000 })
	publish(t, c, posts(3000, 10))
	eventually(t, "the trickle too", func() bool { rows, _, _ := sink.count(); return rows >= 3010 })
	eventually(t, "no lag", func() bool {
		s := w.Stats()
		sum := int64(0)
		for _, n := range s.Lag {
			sum += n
		}
		return len(s.Lag) == 4 && sum == 0
	})
	stop()
	exactly(t, sink, 3010)
	stats := w.Stats()
	assert.EqualValues(t, 3010, stats.Posts)
	assert.EqualValues(t, 3010, stats.Mentions)
	assert.Positive(t, stats.Bytes)
	committedToEnd(t, c)
}

// exactly asserts that so many records were stored, and each once.
func exactly(t testing.TB, sink *ledger, n int) {
	t.Helper()
	rows, doubled, _ := sink.count()
	assert.Equal(t, n, rows, "rows")
	assert.Zero(t, doubled, "doubled")
}

func committedToEnd(t testing.TB, c *Client) {
	t.Helper()
	topic := c.Name("posts")
	ends, err := c.Ends(t.Context(), topic)
	require.NoError(t, err)
	for p, end := range ends {
		if end == 0 {
			continue
		}
		at, err := c.committed(t.Context(), c.Name("earshot-live"), topic, int(p))
		require.NoError(t, err)
		assert.Equal(t, end, at.offset, "partition %d is committed to its end", p)
		assert.Nil(t, at.mark.Pending)
	}
}

func testRebalance(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	sink, letters := newLedger(), &box{}
	const total = 20_000
	first := background(t, worker(t, c, sink, letters).Run)
	published := make(chan error, 1)
	go func() {
		p := NewProducer(c)
		for n := 0; n < total; n += 500 {
			if _, err := p.Publish(context.Background(), pipeline.LiveStream(), posts(n, 500), pipeline.Handover{}); err != nil {
				published <- err
				return
			}
		}
		published <- nil
	}()
	second := worker(t, c, sink, letters)
	stopSecond := background(t, second.Run)
	third := worker(t, c, sink, letters)
	stopThird := background(t, third.Run)
	eventually(t, "all three carry", func() bool { return len(second.Stats().Lag) > 0 && len(third.Stats().Lag) > 0 })
	first()
	require.NoError(t, <-published)
	stopThird()
	eventually(t, "all stored", func() bool { rows, _, _ := sink.count(); return rows >= total })
	stopSecond()
	exactly(t, sink, total)
	committedToEnd(t, c)
}

func testStaleCommit(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	var mu sync.Mutex
	var old *assignment
	m := &membership{client: c, group: c.Name("stale"), topics: []string{c.Name("posts")}, session: testSession, log: testLog(t)}
	hold := func(ctx context.Context, a *assignment) error {
		mu.Lock()
		if old == nil {
			old = a
		}
		mu.Unlock()
		<-ctx.Done()
		return nil
	}
	stop := background(t, func(ctx context.Context) error { return m.run(ctx, hold) })
	eventually(t, "joined", func() bool { mu.Lock(); defer mu.Unlock(); return old != nil })
	require.NoError(t, old.commit(t.Context(), 1, mark{}), "the member's own generation")
	other := *m
	stopOther := background(t, func(ctx context.Context) error { return other.run(ctx, hold) })
	var err error
	eventually(t, "the old generation is refused", func() bool { err = old.commit(t.Context(), 2, mark{}); return err != nil })
	require.ErrorIs(t, err, errStale)
	stopOther()
	stop()
	err = old.commit(t.Context(), 3, mark{})
	require.ErrorIs(t, err, errStale, "and so is a member that left")
	at, err := c.committed(t.Context(), m.group, old.topic, old.partition)
	require.NoError(t, err)
	assert.Less(t, at.offset, int64(3))
}

func testPending(t *testing.T, addr string) {
	c := ready(t, addr, func(cfg *Config) { cfg.Partitions = 1 })
	publish(t, c, posts(0, 700))
	sink, letters := newLedger(), &box{}
	broken := errors.New("the store is gone")
	sink.after = func(*pipeline.Batch) error { return broken } // stored, but nobody is told
	first := worker(t, c, sink, letters)
	stop := background(t, first.Run)
	eventually(t, "one batch was tried", func() bool { return first.Stats().Failures > 0 })
	stop()
	at, err := c.committed(t.Context(), c.Name("earshot-live"), c.Name("posts"), 0)
	require.NoError(t, err)
	require.NotNil(t, at.mark.Pending)
	assert.EqualValues(t, 0, at.offset)
	last := *at.mark.Pending

	sink.after = nil
	sink.log = nil
	second := worker(t, c, sink, letters)
	second.Limits.Records = 50 // the rebuilt range does not depend on the limits of who rebuilds it
	stop = background(t, second.Run)
	eventually(t, "all stored", func() bool { rows, _, _ := sink.count(); return rows >= 700 && second.Stats().Posts >= 700 })
	stop()
	exactly(t, sink, 700)
	epoch, err := c.TopicEpoch(t.Context(), c.Name("posts"))
	require.NoError(t, err)
	want := tokenOf(c.Name("earshot-live"), epoch, c.Name("posts"), 0, 0, last)
	assert.Equal(t, want+"!", sink.log[0], "the same token, as a retry")
	committedToEnd(t, c)
}

// testReset sets the group's offsets back, as a tool does: without our mark, and to where
// no batch began. What is stored must not be stored again, even if the worker that
// carries the range a second time dies in the middle, and doubt ends where the log ended.
func testReset(t *testing.T, addr string) {
	c := ready(t, addr, func(cfg *Config) { cfg.Partitions = 1 })
	publish(t, c, posts(0, 1000))
	sink, letters := newLedger(), &box{}
	first := worker(t, c, sink, letters)
	stop := background(t, first.Run)
	eventually(t, "stored", func() bool { return first.Stats().Posts >= 1000 })
	stop()
	eventually(t, "the group is empty and takes an offset", func() bool {
		res, err := c.requests.OffsetCommit(t.Context(), &kafkago.OffsetCommitRequest{
			GroupID: c.Name("earshot-live"), GenerationID: -1,
			Topics: map[string][]kafkago.OffsetCommit{c.Name("posts"): {{Partition: 0, Offset: 37}}},
		})
		return err == nil && len(res.Topics[c.Name("posts")]) == 1 && res.Topics[c.Name("posts")][0].Error == nil
	})
	publish(t, c, posts(1000, 200)) // while nobody listens: unknown to the store

	sink.after = func(b *pipeline.Batch) error {
		if b.First > 100 {
			return errors.New("the store is gone")
		}
		return nil
	}
	second := worker(t, c, sink, letters)
	second.Limits.Records = 90
	stop = background(t, second.Run)
	eventually(t, "it is stuck in the middle", func() bool { return second.Stats().Failures > 0 })
	stop()
	at, err := c.committed(t.Context(), c.Name("earshot-live"), c.Name("posts"), 0)
	require.NoError(t, err)
	require.NotNil(t, at.mark.Pending)
	assert.EqualValues(t, 1200, at.mark.Replayed, "its successor has to know")

	sink.after = nil
	third := worker(t, c, sink, letters)
	third.Limits.Records = 110
	stop = background(t, third.Run)
	eventually(t, "to the end", func() bool { rows, _, _ := sink.count(); return rows >= 1200 && behind(t, c) == 0 })
	publish(t, c, posts(1200, 300))
	eventually(t, "and on", func() bool { rows, _, _ := sink.count(); return rows >= 1500 && behind(t, c) == 0 })
	stop()
	exactly(t, sink, 1500)
	at, err = c.committed(t.Context(), c.Name("earshot-live"), c.Name("posts"), 0)
	require.NoError(t, err)
	assert.Zero(t, at.mark.Replayed, "the doubt is over")
}

func testUncertainSink(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	sink, letters := newLedger(), &box{}
	var mu sync.Mutex
	failures := map[string]int{}
	sometimes := func(what string) func(*pipeline.Batch) error {
		return func(b *pipeline.Batch) error {
			mu.Lock()
			defer mu.Unlock()
			if failures[what+b.Token]++; failures[what+b.Token] == 1 {
				return errors.New(what)
			}
			return nil
		}
	}
	sink.fail, sink.after = sometimes("before"), sometimes("after")
	w := worker(t, c, sink, letters)
	stop := background(t, w.Run)
	publish(t, c, posts(0, 2000))
	eventually(t, "all stored", func() bool { return w.Stats().Posts >= 2000 })
	stop()
	exactly(t, sink, 2000)
	assert.Positive(t, w.Stats().Failures)
}

func testPoison(t *testing.T, addr string) {
	c := ready(t, addr, func(cfg *Config) { cfg.Partitions = 1 })
	sink, letters := newLedger(), &box{}
	good := func(id string) string {
		p := post(0)
		p.ID = id
		return string(p.AppendJSON(nil))
	}
	simulated := post(1)
	simulated.Simulated = true
	nul := post(2)
	nul.ID, nul.Text = "nul", "a\x00b \xff invalid"
	old := post(3)
	old.ID, old.SeenAt, old.CreatedAt = "old", 1000, 1000
	publishRaw(t, c, pipeline.LiveStream(),
		good("a"), `{"platform":"x","id":`, good("b"), `{"platform":"bluesky"}`, good("c"), "", string(simulated.AppendJSON(nil)),
		good("panics"), good("fails"), good("d"), string(nul.AppendJSON(nil)), string(old.AppendJSON(nil)), good("refused"), "\x00\x01\x02", good("e"))
	w := worker(t, c, sink, letters)
	var seen sync.Map
	w.Chain = func() pipeline.Enricher {
		return chain{hook: func(r *pipeline.Record) error {
			seen.Store(r.Post.ID, r.Post)
			switch r.Post.ID {
			case "panics":
				panic("a stage is broken")
			case "fails":
				return errors.New("a stage refuses")
			}
			return nil
		}}
	}
	sink.reject = func(r *pipeline.Record) bool { return r.Post.ID == "refused" }
	stop := background(t, w.Run)
	eventually(t, "all rows", func() bool { return w.Stats().Posts >= 15 })
	stop()
	exactly(t, sink, 15)
	assert.Equal(t, 7, sink.dead)
	stages := map[string]int{}
	dead, _ := letters.all()
	for _, l := range dead {
		stages[l.Stage]++
		assert.NotEmpty(t, l.Reason)
		assert.Len(t, l.SHA256, 64)
		assert.Contains(t, l.Origin, c.Name("posts")+"/0/")
	}
	assert.Equal(t, map[string]int{"decode": 3, "validate": 2, "enrich": 2, "store": 1}, stages)
	for _, id := range []string{"a", "b", "c", "d", "e", "nul", "old"} {
		assert.Equal(t, 1, sink.ids["bluesky/"+id], id)
	}
	p, ok := seen.Load("old")
	require.True(t, ok)
	assert.Greater(t, p.(pipeline.Post).SeenAt, pipeline.At(time.Now().Add(-time.Hour)), "seen_at is mended")
	assert.EqualValues(t, 8, w.Stats().Dead)
}

func deleteTopic(t testing.TB, c *Client, topic string) {
	t.Helper()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames = []string{topic}
	entry := kmsg.NewDeleteTopicsRequestTopic()
	entry.Topic = &topic
	req.Topics = append(req.Topics, entry)
	req.TimeoutMillis = 10_000
	_, err := req.RequestWith(t.Context(), c.admin)
	require.NoError(t, err)
	eventually(t, "deleted", func() bool { _, err := c.describe(t.Context(), topic); return errors.Is(err, ErrNoTopic) })
}

func testRecreated(t *testing.T, addr string) {
	c := ready(t, addr, func(cfg *Config) { cfg.Partitions = 1 })
	topic := c.Name("posts")
	sink, letters := newLedger(), &box{}
	publish(t, c, posts(0, 300))
	w := worker(t, c, sink, letters)
	stop := background(t, w.Run)
	eventually(t, "the old topic", func() bool { return w.Stats().Posts >= 300 })

	old, err := c.TopicEpoch(t.Context(), topic)
	require.NoError(t, err)
	deleteTopic(t, c, topic)
	_, err = c.EnsureTopics(t.Context(), pipeline.LiveStream())
	require.NoError(t, err)
	again, err := c.TopicEpoch(t.Context(), topic)
	require.NoError(t, err)
	require.NotEqual(t, old, again)
	publish(t, c, posts(1000, 500)) // beyond the offset that is committed
	eventually(t, "the new topic, under a running worker", func() bool { rows, _, _ := sink.count(); return rows >= 800 })
	stop()
	exactly(t, sink, 800)
	epochs := map[pipeline.Epoch]int{}
	for at := range sink.rows {
		epochs[at.Epoch]++
	}
	assert.Equal(t, map[pipeline.Epoch]int{old: 300, again: 500}, epochs)
}

func deleteRecords(t testing.TB, c *Client, topic string, partition int32, before int64) {
	t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Partition, rp.Offset = partition, before
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	req.TimeoutMillis = 10_000
	_, err := c.admin.Request(t.Context(), req)
	require.NoError(t, err)
	eventually(t, "removed", func() bool {
		r, err := c.logRanges(t.Context(), topic, int(partition))
		return err == nil && r[int(partition)].start == before
	})
}

func testRetention(t *testing.T, addr string) {
	c := ready(t, addr, func(cfg *Config) { cfg.Partitions = 1 })
	topic := c.Name("posts")
	sink, letters := newLedger(), &box{}
	publish(t, c, posts(0, 100))
	w := worker(t, c, sink, letters)
	stop := background(t, w.Run)
	eventually(t, "stored", func() bool { return w.Stats().Posts >= 100 })
	stop()
	publish(t, c, posts(100, 200))
	deleteRecords(t, c, topic, 0, 250)
	w = worker(t, c, sink, letters)
	stop = background(t, w.Run)
	eventually(t, "the rest", func() bool { return w.Stats().Posts >= 50 })
	stop()
	exactly(t, sink, 150)
	_, events := letters.all()
	require.Len(t, events, 2)
	for i, kind := range []string{"gap", "minute"} {
		assert.Equal(t, kind, events[i].Type)
		assert.Equal(t, "live", events[i].Stream)
		assert.Contains(t, events[i].Reason, fmt.Sprintf("offsets 100 to 249 of %s/0", topic))
	}
	assert.True(t, events[0].From.Known() && events[0].From <= events[0].To)
	assert.EqualValues(t, 150, w.Stats().Lost)
}

func testDays(t *testing.T, addr string) {
	c := ready(t, addr, func(cfg *Config) { cfg.Partitions = 1 })
	list := posts(0, 400)
	for i := range list {
		list[i].Simulated = true
		list[i].SeenAt = pipeline.At(time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, i/2))
		list[i].CreatedAt = list[i].SeenAt
	}
	_, err := NewProducer(c).Publish(t.Context(), pipeline.SimulatedStream(), list, pipeline.Handover{})
	require.NoError(t, err)
	sink := newLedger()
	most := 0
	sink.fail = func(b *pipeline.Batch) error {
		days := map[pipeline.Time]bool{}
		for i := range b.Records {
			days[b.Records[i].Post.SeenAt/day] = true
			assert.Equal(t, b.First+int64(i), b.Records[i].Position.Offset)
		}
		most = max(most, len(days))
		return nil
	}
	w := worker(t, c, sink, &box{})
	w.Stream = pipeline.SimulatedStream()
	stop := background(t, w.Run)
	eventually(t, "stored", func() bool { return w.Stats().Posts >= 400 })
	stop()
	exactly(t, sink, 400)
	assert.Equal(t, 50, most)
}

func testGiants(t *testing.T, addr string) {
	c := ready(t, addr, func(cfg *Config) { cfg.Partitions = 1 })
	list := posts(0, 12)
	for i := range list {
		list[i].Text = strings.Repeat(fmt.Sprintf("%d words ", i), 90_000)[:700_000]
	}
	publish(t, c, list)
	huge := post(99)
	huge.Text = strings.Repeat("x", maxMessageBytes)
	_, err := NewProducer(c).Publish(t.Context(), pipeline.LiveStream(), []pipeline.Post{huge}, pipeline.Handover{})
	require.ErrorIs(t, err, ErrTooLarge)
	sink := newLedger()
	w := worker(t, c, sink, &box{})
	w.Limits.Bytes = 1 << 20
	stop := background(t, w.Run)
	eventually(t, "stored", func() bool { return w.Stats().Posts >= 12 })
	stop()
	exactly(t, sink, 12)
	assert.GreaterOrEqual(t, len(sink.log), 6, "batches are cut by bytes")
}
