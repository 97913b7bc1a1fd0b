// Package notify tells people of incidents: over webhooks, Slack, e-mail, PagerDuty and
// Alertmanager, at least once, under a key that lets the receiver fold what comes twice.
//
// A message is stored before it is sent and marked after it was taken, so a crash repeats
// it and never loses it. What fails is tried again, for a day; then, or if the receiver
// refuses it for ever, it is dead and stays in the table with the reason. After an outage
// nobody is flooded: what is late is told in one message.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// Store keeps messages and incidents.
type Store interface {
	// PutDeliveries stores messages; what is settled is never waiting again.
	PutDeliveries(ctx context.Context, all []pipeline.Delivery) error
	// Deliveries lists those of a state, oldest first, or those of the given ids.
	Deliveries(ctx context.Context, state pipeline.DeliveryState, ids ...string) ([]pipeline.Delivery, error)
	Incidents(ctx context.Context, since time.Time) ([]pipeline.Incident, error)
}

// Member is a channel with its way.
type Member struct {
	Channel
	Way Way
}

// Queue delivers. One process at a time runs it.
type Queue struct {
	Store   Store
	Members []Member
	Ack     func(incident string) string
	Log     zerolog.Logger
	Now     func() time.Time                 // nil: the clock
	Backoff func(attempts int) time.Duration // nil: seconds, doubled up to five minutes

	once sync.Once
	wake chan struct{}
}

const (
	pollEvery = 30 * time.Second // what waits in the table is looked for, beside what comes
	giveUp    = 24 * time.Hour
	// late is how old a message may be to be sent by itself; older ones are told as one.
	late       = 15 * time.Minute
	digestHour = 8 // UTC
)

func (q *Queue) now() time.Time {
	if q.Now != nil {
		return q.Now().UTC()
	}
	return time.Now().UTC()
}

func (q *Queue) signal() chan struct{} {
	q.once.Do(func() { q.wake = make(chan struct{}, 1) })
	return q.wake
}

// Tell stores a message about an incident for every channel that is to know, and returns
// once they are stored. The same event of the same revision twice is one message.
func (q *Queue) Tell(ctx context.Context, i pipeline.Incident, event Event) error {
	var all []pipeline.Delivery
	for _, m := range q.Members {
		if !q.wants(&m.Channel, &i, event) {
			continue
		}
		msg := Message{Key: i.ID, ID: fmt.Sprintf("%s/%d/%s", i.ID, i.Revision, m.Name), Event: event, At: pipeline.At(q.now()), Incidents: []pipeline.Incident{i}}
		if q.Ack != nil && event != Resolved {
			msg.Ack = q.Ack(i.ID)
		}
		msg.write()
		d, err := waiting(&msg, m.Name, i.ID)
		if err != nil {
			return err
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil
	}
	if err := q.Store.PutDeliveries(ctx, all); err != nil {
		return err
	}
	select {
	case q.signal() <- struct{}{}:
	default:
	}
	return nil
}

func waiting(m *Message, channel, incident string) (pipeline.Delivery, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return pipeline.Delivery{}, fmt.Errorf("notify: %w", err)
	}
	return pipeline.Delivery{ID: m.ID, Channel: channel, Incident: incident, Event: string(m.Event), State: pipeline.DeliveryWaiting, Message: raw, Created: m.At}, nil
}

// wants reports whether the people of a channel are to know of an incident at once.
func (q *Queue) wants(c *Channel, i *pipeline.Incident, event Event) bool {
	if i.Simulated || !i.Severity.AtLeast(c.least()) || i.Ack.Known() && event == Worse {
		return false
	}
	if len(c.Brands) == 0 || i.Brand == "" {
		// Who hears of all brands hears of the competitor itself.
		return len(c.Brands) > 0 || len(i.Evidence) != 1 || i.Evidence[0].Kind != pipeline.AlertRival
	}
	return slices.Contains(c.Brands, i.Brand)
}

