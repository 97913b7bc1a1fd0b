package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/detect"
	"earshot/sinks/clickhouse"
)

// past is a part of the history, in memory: so that it can be judged by many settings.
type past struct {
	cfg      detect.Config
	from, to time.Time
	counts   *clickhouse.Counts
	brands   []pastBrand
	blind    map[time.Time]bool
	unseen   []pipeline.Unseen
	rivals   map[string][]string             // of each brand, those that call it a competitor
	explain  map[string]pipeline.Explanation // of what was asked before
}

// pastBrand is what was said of a brand, and who took what up.
type pastBrand struct {
	name         string
	minutes      []pipeline.BrandMinute
	tags, passed []pipeline.Act
}

// begin is from when on the detector learns.
func (h *past) begin() time.Time {
	return h.from.Add(-h.cfg.History - 24*time.Hour).Truncate(time.Hour)
}

func (h *past) read(ctx context.Context, brands []string) (err error) {
	all := len(brands) == 0
	if all {
		if brands, err = h.counts.Brands(ctx, h.begin()); err != nil {
			return err
		}
	}
	slices.Sort(brands)
	if h.rivals, err = h.counts.Rivals(ctx); err != nil {
		return err
	}
	blind, err := h.counts.Blind(ctx, h.begin(), h.to)
	if err != nil {
		return err
	}
	for _, m := range blind {
		h.blind[m.UTC()] = true
	}
	for _, name := range brands {
		b := pastBrand{name: name}
		if b.minutes, err = h.counts.History(ctx, name, h.begin(), h.to); err != nil {
			return err
		}
		if b.tags, err = h.counts.Hashtags(ctx, name, h.begin(), h.from.Add(-detect.TopicWindow), h.to, detect.TopicVoices); err != nil {
			return err
		}
		if b.passed, err = h.counts.PassedOn(ctx, name, h.from.Add(-detect.CascadeWindow), h.to, detect.CascadeVoices); err != nil {
			return err
		}
		h.brands = append(h.brands, b)
	}
	if all { // a source is of no brand
		h.unseen, err = h.counts.Unseen(ctx, h.from, h.to)
	}
	return err
}

// page is a message that an incident would have sent.
type page struct {
	at       time.Time
	incident pipeline.Incident
	event    detect.Event
}

// stir is what stood out in a minute: of a brand, or sources that were blind since.
type stir struct {
	at       time.Time
	brand    string
	findings []detect.Finding
	dead     map[string]time.Time
}

// judge runs one setting over the history as if it were live, and returns what it would
// have told, of any severity. Each brand is judged for itself; then all that stood out goes
// through the incidents in the order of time, because brands are rivals.
func (h *past) judge(ctx context.Context, cfg detect.Config, kinds []pipeline.AlertKind) ([]page, error) {
	stirs := h.sources()
	for i := range h.brands {
		some, err := h.stirs(cfg, &h.brands[i])
		if err != nil {
			return nil, err
		}
		stirs = append(stirs, some...)
	}
	slices.SortStableFunc(stirs, func(a, b stir) int { return a.at.Compare(b.at) })
	var out []page
	incidents := detect.NewIncidents(cfg, h.rivals, nil)
	on := func(f []detect.Finding) []detect.Finding {
		return slices.DeleteFunc(f, func(f detect.Finding) bool { return !slices.Contains(kinds, f.Kind) })
	}
	for _, s := range stirs {
		incidents.Resolve(func(string, string) time.Time { return s.at })
		changes := incidents.Observe(s.brand, "", on(s.findings))
		for _, f := range incidents.Blind(s.dead, s.at) {
			changes = append(changes, incidents.Observe("", f.Source, on([]detect.Finding{f.Finding}))...)
		}
		for _, c := range changes {
			if err := h.rate(ctx, c, s.at); err != nil {
				return nil, err
			}
			if event := incidents.Tell(c); event != "" {
				out = append(out, page{s.at, *c.Incident, event})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b page) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.incident.ID, b.incident.ID)) })
	return out, nil
}

// stirs are the minutes in which something of a brand stood out.
func (h *past) stirs(cfg detect.Config, b *pastBrand) ([]stir, error) {
	begin := detect.First(b.minutes, h.begin(), h.from)
	w, err := detect.NewWatch(cfg, begin)
	if err != nil {
		return nil, fmt.Errorf("alert: %w", err)
	}
	crowd := detect.NewCrowd(cfg)
	counts := make(map[time.Time]detect.Tally, len(b.minutes))
	for _, m := range b.minutes {
		counts[m.Minute.Time()] = detect.Tally{Mentions: m.Mentions, Negative: m.Negative, Reach: m.Reach}
	}
	tags, passed := b.tags, b.passed
	var out []stir
	for at := w.Next(); at.Before(h.to); at = w.Next() {
		findings := w.Add(counts[at], h.blind[at])
		findings = append(findings, crowd.Add(at, counts[at].Mentions, w.Usual(), upTo(&tags, at), upTo(&passed, at))...)
		if len(findings) > 0 && !at.Before(h.from) {
			out = append(out, stir{at: at, brand: b.name, findings: findings})
		}
	}
	return out, nil
}

// upTo takes the acts up to the end of a minute off the list.
func upTo(all *[]pipeline.Act, minute time.Time) []pipeline.Act {
	n := 0
	for n < len(*all) && (*all)[n].At.Time().Before(minute.Add(time.Minute)) {
		n++
	}
	now := (*all)[:n]
	*all = (*all)[n:]
	return now
}

// sources are the minutes in which sources were blind for so long that it would be told.
func (h *past) sources() []stir {
	dead := map[time.Time]map[string]time.Time{}
	var before pipeline.Unseen
	var since time.Time
	done := false
	for _, u := range h.unseen {
		at := u.Minute.Time()
		if u.Source != before.Source || at.Sub(before.Minute.Time()) > time.Minute {
			since, done = at, false
		}
		before, done = u, done || u.Done // what has read all there was need see no more
		if now := at.Add(time.Minute); !done && now.Sub(since) >= detect.DeadAfter {
			if dead[now] == nil {
				dead[now] = map[string]time.Time{}
			}
			dead[now][u.Source] = since
		}
	}
	out := make([]stir, 0, len(dead))
	for at, sources := range dead {
		out = append(out, stir{at: at, dead: sources})
	}
	return out
}

// rateEvery is how often an incident that goes on is rated anew. Alerts beside the stream do
// so every minute; here each time is a question to the server.
const rateEvery = 10 * time.Minute

// rate explains an incident as it stood, and says how severe it was.
func (h *past) rate(ctx context.Context, c detect.Change, at time.Time) error {
	i := c.Incident
	if c.Event == "" && i.Severity != "" && (i.Severity == pipeline.SeverityCritical || at.Sub(i.Explanation.To.Time()) < rateEvery) {
		return nil
	}
	from := i.Opened.Time().Add(-time.Duration(max(0, i.Main().Minutes-1)) * time.Minute)
	if from.Before(at.Add(-24 * time.Hour)) {
		from = at.Add(-24 * time.Hour)
	}
	key := i.Brand + from.String() + at.String()
	x, ok := h.explain[key]
	if !ok && i.Brand != "" {
		var err error
		if x, err = h.counts.Explain(ctx, i.Brand, from, at.Add(time.Minute)); err != nil {
			return err
		}
		h.explain[key] = x
	}
	i.Explanation = x
	i.Explanation.From, i.Explanation.To = pipeline.At(from), pipeline.At(at)
	if s := detect.SeverityOf(i); i.Severity == "" || s.AtLeast(i.Severity) {
		i.Severity = s // it never falls while it goes on
	}
	return nil
}
