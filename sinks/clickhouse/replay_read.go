package clickhouse

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"earshot/pipeline"
)

// archived is one post of the ledger with its records in the order in which the stream
// stored them.
type archived struct {
	name    PostName
	records []pipeline.Record
	events  []pipeline.Time // frozen event time of each record
}

// archivedRow is a row of posts, as far as enrichment and mentions need it.
type archivedRow struct {
	Platform  string    `ch:"platform"`
	ID        string    `ch:"id"`
	Op        string    `ch:"op"`
	V         uint16    `ch:"v"`
	Kind      string    `ch:"kind"`
	Source    string    `ch:"source"`
	Channel   string    `ch:"channel"`
	AuthorID  string    `ch:"author_id"`
	Handle    string    `ch:"author_handle"`
	Name      string    `ch:"author_name"`
	Followers int64     `ch:"author_followers"`
	Following int64     `ch:"author_following"`
	Posts     int64     `ch:"author_posts"`
	Verified  bool      `ch:"author_verified"`
	Bot       bool      `ch:"author_bot"`
	Location  string    `ch:"author_location"`
	Opened    int64     `ch:"author_created_at_ms"`
	Title     string    `ch:"title"`
	Text      string    `ch:"text"`
	Lang      string    `ch:"lang_claimed"`
	URL       string    `ch:"url"`
	Created   int64     `ch:"created_at_ms"`
	Edited    int64     `ch:"edited_at_ms"`
	Seen      int64     `ch:"seen_at_ms"`
	Event     int64     `ch:"event_time_ms"`
	Parent    string    `ch:"parent_id"`
	ParentBy  string    `ch:"parent_author"`
	Root      string    `ch:"root_id"`
	RootBy    string    `ch:"root_author"`
	Repost    string    `ch:"repost_of"`
	RepostBy  string    `ch:"repost_author"`
	Quote     string    `ch:"quote_of"`
	QuoteBy   string    `ch:"quote_author"`
	Hashtags  []string  `ch:"hashtags"`
	Handles   []string  `ch:"handles"`
	Links     []string  `ch:"links"`
	MediaKind []string  `ch:"media_kind"`
	MediaURL  []string  `ch:"media_url"`
	MediaAlt  []string  `ch:"media_alt"`
	Likes     int64     `ch:"likes"`
	Reposts   int64     `ch:"reposts"`
	Replies   int64     `ch:"replies"`
	Quotes    int64     `ch:"quotes"`
	Views     int64     `ch:"views"`
	Country   string    `ch:"country"`
	Region    string    `ch:"region"`
	City      string    `ch:"city"`
	Lat       *float64  `ch:"lat"`
	Lon       *float64  `ch:"lon"`
	Rating    *float32  `ch:"rating"`
	Simulated bool      `ch:"simulated"`
	Epoch     uuid.UUID `ch:"epoch"`
	Topic     string    `ch:"topic"`
	Partition int32     `ch:"partition"`
	Offset    int64     `ch:"offset"`
	Kafka     int64     `ch:"kafka_time_ms"`
}

// archivedColumns are the columns of archivedRow. Times are read as milliseconds: the
// driver would cut those behind 2262.
const archivedColumns = "toUnixTimestamp64Milli(author_created_at) AS author_created_at_ms, toUnixTimestamp64Milli(created_at) AS created_at_ms," +
	" toUnixTimestamp64Milli(edited_at) AS edited_at_ms, toUnixTimestamp64Milli(seen_at) AS seen_at_ms, toUnixTimestamp64Milli(event_time) AS event_time_ms," +
	" toUnixTimestamp64Milli(kafka_time) AS kafka_time_ms, platform, id, op, v, kind, source, channel, author_id, author_handle, author_name, author_followers, author_following," +
	" author_posts, author_verified, author_bot, author_location, title, text, lang_claimed, url," +
	" parent_id, parent_author, root_id, root_author, repost_of, repost_author, quote_of, quote_author, hashtags, handles," +
	" links, media_kind, media_url, media_alt, likes, reposts, replies, quotes, views, country, region, city, lat, lon, rating, simulated," +
	" epoch, topic, partition, offset"

