package clickhouse

import (
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"earshot/pipeline"
)

type (
	text  = *textColumn
	word  = *wordColumn
	texts = *listColumn
	long  = *proto.ColInt64
)

// authorColumns are those of an author, whatever table they stand in.
type authorColumns struct {
	id, handle, name, location  text
	followers, following, posts long
	verified, bot               *proto.ColBool
	createdAt                   moments
}

func (b *block) author(prefix, idName string) authorColumns {
	return authorColumns{
		id: b.text(idName), handle: b.text(prefix + "handle"), name: b.text(prefix + "name"),
		location: b.text(prefix + "location"), followers: b.int64(prefix + "followers"),
		following: b.int64(prefix + "following"), posts: b.int64(prefix + "posts"),
		verified: b.flag(prefix + "verified"), bot: b.flag(prefix + "bot"), createdAt: b.moment(prefix + "created_at"),
	}
}

func (c authorColumns) append(a *pipeline.Author) {
	c.id.Append(a.ID)
	c.handle.Append(a.Handle)
	c.name.Append(a.Name)
	c.location.Append(a.Location)
	c.followers.Append(a.Followers)
	c.following.Append(a.Following)
	c.posts.Append(a.Posts)
	c.verified.Append(a.Verified)
	c.bot.Append(a.Bot)
	c.createdAt.append(a.CreatedAt)
}

// countColumns are a post's metrics.
type countColumns struct{ likes, reposts, replies, quotes, views long }

func (b *block) counts() countColumns {
	return countColumns{b.int64("likes"), b.int64("reposts"), b.int64("replies"), b.int64("quotes"), b.int64("views")}
}

func (c countColumns) append(m *pipeline.Metrics) {
	c.likes.Append(m.Likes)
	c.reposts.Append(m.Reposts)
	c.replies.Append(m.Replies)
	c.quotes.Append(m.Quotes)
	c.views.Append(m.Views)
}

// placeColumns are a post's place.
type placeColumns struct {
	country, region, city word
	lat, lon              *proto.ColNullable[float64]
}

func (b *block) place() placeColumns {
	return placeColumns{b.word("country"), b.word("region"), b.word("city"), b.maybe64("lat"), b.maybe64("lon")}
}

func (c placeColumns) append(g *pipeline.Geo) {
	c.country.Append(g.Country)
	c.region.Append(g.Region)
	c.city.Append(g.City)
	c.lat.Append(nullable64(g.Lat))
	c.lon.Append(nullable64(g.Lon))
}

// postsBlock is a block of the ledger.
type postsBlock struct {
	block
	platform, op, scope, kind, source, channel word
	id                                         text
	v                                          *proto.ColUInt16
	author                                     authorColumns
	title, text, url                           text
	langClaimed                                word
	createdAt, editedAt, seenAt, eventTime     moments
	parentID, parentAuthor, rootID, rootAuthor text
	repostOf, repostAuthor                     text
	quoteOf, quoteAuthor                       text
	hashtags, handles, links                   texts
	mediaKind, mediaURL, mediaAlt              texts
	counts                                     countColumns
	place                                      placeColumns
	rating                                     *proto.ColNullable[float32]
	simulated                                  *proto.ColBool
	lang                                       word
	langConfidence                             *proto.ColFloat32
	brands, repairs                            texts
	deadStage                                  word
	deadReason                                 text
	at                                         positions
	kafkaTime                                  moments

	names, kinds, urls, alts []string // scratch of one row
}

func newPostsBlock() *postsBlock {
	b := &postsBlock{block: block{table: "posts"}}
	b.platform, b.id, b.op, b.scope = b.word("platform"), b.block.text("id"), b.word("op"), b.word("scope")
	b.v, b.kind, b.source, b.channel = b.uint16("v"), b.word("kind"), b.word("source"), b.word("channel")
	b.author = b.block.author("author_", "author_id")
	b.title, b.text, b.url = b.block.text("title"), b.block.text("text"), b.block.text("url")
	b.langClaimed = b.word("lang_claimed")
	b.createdAt, b.editedAt = b.moment("created_at"), b.moment("edited_at")
	b.seenAt, b.eventTime = b.moment("seen_at"), b.moment("event_time")
	b.parentID, b.parentAuthor = b.block.text("parent_id"), b.block.text("parent_author")
	b.rootID, b.rootAuthor = b.block.text("root_id"), b.block.text("root_author")
	b.repostOf, b.repostAuthor = b.block.text("repost_of"), b.block.text("repost_author")
	b.quoteOf, b.quoteAuthor = b.block.text("quote_of"), b.block.text("quote_author")
	b.hashtags, b.handles, b.links = b.texts("hashtags"), b.texts("handles"), b.texts("links")
	b.mediaKind, b.mediaURL, b.mediaAlt = b.words("media_kind"), b.texts("media_url"), b.texts("media_alt")
	b.counts, b.place = b.block.counts(), b.block.place()
	b.rating, b.simulated = b.maybe32("rating"), b.flag("simulated")
	b.lang, b.langConfidence = b.word("lang"), b.float32("lang_confidence")
	b.brands, b.repairs = b.words("brands"), b.texts("repairs")
	b.deadStage, b.deadReason = b.word("dead_stage"), b.block.text("dead_reason")
	b.at, b.kafkaTime = b.positions(), b.moment("kafka_time")
	return b
}

