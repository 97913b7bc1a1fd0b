package reddit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"earshot/pipeline"
	"earshot/pipeline/collect/poll"
)

const platform = "reddit"

// listing is a page of things, newest first.
type listing struct {
	Kind string `json:"kind"`
	Data struct {
		After    string            `json:"after"`
		Children []json.RawMessage `json:"children"`
	} `json:"data"`
}

// thing is a post (t3) or a comment (t1).
type thing struct {
	Kind string    `json:"kind"`
	Data thingData `json:"data"`
}

type thingData struct {
	Name      string     `json:"name"` // fullname: t3_…, t1_…
	Author    string     `json:"author"`
	AuthorID  string     `json:"author_fullname"` // t2_…; absent if the account is gone
	Subreddit string     `json:"subreddit"`
	Created   float64    `json:"created_utc"` // s
	Edited    edited     `json:"edited"`
	Score     int64      `json:"score"`
	Permalink string     `json:"permalink"`
	Title     string     `json:"title"`
	Selftext  string     `json:"selftext"`
	Self      bool       `json:"is_self"`
	URL       string     `json:"url"`
	Hint      string     `json:"post_hint"`
	Comments  int64      `json:"num_comments"`
	Crosspost string     `json:"crosspost_parent"`
	Originals []original `json:"crosspost_parent_list"`
	Video     bool       `json:"is_video"`
	Media     reddVideo  `json:"media"`
	Pictures  pictures   `json:"media_metadata"` // of a gallery or in a text, by id
	IsGallery bool       `json:"is_gallery"`
	Gallery   gallery    `json:"gallery_data"`
	RemovedBy string     `json:"removed_by_category"`
	Body      string     `json:"body"`
	Parent    string     `json:"parent_id"`
	Link      string     `json:"link_id"`
}

type original struct {
	Author    string `json:"author"`
	AuthorID  string `json:"author_fullname"`
	Permalink string `json:"permalink"`
}

type reddVideo struct {
	Video struct {
		URL string `json:"fallback_url"`
	} `json:"reddit_video"`
}

type pictures map[string]struct {
	Kind   string `json:"e"` // Image, AnimatedImage, RedditVideo
	Source struct {
		URL string `json:"u"`
		GIF string `json:"gif"` // of an AnimatedImage, which has no u
	} `json:"s"`
}

// UnmarshalJSON also takes what older posts have in its place.
func (g *pictures) UnmarshalJSON(b []byte) error {
	type plain pictures
	var in plain
	if json.Unmarshal(b, &in) == nil {
		*g = pictures(in)
	}
	return nil
}

// gallery is the order in which pictures are shown, and what is said of each.
type gallery struct {
	Items []shown `json:"items"`
}

type shown struct {
	ID      string `json:"media_id"`
	Caption string `json:"caption"`
	Link    string `json:"outbound_url"`
}

// edited is false, or when it was edited: Unix seconds.
type edited float64

func (e *edited) UnmarshalJSON(b []byte) error {
	var seconds float64
	if json.Unmarshal(b, &seconds) == nil {
		*e = edited(seconds)
	}
	return nil
}

func decodeListing(data []byte) (listing, error) {
	var l listing
	if err := json.Unmarshal(data, &l); err != nil {
		return l, fmt.Errorf("decode listing: %w", err)
	}
	if l.Kind != "Listing" {
		return l, fmt.Errorf("the answer is a %.40q, not a Listing", l.Kind)
	}
	return l, nil
}

func decode(data []byte) (thing, error) {
	var t thing
	if err := json.Unmarshal(data, &t); err != nil {
		return t, fmt.Errorf("decode thing: %w", err)
	}
	if (t.Kind != "t1" && t.Kind != "t3") || !strings.HasPrefix(t.Data.Name, t.Kind+"_") {
		return t, errors.New("it is neither a post (t3) nor a comment (t1) with a name")
	}
	return t, nil
}

// item makes an entry of a listing.
func item(data []byte) poll.Item {
	t, err := decode(data)
	if err != nil {
		return poll.Unreadable(data, err)
	}
	out := poll.Item{ID: t.Data.Name, Millis: int64(t.Data.Created * 1000), Watch: t.Data.Name}
	if t.gone() {
		out.Watch = ""
		return out
	}
	out.Posts = []pipeline.Post{t.post(pipeline.OpCreate)}
	return out
}

