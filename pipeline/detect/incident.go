package detect

import (
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
// told, findings that come a second time (after a restart, of a late batch) change nothing.
type Incidents struct {
	cfg    Config
	rivals map[string][]string // of each brand, those that it is a competitor of
	byKey  map[string]*pipeline.Incident
	told   map[string]pipeline.Severity // of an incident, as people were told
}

// NewIncidents goes on with those that are known: open ones, and those of the last days.
// Rivals names for each brand the brands that call it a competitor.
func NewIncidents(cfg Config, rivals map[string][]string, known []pipeline.Incident) *Incidents {
	t := &Incidents{cfg: cfg, rivals: rivals, byKey: map[string]*pipeline.Incident{}, told: map[string]pipeline.Severity{}}
	slices.SortFunc(known, func(a, b pipeline.Incident) int { return int(a.Opened - b.Opened) })
	for i := range known {
		k := known[i]
		t.byKey[Key(k.Brand, k.Source)] = &k
		t.told[k.ID] = k.Severity
	}
	return t
}

// Key is the name of what an incident is about.
func Key(brand, source string) string { return brand + "\x00" + source }

// SetRivals replaces who competes with whom.
func (t *Incidents) SetRivals(rivals map[string][]string) { t.rivals = rivals }

// Get is the latest incident of a brand or a source, or nil.
func (t *Incidents) Get(brand, source string) *pipeline.Incident { return t.byKey[Key(brand, source)] }

// Open lists what goes on, by brand and source.
func (t *Incidents) Open() []*pipeline.Incident {
	var out []*pipeline.Incident
	for _, i := range t.byKey {
		if i.State == pipeline.IncidentOpen {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b *pipeline.Incident) int {
		if a.Opened != b.Opened {
			return int(a.Opened - b.Opened)
		}
		if a.Brand+a.Source < b.Brand+b.Source {
			return -1
		}
		return 1
	})
	return out
}

// Observe takes what stands out for a brand or a source now. The changes hold at most one
// incident of each brand; the caller explains each, sets its severity, and asks Tell
// whether people have to know.
func (t *Incidents) Observe(brand, source string, findings []Finding) []Change {
	key := Key(brand, source)
	now := t.byKey[key]
	changed, event := false, Event("")
	for _, f := range findings {
		if now != nil && now.State == pipeline.IncidentOpen {
			now.Updated = max(now.Updated, f.At) // it goes on
			raise(now, f.Evidence)
			changed = true
		}
		if !f.Fired {
			continue
		}
		if now == nil || t.another(now, f) {
			now = &pipeline.Incident{ID: incidentID(key, f.At), Brand: brand, Source: source, State: pipeline.IncidentOpen, Opened: f.At, Updated: f.At}
			t.byKey[key] = now
			event = EventOpened
		}
		if t.add(now, f.Evidence) && event == "" {
			event = EventWorse
		}
		changed = true
	}
	if !changed {
		return nil
	}
	return append([]Change{{now, event}}, t.rival(now, event)...)
}

// another reports whether a finding belongs to a new incident. A kind that stood out within
// the quiet time is the same surge, even if it was resolved; a resolved surge takes no
// other kind up.
func (t *Incidents) another(i *pipeline.Incident, f Finding) bool {
	if i.State == pipeline.IncidentOpen {
		return false
	}
	same := i.Of(f.Kind)
	return same == nil || f.At.Time().Sub(same.At.Time()) > t.cfg.Quiet
}

// add puts evidence into an incident and reports whether people have to know that.
func (t *Incidents) add(i *pipeline.Incident, e pipeline.Evidence) bool {
	old := i.Of(e.Kind)
	e.Told = e.Score
	switch {
	case old == nil:
		i.Evidence = append(i.Evidence, e)
		return false // a further kind matters if it is more severe: see Tell
	case e.Score <= t.cfg.Refire*old.Told: // known
		return false
	case i.State == pipeline.IncidentOpen && e.At.Time().Sub(i.Opened.Time()) < growing:
		return false
	}
	*old = e
	if i.State != pipeline.IncidentOpen {
		i.State, i.Resolved, i.Updated = pipeline.IncidentOpen, 0, max(i.Updated, e.At)
	}
	return true
}

// raise keeps the evidence of a kind at its highest.
func raise(i *pipeline.Incident, e pipeline.Evidence) {
	if old := i.Of(e.Kind); old != nil && e.Score > max(old.Score, 1) {
		e.Told = old.Told
		*old = e
	}
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
	if event == "" && known && i.State == pipeline.IncidentOpen && i.Severity.AtLeast(before) && i.Severity != before {
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
// of their brand or source.
func (t *Incidents) Resolve(watermark func(brand, source string) time.Time) []Change {
	var out []Change
	for _, i := range t.Open() {
		if mark := watermark(i.Brand, i.Source); mark.Sub(i.Updated.Time()) >= calm {
			i.State, i.Resolved = pipeline.IncidentResolved, i.Updated
			out = append(out, Change{i, EventResolved})
		}
	}
	return out
}

// incidentID names an incident the same on every machine and after every restart.
func incidentID(key string, at pipeline.Time) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, at))
	return hex.EncodeToString(h[:8])
}
