package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"earshot/pipeline"
)

// fold makes one message of several. A receiver that keeps the state of incidents gets the
// latest of each; people get what is late as one message. What is folded away is returned
// as such, beside a new message that waits, if there is one.
func (q *Queue) fold(m Member, all []pipeline.Delivery) (rest, changed []pipeline.Delivery, err error) {
	var old []pipeline.Delivery
	latest := map[string]int{}
	for n, d := range all {
		latest[d.Incident] = n
	}
	for n, d := range all {
		switch {
		case m.Way.Folds() && d.Incident != "" && latest[d.Incident] != n:
			d.State, d.Reason = pipeline.DeliveryFolded, "a later message of the incident says more"
			changed = append(changed, d)
		case !m.Way.Folds() && q.now().Sub(d.Created.Time()) > late:
			old = append(old, d)
		default:
			rest = append(rest, d)
		}
	}
	if len(old) < 2 {
		return append(old, rest...), changed, nil
	}
	one, err := q.missed(m, old)
	if err != nil {
		return append(old, rest...), changed, err
	}
	for _, d := range old {
		d.State, d.Reason = pipeline.DeliveryFolded, "told in "+one.ID
		changed = append(changed, d)
	}
	return append([]pipeline.Delivery{one}, rest...), append(changed, one), nil
}

// missed is the message that tells all that is late: each incident as it was known last.
func (q *Queue) missed(m Member, old []pipeline.Delivery) (pipeline.Delivery, error) {
	newest := map[string]pipeline.Incident{}
	var all []error
	hash := sha256.New()
	for _, d := range old {
		hash.Write([]byte(d.ID))
		msg, err := decode(d.Message)
		all = append(all, err)
		for _, i := range msg.Incidents {
			if i.Revision >= newest[i.ID].Revision {
				newest[i.ID] = i
			}
		}
	}
	key := "missed-" + hex.EncodeToString(hash.Sum(nil)[:8])
	out := Message{Key: key, ID: key + "/" + m.Name, Event: Missed, At: pipeline.At(q.now())}
	for _, i := range newest {
		out.Incidents = append(out.Incidents, i)
	}
	slices.SortFunc(out.Incidents, func(a, b pipeline.Incident) int {
		if a.Opened != b.Opened {
			return int(a.Opened - b.Opened)
		}
		return len(a.ID) - len(b.ID)
	})
	out.write()
	d, err := waiting(&out, m.Name, "")
	d.Created = old[0].Created // the patience counts from the first
	return d, errors.Join(append(all, err)...)
}

// digests stores the summaries that are due and do not stand in the table yet.
func (q *Queue) digests(ctx context.Context) error {
	now := q.now()
	for _, m := range q.Members {
		if m.Way.Folds() {
			continue
		}
		for _, period := range m.Digest {
			due, length := lastDue(now, period)
			id := "digest-" + period + "-" + due.Format("2006-01-02") + "/" + m.Name
			known, err := q.Store.Deliveries(ctx, "", id)
			if err != nil {
				return err
			}
			if len(known) > 0 {
				continue
			}
			all, err := q.Store.Incidents(ctx, due.Add(-length))
			if err != nil {
				return err
			}
			msg := Message{Key: id, ID: id, Event: Digest, At: pipeline.At(due)}
			for _, i := range all {
				opened := i.Opened.Time()
				if !opened.Before(due) || opened.Before(due.Add(-length)) || len(m.Brands) > 0 && i.Brand != "" && !slices.Contains(m.Brands, i.Brand) {
					continue
				}
				msg.Incidents = append(msg.Incidents, i)
			}
			msg.write()
			d, err := waiting(&msg, m.Name, "")
			if err != nil {
				return err
			}
			d.Created = pipeline.At(now)
			if err := q.Store.PutDeliveries(ctx, []pipeline.Delivery{d}); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastDue is the last moment at which a digest was due, and the length of its period. A
// week begins on Monday.
func lastDue(now time.Time, period string) (time.Time, time.Duration) {
	due := time.Date(now.Year(), now.Month(), now.Day(), digestHour, 0, 0, 0, time.UTC)
	if due.After(now) {
		due = due.AddDate(0, 0, -1)
	}
	if period == "weekly" {
		return due.AddDate(0, 0, -(int(due.Weekday())+6)%7), 7 * 24 * time.Hour
	}
	return due, 24 * time.Hour
}

// Test sends a marked sample the way that a page would go, but past the queue, and returns
// what became of it.
func Test(ctx context.Context, c Channel, way Way, now time.Time) error {
	at := pipeline.At(now.UTC().Truncate(time.Minute))
	i := pipeline.Incident{
		ID: "test-" + now.UTC().Format("20060102T150405"), Brand: "Example", State: pipeline.IncidentOpen, Severity: pipeline.SeverityWarning, Opened: at, Updated: at,
		Revision: 1, Test: true,
		Evidence: []pipeline.Evidence{{Kind: pipeline.AlertVolume, At: at, Minutes: 15, Observed: 240, Expected: 31, Low: 14, High: 55, Chance: 1e-40, Score: 2.4}},
		Explanation: pipeline.Explanation{
			From: at - 15*60_000, To: at, Mentions: 240, Expected: 31, Voices: 201, VoicesExpected: 28, Negative: 120, NegativeExpected: 5, Bots: 0.04, Duplicates: 0.06, Loudest: 0.02,
			Platforms: []pipeline.Part{{Name: "bluesky", Mentions: 190, Expected: 20}},
			Posts:     []pipeline.Carrier{{Platform: "bluesky", ID: "1", Author: "someone", Text: "a sample of a post that carries a spike", Engagement: 310}},
		},
	}
	msg := Message{Key: i.ID, ID: i.ID + "/1/" + c.Name, Event: Opened, At: at, Test: true, Incidents: []pipeline.Incident{i}}
	msg.write()
	if err := way.Send(ctx, &msg); err != nil || !way.Folds() {
		return err
	}
	i.State, i.Resolved, i.Revision = pipeline.IncidentResolved, at+60_000, 2
	over := Message{Key: i.ID, ID: i.ID + "/2/" + c.Name, Event: Resolved, At: at, Test: true, Incidents: []pipeline.Incident{i}}
	over.write()
	return way.Send(ctx, &over)
}
