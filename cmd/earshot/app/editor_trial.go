package app

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"earshot/dashboards/web"
	"earshot/pipeline"
	"earshot/pipeline/query"
)

// shownPosts is how many posts of each kind a trial shows.
const shownPosts = 15

// Changes that a query would make, as the page names them.
const (
	changeNone    = ""
	changeAdded   = "added"
	changeRemoved = "removed"
)

// Indexes of the brands that a trial compiles.
const (
	brandNow = iota
	brandBefore
)

// trialRun counts what a query and the brand's present one find.
type trialRun struct {
	asked
	matcher *query.Matcher
	days    map[string]*web.Day
	counts  map[string]uint64 // of each change
	before  uint64
	posts   int
	shown   map[string][]drawn // of each change
}

// drawn is a post that may be shown: those with the least hash are, so that the same
// question shows the same posts, of all platforms and days.
type drawn struct {
	hash   uint64
	record *pipeline.Record
}

// Try reads a sample of the archive once: counts a day, changes, warnings, and posts to look at.
func (e *editor) Try(ctx context.Context, t web.Trial) (web.Tried, error) {
	a, err := e.understand(ctx, t)
	if err != nil {
		return web.Tried{}, err
	}
	run, err := newTrialRun(a)
	if err != nil {
		return web.Tried{}, refused(err)
	}
	e.trying.Lock()
	defer e.trying.Unlock()
	if err := ctx.Err(); err != nil { // somebody typed on meanwhile
		return web.Tried{}, err
	}
	size := uint64(quickPosts)
	if t.More {
		size = archivePosts
	}
	sample, err := Archived{Days: t.Days, Simulated: t.Simulated}.sample(ctx, e.database(t.Simulated), size)
	if err != nil {
		return web.Tried{}, err
	}
	out := web.Tried{Sample: "the archive is empty", Every: 1, Days: []web.Day{}, Warnings: []web.Warning{}, Shown: []web.Example{}, Compared: a.before != nil}
	if sample.Posts == 0 {
		return out, nil
	}
	measured, err := query.Measure(a.now, func(use func(*pipeline.Record)) error {
		return sample.read(ctx, func(r *pipeline.Record) {
			use(r)
			run.take(r)
		})
	})
	if err != nil {
		return out, err
	}
	out.Warnings = warned(out.Warnings, measured.Warnings)
	return run.tell(out, sample)
}

func newTrialRun(a asked) (*trialRun, error) {
	brands := []query.Brand{a.now}
	brands[brandNow].Name = "now"
	if a.before != nil {
		brands = append(brands, *a.before)
		brands[brandBefore].Name = "before"
	}
	engine, err := query.Compile(brands)
	if err != nil {
		return nil, err
	}
	return &trialRun{asked: a, matcher: engine.NewMatcher(), days: map[string]*web.Day{}, counts: map[string]uint64{}, shown: map[string][]drawn{}}, nil
}

// take counts a post.
func (run *trialRun) take(r *pipeline.Record) {
	name := r.Post.CreatedAt.Time().UTC().Format(time.DateOnly)
	day := run.days[name]
	if day == nil {
		day = &web.Day{Day: name}
		run.days[name] = day
	}
	day.Posts++
	run.posts++
	now, before := run.match(r)
	if !now && !before || run.muted(r) {
		return
	}
	change := changeNone
	switch {
	case run.asked.before == nil || now && before:
	case now:
		change = changeAdded
	default:
		change = changeRemoved
	}
	if now {
		day.Matches++
	}
	if before {
		day.Before++
		run.before++
	}
	run.counts[change]++
	run.draw(change, r)
}

func (run *trialRun) match(r *pipeline.Record) (now, before bool) {
	for _, m := range run.matcher.Match(r) {
		now, before = now || m.Brand == brandNow, before || m.Brand == brandBefore
	}
	return now, before
}

// draw keeps the posts with the least hashes.
func (run *trialRun) draw(change string, r *pipeline.Record) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.Post.Platform + "/" + r.Post.ID)) // it never fails
	list := run.shown[change]
	at, _ := slices.BinarySearchFunc(list, h.Sum64(), func(d drawn, hash uint64) int { return cmp.Compare(d.hash, hash) })
	if at == shownPosts {
		return
	}
	list = slices.Insert(list, at, drawn{h.Sum64(), r})
	run.shown[change] = list[:min(len(list), shownPosts)]
}

