package detect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"earshot/pipeline"
)

// Year is a simulated time of a number of brands, whose only recipient gets every page:
// daily and weekly seasons, slow changes of mood, holidays, outages of a source and of all
// of them, bursts of bots, posts by very famous people, and, now and then, something real.
// All kinds of alerts are on, by the same code that runs live.
type Year struct {
	Brands int
	Days   int
	Seed   uint64
	Config Config
}

// Page is a message that would have called somebody.
type Page struct {
	At       time.Time
	Incident pipeline.Incident // as it stood then
	Event    Event
	True     bool // something real happened
}

// YearResult is what became of a simulated time.
type YearResult struct {
	Pages     []Page
	Real      int // things that happened
	Found     int
	Delays    []time.Duration // of those found, from their begin, sorted
	Weeks     float64
	Silent    map[string]int // incidents that paged nobody, by the kind that stands out most
	DropPages int            // of them all must be 0: nothing but outages made brands silent
}

// False is the number of false pages a week.
func (r *YearResult) False() float64 {
	n := 0
	for _, p := range r.Pages {
		if !p.True {
			n++
		}
	}
	return float64(n) / r.Weeks
}

// happening is a stretch of time in which something is the matter with a brand.
type happening struct {
	name     string
	from, to int // minutes
	times    float64
	anger    float64 // added to the share of negative mentions
	voices   float64 // of bots: their number; 0: people
	real     bool
	found    bool
}

// marketBrand is a simulated brand.
type marketBrand struct {
	name     string
	rng      *rand.Rand
	rate     float64 // a minute
	zone     float64 // hours
	mood     float64 // log of a slow factor
	anger    float64
	watch    *Watch
	events   []*happening
	sum      float64   // mentions of the last ten minutes
	voices   []float64 // ring: sums of people, by minute
	mentions []float64
	angry    []float64 // people with a negative mention
}

const (
	yearGap    = 3 * 60 // minutes after something real in which a page still belongs to it
	peopleLeft = 0.9    // distinct people a mention
	tagSeed    = 0.05   // mentions that bring a new hashtag
	branching  = 0.5    // people who copy one who does something, on the mean: below 1, so it dies out
)

func yearBegin() time.Time { return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }

// Run simulates the year.
func (y Year) Run() (*YearResult, error) {
	minutes := y.Days * 24 * 60
	outages := y.outages(minutes)
	rivals := map[string][]string{}
	brands := make([]*marketBrand, y.Brands)
	for i := range brands {
		b, err := y.brand(i, minutes)
		if err != nil {
			return nil, err
		}
		brands[i] = b
		if i%2 == 1 {
			rivals[b.name], rivals[brands[i-1].name] = []string{brands[i-1].name}, []string{b.name}
		}
	}
	r := &YearResult{Weeks: float64(y.Days) / 7, Silent: map[string]int{}}
	incidents := NewIncidents(y.Config, rivals, nil)
	for minute := range minutes {
		now := yearBegin().Add(time.Duration(minute) * time.Minute)
		seen := 1.0 // part of posts that come in
		for _, o := range outages {
			if o.from <= minute && minute < o.to {
				seen = o.times
			}
		}
		y.coverage(r, incidents, outages, minute, now)
		for _, b := range brands {
			y.step(r, incidents, b, minute, seen)
		}
		if minute%10 == 0 {
			for _, c := range incidents.Resolve(func(_, _ string) time.Time { return now }) {
				c.Incident.Severity = SeverityOf(c.Incident)
				if !c.Incident.Severity.AtLeast(pipeline.SeverityWarning) {
					r.Silent[string(c.Incident.Main().Kind)]++
				}
			}
		}
	}
	for _, b := range brands {
		for _, e := range b.events {
			if e.real {
				r.Real++
			}
			if e.real && e.found {
				r.Found++
			}
		}
	}
	slices.Sort(r.Delays)
	return r, nil
}

// outages are those of one of two sources, and of both, a few hours each.
func (y Year) outages(minutes int) []*happening {
	rng := rand.New(rand.NewPCG(y.Seed, 1<<32)) //nolint:gosec // a repeatable trial, not a secret
	var out []*happening
	for i := range max(1, minutes/(90*24*60)) {
		from := 20*24*60 + rng.IntN(max(1, minutes-21*24*60))
		out = append(out, &happening{name: "outage", from: from, to: from + 180 + rng.IntN(360), times: 0.4 * float64(i%2), real: true})
	}
	return out
}

