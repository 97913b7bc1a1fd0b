package kafka

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/rs/zerolog"
	kafkago "github.com/segmentio/kafka-go"
)

// Owners shares named tasks, such as sources, among the processes of a group: each name
// belongs to one process at a time. All processes must know the same names. Fill its
// fields and call Run.
type Owners struct {
	Client  *Client
	Group   string // without prefix; SourceGroup for sources
	Log     zerolog.Logger
	Session time.Duration // silence after which another process takes over; zero is DefaultSession
}

// SourceGroup is the group that shares the sources, and LeadGroup the beginning of the
// groups in which one of all processes leads, both without prefix.
const (
	SourceGroup = "earshot-sources"
	LeadGroup   = "earshot-lead"
)

// Run calls start, in a goroutine of its own, for each name while this process owns it,
// until ctx ends; then it waits for all of them. The ctx of start ends when the name
// goes to another process, which begins only once start has returned. A name whose
// owner does not change runs on through every rebalance. If start returns while the
// name is owned, it is not called again before the name was elsewhere.
//
// A process that loses the group for a session, or stood still for half of one, stops its
// names by itself, because another process will have begun them.
func (o *Owners) Run(ctx context.Context, names []string, start func(ctx context.Context, name string)) error {
	if o.Client == nil || o.Group == "" || start == nil {
		return errors.New("kafka: owners: client, group and a function are needed")
	}
	topic := o.Client.Name(SourceTopic)
	info, err := awaitTopic(ctx, o.Client, topic)
	if err != nil {
		return err
	}
	run := &running{parent: ctx, start: start, names: byPartition(names, info.partitions), tasks: map[int]*task{}}
	defer run.stopAll()
	balancer := &sticky{}
	m := &membership{
		client: o.Client, group: o.Client.Name(o.Group), topics: []string{topic},
		session: o.Session, balancer: balancer, log: o.Log,
	}
	group, err := kafkago.NewConsumerGroup(m.config())
	if err != nil {
		return fmt.Errorf("kafka: join group %s: %w", m.group, err)
	}
	o.follow(ctx, group, balancer, run, m.config().SessionTimeout, topic)
	run.stopAll() // before the group is left, so that nobody begins while we still run
	return group.Close()
}

// Lead runs fn in one of all the processes that call Lead with that name, as Run does.
func (o *Owners) Lead(ctx context.Context, name string, fn func(ctx context.Context)) error {
	lead := *o
	lead.Group = LeadGroup + "-" + name
	return lead.Run(ctx, []string{name}, func(ctx context.Context, _ string) { fn(ctx) })
}

func awaitTopic(ctx context.Context, c *Client, topic string) (topicInfo, error) {
	wait := retryBackoff()
	for {
		info, err := c.describe(ctx, topic)
		if err == nil || errors.Is(err, ErrNoTopic) || wait.sleep(ctx) != nil {
			return info, err
		}
	}
}

// byPartition places the names by their hash.
func byPartition(names []string, partitions int) map[int][]string {
	out := map[int][]string{}
	for _, name := range names {
		h := fnv.New32a()
		_, _ = h.Write([]byte(name))
		p := int(h.Sum32() % uint32(partitions))
		out[p] = append(out[p], name)
	}
	return out
}

// follow starts and stops tasks as generations come.
func (o *Owners) follow(ctx context.Context, group *kafkago.ConsumerGroup, balancer *sticky, run *running, session time.Duration, topic string) {
	silentFrom := time.Now() // when the last generation ended
	for ctx.Err() == nil {
		wait, cancel := context.WithDeadline(ctx, silentFrom.Add(session))
		gen, err := group.Next(wait)
		silent := wait.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil || errors.Is(err, kafkago.ErrGroupClosed):
			return
		case err == nil:
			o.serve(ctx, gen, balancer, run, session, topic)
			silentFrom = time.Now()
		case silent:
			o.alone(balancer, run)
			silentFrom = time.Now()
		default:
			o.Log.Debug().Err(err).Str("group", o.group()).Msg("cannot join the group yet; trying on")
		}
	}
}

func (o *Owners) group() string { return o.Client.Name(o.Group) }

// alone stops everything after a session without a generation.
func (o *Owners) alone(balancer *sticky, run *running) {
	if run.stopAll() > 0 {
		o.Log.Warn().Str("group", o.group()).Msg("no contact with the group for a session: stopped what another process may have taken over")
	}
	balancer.set(claim{})
}

// serve applies one generation and waits for its end.
func (o *Owners) serve(ctx context.Context, gen *kafkago.Generation, balancer *sticky, run *running, session time.Duration, topic string) {
	owned := map[int]bool{}
	for _, p := range gen.Assignments[topic] {
		owned[p.ID] = true
	}
	ended := make(chan struct{})
	gen.Start(func(genCtx context.Context) {
		defer close(ended)
		revoked := run.stopOthers(owned)
		for p := range owned {
			run.ensure(p)
		}
		balancer.set(claim{Generation: gen.ID, Running: run.partitions()})
		if revoked > 0 {
			return // ends the generation: we join again without what we stopped
		}
		if slept(genCtx, ctx, session) {
			o.alone(balancer, run)
		}
	})
	<-ended
}

// slept waits for the end of either context, or until it finds that this process stood
// still (stopped, swapped out, its machine asleep) for so long that another one may have
// taken its names over: then it must let go at once, not when the group has told it so.
func slept(generation, ctx context.Context, session time.Duration) bool {
	beat := time.NewTicker(session / 10)
	defer beat.Stop()
	for awake := time.Now(); ; awake = time.Now() {
		select {
		case <-generation.Done():
		case <-ctx.Done():
		case <-beat.C:
		}
		if time.Since(awake) > session/2 {
			return true
		}
		if generation.Err() != nil || ctx.Err() != nil {
			return false
		}
	}
}

// running are the tasks that this process owns, by partition.
type running struct {
	parent context.Context
	start  func(ctx context.Context, name string)
	names  map[int][]string

	mu    sync.Mutex
	tasks map[int]*task
}

type task struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func (t *task) stop() {
	t.cancel()
	t.done.Wait()
}

func (r *running) ensure(partition int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks[partition] != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.parent)
	t := &task{cancel: cancel}
	for _, name := range r.names[partition] {
		t.done.Go(func() { r.start(ctx, name) })
	}
	r.tasks[partition] = t
}

func (r *running) stopOthers(owned map[int]bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	var stopping []*task
	for p, t := range r.tasks {
		if !owned[p] {
			t.cancel()
			stopping = append(stopping, t)
			delete(r.tasks, p)
		}
	}
	for _, t := range stopping {
		t.stop()
	}
	return len(stopping)
}

func (r *running) stopAll() int { return r.stopOthers(nil) }

func (r *running) partitions() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]int, 0, len(r.tasks))
	for p := range r.tasks {
		out = append(out, p)
	}
	return out
}
