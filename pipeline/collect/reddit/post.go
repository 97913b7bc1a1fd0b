package reddit

import (
	"encoding/json"
	"errors"
	"fmt"
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
	Name      string      `json:"name"` // fullname: t3_…, t1_…
	Author    string      `json:"author"`
	AuthorID  string      `json:"author_fullname"` // t2_…; absent if the account is gone
	Subreddit string      `json:"subreddit"`
	Created   float64     `json:"created_utc"` // s
	Edited    edited      `json:"edited"`
	Score     int64       `json:"score"`
	Permalink string      `json:"permalink"`
	Title     string      `json:"title"`
	Selftext  string      `json:"selftext"`
	Self      bool        `json:"is_self"`
	URL       string      `json:"url"`
	Hint      string      `json:"post_hint"`
	Comments  int64       `json:"num_comments"`
	Crosspost string      `json:"crosspost_parent"`
	Originals []original  `json:"crosspost_parent_list"`
	Video     bool        `json:"is_video"`
	Media     reddVideo   `json:"media"`
	Gallery   galleryList `json:"media_metadata"`
	RemovedBy string      `json:"removed_by_category"`
	Body      string      `json:"body"`
	Parent    string      `json:"parent_id"`
	Link      string      `json:"link_id"`
}

type original struct {
	AuthorID string `json:"author_fullname"`
}

type reddVideo struct {
	Video struct {
		URL string `json:"fallback_url"`
	} `json:"reddit_video"`
}

type galleryList map[string]struct {
	Kind   string `json:"e"` // Image, AnimatedImage, RedditVideo
	Source struct {
		URL string `json:"u"`
	} `json:"s"`
}

// UnmarshalJSON also takes what older posts have in its place.
func (g *galleryList) UnmarshalJSON(b []byte) error {
	type plain galleryList
	var in plain
	if json.Unmarshal(b, &in) == nil {
		*g = galleryList(in)
	}
	return nil
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
	author := d.AuthorID
	if author == "" {
		author = d.Author
	}
	p := pipeline.Post{Platform: platform, ID: d.Name, Op: op, Kind: pipeline.KindPost, Source: "r/" + d.Subreddit, Channel: "r/" + d.Subreddit,
		Author: pipeline.Author{ID: author, Handle: d.Author}, CreatedAt: pipeline.Time(d.Created * 1000), EditedAt: pipeline.Time(d.Edited * 1000),
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
		if len(d.Originals) > 0 {
			p.QuoteAuthor = d.Originals[0].AuthorID
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
	case !d.Self && strings.HasPrefix(d.URL, "http"):
		p.Links = append(p.Links, d.URL)
	}
	for _, key := range sortedKeys(d.Gallery) {
		m := d.Gallery[key]
		if m.Kind == "Image" && m.Source.URL != "" {
			p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: m.Source.URL})
		}
	}
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
