package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	kafkago "github.com/segmentio/kafka-go"
)

// Times of group membership. A member that is silent for a session is replaced.
const (
	DefaultSession   = 15 * time.Second
	rebalanceTimeout = 30 * time.Second
	joinBackoff      = 500 * time.Millisecond
	// drainTime is how long a batch in hand may take to be stored and committed once its
	// generation ends; it is well below rebalanceTimeout, so the group waits for it.
	drainTime = 10 * time.Second
)

// membership joins a consumer group and runs a function for each assigned partition of
// each generation.
type membership struct {
	client   *Client
	group    string // with prefix
	topics   []string
	session  time.Duration
	balancer kafkago.GroupBalancer
	log      zerolog.Logger
}

// assignment is one partition in one generation.
type assignment struct {
	client    *Client
	group     *kafkago.ConsumerGroup
	gen       *kafkago.Generation
	topic     string
	partition int
}

// run is a member of the group until ctx ends. work is run for each partition; its ctx
// ends with the generation, and work then has drainTime to finish and return. If it
// returns errUnknownCommit the member leaves the group and joins as another.
func (m *membership) run(ctx context.Context, work func(ctx context.Context, a *assignment) error) error {
	for ctx.Err() == nil {
		group, err := kafkago.NewConsumerGroup(m.config())
		if err != nil {
			return fmt.Errorf("kafka: join group %s: %w", m.group, err)
		}
		m.generations(ctx, group, work)
		_ = group.Close() // waits for the work and leaves the group
	}
	return nil
}

func (m *membership) config() kafkago.ConsumerGroupConfig {
	session := m.session
	if session == 0 {
		session = DefaultSession
	}
	cfg := kafkago.ConsumerGroupConfig{
		ID: m.group, Brokers: m.client.cfg.Brokers, Dialer: m.client.dialer, Topics: m.topics,
		SessionTimeout: session, HeartbeatInterval: session / 10, RebalanceTimeout: rebalanceTimeout,
		JoinGroupBackoff: joinBackoff, StartOffset: kafkago.FirstOffset, Timeout: 5 * time.Second,
		WatchPartitionChanges: true, PartitionWatchInterval: 5 * time.Second,
	}
	if m.balancer != nil {
		cfg.GroupBalancers = []kafkago.GroupBalancer{m.balancer}
	}
	return cfg
}

// generations serves one generation after the other until ctx ends or the group closes.
func (m *membership) generations(ctx context.Context, group *kafkago.ConsumerGroup, work func(context.Context, *assignment) error) {
	said := "" // each trouble is told once, not at every attempt of an outage
	for {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, kafkago.ErrGroupClosed):
			return
		case err != nil:
			if said != err.Error() && !errors.Is(err, kafkago.RebalanceInProgress) {
				said = err.Error()
				m.log.Warn().Err(err).Str("group", m.group).Msg("cannot join the consumer group yet; trying on")
			}
			continue
		}
		said = ""
		for topic, partitions := range gen.Assignments {
			for _, p := range partitions {
				a := &assignment{client: m.client, group: group, gen: gen, topic: topic, partition: p.ID}
				gen.Start(func(ctx context.Context) { m.serve(ctx, a, work) })
			}
		}
	}
}

// serve runs work for one partition. When it returns the generation ends.
func (m *membership) serve(ctx context.Context, a *assignment, work func(context.Context, *assignment) error) {
	if ctx.Err() != nil {
		return // the generation ended before it began
	}
	err := work(ctx, a)
	log := m.log.With().Str("group", m.group).Str("topic", a.topic).Int("partition", a.partition).Logger()
	switch {
	case errors.Is(err, errUnknownCommit):
		log.Warn().Err(err).Msg("leaving the consumer group, to join it as a new member")
		a.abandon()
	case errors.Is(err, errStale):
		log.Debug().Err(err).Msg("the partition moves on")
	case err != nil && ctx.Err() == nil:
		log.Warn().Err(err).Msg("giving the partition back")
	}
}

// abandon closes the group. It returns only when the group is marked as closed, so that
// kafka-go cannot join again under the same member id: while the caller runs, a
// generation is under way, and Next has nothing to answer but that the group is closed.
func (a *assignment) abandon() {
	go func() { _ = a.group.Close() }()
	_, _ = a.group.Next(context.Background())
}

// draining returns a context for the work in hand: it ends grace after stop does.
func draining(stop context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(stop))
	release := context.AfterFunc(stop, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() { release(); cancel() }
}
