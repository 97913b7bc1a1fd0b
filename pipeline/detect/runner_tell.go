package detect

import (
	"context"
	"slices"
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
	if c.Event != EventResolved {
		if err := r.explain(ctx, i, now); err != nil {
			return err
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

// explain says what an incident is made of, up to now, or up to its end if it is over.
func (r *Runner) explain(ctx context.Context, i *pipeline.Incident, now time.Time) error {
	from, to := i.Opened.Time().Add(-time.Duration(max(0, i.Main().Minutes-1))*time.Minute), now
	if i.State != pipeline.IncidentOpen {
		to = i.Resolved.Time().Add(time.Minute)
	}
	if from.Before(to.Add(-24 * time.Hour)) {
		from = to.Add(-24 * time.Hour)
	}
	var x pipeline.Explanation
	if i.Brand != "" {
		var err error
		if x, err = r.Counts.Explain(ctx, i.Brand, from, to); err != nil {
			return err
		}
	}
	x.From, x.To = pipeline.At(from), pipeline.At(to)
	i.Explanation = x
	return nil
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
		topics, err := r.Counts.Topics(ctx, active, now.Add(-TopicWindow), now.Add(-TopicWindow-r.Config.History), TopicVoices)
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
		cascades, err := r.Counts.Cascades(ctx, active, now.Add(-CascadeWindow), CascadeVoices)
		if err != nil {
			return err
		}
		for _, c := range cascades {
			w := r.brands[c.Brand].watch
			if w == nil {
				continue // its history is read first; a minute later it is looked at
			}
			if e := CascadeEvidence(r.Config, c, w.Usual(), w.Known(), now); e.Score > Hot {
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
	for _, s := range r.sources {
		since := s.From.Time()
		for _, t := range []time.Time{r.began, s.OK.Time().Add(time.Minute)} {
			if t.After(since) {
				since = t
			}
		}
		if !s.Done && now.Sub(since) >= DeadAfter {
			dead[s.Source] = since
		}
	}
	for _, f := range r.incidents.Blind(dead, now) {
		if err := r.observe(ctx, "", f.Source, []Finding{f.Finding}, now); err != nil {
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
		if st := r.brands[brand]; st != nil && !st.held.IsZero() {
			return time.Time{} // nothing is known of it
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
