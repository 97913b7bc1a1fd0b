package simulate

import (
	"math"
	"strconv"

	"earshot/pipeline"
)

// authorRef names an account on a platform: a class and a number.
type authorRef uint64

const (
	classBits             = 60
	member      authorRef = 0 << classBits // of a circle; number = circle * circleSize + n
	ownedPage   authorRef = 1 << classBits // the brand's own account
	throwaway   authorRef = 2 << classBits // opened for one post
	burstMember authorRef = 3 << classBits // bot of a burst
)

func (a authorRef) class() authorRef { return a >> classBits << classBits }
func (a authorRef) number() uint64   { return uint64(a) & (1<<classBits - 1) }

// anyMember draws an account of a place; some post far more than others.
func (w *world) anyMember(r *rng, place int) authorRef {
	first, end := w.circles[place], w.circles[place+1]
	u := r.float()
	return authorRef((first+r.below(end-first))*circleSize + int(circleSize*u*u))
}

// answerer draws who reacts to an author: mostly one of the same circle, often of a
// neighbouring one, seldom of another country. It returns the place as well.
func (w *world) answerer(r *rng, a authorRef, place int) (authorRef, int) {
	u := r.float()
	if a.class() != member || u > 0.85 {
		if kin := w.kin[place]; len(kin) > 0 && u > 0.95 {
			place = kin[r.below(len(kin))]
		}
		return w.anyMember(r, place), place
	}
	circle := int(a.number()) / circleSize
	if u > 0.6 {
		first, n := w.circles[place], w.circles[place+1]-w.circles[place]
		circle = first + (circle-first+1+r.below(3))%n
	}
	v := r.float()
	return authorRef(circle*circleSize + int(circleSize*v*v)), place
}

// followersOf draws reach from a Pareto distribution with exponent 1.1 and a least
// value of 12, cut at 40 million.
func (w *world) followersOf(platform uint8, a authorRef) int64 {
	u := unit(hash(w.key, 0xf0110, uint64(platform), uint64(a)))
	switch a.class() {
	case ownedPage:
		return 20000 + int64(400000*u)
	case throwaway, burstMember:
		return int64(30 * u)
	}
	return int64(min(4e7, 12*math.Pow(1-u, -1/1.1)))
}

// accountNumber is the number in the platform's account id; no two accounts of a
// platform share one.
func (w *world) accountNumber(platform uint8, a authorRef) uint64 {
	return w.perma.forth(uint64(a) ^ uint64(platform)<<56)
}

// accountID spells the account id as the platform would.
func (w *world) accountID(platform uint8, a authorRef) string {
	n := w.accountNumber(platform, a)
	var buf [64]byte
	b := buf[:0]
	switch platform {
	case onBluesky:
		b = strconv.AppendUint(append(b, "did:plc:"...), n, 32)
		return string(strconv.AppendUint(b, hash(n)&(1<<50-1)|1<<50, 32))
	case onReddit:
		return string(strconv.AppendUint(append(b, "t2_"...), n, 36))
	case onWikipedia, onReviews:
		return w.handle(platform, a, n)
	case onBlog:
		return w.handle(platform, a, n) + ".example"
	default:
		return string(strconv.AppendUint(b, n, 10))
	}
}

// handle spells the account's handle; a tail of its number keeps handles apart.
func (w *world) handle(platform uint8, a authorRef, n uint64) string {
	if a.class() == ownedPage {
		return w.brands[a.number()].Handle
	}
	const first = "ba be bo da di do fa fi ga go ha jo ka ki la li lo ma mi mo na ni no pa pe ra ri ro sa si so ta"
	const last = "bar bel can dor fen gil han jas kol lan mer nik oto pax qui ras sol tim uli ven wes xan yor zed"
	h := hash(n)
	var buf [48]byte
	i, j, k := int(h&31)*3, int(h>>5&31)*3, int(h>>10%24)*4
	b := append(buf[:0], first[i:i+2]...)
	b = append(b, first[j:j+2]...)
	b = append(b, last[k:k+3]...)
	switch {
	case platform == onBlog:
		b = append(b, "-blog-"...)
	case h>>40&1 == 0:
		b = append(b, '_')
	}
	if a.class() == member {
		return string(strconv.AppendUint(b, a.number(), 10))
	}
	return string(strconv.AppendUint(b, n, 36))
}

// author describes an account as its platform would at a moment.
func (w *world) author(n *node, at int64) pipeline.Author {
	h := hash(w.key, 0xa17403, uint64(n.platform), uint64(n.author))
	r := rng(h)
	place := w.places[n.place]
	a := pipeline.Author{
		ID:        w.accountID(n.platform, n.author),
		Handle:    w.handle(n.platform, n.author, w.accountNumber(n.platform, n.author)),
		Followers: w.followersOf(n.platform, n.author),
		CreatedAt: pipeline.Time(at - at%day - int64(30+r.below(4000))*day),
	}
	switch n.author.class() {
	case ownedPage:
		a.Name, a.Verified = w.brands[n.author.number()].Name, true
		a.Posts = 500 + int64(r.below(9000))
		return a
	case throwaway, burstMember:
		a.Posts, a.Following = int64(1+r.below(40)), int64(r.below(900))
		a.CreatedAt = pipeline.Time(at - at%day)
		return a
	}
	names := w.words[n.place].names
	a.Name = names[r.below(len(names))]
	a.CreatedAt = min(a.CreatedAt, pipeline.Time(1199145600000+int64(r.below(5800))*day)) // 2008 to 2023
	a.Following = int64(20 + r.below(900))
	a.Posts = 3 + int64(20*math.Pow(1-r.float(), -0.9))
	a.Verified = a.Followers > 50000 && r.chance(0.6)
	a.Bot = (n.platform == onMastodon || n.platform == onBluesky) && r.chance(0.03)
	if r.chance(0.45) {
		a.Location = place.cities[r.below(len(place.cities))].name + ", " + place.code
	}
	return a
}
