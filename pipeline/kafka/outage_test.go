package kafka

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"earshot/pipeline"
	"earshot/pipeline/kafka/kafkatest"
)

// A commit without an answer may arrive later, so it is never sent again: the member
// leaves, and a new one asks what is committed.
func TestUnansweredCommit(t *testing.T) {
	port := freePort(t)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.GroupMinSessionTimeout(time.Second))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	c := ready(t, broker.ListenAddrs()[0], func(cfg *Config) { cfg.Partitions = 1 })

	type sent struct {
		member, metadata string
		offset           int64
	}
	var mu sync.Mutex
	var commits []sent
	cut := 0
	broker.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		req := r.(*kmsg.OffsetCommitRequest)
		mu.Lock()
		defer mu.Unlock()
		p := req.Topics[0].Partitions[0]
		s := sent{member: req.MemberID, offset: p.Offset, metadata: *p.Metadata}
		commits = append(commits, s)
		// The first pending commit of the third batch, and the first final one after it.
		if cut == 0 && p.Offset == 200 && strings.Contains(s.metadata, "pending") || cut == 1 && p.Offset == 400 && !strings.Contains(s.metadata, "pending") {
			cut++
			return nil, errors.New("the connection breaks"), true
		}
		return nil, nil, false
	})
	publish(t, c, posts(0, 1000))
	sink := newLedger()
	w := worker(t, c, sink, &box{})
	w.Limits.Records = 100
	stop := background(t, w.Run)
	eventually(t, "stored", func() bool { rows, _, _ := sink.count(); return rows >= 1000 })
	eventually(t, "committed", func() bool { return behind(t, c) == 0 })
	stop()
	exactly(t, sink, 1000)
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, 2, cut)
	members := map[string]bool{}
	times := map[sent]int{}
	for _, s := range commits {
		members[s.member] = true
		times[s]++
	}
	assert.Len(t, members, 3, "after each, a new member")
	for s, n := range times {
		assert.Equal(t, 1, n, "%+v was sent again", s)
	}
}

// An outage of Kafka costs delay: nothing is lost or doubled, and nobody has to help.
func TestKafkaOutage(t *testing.T) {
	broker := kafkatest.Start(t, kafkatest.Options{Settings: quick})
	c := ready(t, broker.Addr, nil)
	sink := newLedger()
	w := worker(t, c, sink, &box{})
	stop := background(t, w.Run)
	publish(t, c, posts(0, 1000))
	eventually(t, "stored", func() bool { rows, _, _ := sink.count(); return rows >= 1000 })

	broker.Kill()
	published := make(chan error, 1)
	go func() {
		p := NewProducer(c)
		h := pipeline.Handover{Source: "file", From: "1"}
		list := posts(1000, 500)
		_, err := p.Publish(context.Background(), pipeline.LiveStream(), list, h)
		for errors.Is(err, ErrAmbiguous) {
			var have map[int]bool
			if have, _, err = p.Published(context.Background(), pipeline.LiveStream(), h, nil); err == nil {
				_, err = p.PublishRest(context.Background(), pipeline.LiveStream(), list, h, have)
			} else {
				err = ErrAmbiguous // Kafka is still away; ask again
			}
		}
		published <- err
	}()
	broker.Restart()
	require.NoError(t, <-published)
	eventually(t, "stored", func() bool { rows, _, _ := sink.count(); return rows >= 1500 })

	broker.Pause() // no answer at all, instead of a refusal
	time.AfterFunc(3*time.Second, broker.Resume)
	publish(t, c, posts(1500, 500))
	eventually(t, "stored", func() bool { rows, _, _ := sink.count(); return rows >= 2000 })
	stop()
	exactly(t, sink, 2000)
	committedToEnd(t, c)
}

func TestSecuredKafka(t *testing.T) {
	broker := kafkatest.Start(t, kafkatest.Options{SASL: true, TLS: true, Settings: quick})
	for _, mechanism := range []string{Plain, ScramSHA256, ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			secure := func(password pipeline.Secret) func(*Config) {
				return func(cfg *Config) {
					cfg.TLS = TLS{Enabled: true, CAFile: broker.CAFile}
					cfg.SASL = SASL{Mechanism: mechanism, User: kafkatest.User, Password: password}
				}
			}
			c := ready(t, broker.Addr, secure(kafkatest.Password))
			sink := newLedger()
			stop := background(t, worker(t, c, sink, &box{}).Run)
			publish(t, c, posts(0, 100))
			eventually(t, "stored", func() bool { rows, _, _ := sink.count(); return rows >= 100 })
			stop()
			exactly(t, sink, 100)

			wrong := open(t, broker.Addr, secure("wrong"))
			_, err := wrong.EnsureTopics(t.Context(), pipeline.LiveStream())
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "wrong", "a password stands in no error")
		})
	}
}

func TestEmbedded(t *testing.T) {
	dir := t.TempDir()
	port := freePort(t)
	first, err := StartEmbedded(EmbeddedConfig{Dir: dir, Port: port, Logger: testLog(t)})
	require.NoError(t, err)
	second, err := StartEmbedded(EmbeddedConfig{Dir: t.TempDir(), Port: port, Logger: testLog(t)})
	require.NoError(t, err)
	assert.NotEqual(t, first.Addr(), second.Addr(), "an occupied port: the next one")
	second.Close()

	c := ready(t, first.Addr(), func(cfg *Config) { cfg.TopicPrefix = "kept-" })
	publish(t, c, posts(0, 1000))
	sink := newLedger()
	w := worker(t, c, sink, &box{})
	w.Session = 0
	stop := background(t, w.Run)
	eventually(t, "stored", func() bool { rows, _, _ := sink.count(); return rows >= 1000 })
	stop()
	epoch, err := c.TopicEpoch(t.Context(), "kept-posts")
	require.NoError(t, err)
	first.Close()

	again, err := StartEmbedded(EmbeddedConfig{Dir: dir, Port: port, Logger: testLog(t)})
	require.NoError(t, err)
	defer again.Close()
	c = ready(t, again.Addr(), func(cfg *Config) { cfg.TopicPrefix = "kept-" })
	same, err := c.TopicEpoch(t.Context(), "kept-posts")
	require.NoError(t, err)
	assert.Equal(t, epoch, same, "the topic is the same after a restart")
	publish(t, c, posts(1000, 10))
	w = worker(t, c, sink, &box{})
	w.Session = 0
	stop = background(t, w.Run)
	eventually(t, "stored", func() bool { rows, _, _ := sink.count(); return rows >= 1010 })
	stop()
	exactly(t, sink, 1010)

	file := dir + "/not-a-folder"
	require.NoError(t, writeFile(file))
	_, err = StartEmbedded(EmbeddedConfig{Dir: file})
	require.Error(t, err)
}
