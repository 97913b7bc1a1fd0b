package oracle

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// truths are all numbers that the tables must show, computed from what was fed.
type truths struct {
	posts    map[string]string // id: text
	mentions map[string]string // brand, id: text
	hours    map[string]string // brand, hour, kind: mentions, engagement, reach
	minutes  map[string]string // brand, minute: mentions
	threads  map[string]string // id, via, target: "there"
	counts   map[string]string // id: likes as seen last
	carried  map[string]string // brand, id: via, steps, origin
	deepest  int               // steps of the longest cascade
}

// truths computes them, the cascades by a walk over the model's own graph.
func (w *world) truths() *truths {
	t := &truths{
		posts: map[string]string{}, mentions: map[string]string{}, hours: map[string]string{}, minutes: map[string]string{},
		threads: map[string]string{}, counts: map[string]string{}, carried: map[string]string{},
	}
	type total struct{ mentions, engagement, reach int64 }
	hours, minutes := map[string]total{}, map[string]int64{}
	children := map[string][]link{}
	for _, u := range w.posts {
		if !w.alive(u) {
			continue
		}
		t.posts[u.id], t.counts[u.id] = u.text, fmt.Sprint(u.counts)
		for via, target := range map[string]string{"reply": u.parent, "repost": u.repost, "quote": u.cite} {
			if target != "" {
				t.threads[u.id+" "+via+" "+target] = "there"
				children[target] = append(children[target], link{via, u.id})
			}
		}
		for brand := range u.names {
			t.mentions[brand+" "+u.id] = u.text
			key := fmt.Sprintf("%s %d %s", brand, u.created/3_600_000, u.kind)
			h := hours[key]
			hours[key] = total{h.mentions + 1, h.engagement + u.likes, h.reach + u.followers}
			minutes[fmt.Sprintf("%s %d", brand, u.created/60_000)]++
		}
	}
	for key, h := range hours {
		t.hours[key] = fmt.Sprintf("%d %d %d", h.mentions, h.engagement, h.reach)
	}
	for key, n := range minutes {
		t.minutes[key] = fmt.Sprint(n)
	}
	t.carry(children)
	return t
}

// replayed are the mentions that a replay must find: each post as it stands, by the brands
// as they count now.
func (w *world) replayed() map[string]string {
	out := map[string]string{}
	for _, u := range w.posts {
		if !w.alive(u) {
			continue
		}
		for brand := range w.named(u.text) {
			out[brand+" "+u.id] = u.text
		}
	}
	return out
}

// link is how a post carries another one on.
type link struct{ via, id string }

// carry walks, for each mention, all that answers, reposts or quotes it at any depth. Of
// several ways to a post the shortest counts, then the first by name, then by origin.
func (t *truths) carry(children map[string][]link) {
	type way struct {
		steps       int
		via, origin string
	}
	better := func(a, b way) bool {
		if a.steps != b.steps {
			return a.steps < b.steps
		}
		return a.via < b.via || a.via == b.via && a.origin < b.origin
	}
	best := map[string]way{}
	offer := func(brand, id string, a way) {
		if b, ok := best[brand+" "+id]; !ok || better(a, b) {
			best[brand+" "+id] = a
		}
	}
	for key := range t.mentions {
		brand, root, _ := strings.Cut(key, " ")
		offer(brand, root, way{0, "text", root})
		for level, steps := []string{root}, 1; len(level) > 0; steps++ {
			var below []string
			for _, id := range level {
				for _, c := range children[id] {
					offer(brand, c.id, way{steps, c.via, root})
					below = append(below, c.id)
				}
			}
			level = below
		}
	}
	for key, b := range best {
		t.carried[key] = fmt.Sprintf("%s %d %s", b.via, b.steps, b.origin)
		t.deepest = max(t.deepest, b.steps)
	}
}