// brand makes a brand, and what happens to it.
func (y Year) brand(i, minutes int) (*marketBrand, error) {
	rng := rand.New(rand.NewPCG(y.Seed, uint64(i))) //nolint:gosec // a repeatable trial, not a secret
	w, err := NewWatch(y.Config, yearBegin())
	if err != nil {
		return nil, err
	}
	b := &marketBrand{name: fmt.Sprintf("brand %d", i+1), rng: rng, rate: math.Exp(math.Log(0.05) + rng.Float64()*math.Log(400)),
		zone: float64(rng.IntN(24)), anger: 0.1 + 0.15*rng.Float64(), watch: w, voices: make([]float64, recentMinutes+1), mentions: make([]float64, recentMinutes+1),
		angry: make([]float64, recentMinutes+1)}
	add := func(a year, name string, times, anger, voices float64, happens bool, least, spread int) {
		for range a.of(rng, minutes) {
			from := 16*24*60 + rng.IntN(max(1, minutes-17*24*60))
			b.events = append(b.events, &happening{name: name, from: from, to: from + least + rng.IntN(spread), times: times, anger: anger, voices: voices, real: happens})
		}
	}
	add(6, "surge", 4+12*rng.Float64(), 0, 0, true, 60, 360)
	add(2, "climb", 3, 0, 0, true, 6*60, 360)
	add(3, "anger", 1.3, 0.5, 0, true, 120, 240)
	add(4, "bots", 10, 0.3, 3, false, 30, 90)
	add(3, "famous", 1, 0, 1, false, 1, 1)
	for d := 24; d*24*60 < minutes; d += 45 { // holidays, of all brands: half as much, or half more
		times := 0.5
		if d%2 == 1 {
			times = 1.5
		}
		b.events = append(b.events, &happening{name: "holiday", from: d * 24 * 60, to: (d + 1) * 24 * 60, times: times})
	}
	return b, nil
}

// year is how often something happens in a year.
type year float64

func (a year) of(rng *rand.Rand, minutes int) int {
	return int(poisson(rng, float64(a)*float64(minutes)/(365*24*60)))
}

// step is a minute of a brand: what is said, what is seen of it, and what is made of it.
func (y Year) step(r *YearResult, all *Incidents, b *marketBrand, minute int, seen float64) {
	counts, people, angry := b.say(minute, seen)
	b.sum += counts.Mentions
	ring := len(b.voices)
	b.voices[(minute+1)%ring] = b.voices[minute%ring] + people
	b.mentions[(minute+1)%ring] = b.mentions[minute%ring] + counts.Mentions
	b.angry[(minute+1)%ring] = b.angry[minute%ring] + angry
	findings := b.watch.Add(counts, seen < 1)
	now := b.watch.minute(minute)
	if minute%10 == 9 {
		findings = append(findings, b.contagion(y.Config, minute, now)...)
		b.sum = 0
	}
	if len(findings) == 0 {
		return
	}
	for _, c := range all.Observe(b.name, "", findings) {
		b.explain(c.Incident, minute)
		c.Incident.Severity = SeverityOf(c.Incident)
		y.page(r, all, c, b.events, minute, now)
	}
}

// say draws what is said in a minute, and by how many people.
func (b *marketBrand) say(minute int, seen float64) (c Tally, people, angry float64) {
	hour := float64(minute)/60 + b.zone
	rate := b.rate * (1 + 0.7*math.Sin(2*math.Pi*hour/24))
	if day := int(hour/24) % 7; day >= 5 {
		rate *= 0.6
	}
	if minute%60 == 0 { // a mood that changes within hours, and by a quarter
		b.mood = 0.9*b.mood + 0.11*b.rng.NormFloat64()
	}
	rate *= math.Exp(b.mood) * seen
	anger, robots := b.anger, 0.0
	for _, e := range b.events {
		if minute < e.from || minute >= e.to {
			continue
		}
		switch {
		case e.name == "famous":
			c.Reach += 2e7
		case e.voices > 0:
			robots += poisson(b.rng, b.rate*e.times)
			c.Negative += math.Round(robots * e.anger)
			people += e.voices / float64(e.to-e.from)
		default:
			rate *= e.times
			anger += e.anger
		}
	}
	for range int(poisson(b.rng, rate/1.5)) { // conversations, of 1.5 mentions on the mean
		for more := true; more; more = b.rng.Float64() < 1.0/3 {
			c.Mentions++
			if b.rng.Float64() < anger {
				c.Negative++
				angry += peopleLeft
			}
			c.Reach += min(100*math.Pow(1-b.rng.Float64(), -1/1.3), 1e8)
		}
	}
	people += peopleLeft * c.Mentions
	c.Mentions += robots
	return c, people, angry
}

