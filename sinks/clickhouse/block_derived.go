package clickhouse

import (
	"github.com/ClickHouse/ch-go/proto"

	"earshot/pipeline"
)

// judgement are the columns of one sentiment.
type judgement struct {
	score, negative, neutral, positive *proto.ColFloat32
	label, model                       word
}

func (b *block) judgement(name string) judgement {
	return judgement{
		score: b.float32(name), label: b.word(name + "_label"), negative: b.float32(name + "_negative"),
		neutral: b.float32(name + "_neutral"), positive: b.float32(name + "_positive"), model: b.word(name + "_model"),
	}
}

func (c judgement) append(s *pipeline.Sentiment) {
	c.score.Append(s.Score)
	c.label.Append(string(s.Label))
	c.negative.Append(s.Negative)
	c.neutral.Append(s.Neutral)
	c.positive.Append(s.Positive)
	c.model.Append(s.Model)
}

// mentionsBlock is a block of mentions.
type mentionsBlock struct {
	block
	labelSet, brand, platform              word
	hour                                   seconds
	id                                     text
	version                                *proto.ColUInt128
	isDeleted                              *proto.ColUInt8
	eventTime, seenAt, createdAt, editedAt moments
	kind, source, channel                  word
	authorID, authorHandle, authorName     text
	authorFollowers                        long
	authorVerified, authorBot              *proto.ColBool
	title, text, url                       text
	lang                                   word
	langConfidence                         *proto.ColFloat32
	parentID, rootID, rootAuthor           text
	repostOf, quoteOf                      text
	hashtags, links                        texts
	counts                                 countColumns
	place                                  placeColumns
	rating                                 *proto.ColNullable[float32]
	simulated                              *proto.ColBool
	queryVersion, via                      word
	spanField                              texts
	spanBegin, spanEnd                     *proto.ColArr[uint32]
	categories                             texts
	sentiment, toward                      judgement
	aspects                                texts
	aspectScores                           *proto.ColArr[float32]
	intents, phrases                       texts
	at                                     positions

	fields []string // scratch of one row
	begins []uint32
	ends   []uint32
	scores []float32
}

func newMentionsBlock() *mentionsBlock {
	b := &mentionsBlock{block: block{table: "mentions"}}
	b.labelSet, b.brand, b.hour = b.word("label_set"), b.word("brand"), b.second("hour")
	b.platform, b.id = b.word("platform"), b.block.text("id")
	b.version, b.isDeleted = b.uint128("version"), b.uint8("is_deleted")
	b.eventTime, b.seenAt = b.moment("event_time"), b.moment("seen_at")
	b.createdAt, b.editedAt = b.moment("created_at"), b.moment("edited_at")
	b.kind, b.source, b.channel = b.word("kind"), b.word("source"), b.word("channel")
	b.authorID, b.authorHandle = b.block.text("author_id"), b.block.text("author_handle")
	b.authorName, b.authorFollowers = b.block.text("author_name"), b.int64("author_followers")
	b.authorVerified, b.authorBot = b.flag("author_verified"), b.flag("author_bot")
	b.title, b.text, b.url = b.block.text("title"), b.block.text("text"), b.block.text("url")
	b.lang, b.langConfidence = b.word("lang"), b.float32("lang_confidence")
	b.parentID, b.rootID, b.rootAuthor = b.block.text("parent_id"), b.block.text("root_id"), b.block.text("root_author")
	b.repostOf, b.quoteOf = b.block.text("repost_of"), b.block.text("quote_of")
	b.hashtags, b.links = b.texts("hashtags"), b.texts("links")
	b.counts, b.place = b.block.counts(), b.block.place()
	b.rating, b.simulated = b.maybe32("rating"), b.flag("simulated")
	b.queryVersion, b.via = b.word("query_version"), b.word("via")
	b.spanField = b.words("span_field")
	b.spanBegin, b.spanEnd = new(proto.ColUInt32).Array(), new(proto.ColUInt32).Array()
	b.add("span_begin", b.spanBegin)
	b.add("span_end", b.spanEnd)
	b.categories = b.words("categories")
	b.sentiment, b.toward = b.judgement("sentiment"), b.judgement("toward")
	b.aspects, b.aspectScores = b.words("aspects"), new(proto.ColFloat32).Array()
	b.add("aspect_scores", b.aspectScores)
	b.intents, b.phrases = b.words("intents"), b.texts("phrases")
	b.at = b.positions()
	return b
}

// append adds one mention of a record.
func (b *mentionsBlock) append(labelSet string, r *pipeline.Record, m *pipeline.Mention, event pipeline.Time) {
	b.appendKey(labelSet, m.Brand, r.Post.Platform, r.Post.ID, event, version(&r.Post, seenAt(r), r.Position.Offset), 0)
	b.appendPost(r, event)
	b.appendLabels(m)
	b.at.append(r.Position)
}

