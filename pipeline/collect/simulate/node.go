package simulate

import (
	"math"
)

// role is what a record does.
type role uint8

const (
	original role = iota
	spam          // an original by an account opened for it
	late          // an original that is seen long after it was written
	reply
	quote
	repost
	metrics
	edit
	remove        // delete of a post
	removeAccount // delete of an account
	duplicate
)

// posts says whether a record of this role is a post that others can answer.
func (r role) posts() bool { return r <= repost }

// Slots with a duty, so that deletes and late parents can be found without a search.
const (
	firstSlots  = 2 // always originals: a fallback for whoever looks for a parent
	lateSlot    = 3 // in one slice of eight
	removeEvery = 8 // one slot in eight may be deleted, and is never edited
	removeSlot  = 5
	spamEvery   = 64 // one slot in 64 is spam; a multiple of removeEvery
	spamSlot    = 13
)

// node is a record without its words: who, when, and in answer to what.
type node struct {
	ref      ref
	role     role
	platform uint8
	place    uint8
	lang     uint8 // place whose language it is written in
	depth    uint16
	author   authorRef
	page     int16     // brand on whose page it stands, or -1
	at       int64     // when it is seen, ms
	created  int64     // when it was published, ms
	hash     uint64    // from which words and details are drawn
	target   ref       // the parent, the reposted or quoted post, or the post it is news of
	targetBy authorRef // its author
	root     ref
	rootBy   authorRef
}

const (
	countCache = 1 << 12
	nodeCache  = 1 << 13
)

// generator computes nodes; it only remembers what it has computed.
type generator struct {
	*world
	counts [countCache]struct {
		key uint64
		n   int
	}
	nodes [nodeCache]node
}

func newGenerator(w *world) *generator { return &generator{world: w} }

// count is how many records a lane of a slice holds.
func (g *generator) count(slice int64, lane uint8) int {
	key := ref{slice: slice, lane: lane, slot: 1}.pack()
	c := &g.counts[mix(key)%countCache]
	if c.key != key {
		c.key, c.n = key, g.countAnew(slice, lane)
	}
	return c.n
}

func (w *world) countAnew(slice int64, lane uint8) int {
	begin := slice * w.slice
	mean := w.cfg.density() * float64(w.slice) / 1000
	if lane == laneBase {
		mean *= w.rhythm.at(begin)
	} else {
		e, on := w.event(int(lane), begin)
		if !on {
			return 0
		}
		mean *= e.intensity(begin)
	}
	r := rng(hash(w.key, 0xc0047, uint64(slice), uint64(lane)))
	return min(r.poisson(mean), 1<<slotBits-1)
}

// seenAt is when a record is seen, ms; it grows with the slot.
func (g *generator) seenAt(r ref) int64 {
	u := unit(hash(g.key, 0x5ee4, r.pack()))
	n := float64(g.count(r.slice, r.lane))
	return r.slice*g.slice + int64((float64(r.slot)+u)/n*float64(g.slice))
}

// node computes a record, or remembers it.
func (g *generator) node(r ref) node {
	h := hash(g.key, r.pack())
	memo := &g.nodes[h%nodeCache]
	if memo.hash == h && memo.ref == r {
		return *memo
	}
	n := node{ref: r, hash: h, page: -1, at: g.seenAt(r), root: r}
	rnd := rng(h)
	n.role = g.role(&rnd, r)
	switch {
	case n.role <= late:
		g.beginThread(&rnd, &n)
	case n.role.posts():
		g.react(&rnd, &n)
	default:
		g.report(&rnd, &n)
	}
	g.nodes[h%nodeCache] = n
	return n
}

// role draws what the record does.
func (g *generator) role(rnd *rng, r ref) role {
	u := rnd.float()
	switch {
	case r.lane == laneBurst, r.slot < firstSlots:
		return original
	case r.lane == laneRumour: // a fast cascade: most of it reposts
		return [8]role{original, reply, reply, quote, repost, repost, repost, repost}[int(u*8)]
	case r.slot == lateSlot && r.slice%8 == 0:
		return late
	case r.slot%spamEvery == spamSlot:
		return spam
	}
	s := &g.cfg.Shares
	for _, part := range [...]struct {
		role  role
		share float64
	}{
		{repost, s.Reposts}, {reply, s.Replies + s.Orphans}, {metrics, s.Metrics}, {quote, s.Quotes},
		{edit, s.Edits}, {remove, s.Deletes}, {duplicate, s.Duplicates},
	} {
		if u < part.share {
			if part.role == remove && u < part.share/40 {
				return removeAccount
			}
			return part.role
		}
		u -= part.share
	}
	return original
}

// beginThread makes an original post.
func (g *generator) beginThread(rnd *rng, n *node) {
	place := g.rhythm.country(n.at, rnd.float())
	u := rnd.float()
	var burst event
	if n.ref.lane == laneBurst { // one platform, one language, few accounts
		burst, _ = g.event(laneBurst, n.ref.slice*g.slice)
		place, u = burst.place, unit(hash(g.key, 0xb0b5, uint64(burst.index)))
	}
	n.place, n.lang = uint8(place), uint8(place)
	n.platform = uint8(draw(g.platforms[place], u))
	n.created = n.at - int64(200+2800*rnd.float())
	n.author = g.anyMember(rnd, place)
	switch {
	case n.ref.lane == laneBurst:
		n.author = burstMember | authorRef(burst.index*burstBots+int64(rnd.below(burstBots)))
	case n.role == spam:
		n.author = throwaway | authorRef(n.ref.pack())
	case n.role == late:
		n.created = n.at - (20+int64(rnd.below(20)))*g.slice
	case n.ref.slot < firstSlots: // those whom many answer are those who reach many
		best := g.followersOf(n.platform, n.author)
		for range 5 {
			other := g.anyMember(rnd, place)
			if f := g.followersOf(n.platform, other); f > best {
				n.author, best = other, f
			}
		}
	case n.platform == onFacebook && rnd.chance(0.05), n.platform == onX && rnd.chance(0.01):
		n.page = int16(g.pickBrand(rnd))
		n.author = ownedPage | authorRef(n.page)
	}
	n.rootBy = n.author
}

