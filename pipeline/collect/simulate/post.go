package simulate

import (
	"math"
	"strconv"

	"earshot/pipeline"
)

// Claims of clocks that lie, ms.
const (
	clockOf1970 = 3600 * 1000
	clockOf2999 = 32472144000000
)

// Shares of details, of posts that can have them.
const (
	geoShare   = 0.04
	mediaShare = 0.12
	linkShare  = 0.05
)

// render makes the record of a node.
func (g *generator) render(out *pipeline.Post, n *node) {
	*out = pipeline.Post{
		V: pipeline.PostVersion, Op: pipeline.OpCreate, Platform: g.names[n.platform],
		SeenAt: pipeline.Time(n.at), Simulated: true,
	}
	switch n.role {
	case metrics:
		t := g.node(n.target)
		out.Op, out.ID, out.Kind, out.Metrics = pipeline.OpMetrics, g.id(&t), kindOf(&t), g.metrics(&t, n.at)
	case remove:
		t := g.node(n.target)
		out.Op, out.Scope, out.ID, out.Kind = pipeline.OpDelete, pipeline.ScopePost, g.id(&t), kindOf(&t)
		out.Author.ID = g.accountID(t.platform, t.author)
	case removeAccount:
		out.Op, out.Scope, out.Kind = pipeline.OpDelete, pipeline.ScopeAccount, pipeline.KindPost
		out.ID = g.accountID(n.platform, n.author)
		out.Author.ID = out.ID
	case edit, duplicate:
		t := g.node(n.target)
		g.renderPost(out, &t, n.role == edit)
		out.SeenAt = pipeline.Time(n.at)
		if n.role == edit {
			out.Op, out.EditedAt = pipeline.OpUpdate, pipeline.Time(n.at-1)
			out.Metrics = g.metrics(&t, n.at)
		}
	default:
		g.renderPost(out, n, false)
	}
}

// renderPost fills in a post with words, thread and details.
func (g *generator) renderPost(out *pipeline.Post, n *node, edited bool) {
	r := rng(n.hash ^ 0xde7a11)
	out.ID = g.id(n)
	out.Author = g.author(n, n.at)
	out.CreatedAt = pipeline.Time(n.created)
	if r.chance(g.cfg.Shares.BadClocks) {
		out.CreatedAt = [2]pipeline.Time{clockOf1970, clockOf2999}[r.below(2)]
	}
	out.Kind = kindOf(n)
	out.Source = g.sourceOf(n, &r)
	if n.page >= 0 {
		out.Channel = g.brands[n.page].Handle
	}
	g.thread(out, n)
	if n.role == repost {
		return
	}
	s := g.say(n)
	s.edited = edited
	var buf [512]byte
	text := writer{buf: buf[:0]}
	g.write(&text, n, &s)
	out.Text, out.Hashtags, out.Handles = string(text.buf), text.tags, text.handles
	out.Lang = g.langClaim(n, &r)
	g.details(out, n, &s, &r)
}

// thread fills in what the post answers.
func (g *generator) thread(out *pipeline.Post, n *node) {
	if n.role < reply {
		return
	}
	t, root := g.node(n.target), g.node(n.root)
	id, by := g.id(&t), g.accountID(t.platform, t.author)
	switch n.role {
	case reply:
		out.ParentID, out.ParentAuthor = id, by
	case quote:
		out.QuoteOf, out.QuoteAuthor = id, by
	default:
		out.RepostOf, out.RepostAuthor = id, by
	}
	out.RootID, out.RootAuthor = id, by
	if n.root != n.target {
		out.RootID, out.RootAuthor = g.id(&root), g.accountID(root.platform, root.author)
	}
}

