package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"earshot/pipeline"
)

// Event is what people are told of an incident.
type Event string

// The events of an incident.
const (
	EventOpened   Event = "opened"
	EventWorse    Event = "worse" // a new maximum, or a higher severity
	EventResolved Event = "resolved"
)

// Change is an incident that is different now. Event is empty where nobody has to be told.
type Change struct {
	Incident *pipeline.Incident
	Event    Event
}

// calm is how long nothing of an incident may stand out before it is resolved.
const calm = 30 * time.Minute

// growing is how long a surge may grow before people are told that it still does, unless it
// becomes more severe.
const growing = time.Hour

// Incidents keeps one incident a surge, of a brand or a source. It is pure: what it says
// depends on what it is told, and on the incidents that it began with. Because an incident
// is named after its brand and the minute that opened it, and remembers what people were
// told, findings that come a second time (after a restart, of a late batch, of a replay) change nothing.
type Incidents struct {
	cfg    Config
	rivals map[string][]string             // of each brand, those that it is a competitor of
	byKey  map[string][]*pipeline.Incident // of each brand or source those of the last days, in the order in which they opened
	told   map[string]pipeline.Severity    // of an incident, as people were told
}

// NewIncidents goes on with those that are known: open ones, and those of the last days.
// Rivals names for each brand the brands that call it a competitor.
func NewIncidents(cfg Config, rivals map[string][]string, known []pipeline.Incident) *Incidents {
	t := &Incidents{cfg: cfg, rivals: rivals, byKey: map[string][]*pipeline.Incident{}, told: map[string]pipeline.Severity{}}
	for i := range known {
		k := known[i]
		t.keep(&k)
		t.told[k.ID] = k.Severity
	}
	return t
}

// keep takes an incident up, in its place.
func (t *Incidents) keep(i *pipeline.Incident) {
	key := Key(i.Brand, i.Source)
	t.byKey[key] = append(t.byKey[key], i)
	slices.SortStableFunc(t.byKey[key], func(a, b *pipeline.Incident) int { return cmp.Compare(a.Opened, b.Opened) })
}

// Key is the name of what an incident is about.
func Key(brand, source string) string { return brand + "\x00" + source }

// SetRivals replaces who competes with whom.
func (t *Incidents) SetRivals(rivals map[string][]string) { t.rivals = rivals }

// Ongoing is the incident of a brand or a source that is open, or nil.
func (t *Incidents) Ongoing(brand, source string) *pipeline.Incident {
	for _, i := range slices.Backward(t.byKey[Key(brand, source)]) {
		if i.State == pipeline.IncidentOpen {
			return i
		}
	}
	return nil
}

// Open lists what goes on, by time, brand and source.
func (t *Incidents) Open() []*pipeline.Incident {
	var out []*pipeline.Incident
	for _, all := range t.byKey {
		for _, i := range all {
			if i.State == pipeline.IncidentOpen {
				out = append(out, i)
			}
		}
	}
	slices.SortFunc(out, func(a, b *pipeline.Incident) int {
		return cmp.Or(cmp.Compare(a.Opened, b.Opened), cmp.Compare(a.Brand+a.Source, b.Brand+b.Source))
	})
	return out
}

// Observe takes what stands out for a brand or a source now. The changes hold an incident at
// most once; the caller explains each, sets its severity, and asks Tell whether people have
// to know.
func (t *Incidents) Observe(brand, source string, findings []Finding) []Change {
	key := Key(brand, source)
	var out, rivals []Change
	for _, f := range findings {
		i, during := t.home(key, f)
		event, changed := Event(""), false
		if during {
			changed = raise(i, f.Evidence)
			if i.State == pipeline.IncidentOpen {
				i.Updated = max(i.Updated, f.At) // it goes on
				changed = true
			}
		}
		if f.Fired {
			if i == nil {
				i = &pipeline.Incident{ID: incidentID(key, f.At), Brand: brand, Source: source, State: pipeline.IncidentOpen, Opened: f.At, Updated: f.At}
				t.keep(i)
				event = EventOpened
			}
			added, worse := t.add(i, f.Evidence)
			if worse && event == "" {
				event = EventWorse
			}
			changed = changed || added
		}
		if changed {
			out = merge(out, Change{i, event})
		}
	}
	for _, c := range out {
		rivals = append(rivals, t.rival(c.Incident, c.Event)...)
	}
	return append(out, rivals...)
}

// merge adds a change to those of the same look: to open is more than to become worse.
func merge(all []Change, c Change) []Change {
	for n := range all {
		if all[n].Incident == c.Incident {
			if all[n].Event == "" {
				all[n].Event = c.Event
			}
			return all
		}
	}
	return append(all, c)
}