// appendDeleted adds the mark that a mention is gone: its key, and who took it away.
func (b *mentionsBlock) appendDeleted(labelSet string, gone goneMention, by *pipeline.Record) {
	b.appendKey(labelSet, gone.brand, by.Post.Platform, gone.id, gone.event, gone.version, 1)
	empty := pipeline.Record{Post: pipeline.Post{SeenAt: seenAt(by), Simulated: by.Post.Simulated}}
	b.appendPost(&empty, gone.event)
	b.appendLabels(&pipeline.Mention{})
	b.at.append(by.Position)
}

func (b *mentionsBlock) appendKey(labelSet, brand, platform, id string, event pipeline.Time, v proto.UInt128, deleted uint8) {
	b.labelSet.Append(labelSet)
	b.brand.Append(brand)
	b.hour.append(hourOf(event))
	b.platform.Append(platform)
	b.id.Append(id)
	b.version.Append(v)
	b.isDeleted.Append(deleted)
}

func (b *mentionsBlock) appendPost(r *pipeline.Record, event pipeline.Time) {
	p := &r.Post
	b.eventTime.append(event)
	b.seenAt.append(seenAt(r))
	b.createdAt.append(p.CreatedAt)
	b.editedAt.append(p.EditedAt)
	b.kind.Append(string(p.Kind))
	b.source.Append(p.Source)
	b.channel.Append(p.Channel)
	b.authorID.Append(p.Author.ID)
	b.authorHandle.Append(p.Author.Handle)
	b.authorName.Append(p.Author.Name)
	b.authorFollowers.Append(p.Author.Followers)
	b.authorVerified.Append(p.Author.Verified)
	b.authorBot.Append(p.Author.Bot)
	b.title.Append(p.Title)
	b.text.Append(p.Text)
	b.url.Append(p.URL)
	b.lang.Append(r.Language.Code)
	b.langConfidence.Append(r.Language.Confidence)
	b.parentID.Append(p.ParentID)
	b.rootID.Append(p.RootID)
	b.rootAuthor.Append(p.RootAuthor)
	b.repostOf.Append(p.RepostOf)
	b.quoteOf.Append(p.QuoteOf)
	b.hashtags.Append(p.Hashtags)
	b.links.Append(p.Links)
	b.counts.append(&p.Metrics)
	b.place.append(&p.Geo)
	b.rating.Append(nullableRating(p.Rating))
	b.simulated.Append(p.Simulated)
}

func (b *mentionsBlock) appendLabels(m *pipeline.Mention) {
	b.queryVersion.Append(m.QueryVersion)
	b.via.Append(string(m.Via))
	b.fields, b.begins, b.ends = b.fields[:0], b.begins[:0], b.ends[:0]
	for _, s := range m.Spans {
		b.fields = append(b.fields, s.Field)
		b.begins = append(b.begins, uint32(max(s.Begin, 0)))
		b.ends = append(b.ends, uint32(max(s.End, 0)))
	}
	b.spanField.Append(b.fields)
	b.spanBegin.Append(b.begins)
	b.spanEnd.Append(b.ends)
	b.categories.Append(m.Categories)
	b.sentiment.append(&m.Sentiment)
	b.toward.append(&m.Toward)
	b.fields, b.scores = b.fields[:0], b.scores[:0]
	for _, a := range m.Aspects {
		b.fields, b.scores = append(b.fields, a.Name), append(b.scores, a.Score)
	}
	b.aspects.Append(b.fields)
	b.aspectScores.Append(b.scores)
	b.intents.Append(m.Intents)
	b.phrases.Append(m.Phrases)
}

// tombstonesBlock is a block of tombstones.
type tombstonesBlock struct {
	block
	platform, scope word
	id              text
	deletedAt       moments
	at              positions
}

func newTombstonesBlock() *tombstonesBlock {
	b := &tombstonesBlock{block: block{table: "tombstones"}}
	b.platform, b.scope, b.id = b.word("platform"), b.word("scope"), b.text("id")
	b.deletedAt, b.at = b.moment("deleted_at"), b.positions()
	return b
}

func (b *tombstonesBlock) append(r *pipeline.Record) {
	scope := r.Post.Scope
	if scope == "" {
		scope = pipeline.ScopePost
	}
	b.platform.Append(r.Post.Platform)
	b.scope.Append(string(scope))
	b.id.Append(r.Post.ID)
	b.deletedAt.append(seenAt(r))
	b.at.append(r.Position)
}

// interactionsBlock is a block of interactions.
type interactionsBlock struct {
	block
	platform, via                                word
	rootID, id, targetID, targetAuthor, authorID text
	eventTime                                    moments
	version                                      *proto.ColUInt128
}