// details are title, address, links, media, place and rating.
func (g *generator) details(out *pipeline.Post, n *node, s *speech, r *rng) {
	number := g.perma.forth(n.ref.pack())
	switch {
	case n.platform == onBlog && n.role < reply:
		var title writer
		line := pick(g.words[n.lang].lines["title"], 0, r)
		title.buf = append(title.buf, line.literals[0]...)
		out.Title, out.URL = string(title.buf), out.ID
	case n.platform == onReddit && n.role < reply, n.platform == onWikipedia:
		line := pick(g.words[n.lang].lines["title"], 0, r)
		out.Title = line.literals[0]
	case n.platform == onReviews && n.role < reply:
		stars := [3][2]int{{0, 1}, {2, 2}, {3, 4}}[s.line.polarity+1]
		rating := pipeline.Rating(float32(stars[r.below(2)]) / 4)
		out.Rating = &rating
	}
	if out.URL == "" {
		out.URL = address(g.names[n.platform], number)
	}
	if r.chance(linkShare) {
		out.Links = []string{address("news", hash(n.hash)>>24)}
	}
	if n.platform <= onMastodon && r.chance(mediaShare) {
		out.Media = []pipeline.Media{{Kind: "image", URL: address("media", number)}}
	}
	if r.chance(geoShare) {
		place := &g.places[n.place]
		c := &place.cities[r.below(len(place.cities))]
		lat, lon := c.lat, c.lon
		out.Geo = pipeline.Geo{Country: place.code, City: c.name, Lat: &lat, Lon: &lon}
	}
}

// address is a link into a domain that cannot exist (RFC 2606).
func address(site string, number uint64) string {
	var buf [64]byte
	b := append(append(append(buf[:0], "https://"...), site...), ".example/"...)
	return string(strconv.AppendUint(b, number, 36))
}

// langClaim is what the platform says of the language: mostly right, sometimes wrong,
// often nothing.
func (g *generator) langClaim(n *node, r *rng) string {
	u := r.float()
	switch {
	case n.platform == onFacebook || n.platform == onReddit || u < 0.05:
		return ""
	case u < 0.08:
		return "en"
	}
	return g.places[n.lang].lang
}

func kindOf(n *node) pipeline.Kind {
	switch {
	case n.role == repost:
		return pipeline.KindRepost
	case n.role == quote:
		return pipeline.KindQuote
	case n.role == reply:
		return pipeline.KindComment
	case n.platform == onReviews:
		return pipeline.KindReview
	case n.platform == onBlog:
		return pipeline.KindArticle
	case n.platform == onWikipedia:
		return pipeline.KindEdit
	}
	return pipeline.KindPost
}

// sourceOf names the instance, community, edition or shop. It is drawn from the
// thread's root where the whole thread shares it.
func (g *generator) sourceOf(n *node, r *rng) string {
	root := hash(g.key, 0x50c, n.root.pack())
	lang := g.places[n.lang].lang
	switch n.platform {
	case onMastodon:
		return [...]string{"toot.example", "social.example", "fedi.example", "plaza.example"}[r.below(4)]
	case onReddit:
		return [...]string{"r/gadgets_", "r/askanything_", "r/city_", "r/deals_", "r/mildlyodd_"}[root%5] + lang
	case onWikipedia:
		return lang + ".wikipedia.example"
	case onBlog:
		return g.accountID(n.platform, n.rootBy)
	case onReviews:
		return [...]string{"shop-", "trust-", "store-"}[root%3] + lang + ".example"
	}
	return g.names[n.platform] + ".example"
}

// id is the id of the post that a node makes.
func (g *generator) id(n *node) string {
	number := g.perma.forth(n.ref.pack())
	switch n.platform {
	case onBluesky, onBlog:
		by := n.author
		if n.platform == onBlog {
			by = n.rootBy // comments stand on the blog
		}
		return postID(n.platform, number, g.accountID(n.platform, by))
	}
	return postID(n.platform, number, "")
}

// metrics are the counts of a post at a moment: they rise towards a last value with a
// half-life of some hours, and never fall. The last value grows with reach and with
// the popularity of the slot.
func (g *generator) metrics(n *node, at int64) pipeline.Metrics {
	r := rng(n.hash ^ 0x3e721c5)
	half := float64(1+r.below(8)) * 3600e3
	grown := 1 - math.Exp2(-float64(max(0, at-n.created))/half)
	reach := float64(g.followersOf(n.platform, n.author))
	popular := 1 + 20/float64(1+n.ref.slot)
	views := grown * popular * (10 + reach*(0.05+0.3*r.float()))
	likes := views * (0.005 + 0.03*r.float())
	return pipeline.Metrics{
		Views: int64(views), Likes: int64(likes), Reposts: int64(likes * 0.3 * r.float()),
		Replies: int64(likes * 0.2 * r.float()), Quotes: int64(likes * 0.05 * r.float()),
	}
}
