package oracle

import (
	"fmt"
	"slices"
	"strings"

	"earshot/pipeline"
)

// world is the model of a storm in which people edit and delete what they said, accounts
// vanish, threads grow in any order, counts change and brands change. It sees each record
// as it is fed and keeps, by plain rules written again here, what must be visible at last.
type world struct {
	*tally
	posts    map[string]*utterance
	gone     map[string]bool              // accounts that were deleted
	deleted  map[string]bool              // posts that were deleted, whether they were ever seen
	brands   map[string]func(string) bool // brands as they count now: does a text name it?
	words    []string                     // words that may be said now
	replays  map[string]map[string]string // of each label set: what the archive held when its replay began
	recent   []*utterance                 // to answer, edit, count and delete
	awaited  []*utterance                 // whose children were fed already
	repeats  []pipeline.Post              // records to feed again
	between  bool                         // brands are changing: nothing is said twice meanwhile
	next     int
	revision pipeline.Time
}

// utterance is the model's view of a post.
type utterance struct {
	id, author, text     string
	kind                 pipeline.Kind
	created, revision    pipeline.Time
	parent, repost, cite string // whom it answers, reposts, quotes
	depth                int
	fed                  bool // a record with its text was fed
	likes, followers     int64
	counts               int64           // likes as they were seen last
	names                map[string]bool // brands
}

// worldBegin is when the first post was said: an ordinary hour of the past.
const worldBegin = pipeline.Time(1_577_836_800_000)

func newWorld(seed uint64) *world {
	w := &world{
		tally: newTally(seed), posts: map[string]*utterance{}, gone: map[string]bool{}, deleted: map[string]bool{},
		brands: map[string]func(string) bool{}, replays: map[string]map[string]string{}, revision: worldBegin + 200*3_600_000,
	}
	for _, name := range brandNames {
		w.brands[name] = says(strings.ToLower(name))
		w.words = append(w.words, name)
	}
	return w
}

// says is the model's own matcher: words stand between blanks in all texts of the storm.
func says(words ...string) func(string) bool {
	return func(text string) bool {
		return slices.ContainsFunc(strings.Fields(strings.ToLower(text)), func(w string) bool { return slices.Contains(words, w) })
	}
}

// feed makes about n records, and one whole cascade among them.
func (w *world) feed(n int) []pipeline.Post {
	var out []pipeline.Post
	for len(out) < n/2 {
		out = append(out, w.draw()...)
	}
	out = append(out, w.cascade()...)
	for len(out) < n {
		out = append(out, w.draw()...)
	}
	w.sent += len(out)
	return out
}

// draw decides what happens next.
func (w *world) draw() []pipeline.Post {
	known := len(w.recent) > 20
	switch dice := w.rng.IntN(1000); {
	case dice < 200 && known:
		return []pipeline.Post{w.utter(w.child(w.recent[w.rng.IntN(len(w.recent))]))}
	case dice < 230 && known: // a child whose parent comes later
		parent := w.fresh()
		w.awaited = append(w.awaited, parent)
		return []pipeline.Post{w.utter(w.child(parent))}
	case dice < 260 && len(w.awaited) > 5 && !w.between:
		parent := w.awaited[0]
		w.awaited = w.awaited[1:]
		return []pipeline.Post{w.utter(parent)}
	case dice < 350 && known:
		return []pipeline.Post{w.edit(w.recent[w.rng.IntN(len(w.recent))])}
	case dice < 400 && known:
		return []pipeline.Post{w.count(w.recent[w.rng.IntN(len(w.recent))])}
	case dice < 430 && known:
		return []pipeline.Post{w.erase(w.recent[w.rng.IntN(len(w.recent))].id)}
	case dice < 440: // the delete comes before its post
		u := w.fresh()
		w.awaited = append(w.awaited, u)
		return []pipeline.Post{w.erase(u.id)}
	case dice < 444 && known:
		return []pipeline.Post{w.close(w.recent[w.rng.IntN(len(w.recent))].author)}
	case dice < 500 && len(w.repeats) > 20 && !w.between:
		return []pipeline.Post{w.again(w.repeats[w.rng.IntN(len(w.repeats))])}
	default:
		return []pipeline.Post{w.utter(w.fresh())}
	}
}

// cascade is a post that names a brand, four steps of textless reposts and answers under
// it, of which a child comes before its parent, and a repetition of the deepest.
func (w *world) cascade() []pipeline.Post {
	root := w.fresh()
	root.text = "everybody speaks of " + brandNames[0] + " now"
	line := []*utterance{root}
	for i := range 4 {
		u := w.child(line[i])
		if i%2 == 0 {
			u.kind, u.parent, u.cite, u.repost, u.text = pipeline.KindRepost, "", "", line[i].id, ""
		}
		line = append(line, u)
	}
	var out []pipeline.Post
	for _, i := range []int{0, 2, 1, 4, 3} {
		out = append(out, w.utter(line[i]))
	}
	return append(out, w.again(out[3]))
}

