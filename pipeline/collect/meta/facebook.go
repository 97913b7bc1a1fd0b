package meta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/poll"
)

const facebook = "facebook"

// pages is the API of Facebook Pages.
type pages struct {
	graph
	list []string
}

// NewFacebook checks the settings.
func NewFacebook(cfg Facebook, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("facebook: %w", err)
	}
	p := &pages{graph: graph{cfg: &cfg.Common, http: http}, list: cfg.Pages}
	return &Source{name: facebook, cfg: &cfg.Common, api: p}, nil
}

// The fields that are asked for. Counts come as summaries of empty lists.
func postFields() string {
	return comma("id", "message", "story", "created_time", "from{id,name}", "permalink_url", "parent_id", "shares",
		"attachments{media_type,url,unshimmed_url,title,description,media,subattachments}", "message_tags", "place{name,location}",
		"reactions.limit(0).summary(total_count)", "comments.limit(0).summary(total_count)")
}

func commentFields() string {
	return comma("id", "message", "created_time", "from{id,name}", "parent{id}", "permalink_url", "like_count", "comment_count", "attachment{type,url,media}", "message_tags")
}

// fbPost is a post or a comment.
type fbPost struct {
	ID        string     `json:"id"`
	Message   string     `json:"message"`
	Story     string     `json:"story"`
	Created   string     `json:"created_time"`
	From      named      `json:"from"`
	Link      string     `json:"permalink_url"`
	ParentID  string     `json:"parent_id"`
	Parent    named      `json:"parent"`
	Likes     int64      `json:"like_count"`
	Answers   int64      `json:"comment_count"`
	Attached  attachment `json:"attachment"`
	Tags      []named    `json:"message_tags"`
	Shares    counted    `json:"shares"`
	Reactions summary    `json:"reactions"`
	Comments  struct {
		summary
		Data []json.RawMessage `json:"data"`
	} `json:"comments"`
	Attachments struct {
		Data []attachment `json:"data"`
	} `json:"attachments"`
	Place struct {
		Location struct {
			City    string   `json:"city"`
			Lat     *float64 `json:"latitude"`
			Lon     *float64 `json:"longitude"`
			Country string   `json:"country"` // a name, not a code
		} `json:"location"`
	} `json:"place"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

type counted struct {
	Count int64 `json:"count"`
}

type summary struct {
	Summary struct {
		Total int64 `json:"total_count"`
	} `json:"summary"`
}

type attachment struct {
	MediaType string `json:"media_type"` // photo, video, album, link, …
	Type      string `json:"type"`       // of a comment's: photo, video_inline, share, sticker, …
	URL       string `json:"url"`
	Plain     string `json:"unshimmed_url"` // without Facebook's redirect
	Title     string `json:"title"`
	Text      string `json:"description"`
	Media     struct {
		Image struct {
			Src string `json:"src"`
		} `json:"image"`
		Source string `json:"source"`
	} `json:"media"`
	Parts struct {
		Data []attachment `json:"data"`
	} `json:"subattachments"`
}

func decodeFacebook(data []byte) (fbPost, error) {
	var p fbPost
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("decode post: %w", err)
	}
	if p.ID == "" {
		return p, errors.New("the post has no id")
	}
	return p, nil
}

// post makes ours of a post of a Page, or of a comment below root.
func (f *fbPost) post(page, root string) pipeline.Post {
	p := pipeline.Post{Platform: facebook, ID: f.ID, Op: pipeline.OpCreate, Kind: pipeline.KindPost, Source: page, Channel: page,
		Author: pipeline.Author{ID: f.From.ID, Handle: f.From.Name, Name: f.From.Name}, Text: first(f.Message, f.Story), URL: f.Link, CreatedAt: moment(f.Created),
		Metrics: pipeline.Metrics{Likes: max(f.Reactions.Summary.Total, f.Likes, 0), Reposts: max(f.Shares.Count, 0), Replies: max(f.Comments.Summary.Total, f.Answers, 0)}}
	if root != "" {
		p.Kind, p.RootID, p.ParentID = pipeline.KindComment, root, first(f.Parent.ID, root)
	} else if f.ParentID != "" && f.Message == "" {
		p.Kind, p.RepostOf, p.Text = pipeline.KindRepost, f.ParentID, "" // the story is Facebook's
	} else if f.ParentID != "" {
		p.Kind, p.QuoteOf = pipeline.KindQuote, f.ParentID
	}
	for _, t := range f.Tags {
		if name, ok := strings.CutPrefix(t.Name, "#"); ok {
			p.Hashtags = append(p.Hashtags, name)
		} else if t.Name != "" {
			p.Handles = append(p.Handles, t.Name)
		}
	}
	for _, a := range append(f.Attachments.Data, f.Attached) {
		a.attach(&p)
	}
	l := &f.Place.Location
	p.Geo.City, p.Geo.Lat, p.Geo.Lon = l.City, l.Lat, l.Lon
	return p
}

func (a *attachment) attach(p *pipeline.Post) {
	if len(a.Parts.Data) > 0 {
		for i := range a.Parts.Data {
			a.Parts.Data[i].attach(p)
		}
		return
	}
	kind := first(a.MediaType, a.Type)
	switch {
	case strings.HasPrefix(kind, "photo"):
		alt := a.Text
		if alt == p.Text { // Facebook repeats the post's own words
			alt = ""
		}
		p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: first(a.Media.Image.Src, a.URL), Alt: alt})
	case strings.HasPrefix(kind, "video"):
		p.Media = append(p.Media, pipeline.Media{Kind: "video", URL: first(a.Media.Source, a.URL), Alt: a.Title})
	case first(a.Plain, a.URL) != "":
		p.Links = append(p.Links, first(a.Plain, a.URL))
	}
}

// targets are the feed of each Page, and the new comments below its newest posts.
func (g *pages) targets() []poll.Target {
	var all []poll.Target
	for _, name := range g.list {
		all = append(all, poll.Target{Name: "feed " + name, Depth: g.cfg.Depth,
			Page: func(ctx context.Context, after string, _ time.Time) ([]poll.Item, string, error) {
				return g.feed(ctx, name, after)
			}},
			poll.Target{Name: "comments " + name, Depth: 1, Whole: true,
				Page: func(ctx context.Context, _ string, since time.Time) ([]poll.Item, string, error) {
					items, err := g.comments(ctx, name, since)
					return items, "", err
				}})
	}
	return all
}

const (
	pageSize = 100
	// discussed is how many of the newest posts are looked through for new comments.
	discussed = 50
	// overlap is how far before the last comment the next reading begins.
	overlap = 10 * time.Minute
)

func (g *pages) feed(ctx context.Context, name, after string) ([]poll.Item, string, error) {
	q := url.Values{"fields": {postFields()}, "limit": {strconv.Itoa(pageSize)}}
	if after != "" {
		q.Set("after", after)
	}
	var list page
	if err := g.get(ctx, name+"/feed", q, &list); err != nil {
		return nil, "", err
	}
	var items []poll.Item
	for _, raw := range list.Data {
		f, err := decodeFacebook(raw)
		if err != nil {
			items = append(items, poll.Unreadable(raw, err))
			continue
		}
		p := f.post(name, "")
		items = append(items, poll.Item{ID: p.ID, Millis: int64(p.CreatedAt), Posts: []pipeline.Post{p}, Watch: p.ID})
	}
	return items, list.after(), nil
}

func (g *pages) comments(ctx context.Context, name string, since time.Time) ([]poll.Item, error) {
	from := max(since.Add(-overlap).Unix(), 1)
	q := url.Values{"limit": {strconv.Itoa(discussed)}, "fields": {fmt.Sprintf("id,comments.since(%d).filter(stream).order(reverse_chronological).limit(%d){%s}", from, pageSize, commentFields())}}
	var list page
	if err := g.get(ctx, name+"/feed", q, &list); err != nil {
		return nil, err
	}
	var items []poll.Item
	for _, raw := range list.Data {
		root, err := decodeFacebook(raw)
		if err != nil {
			continue // the feed refuses it
		}
		for _, one := range root.Comments.Data {
			c, err := decodeFacebook(one)
			if err != nil {
				items = append(items, poll.Unreadable(one, err))
				continue
			}
			p := c.post(name, root.ID)
			items = append(items, poll.Item{ID: p.ID, Millis: int64(p.CreatedAt), Posts: []pipeline.Post{p}, Watch: p.ID})
		}
	}
	return newestFirst(items, from*1000), nil
}

// newestFirst sorts items, and drops what is older than a moment: it was read before.
func newestFirst(items []poll.Item, oldest int64) []poll.Item {
	items = slices.DeleteFunc(items, func(i poll.Item) bool { return i.Bad == nil && i.Millis < oldest })
	slices.SortStableFunc(items, func(a, b poll.Item) int { return int(min(max(b.Millis-a.Millis, -1), 1)) })
	return items
}

// again reads one post or comment a second time. The feed of the Page was read just before,
// so what is missing now was deleted or hidden, and is no matter of permissions.
func (g *pages) again(ctx context.Context, id string) (pipeline.Post, bool, error) {
	var raw json.RawMessage
	err := g.get(ctx, id, url.Values{"fields": {comma("id", "like_count", "comment_count", "reactions.limit(0).summary(total_count)", "comments.limit(0).summary(total_count)")}}, &raw)
	if errors.Is(err, errGone) {
		return pipeline.Post{Platform: facebook, ID: id, Op: pipeline.OpDelete, Scope: pipeline.ScopePost}, true, nil
	}
	if err != nil {
		return pipeline.Post{}, false, err
	}
	f, err := decodeFacebook(raw)
	if err != nil {
		return pipeline.Post{}, false, err
	}
	whole := f.post("", "")
	return pipeline.Post{Platform: facebook, ID: id, Op: pipeline.OpMetrics, Kind: pipeline.KindPost, Metrics: whole.Metrics}, false, nil
}

func (g *pages) check(ctx context.Context) (string, error) {
	if len(g.list) == 0 {
		return "", errors.New("pages: name at least one")
	}
	var said []string
	for _, name := range g.list {
		var a struct {
			Name      string `json:"name"`
			Followers int64  `json:"followers_count"`
		}
		if err := g.get(ctx, name, url.Values{"fields": {"id,name,followers_count"}}, &a); err != nil {
			return "", err
		}
		if _, _, err := g.feed(ctx, name, ""); err != nil {
			return "", fmt.Errorf("the feed of %s: %w", name, err)
		}
		said = append(said, fmt.Sprintf("%s (%d followers)", a.Name, a.Followers))
	}
	return "the feeds can be read of " + strings.Join(said, ", "), nil
}
