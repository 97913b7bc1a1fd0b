package detect

import (
	"maps"
	"slices"
	"time"

	"earshot/pipeline"
)

// Crowd judges the past of a brand minute by minute for what many people did: topics and
// cascades, by the rules that the Runner applies to counts of the tables. It is pure; what it
// says depends on the acts up to a minute alone.
type Crowd struct {
	cfg      Config
	topics   map[string]*taken
	posts    map[string]*taken
	mentions [recentMinutes + 1]float64 // ring: sums of the first minutes together
	rows     int
}

// taken is something that people take up: a hashtag, or a post.
type taken struct {
	acts   []pipeline.Act
	recent int            // the first act of the window
	past   int            // the first act of the history before it
	people map[uint64]int // acts within the window, of those who are not marked as automated
}

// NewCrowd begins with nothing known.
func NewCrowd(cfg Config) *Crowd {
	return &Crowd{cfg: cfg, topics: map[string]*taken{}, posts: map[string]*taken{}}
}

// Add reads a minute: how often the brand is named in it and usually, who used which hashtag
// in that, and who passed on which post. Only what was taken up in this minute is judged: nothing else
// can have become unusual.
func (c *Crowd) Add(minute time.Time, mentions, usual float64, tags, passed []pipeline.Act) []Finding {
	ring := len(c.mentions)
	c.mentions[(c.rows+1)%ring] = c.mentions[c.rows%ring] + mentions
	c.rows++
	of := c.mentions[c.rows%ring] - c.mentions[max(0, c.rows-int(TopicWindow/time.Minute))%ring]
	tagged, copied := follow(c.topics, tags), follow(c.posts, passed)
	if of < activeLeast {
		return nil
	}
	var out []Finding
	add := func(e pipeline.Evidence) {
		if e.Score > Hot {
			out = append(out, Finding{e, e.Score > 1})
		}
	}
	end, known := minute.Add(time.Minute), time.Duration(c.rows)*time.Minute-TopicWindow
	for _, name := range tagged {
		t := c.topics[name]
		t.leave(end.Add(-TopicWindow), end.Add(-TopicWindow-c.cfg.History))
		add(TopicEvidence(c.cfg, pipeline.TopicCount{Topic: name, Voices: float64(len(t.people)), Mentions: float64(len(t.acts) - t.recent), Of: of,
			Before: float64(t.recent - t.past), Known: known.Hours() / 24}, minute))
	}
	for _, name := range copied {
		t := c.posts[name]
		t.leave(end.Add(-CascadeWindow), end.Add(-CascadeWindow))
		add(CascadeEvidence(c.cfg, pipeline.CascadeCount{Post: name, Voices: float64(len(t.people))}, usual, time.Duration(c.rows)*time.Minute, minute))
	}
	return out
}

// follow takes acts up and returns what they are about.
func follow(all map[string]*taken, acts []pipeline.Act) []string {
	about := map[string]bool{}
	for _, a := range acts {
		t := all[a.Subject]
		if t == nil {
			t = &taken{people: map[uint64]int{}}
			all[a.Subject] = t
		}
		t.acts = append(t.acts, a)
		if !a.Bot {
			t.people[a.Person]++
		}
		about[a.Subject] = true
	}
	return slices.Sorted(maps.Keys(about))
}

// leave moves the begin of the window and of the history.
func (t *taken) leave(window, history time.Time) {
	for ; t.recent < len(t.acts) && t.acts[t.recent].At.Time().Before(window); t.recent++ {
		a := t.acts[t.recent]
		if a.Bot {
			continue
		}
		if t.people[a.Person]--; t.people[a.Person] == 0 {
			delete(t.people, a.Person)
		}
	}
	for t.past < t.recent && t.acts[t.past].At.Time().Before(history) {
		t.past++
	}
}