// record is the Kafka record as it was before enrichment.
func (r *archivedRow) record() pipeline.Record {
	p := pipeline.Post{
		V: int(r.V), Op: pipeline.Op(r.Op), Platform: r.Platform, ID: r.ID, Kind: pipeline.Kind(r.Kind), Source: r.Source, Channel: r.Channel,
		Author: pipeline.Author{
			ID: r.AuthorID, Handle: r.Handle, Name: r.Name, Followers: r.Followers, Following: r.Following, Posts: r.Posts,
			Verified: r.Verified, Bot: r.Bot, Location: r.Location, CreatedAt: pipeline.Time(r.Opened),
		},
		Title: r.Title, Text: r.Text, Lang: r.Lang, URL: r.URL,
		CreatedAt: pipeline.Time(r.Created), EditedAt: pipeline.Time(r.Edited), SeenAt: pipeline.Time(r.Seen),
		ParentID: r.Parent, ParentAuthor: r.ParentBy, RootID: r.Root, RootAuthor: r.RootBy,
		RepostOf: r.Repost, RepostAuthor: r.RepostBy, QuoteOf: r.Quote, QuoteAuthor: r.QuoteBy,
		Hashtags: r.Hashtags, Handles: r.Handles, Links: r.Links,
		Metrics:   pipeline.Metrics{Likes: r.Likes, Reposts: r.Reposts, Replies: r.Replies, Quotes: r.Quotes, Views: r.Views},
		Geo:       pipeline.Geo{Country: r.Country, Region: r.Region, City: r.City, Lat: r.Lat, Lon: r.Lon},
		Simulated: r.Simulated,
	}
	for i := range min(len(r.MediaKind), len(r.MediaURL), len(r.MediaAlt)) {
		p.Media = append(p.Media, pipeline.Media{Kind: r.MediaKind[i], URL: r.MediaURL[i], Alt: r.MediaAlt[i]})
	}
	if r.Rating != nil {
		rating := pipeline.Rating(*r.Rating)
		p.Rating = &rating
	}
	return pipeline.Record{Post: p, Position: pipeline.Position{
		Epoch: pipeline.Epoch(r.Epoch), Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: pipeline.Time(r.Kafka),
	}}
}

// withWords is true for ledger rows whose words still stand: what archive.days, archive.gb
// or an erasure has emptied cannot be read anew. A post without any word, address and
// author cannot be told from those.
func withWords() string {
	filled := make([]string, 0, len(wordy()))
	for _, name := range wordy() {
		filled = append(filled, "notEmpty("+name+")")
	}
	return "(" + strings.Join(filled, " OR ") + ")"
}

// selection says which posts of the archive are read: those of which at least one record
// fits. Its where stands on columns of posts and names its values as parameters.
type selection struct {
	where string
	args  []any
}

// archive reads posts in the order of the ledger's key, a page at a time.
type archive struct {
	db *DB
	selection
}

// openArchive selects the posts of a range of event time, of what was stored since some
// positions if there are any, and of a further condition.
func openArchive(db *DB, from, to pipeline.Time, since []Position, more selection) *archive {
	a := &archive{db: db}
	conditions := []string{"op IN ('create', 'update')"}
	bound := func(name string, t pipeline.Time, comparison string) {
		if t.Known() {
			conditions = append(conditions, "event_time "+comparison+" fromUnixTimestamp64Milli({"+name+":Int64}, 'UTC')")
			a.args = append(a.args, Named(name, strconv.FormatInt(int64(t), 10)))
		}
	}
	bound("event_from", from, ">=")
	bound("event_to", to, "<")
	if len(since) > 0 {
		where, values := storedSince(since)
		conditions = append(conditions, "("+where+")")
		for name, value := range values {
			a.args = append(a.args, Named(name, value))
		}
	}
	if more.where != "" {
		conditions = append(conditions, "("+more.where+")")
		a.args = append(a.args, more.args...)
	}
	a.where = strings.Join(conditions, " AND ")
	return a
}

// storedSince is true for rows behind the positions, and for those of partitions that
// had no row then. The values are those of its parameters.
func storedSince(since []Position) (where string, values map[string]string) {
	values = map[string]string{}
	var behind, known []string
	for i, p := range since {
		epoch, topic := fmt.Sprintf("epoch%d", i), fmt.Sprintf("topic%d", i)
		place := fmt.Sprintf("partition = %d AND epoch = {%s:UUID} AND topic = {%s:String}", p.Partition, epoch, topic)
		behind = append(behind, fmt.Sprintf("%s AND offset >= %d", place, p.Next))
		known = append(known, "NOT ("+place+")")
		values[epoch], values[topic] = p.Epoch, p.Topic
	}
	return strings.Join(behind, " OR ") + " OR " + strings.Join(known, " AND "), values
}