// opDead marks the ledger row of a record that could not be decoded.
const opDead = "dead"

// append adds one record; event is its event time.
func (b *postsBlock) append(r *pipeline.Record, event pipeline.Time) {
	p := &r.Post
	op, stage, reason := string(p.Op), "", ""
	if r.Dead != nil {
		op, stage, reason = opDead, r.Dead.Stage, r.Dead.Reason
	}
	b.platform.Append(p.Platform)
	b.id.Append(p.ID)
	b.op.Append(op)
	b.scope.Append(string(p.Scope))
	b.v.Append(uint16(min(max(p.V, 0), 1<<16-1)))
	b.kind.Append(string(p.Kind))
	b.source.Append(p.Source)
	b.channel.Append(p.Channel)
	b.author.append(&p.Author)
	b.title.Append(p.Title)
	b.text.Append(p.Text)
	b.url.Append(p.URL)
	b.langClaimed.Append(p.Lang)
	b.createdAt.append(p.CreatedAt)
	b.editedAt.append(p.EditedAt)
	b.seenAt.append(seenAt(r))
	b.eventTime.append(event)
	b.appendThread(p)
	b.hashtags.Append(p.Hashtags)
	b.handles.Append(p.Handles)
	b.links.Append(p.Links)
	b.appendMedia(p.Media)
	b.counts.append(&p.Metrics)
	b.place.append(&p.Geo)
	b.rating.Append(nullableRating(p.Rating))
	b.simulated.Append(p.Simulated)
	b.lang.Append(r.Language.Code)
	b.langConfidence.Append(r.Language.Confidence)
	b.names = b.names[:0]
	for i := range r.Mentions {
		b.names = append(b.names, r.Mentions[i].Brand)
	}
	b.brands.Append(b.names)
	b.repairs.Append(repairs(r))
	b.deadStage.Append(stage)
	b.deadReason.Append(reason)
	b.at.append(r.Position)
	b.kafkaTime.append(r.Position.Time)
}

func (b *postsBlock) appendThread(p *pipeline.Post) {
	b.parentID.Append(p.ParentID)
	b.parentAuthor.Append(p.ParentAuthor)
	b.rootID.Append(p.RootID)
	b.rootAuthor.Append(p.RootAuthor)
	b.repostOf.Append(p.RepostOf)
	b.repostAuthor.Append(p.RepostAuthor)
	b.quoteOf.Append(p.QuoteOf)
	b.quoteAuthor.Append(p.QuoteAuthor)
}

func (b *postsBlock) appendMedia(media []pipeline.Media) {
	b.kinds, b.urls, b.alts = b.kinds[:0], b.urls[:0], b.alts[:0]
	for _, m := range media {
		b.kinds, b.urls, b.alts = append(b.kinds, m.Kind), append(b.urls, m.URL), append(b.alts, m.Alt)
	}
	b.mediaKind.Append(b.kinds)
	b.mediaURL.Append(b.urls)
	b.mediaAlt.Append(b.alts)
}

// seenAt is when the record's post was seen; a dead record may only have Kafka's time.
func seenAt(r *pipeline.Record) pipeline.Time {
	if r.Post.SeenAt.Known() {
		return r.Post.SeenAt
	}
	return r.Position.Time
}

// repairs are what decoding mended and what the store cannot hold as claimed.
func repairs(r *pipeline.Record) []string {
	out := r.Repairs
	for _, t := range [...]struct {
		name string
		at   pipeline.Time
	}{
		{"created_at", r.Post.CreatedAt}, {"edited_at", r.Post.EditedAt}, {"author.created_at", r.Post.Author.CreatedAt},
	} {
		if clamp(t.at) != t.at {
			claim := t.name + ": claimed " + t.at.Time().Format("2006-01-02T15:04:05.000Z07:00")
			out = append(slices.Clip(out), claim)
		}
	}
	return out
}