// gone reports whether the author or a moderator has taken it away. Where the account was
// deleted, its id must go too, so the post goes.
func (t *thing) gone() bool {
	d := &t.Data
	if d.RemovedBy != "" || d.Author == "[deleted]" {
		return true
	}
	text := d.Body
	if t.Kind == "t3" {
		text = d.Selftext
	}
	return text == "[removed]" || text == "[deleted]"
}

func (t *thing) delete() pipeline.Post {
	return pipeline.Post{Platform: platform, ID: t.Data.Name, Op: pipeline.OpDelete, Scope: pipeline.ScopePost}
}

// metrics are the counts alone.
func (t *thing) metrics() pipeline.Post {
	whole := t.post(pipeline.OpMetrics)
	return pipeline.Post{Platform: platform, ID: whole.ID, Op: whole.Op, Kind: whole.Kind, Source: whole.Source, Metrics: whole.Metrics}
}

func (t *thing) post(op pipeline.Op) pipeline.Post {
	d := &t.Data
	p := pipeline.Post{Platform: platform, ID: d.Name, Op: op, Kind: pipeline.KindPost, Source: "r/" + d.Subreddit, Channel: "r/" + d.Subreddit,
		Author: pipeline.Author{ID: first(d.AuthorID, d.Author), Handle: d.Author}, CreatedAt: pipeline.Time(d.Created * 1000), EditedAt: pipeline.Time(d.Edited * 1000),
		Metrics: pipeline.Metrics{Likes: max(d.Score, 0), Replies: max(d.Comments, 0)}}
	if strings.HasPrefix(d.Permalink, "/") {
		p.URL = "https://www.reddit.com" + d.Permalink
	}
	if t.Kind == "t1" {
		p.Kind, p.Text, p.ParentID, p.RootID = pipeline.KindComment, d.Body, d.Parent, d.Link
		return p
	}
	p.Title, p.Text = d.Title, d.Selftext
	t.attach(&p)
	if d.Crosspost != "" {
		p.Kind, p.QuoteOf = pipeline.KindQuote, d.Crosspost
		if len(d.Originals) > 0 && d.Originals[0].Author != "[deleted]" {
			p.QuoteAuthor = first(d.Originals[0].AuthorID, d.Originals[0].Author)
		}
	}
	return p
}

// attach fills links and media.
func (t *thing) attach(p *pipeline.Post) {
	d := &t.Data
	switch {
	case d.Video && d.Media.Video.URL != "":
		p.Media = append(p.Media, pipeline.Media{Kind: "video", URL: d.Media.Video.URL})
	case d.Hint == "image":
		p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: d.URL})
	case !d.Self && !d.IsGallery && strings.HasPrefix(d.URL, "http") && !d.ofOriginal(d.URL):
		p.Links = append(p.Links, d.URL)
	}
	for _, one := range d.shown() {
		m := d.Pictures[one.ID]
		if address := first(m.Source.URL, m.Source.GIF); address != "" {
			p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: address, Alt: one.Caption})
		}
		if one.Link != "" {
			p.Links = append(p.Links, one.Link)
		}
	}
}

// ofOriginal reports whether an address is that of the post that is crossposted: it is said
// by quote_of already.
func (d *thingData) ofOriginal(address string) bool {
	return len(d.Originals) > 0 && d.Originals[0].Permalink != "" && strings.HasSuffix(address, d.Originals[0].Permalink)
}

// shown are the pictures: those of the gallery in its order, then those in the text.
func (d *thingData) shown() []shown {
	all := slices.Clone(d.Gallery.Items)
	listed := make(map[string]bool, len(all))
	for i := range all {
		listed[all[i].ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(d.Pictures)) {
		if !listed[id] {
			all = append(all, shown{ID: id})
		}
	}
	return all
}

// changes are what a second reading tells: deletes, edits, or counts alone. What cannot
// be read is left for the next reading.
func (l *listing) changes() (posts []pipeline.Post, gone map[string]bool) {
	gone = map[string]bool{}
	for _, child := range l.Data.Children {
		t, err := decode(child)
		switch {
		case err != nil:
		case t.gone():
			gone[t.Data.Name] = true
			posts = append(posts, t.delete())
		case t.Data.Edited > 0:
			posts = append(posts, t.post(pipeline.OpUpdate))
		default:
			posts = append(posts, t.metrics())
		}
	}
	return posts, gone
}