// size is the number of rows that fit.
func (a *archive) size(ctx context.Context) (uint64, error) {
	var rows []struct {
		N uint64 `ch:"n"`
	}
	err := a.db.Select(ctx, &rows, "SELECT count() AS n FROM "+a.db.table("posts")+" WHERE "+a.where, a.args...)
	if err != nil {
		return 0, err
	}
	return rows[0].N, nil
}

// beyond is true behind a post in the order of the key, in a form that the index reads.
func beyond(name string) string {
	return "platform >= {" + name + "_platform:String} AND (platform > {" + name + "_platform:String} OR id > {" + name + "_id:String})"
}

// page returns the posts behind after: those of about so many fitting rows, each with
// all its records. last is false while there are more.
func (a *archive) page(ctx context.Context, after PostName, rows int) (posts []archived, to PostName, last bool, err error) {
	args := append([]any{Named("after_platform", after.Platform), Named("after_id", after.ID)}, a.args...)
	var ends []struct {
		Platform string `ch:"platform"`
		ID       string `ch:"id"`
	}
	where := " WHERE " + a.where
	if after != (PostName{}) {
		where += " AND " + beyond("after")
	}
	query := fmt.Sprintf("SELECT platform, id FROM %s%s ORDER BY platform, id LIMIT 1 OFFSET %d", a.db.table("posts"), where, rows-1)
	if err := a.db.Select(ctx, &ends, query, args...); err != nil {
		return nil, after, false, err
	}
	if last = len(ends) == 0; !last {
		to = PostName{ends[0].Platform, ends[0].ID}
		where += " AND NOT (" + beyond("to") + ")"
		args = append(args, Named("to_platform", to.Platform), Named("to_id", to.ID))
	}
	posts, err = a.read(ctx, where, args)
	if last && len(posts) > 0 {
		to = posts[len(posts)-1].name
	}
	return posts, to, last, err
}

// read returns the posts of which a row fits, without deleted ones.
func (a *archive) read(ctx context.Context, where string, args []any) ([]archived, error) {
	table := a.db.table("posts")
	query := "SELECT " + archivedColumns + " FROM " + table +
		" WHERE (platform, id) IN (SELECT platform, id FROM " + table + where + ") AND op IN ('create', 'update') AND " + withWords() +
		" AND (platform, id) NOT IN (SELECT platform, id FROM " + a.db.table("tombstones") + " WHERE scope = 'post')" +
		" AND (platform, author_id) NOT IN (SELECT platform, id FROM " + a.db.table("tombstones") + " WHERE scope = 'account')" +
		" ORDER BY platform, id, seen_at, partition, offset"
	var rows []archivedRow
	if err := a.db.Select(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	var posts []archived
	for i := range rows {
		name := PostName{rows[i].Platform, rows[i].ID}
		if n := len(posts); n == 0 || posts[n-1].name != name {
			posts = append(posts, archived{name: name})
		}
		p := &posts[len(posts)-1]
		p.records = append(p.records, rows[i].record())
		p.events = append(p.events, pipeline.Time(rows[i].Event))
	}
	for i := range posts {
		posts[i].sort()
	}
	return posts, nil
}

// onItsWay is how far behind the highest stored offset of a partition a row may still be
// missing: a batch, of which there are at most so many records, is stored a day at a time.
const onItsWay = 10_000

// positions says how far each partition is stored, less what may still be on its way.
func (d *DB) positions(ctx context.Context) ([]Position, error) {
	var rows []struct {
		Epoch     uuid.UUID `ch:"epoch"`
		Topic     string    `ch:"topic"`
		Partition int32     `ch:"partition"`
		Last      int64     `ch:"last"`
	}
	err := d.Select(ctx, &rows, "SELECT epoch, topic, partition, max(offset) AS last FROM "+d.table("posts")+
		" GROUP BY epoch, topic, partition ORDER BY epoch, topic, partition")
	if err != nil {
		return nil, err
	}
	out := make([]Position, 0, len(rows))
	for _, r := range rows {
		out = append(out, Position{r.Epoch.String(), r.Topic, r.Partition, max(r.Last+1-onItsWay, 0)})
	}
	return out, nil
}