func newInteractionsBlock() *interactionsBlock {
	b := &interactionsBlock{block: block{table: "interactions"}}
	b.platform, b.rootID, b.id, b.via = b.word("platform"), b.text("root_id"), b.text("id"), b.word("via")
	b.targetID, b.targetAuthor, b.authorID = b.text("target_id"), b.text("target_author"), b.text("author_id")
	b.eventTime, b.version = b.moment("event_time"), b.uint128("version")
	return b
}

// append adds what a post does to others: it answers, reposts, quotes and names them.
func (b *interactionsBlock) append(r *pipeline.Record, event pipeline.Time) {
	p := &r.Post
	if p.ParentID != "" {
		b.one(r, event, "reply", or(p.RootID, p.ParentID), p.ParentID, p.ParentAuthor)
	}
	if p.RepostOf != "" {
		b.one(r, event, "repost", p.RepostOf, p.RepostOf, p.RepostAuthor)
	}
	if p.QuoteOf != "" {
		b.one(r, event, "quote", p.QuoteOf, p.QuoteOf, p.QuoteAuthor)
	}
	for _, handle := range p.Handles {
		b.one(r, event, "name", or(p.RootID, p.ID), "", handle)
	}
}

func (b *interactionsBlock) one(r *pipeline.Record, event pipeline.Time, via, root, target, author string) {
	b.platform.Append(r.Post.Platform)
	b.rootID.Append(root)
	b.id.Append(r.Post.ID)
	b.via.Append(via)
	b.targetID.Append(target)
	b.targetAuthor.Append(author)
	b.authorID.Append(r.Post.Author.ID)
	b.eventTime.append(event)
	b.version.Append(version(&r.Post, seenAt(r), r.Position.Offset))
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// metricsBlock is a block of metrics_observed.
type metricsBlock struct {
	block
	platform  word
	id        text
	seenAt    moments
	counts    countColumns
	partition *proto.ColInt32
	offset    long
}

func newMetricsBlock() *metricsBlock {
	b := &metricsBlock{block: block{table: "metrics_observed"}}
	b.platform, b.id, b.seenAt, b.counts = b.word("platform"), b.text("id"), b.moment("seen_at"), b.block.counts()
	b.partition, b.offset = b.int32("partition"), b.int64("offset")
	return b
}

func (b *metricsBlock) append(r *pipeline.Record) {
	b.platform.Append(r.Post.Platform)
	b.id.Append(r.Post.ID)
	b.seenAt.append(seenAt(r))
	b.counts.append(&r.Post.Metrics)
	b.partition.Append(r.Position.Partition)
	b.offset.Append(r.Position.Offset)
}

// authorsBlock is a block of authors: each once, as last seen in the batch.
type authorsBlock struct {
	block
	platform word
	author   authorColumns
	seenAt   moments
	latest   map[authorKey]*pipeline.Record
}

type authorKey struct{ platform, id string }

func newAuthorsBlock() *authorsBlock {
	b := &authorsBlock{block: block{table: "authors"}, latest: map[authorKey]*pipeline.Record{}}
	b.platform, b.author, b.seenAt = b.word("platform"), b.block.author("", "author_id"), b.moment("seen_at")
	return b
}

// note remembers the record if it is the latest that says something of its author.
func (b *authorsBlock) note(r *pipeline.Record) {
	a := &r.Post.Author
	if a.ID == "" || a.Handle == "" && a.Name == "" && a.Followers == 0 {
		return
	}
	key := authorKey{r.Post.Platform, a.ID}
	if old := b.latest[key]; old == nil || seenAt(old) <= seenAt(r) {
		b.latest[key] = r
	}
}

// fill turns what was noted into rows.
func (b *authorsBlock) fill() {
	for key, r := range b.latest {
		b.platform.Append(key.platform)
		b.author.append(&r.Post.Author)
		b.seenAt.append(seenAt(r))
	}
	clear(b.latest)
}

// dirtyBlock is a block of marks on buckets that must be totalled again.
type dirtyBlock struct {
	block
	labelSet, brand word
	hour            seconds
	mark            *proto.ColUInt64
}

func newDirtyBlock() *dirtyBlock {
	b := &dirtyBlock{block: block{table: "dirty"}}
	b.labelSet, b.brand, b.hour, b.mark = b.word("label_set"), b.word("brand"), b.second("hour"), b.uint64("mark")
	return b
}

func (b *dirtyBlock) append(labelSet, brand string, at pipeline.Time, mark uint64) {
	b.labelSet.Append(labelSet)
	b.brand.Append(brand)
	b.hour.append(hourOf(at))
	b.mark.Append(mark)
}