// Run sends what is stored, until ctx ends, one channel not waiting for another.
func (q *Queue) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	states := map[string]*sending{}
	for _, m := range q.Members {
		states[m.Name] = &sending{}
	}
	var group sync.WaitGroup
	defer group.Wait()
	for {
		if err := q.digests(ctx); err != nil && ctx.Err() == nil {
			q.Log.Error().Err(err).Msg("notify: digests cannot be made now, will try again")
		}
		next := pollEvery
		all, err := q.Store.Deliveries(ctx, pipeline.DeliveryWaiting)
		if err != nil && ctx.Err() == nil {
			q.Log.Error().Err(err).Msg("notify: waiting messages cannot be read now, will try again")
		}
		for _, m := range q.Members {
			own := slices.DeleteFunc(slices.Clone(all), func(d pipeline.Delivery) bool { return d.Channel != m.Name })
			s := states[m.Name]
			if wait, free := s.begin(q.now()); len(own) > 0 && free {
				group.Go(func() {
					defer s.end()
					q.drain(ctx, m, own, s)
					select {
					case q.signal() <- struct{}{}:
					default:
					}
				})
			} else if wait > 0 {
				next = min(next, wait)
			} else if free {
				s.end()
			}
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-tick.C:
		case <-timer.C:
		case <-q.signal():
		}
		timer.Stop()
	}
}

// sending is the state of a channel: one drain at a time, and none while it rests.
type sending struct {
	mu       sync.Mutex
	busy     bool
	rest     time.Time
	failures int
}

func (s *sending) begin(now time.Time) (wait time.Duration, free bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return 0, false
	}
	if wait := s.rest.Sub(now); wait > 0 {
		return wait, false
	}
	s.busy = true
	return 0, true
}

func (s *sending) end() {
	s.mu.Lock()
	s.busy = false
	s.mu.Unlock()
}

// drain sends the messages of a channel, and rests after a failure.
func (q *Queue) drain(ctx context.Context, m Member, all []pipeline.Delivery, s *sending) {
	var settled []pipeline.Delivery
	all, folded, err := q.fold(m, all)
	if err != nil {
		q.Log.Error().Err(err).Str("channel", m.Name).Msg("notify: messages cannot be folded")
	}
	if len(folded) > 0 { // first of all: a crash must not tell them one by one
		if err := q.Store.PutDeliveries(ctx, folded); err != nil {
			q.Log.Error().Err(err).Str("channel", m.Name).Msg("notify: messages cannot be folded now, will try again")
			return
		}
	}
	for _, d := range all {
		done, wait := q.attempt(ctx, m, d, s)
		if ctx.Err() != nil {
			break
		}
		settled = append(settled, done)
		if wait > 0 {
			s.mu.Lock()
			s.rest = q.now().Add(wait)
			s.mu.Unlock()
			break
		}
	}
	if len(settled) == 0 {
		return
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // what was sent is not sent again
	defer cancel()
	if err := q.Store.PutDeliveries(last, settled); err != nil {
		q.Log.Error().Err(err).Str("channel", m.Name).Msg("notify: what was sent cannot be recorded: it may be sent again")
	}
}

// attempt sends one message; wait is how long the channel rests after a failure.
func (q *Queue) attempt(ctx context.Context, m Member, d pipeline.Delivery, s *sending) (pipeline.Delivery, time.Duration) {
	msg, err := decode(d.Message)
	if err == nil {
		err = m.Way.Send(ctx, &msg)
	} else {
		err = &RefusedError{err.Error()}
	}
	d.Attempts++
	if err == nil {
		s.failures = 0
		d.State, d.Reason = pipeline.DeliverySent, ""
		q.Log.Info().Str("channel", m.Name).Str("message", d.ID).Int("attempts", d.Attempts).Msg("notify: told")
		return d, 0
	}
	d.Reason = err.Error()
	if _, refused := errors.AsType[*RefusedError](err); refused || q.now().Sub(d.Created.Time()) > giveUp {
		d.State = pipeline.DeliveryDead
		q.Log.Error().Err(err).Str("channel", m.Name).Str("message", d.ID).Msg("notify: given up; it stays in the table deliveries")
		return d, 0
	}
	s.failures++
	wait := q.backoff(s.failures)
	if later, ok := errors.AsType[*LaterError](err); ok {
		wait = max(wait, later.Until.Sub(q.now()))
	}
	if ctx.Err() == nil {
		q.Log.Warn().Err(err).Str("channel", m.Name).Str("message", d.ID).Str("again", wait.String()).Msg("notify: not taken")
	}
	return d, wait
}

func (q *Queue) backoff(failures int) time.Duration {
	if q.Backoff != nil {
		return q.Backoff(failures)
	}
	d := min(time.Second<<min(failures-1, 9), 5*time.Minute)
	return d/2 + rand.N(d/2) //nolint:gosec // jitter, not a secret
}