// home is the incident that a finding belongs to, or nil: the one during which it stood
// out, whenever that is seen (a late batch, or a watch that was built anew, tells of
// the past); else one in which the same kind stood out within the quiet time, which is
// the same surge even if it was resolved. A resolved surge takes no other kind up later.
func (t *Incidents) home(key string, f Finding) (i *pipeline.Incident, during bool) {
	all, at := t.byKey[key], f.At.Time()
	for _, i := range slices.Backward(all) {
		if at.Before(i.Opened.Time().Add(-calm)) {
			continue
		}
		if i.State == pipeline.IncidentOpen || !at.After(i.Updated.Time().Add(calm)) {
			return i, true
		}
	}
	for _, i := range slices.Backward(all) {
		if same := i.Of(f.Kind); same != nil && at.Sub(same.At.Time()).Abs() <= t.cfg.Quiet {
			return i, false
		}
	}
	return nil, false
}

// add puts evidence that fired into an incident, and reports whether that changed it, and
// whether people have to know: of a further kind if it is more severe (see Tell), of a known one if it
// grew, an hour after it began or when it was over. What is learnt later of the time in
// which an incident was open is no growth of it, once it is over.
func (t *Incidents) add(i *pipeline.Incident, e pipeline.Evidence) (added, worse bool) {
	old := i.Of(e.Kind)
	e.Told = e.Score
	switch {
	case old == nil:
		i.Evidence = append(i.Evidence, e)
		return true, false
	case e.Score <= t.cfg.Refire*old.Told: // known
		return false, false
	case i.State == pipeline.IncidentOpen && e.At.Time().Sub(i.Opened.Time()) < growing:
		return false, false
	case i.State != pipeline.IncidentOpen && !e.At.Time().After(i.Updated.Time().Add(calm)):
		return false, false
	}
	*old = e
	if i.State != pipeline.IncidentOpen {
		i.State, i.Resolved, i.Updated = pipeline.IncidentOpen, 0, max(i.Updated, e.At)
	}
	return true, true
}

// raise keeps the evidence of a kind at its highest, and reports whether that is new.
func raise(i *pipeline.Incident, e pipeline.Evidence) bool {
	old := i.Of(e.Kind)
	if old == nil || e.Score <= max(old.Score, 1) {
		return false
	}
	e.Told = old.Told
	*old = e
	return true
}

// rival opens or updates an incident of each brand that has the brand as a competitor.
func (t *Incidents) rival(i *pipeline.Incident, event Event) []Change {
	e := i.Of(pipeline.AlertVolume)
	if e == nil || event != EventOpened {
		return nil
	}
	var out []Change
	for _, brand := range t.rivals[i.Brand] {
		own := *e
		own.Kind, own.Subject = pipeline.AlertRival, i.Brand
		if brand != i.Brand {
			out = append(out, t.Observe(brand, "", []Finding{{own, true}})...)
		}
	}
	return out
}

// Tell decides, once an incident is explained and rated, whether people have to know of a
// change, and counts the revision if so.
func (t *Incidents) Tell(c Change) Event {
	i := c.Incident
	before, known := t.told[i.ID]
	event := c.Event
	// What is over calls nobody again, but somebody if nobody was called.
	heard := i.State == pipeline.IncidentOpen || !before.AtLeast(pipeline.SeverityWarning)
	if event == "" && known && heard && i.Severity.AtLeast(before) && i.Severity != before {
		event = EventWorse
	}
	if event == "" {
		return ""
	}
	t.told[i.ID] = i.Severity
	i.Revision++
	return event
}

// Resolve ends incidents of which nothing stood out for half an hour before the watermark
// of their brand or source, and forgets those that no finding can belong to any more.
func (t *Incidents) Resolve(watermark func(brand, source string) time.Time) []Change {
	var out []Change
	for _, i := range t.Open() {
		if mark := watermark(i.Brand, i.Source); mark.Sub(i.Updated.Time()) >= calm {
			i.State, i.Resolved = pipeline.IncidentResolved, i.Updated
			out = append(out, Change{i, EventResolved})
		}
	}
	for key, all := range t.byKey {
		t.byKey[key] = slices.DeleteFunc(all, func(i *pipeline.Incident) bool {
			old := i.State != pipeline.IncidentOpen && watermark(i.Brand, i.Source).Sub(i.Updated.Time()) > t.cfg.Quiet+lookBack
			if old {
				delete(t.told, i.ID)
			}
			return old
		})
		if len(t.byKey[key]) == 0 {
			delete(t.byKey, key)
		}
	}
	return out
}

// incidentID names an incident the same on every machine and after every restart.
func incidentID(key string, at pipeline.Time) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, at))
	return hex.EncodeToString(h[:8])
}