// fresh is a post that nobody has seen.
func (w *world) fresh() *utterance {
	w.next++
	u := &utterance{
		id: fmt.Sprintf("w-%07d", w.next), author: fmt.Sprintf("a%d", w.rng.IntN(2000)), kind: pipeline.KindPost,
		created: worldBegin + pipeline.Time(w.rng.IntN(100*3600))*1000, text: w.words2text(),
		likes: 1 + int64(w.rng.IntN(50)), followers: int64(w.rng.IntN(1000)),
	}
	u.revision = u.created
	return u
}

func (w *world) words2text() string {
	text := fmt.Sprintf("talk number %d of the day", w.next)
	for i, word := range w.words {
		if w.rng.IntN(5+3*i) == 0 {
			text += " and " + word + " too"
		}
	}
	return text
}

// child answers, reposts or quotes a post.
func (w *world) child(of *utterance) *utterance {
	u := w.fresh()
	if of.depth >= 8 {
		return u
	}
	u.depth = of.depth + 1
	switch w.rng.IntN(4) {
	case 0:
		u.kind, u.repost, u.text = pipeline.KindRepost, of.id, ""
	case 1:
		u.kind, u.cite = pipeline.KindQuote, of.id
	case 2: // an answer that quotes, too
		u.kind, u.parent, u.cite = pipeline.KindComment, of.id, of.id
	default:
		u.kind, u.parent = pipeline.KindComment, of.id
	}
	return u
}

// record is the whole of a post as it stands.
func (u *utterance) record(op pipeline.Op) pipeline.Post {
	p := pipeline.Post{
		Op: op, Kind: u.kind, Platform: "storm", ID: u.id, Text: u.text, CreatedAt: u.created,
		Author:   pipeline.Author{ID: u.author, Followers: u.followers},
		ParentID: u.parent, RepostOf: u.repost, QuoteOf: u.cite, Metrics: pipeline.Metrics{Likes: u.likes},
	}
	if u.revision != u.created {
		p.EditedAt = u.revision
	}
	return p
}

// named are the brands that a text names as they count now.
func (w *world) named(text string) map[string]bool {
	out := map[string]bool{}
	for brand, names := range w.brands {
		if names(text) {
			out[brand] = true
		}
	}
	return out
}

// utter feeds a post for the first time.
func (w *world) utter(u *utterance) pipeline.Post {
	op := pipeline.OpCreate
	if w.rng.IntN(30) == 0 {
		op = pipeline.OpUpdate // its create was never seen
	}
	u.fed, u.names, u.counts = true, w.named(u.text), u.likes
	w.posts[u.id] = u
	w.recent = keep(w, w.recent, u, 800)
	p := u.record(op)
	w.repeats = keep(w, w.repeats, p, 300)
	return p
}

// edit changes the text of a post: what it no longer names is no mention of it.
func (w *world) edit(u *utterance) pipeline.Post {
	w.revision += 1000
	u.revision, u.likes = w.revision, u.likes+int64(w.rng.IntN(9))
	if u.repost == "" {
		u.text = w.words2text() + ", edited"
	}
	u.names, u.counts = w.named(u.text), u.likes
	p := u.record(pipeline.OpUpdate)
	w.repeats = keep(w, w.repeats, p, 300)
	return p
}

// count tells newer counts.
func (w *world) count(u *utterance) pipeline.Post {
	u.counts += 1 + int64(w.rng.IntN(100))
	return pipeline.Post{
		Op: pipeline.OpMetrics, Kind: u.kind, Platform: "storm", ID: u.id, CreatedAt: u.created, Metrics: pipeline.Metrics{Likes: u.counts},
	}
}

// erase deletes a post.
func (w *world) erase(id string) pipeline.Post {
	w.deleted[id] = true
	return pipeline.Post{Op: pipeline.OpDelete, Scope: pipeline.ScopePost, Kind: pipeline.KindPost, Platform: "storm", ID: id}
}

// close deletes an account with all that it has said and will say.
func (w *world) close(author string) pipeline.Post {
	w.gone[author] = true
	return pipeline.Post{
		Op: pipeline.OpDelete, Scope: pipeline.ScopeAccount, Kind: pipeline.KindPost, Platform: "storm", ID: author,
		Author: pipeline.Author{ID: author},
	}
}

// again feeds a record word for word. If the post was edited since it changes nothing but
// the counts, which are seen later than all others; else today's brands judge it.
func (w *world) again(p pipeline.Post) pipeline.Post {
	u := w.posts[p.ID]
	u.counts = p.Metrics.Likes
	if p.EditedAt == u.revision || !p.EditedAt.Known() && u.revision == u.created {
		now := w.named(u.text)
		if p.Op == pipeline.OpCreate { // takes no brand away
			for brand := range u.names {
				now[brand] = true
			}
		}
		u.names = now
	}
	return p
}

// alive reports whether a post may be seen.
func (w *world) alive(u *utterance) bool {
	return u != nil && u.fed && !w.deleted[u.id] && !w.gone[u.author]
}

// keep adds to a list that forgets at random once it is long.
func keep[T any](w *world, list []T, one T, most int) []T {
	if len(list) < most {
		return append(list, one)
	}
	list[w.rng.IntN(len(list))] = one
	return list
}
