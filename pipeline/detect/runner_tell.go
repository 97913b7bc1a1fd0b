package detect

import (
	"context"
	"slices"
	"strings"
	"time"

	"earshot/pipeline"
)

// explainEvery is how often an incident that goes on is explained anew.
const explainEvery = time.Minute

// publish explains and rates a change, keeps it, and tells people if they have to know.
func (r *Runner) publish(ctx context.Context, c Change, now time.Time) error {
	i := c.Incident
	if c.Event == "" && now.Sub(i.Explanation.To.Time()) < explainEvery {
		return nil
	}
	from := i.Opened.Time().Add(-time.Duration(max(0, i.Main().Minutes-1)) * time.Minute)
	if from.Before(now.Add(-24 * time.Hour)) {
		from = now.Add(-24 * time.Hour)
	}
	if c.Event != EventResolved {
		i.Explanation = pipeline.Explanation{From: pipeline.At(from), To: pipeline.At(now)}
		if i.Brand != "" {
			x, err := r.Counts.Explain(ctx, i.Brand, from, now)
			if err != nil {
				return err
			}
			x.From, x.To = pipeline.At(from), pipeline.At(now)
			i.Explanation = x
		}
		if s := SeverityOf(i); i.Severity == "" || s.AtLeast(i.Severity) {
			i.Severity = s // it never falls while it goes on
		}
	}
	if r.Link != nil {
		i.Link = r.Link(i)
	}
	event := r.incidents.Tell(c)
	if event != "" {
		r.Log.Info().Str("incident", i.ID).Str("brand", i.Brand).Str("source", i.Source).Str("severity", string(i.Severity)).
			Strs("kinds", kindNames(i)).Str("event", string(event)).Msg("detect: incident")
		if r.Deliver != nil { // before it is kept: a crash between the two tells it again, under the same key
			if err := r.Deliver(ctx, *i, event); err != nil {
				return err
			}
		}
	}
	return r.Store.Save(ctx, i)
}

func kindNames(i *pipeline.Incident) []string {
	var out []string
	for _, k := range i.Kinds() {
		out = append(out, string(k))
	}
	return out
}

// people looks for topics and cascades of the brands that are talked about now.
func (r *Runner) people(ctx context.Context, now time.Time) error {
	var active []string
	for brand, st := range r.brands {
		if st.recent(now) >= activeLeast {
			active = append(active, brand)
		}
	}
	slices.Sort(active)
	found := map[string][]Finding{}
	if len(active) > 0 && slices.Contains(r.Kinds, pipeline.AlertTopic) {
		topics, err := r.Counts.Topics(ctx, active, now.Add(-topicWindow), now.Add(-topicWindow-r.Config.History), warningVoices)
		if err != nil {
			return err
		}
		for _, c := range topics {
			if e := TopicEvidence(r.Config, c, now); e.Score > Hot {
				found[c.Brand] = append(found[c.Brand], Finding{e, e.Score > 1})
			}
		}
	}
	if len(active) > 0 && slices.Contains(r.Kinds, pipeline.AlertCascade) {
		cascades, err := r.Counts.Cascades(ctx, active, now.Add(-cascadeWindow), cascadeVoices)
		if err != nil {
			return err
		}
		for _, c := range cascades {
			usual := r.brands[c.Brand].recent(now) / topicWindow.Minutes()
			if w := r.brands[c.Brand].watch; w != nil {
				usual = w.volume.Usual()
			}
			if e := CascadeEvidence(r.Config, c, usual, now); e.Score > Hot {
				found[c.Brand] = append(found[c.Brand], Finding{e, e.Score > 1})
			}
		}
	}
	for _, brand := range active {
		if err := r.observe(ctx, brand, "", found[brand], now); err != nil {
			return err
		}
	}
	return nil
}

// coverage tells of sources that are blind.
func (r *Runner) coverage(ctx context.Context, now time.Time) error {
	dead := map[string]time.Time{}
	var rest []string
	for _, s := range r.sources {
		since := s.From.Time()
		for _, t := range []time.Time{r.began, s.OK.Time().Add(time.Minute)} {
			if t.After(since) {
				since = t
			}
		}
		if s.Done || now.Sub(since) < DeadAfter {
			continue
		}
		dead[s.Source] = since
		if i := r.incidents.Get("", s.Source); i == nil || i.State != pipeline.IncidentOpen {
			rest = append(rest, s.Source)
		}
	}
	slices.Sort(rest)
	several := r.incidents.Get("", severalSources)
	if len(rest) > fewSources || several != nil && several.State == pipeline.IncidentOpen && len(rest) > 0 {
		f := CoverageFinding(severalSources, dead[rest[0]], now)
		f.Subject = strings.Join(rest, ", ")
		if err := r.observe(ctx, "", severalSources, []Finding{f}, now); err != nil {
			return err
		}
		for _, name := range rest {
			delete(dead, name)
		}
	}
	for name, since := range dead {
		if err := r.observe(ctx, "", name, []Finding{CoverageFinding(name, since, now)}, now); err != nil {
			return err
		}
	}
	return nil
}

// resolve ends what is over.
func (r *Runner) resolve(ctx context.Context, now time.Time) error {
	mark := r.watermark(now)
	for _, c := range r.incidents.Resolve(func(brand, _ string) time.Time {
		if brand == "" {
			return now
		}
		return mark
	}) {
		if err := r.publish(ctx, c, now); err != nil {
			r.loaded = false
			return err
		}
	}
	return nil
}