// contagion are hashtags and posts that people copy from each other by chance: most die
// out at once.
func (b *marketBrand) contagion(cfg Config, minute int, now time.Time) []Finding {
	var out []Finding
	ring := len(b.voices)
	of := b.mentions[(minute+1)%ring] - b.mentions[max(0, minute+1-recentMinutes)%ring]
	try := func(seeds float64, judge func(size float64) pipeline.Evidence) {
		for range int(poisson(b.rng, seeds)) {
			if e := judge(b.outbreak()); e.Score > 1 {
				out = append(out, Finding{e, true})
			}
		}
	}
	try(tagSeed*b.sum, func(n float64) pipeline.Evidence {
		return TopicEvidence(cfg, pipeline.TopicCount{Voices: n, Mentions: n, Of: of, Known: cfg.History.Hours() / 24}, now)
	})
	try(b.sum, func(n float64) pipeline.Evidence {
		return CascadeEvidence(cfg, pipeline.CascadeCount{Voices: n}, b.rate, cfg.Warmup, now)
	})
	return out
}

// outbreak is the number of people who take part if each is copied by so many others.
func (b *marketBrand) outbreak() float64 {
	total, active := 1.0, 1.0
	for active > 0 && total < 1e4 {
		active = poisson(b.rng, branching*active)
		total += active
	}
	return total
}

// explain fills in the voices of the window that shows most.
func (b *marketBrand) explain(i *pipeline.Incident, minute int) {
	e := i.Main()
	ring := len(b.voices)
	from := max(0, minute+1-min(e.Minutes, recentMinutes))
	x := &i.Explanation
	x.Voices = b.voices[(minute+1)%ring] - b.voices[from%ring]
	x.Mentions = b.mentions[(minute+1)%ring] - b.mentions[from%ring]
	x.VoicesExpected = x.Voices
	if e.Kind == pipeline.AlertVolume {
		x.VoicesExpected = peopleLeft * e.Expected
	}
	if n := i.Of(pipeline.AlertNegative); n != nil {
		x.Negative = b.angry[(minute+1)%ring] - b.angry[max(0, minute+1-n.Minutes)%ring]
		x.NegativeExpected = peopleLeft * n.Expected
	}
}

// coverage tells of sources that are blind for ten minutes.
func (y Year) coverage(r *YearResult, all *Incidents, outages []*happening, minute int, now time.Time) {
	for _, o := range outages {
		if o.from+int(DeadAfter/time.Minute) > minute || minute >= o.to {
			continue
		}
		for _, c := range all.Observe("", "source", []Finding{CoverageFinding("source", yearBegin().Add(time.Duration(o.from)*time.Minute), now)}) {
			c.Incident.Severity = SeverityOf(c.Incident)
			y.page(r, all, c, outages, minute, now)
		}
	}
}

// page counts a message that calls somebody.
func (y Year) page(r *YearResult, all *Incidents, c Change, events []*happening, minute int, now time.Time) {
	event := all.Tell(c)
	if event == "" || !c.Incident.Severity.AtLeast(pipeline.SeverityWarning) {
		return
	}
	p := Page{At: now, Incident: *c.Incident, Event: event}
	for _, e := range events {
		if !e.real || minute < e.from || minute > e.to+yearGap {
			continue
		}
		p.True = true
		if !e.found {
			e.found = true
			if e.name != "outage" {
				r.Delays = append(r.Delays, time.Duration(minute-e.from+1)*time.Minute)
			}
		}
	}
	if p.Incident.Of(pipeline.AlertDrop) != nil {
		r.DropPages++
	}
	r.Pages = append(r.Pages, p)
}