// verifyWorld compares all views and totals with the model.
func (s *storm) verifyWorld(w *world) {
	want := w.truths()
	require.GreaterOrEqual(s.t, want.deepest, 4, "a cascade of depth 4 lives to be counted")
	for _, view := range []struct {
		name, query string
		want        map[string]string
	}{
		{"posts_current", "SELECT id AS k, text AS v FROM earshot.posts_current", want.posts},
		{"mentions_current", "SELECT concat(brand, ' ', id) AS k, text AS v FROM earshot.mentions_current WHERE label_set = 'live'", want.mentions},
		{"mentions_hour", "SELECT concat(brand, ' ', toString(intDiv(toUnixTimestamp(hour), 3600)), ' ', kind) AS k," +
			" concat(toString(sum(mentions)), ' ', toString(sum(engagement)), ' ', toString(sum(reach))) AS v" +
			" FROM earshot.mentions_hour WHERE label_set = 'live' GROUP BY brand, hour, kind", want.hours},
		{"mentions_minute", "SELECT concat(brand, ' ', toString(intDiv(toUnixTimestamp(minute), 60))) AS k, toString(sum(mentions)) AS v" +
			" FROM earshot.mentions_minute WHERE label_set = 'live' GROUP BY brand, minute", want.minutes},
		{"interactions_current", "SELECT concat(id, ' ', via, ' ', target_id) AS k, 'there' AS v FROM earshot.interactions_current", want.threads},
		{"metrics_current", "SELECT id AS k, toString(likes) AS v FROM earshot.metrics_current", want.counts},
		{"word_of_mouth", "SELECT concat(brand, ' ', id) AS k, concat(via, ' ', toString(steps), ' ', origin) AS v" +
			" FROM earshot.word_of_mouth WHERE label_set = 'live'", want.carried},
	} {
		require.NotEmpty(s.t, view.want, view.name)
		agree(s.t, view.name, view.want, s.pairs(view.query))
	}
}

// verifyReplays holds the label sets that were replayed while posts flowed: what stood in
// the archive before and has not changed since is there, and nothing that was deleted
// since. What changed meanwhile may stand there as it was or as it is.
func (s *storm) verifyReplays(w *world) {
	for set, before := range w.replays {
		got := s.pairs("SELECT concat(brand, ' ', id) AS k, text AS v FROM earshot.mentions_current WHERE label_set = '" + set + "'")
		want := map[string]string{}
		for key, text := range before {
			if _, id, _ := strings.Cut(key, " "); w.alive(w.posts[id]) && w.posts[id].text == text {
				want[key] = text
			}
		}
		require.NotEmpty(s.t, want, set)
		for key := range got {
			_, id, _ := strings.Cut(key, " ")
			if _, asked := want[key]; !asked && w.alive(w.posts[id]) {
				delete(got, key)
			}
		}
		agree(s.t, set, want, got)
	}
}

// pairs is the answer of a query of keys and values.
func (s *storm) pairs(query string) map[string]string {
	var rows []struct {
		Key   string `ch:"k"`
		Value string `ch:"v"`
	}
	require.NoError(s.t, s.db.Select(s.ctx, &rows, query))
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.Key] = r.Value
	}
	assert.Len(s.t, out, len(rows), "a key stands twice")
	return out
}

// agree shows the first few differences.
func agree(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	var wrong []string
	for key, v := range want {
		if g, ok := got[key]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s: lacks %q", key, v))
		} else if g != v {
			wrong = append(wrong, fmt.Sprintf("%s: %q, want %q", key, g, v))
		}
	}
	for key, g := range got {
		if _, ok := want[key]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s: %q should not be there", key, g))
		}
	}
	t.Logf("%s: %d rows of %d expected, %d wrong", what, len(got), len(want), len(wrong))
	assert.Empty(t, wrong[:min(len(wrong), 5)], "%s: %d of %d differ from the model", what, len(wrong), len(want))
}

// verifyErased runs the erasure once more and holds that nothing of what was deleted is
// left, while the ledger keeps its row for each record.
func (s *storm) verifyErased() {
	s.eraseWords()
	assert.Zero(s.t, s.count("SELECT sum(remaining) AS n FROM ("+s.db.In(pipeline.LiveStream().Database).Remains()+")"), "words of what was deleted")
	assert.Equal(s.t, s.sent, s.count("SELECT count() AS n FROM earshot.posts"), "posts: erasing takes no row out of the ledger")
}

// eraseWords does what the program does on its schedule.
func (s *storm) eraseWords() {
	s.insist(func() error {
		_, err := clickhouse.Erase(s.ctx, s.db.In(pipeline.LiveStream().Database), zerolog.Nop())
		return err
	})
}