// tell extends what was counted to all posts of these days.
func (run *trialRun) tell(out web.Tried, sample *archiveSample) (web.Tried, error) {
	out.Sample, out.Every, out.Posts = sample.String(), sample.every, sample.Posts
	matches := run.counts[changeNone] + run.counts[changeAdded]
	out.Matches, out.Before = matches*sample.every, run.before*sample.every
	out.Added, out.Removed = run.counts[changeAdded]*sample.every, run.counts[changeRemoved]*sample.every
	if out.Compared {
		out.Both = run.counts[changeNone] * sample.every
	}
	if run.posts > 0 {
		out.ADay = math.Round(10*sample.aDay(int(matches), run.posts)) / 10
	}
	for _, day := range run.days {
		day.Posts, day.Matches, day.Before = day.Posts*sample.every, day.Matches*sample.every, day.Before*sample.every
		out.Days = append(out.Days, *day)
	}
	slices.SortFunc(out.Days, func(x, y web.Day) int { return strings.Compare(x.Day, y.Day) })
	in, err := query.Inspect(run.now)
	if err != nil {
		return out, err
	}
	for _, change := range []string{changeAdded, changeRemoved, changeNone} {
		for _, d := range run.shown[change] {
			out.Shown = append(out.Shown, run.example(change, d.record, in))
		}
	}
	return out, nil
}

// example shows a post with the words that matched, or once did.
func (run *trialRun) example(change string, r *pipeline.Record, in *query.Inspector) web.Example {
	p := &r.Post
	out := web.Example{
		Change: change, Platform: p.Platform, ID: p.ID, AuthorID: p.Author.ID, Author: cmp.Or(p.Author.Handle, p.Author.Name),
		At: p.CreatedAt.Time().UTC().Format("2006-01-02 15:04"), URL: p.URL, Beside: []string{}, Decided: []string{}, Record: string(p.AppendJSON(nil)),
	}
	var spans []pipeline.Span
	for _, m := range run.matcher.Match(r) {
		if m.Brand == brandNow && change != changeRemoved || m.Brand == brandBefore && change == changeRemoved {
			spans = m.Spans
			if m.Via == pipeline.ViaChannel {
				out.Beside = append(out.Beside, "an owned channel")
			}
		}
	}
	out.Title, out.Text = segments(p.Title, "title", spans), segments(p.Text, "text", spans)
	out.Beside = append(out.Beside, beside(p, spans)...)
	if change != changeNone {
		in.Match(r)
		for _, part := range in.Decided() {
			out.Decided = append(out.Decided, part.Text)
		}
	}
	return out
}

// segments cuts a text where the spans of a field begin and end.
func segments(text, field string, spans []pipeline.Span) []web.Segment {
	out := []web.Segment{}
	at := 0
	add := func(end int, hit bool) {
		if end > at {
			out = append(out, web.Segment{Text: text[at:end], Hit: hit})
			at = end
		}
	}
	for _, s := range spans { // in the order of their beginnings; they may overlap
		if s.Field == field && s.End <= len(text) {
			add(s.Begin, false)
			add(s.End, true)
		}
	}
	add(len(text), false)
	return out
}

// beside are the pieces of other fields that matched, each once.
func beside(p *pipeline.Post, spans []pipeline.Span) []string {
	var out []string
	lists := map[string][]string{"hashtags": p.Hashtags, "handles": p.Handles, "links": p.Links}
	for _, s := range spans {
		if s.Field == "title" || s.Field == "text" {
			continue
		}
		label := s.Field
		if joined := strings.Join(lists[s.Field], " "); s.End <= len(joined) && s.Begin < s.End {
			label += ": " + joined[s.Begin:s.End]
		}
		if !slices.Contains(out, label) {
			out = append(out, label)
		}
	}
	return out
}

// Judge is `earshot query test` on examples of the page.
func (e *editor) Judge(ctx context.Context, t web.Trial) (web.Judged, error) {
	a, err := e.understand(ctx, t)
	if err != nil {
		return web.Judged{}, err
	}
	if strings.TrimSpace(t.Examples) == "" {
		return web.Judged{}, refused(errors.New("there are no examples"))
	}
	in, err := query.Inspect(a.now)
	if err != nil {
		return web.Judged{}, refused(err)
	}
	var tally tally
	out := web.Judged{Posts: []web.Judge{}}
	err = judge(in, strings.Split(strings.ReplaceAll(t.Examples, "\r\n", "\n"), "\n"), func(j judged) {
		tally.add(j)
		shown := web.Judge{Line: j.line, Wanted: j.wanted, Found: j.found, Decided: []string{}}
		text := j.record.Post.Text
		shown.Text = segments(text, "text", in.Parts()[0].Spans)
		if j.wanted != j.found {
			for _, part := range in.Decided() {
				shown.Decided = append(shown.Decided, part.Text)
			}
		}
		out.Posts = append(out.Posts, shown)
	})
	out.Precision, out.Recall = tally.precision(), tally.recall()
	return out, refused(err)
}