// react makes a reply, a quote or a repost of an earlier post; where there is none, an
// original.
func (g *generator) react(rnd *rng, n *node) {
	target, ok := g.orphanTarget(rnd, n)
	if !ok {
		target, ok = g.earlier(rnd, n.ref)
	}
	var p node
	if ok {
		p = g.posting(target)
	}
	if !ok || !accepts(p.platform, n.role) {
		if ok && accepts(p.platform, reply) {
			n.role = reply
		} else {
			n.role = original
			g.beginThread(rnd, n)
			return
		}
	}
	n.platform, n.lang, n.depth, n.page = p.platform, p.lang, p.depth+1, p.page
	n.target, n.targetBy, n.root, n.rootBy = p.ref, p.author, p.root, p.rootBy
	author, place := g.answerer(rnd, p.author, int(p.place))
	n.author, n.place = author, uint8(place)
	n.created = min(n.at, max(n.at-int64(200+2800*rnd.float()), p.created+400))
}

// accepts says whether a platform knows a reaction.
func accepts(platform uint8, r role) bool {
	switch platform {
	case onWikipedia:
		return false
	case onReddit, onBlog, onReviews:
		return r == reply
	case onMastodon:
		return r != quote
	}
	return true
}

// report makes news of an earlier post: metrics, an edit, a delete, a duplicate. The
// slot decides which posts may be deleted, so that those are never edited.
func (g *generator) report(rnd *rng, n *node) {
	n.created = n.at
	target, ok := g.earlier(rnd, n.ref)
	if !ok {
		n.role = original
		g.beginThread(rnd, n)
		return
	}
	count := int32(g.count(target.slice, target.lane))
	if n.role == removeAccount {
		slot := target.slot&^(spamEvery-1) + spamSlot
		if t := (ref{target.slice, laneBase, slot}); slot < int32(g.count(t.slice, laneBase)) && g.node(t).role == spam {
			g.aim(n, g.node(t))
			return
		}
		n.role = remove
	}
	if n.role == remove {
		slot := target.slot&^(removeEvery-1) + removeSlot
		t := ref{target.slice, target.lane, slot}
		if slot < count && g.node(t).role.posts() {
			g.aim(n, g.node(t))
			return
		}
		n.role = metrics
	}
	if target.slot%removeEvery == removeSlot {
		target.slot--
	}
	t := g.posting(target)
	if n.role != duplicate && (t.role == repost || t.platform == onWikipedia) {
		t = g.posting(ref{target.slice, target.lane, 0})
	}
	if n.role == edit && t.platform == onWikipedia {
		n.role = metrics
	}
	g.aim(n, t)
}

func (g *generator) aim(n *node, t node) {
	n.target, n.targetBy, n.root, n.rootBy = t.ref, t.author, t.root, t.rootBy
	n.platform, n.place, n.lang, n.author = t.platform, t.place, t.lang, t.author
}

// posting computes a record, or the first of its lane and slice if that is no post.
func (g *generator) posting(r ref) node {
	n := g.node(r)
	if !n.role.posts() {
		r.slot %= firstSlots
		n = g.node(r)
	}
	return n
}

// orphanTarget finds a late post that will be seen after n, but was written before.
func (g *generator) orphanTarget(rnd *rng, n *node) (ref, bool) {
	s := &g.cfg.Shares
	if n.role != reply || n.ref.lane != laneBase || !rnd.chance(s.Orphans/max(1e-12, s.Replies+s.Orphans)) {
		return ref{}, false
	}
	slice := (n.ref.slice/8 + 1) * 8
	return ref{slice: slice, slot: lateSlot}, g.count(slice, laneBase) > lateSlot
}

// Ages and popularity of what people react to.
const (
	ageScale  = 10 * 60 * 1000 // ms; the median age of a target is 1.3 times that
	ageTail   = 1.2
	hotSlices = 64 // within so many slices a few draw most reactions

)

// earlier draws a post to react to: recent ones and popular ones most. Popularity is a
// power law of rank, by slice and by slot; it is what makes cascades.
func (g *generator) earlier(rnd *rng, r ref) (ref, bool) {
	oldest := g.first
	var age float64
	if r.lane == laneRumour {
		e, _ := g.event(laneRumour, r.slice*g.slice)
		oldest = max(oldest, e.start/g.slice)
		age = -math.Log(1-rnd.float()) * e.half / 4
	} else {
		age = ageScale * (math.Pow(1-rnd.float(), -ageTail) - 1)
	}
	span := r.slice - oldest
	if span < 1 {
		return ref{}, false
	}
	back := 1 + int64(age/float64(g.slice))
	if back > span {
		back = 1 + int64(rnd.below(int(span)))
	}
	slice := r.slice - back
	u, v := rnd.float(), rnd.float()
	rank := int64(hotSlices * u * u * u)
	hot := slice/hotSlices*hotSlices + (rank ^ int64(hash(g.key, 0x407, uint64(slice/hotSlices))%hotSlices))
	if hot >= oldest && hot < r.slice && g.count(hot, r.lane) > 0 {
		slice = hot
	}
	n := g.count(slice, r.lane)
	if n == 0 {
		return ref{}, false
	}
	return ref{slice, r.lane, int32(float64(n) * v * v * v)}, true
}
