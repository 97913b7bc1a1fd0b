package meta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/poll"
)

const instagram = "instagram"

// accounts is the API of Instagram.
type accounts struct {
	graph
	account  string
	tags     bool
	hashtags []string

	mu    sync.Mutex
	nodes map[string]string // hashtag to its id, which never changes
}

// NewInstagram checks the settings.
func NewInstagram(cfg Instagram, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("instagram: %w", err)
	}
	a := &accounts{graph: graph{cfg: &cfg.Common, http: http}, account: cfg.Account, tags: cfg.Tags, hashtags: cfg.Hashtags, nodes: map[string]string{}}
	return &Source{name: instagram, cfg: &cfg.Common, api: a}, nil
}

type igMedia struct {
	ID        string `json:"id"`
	Caption   string `json:"caption"`
	Type      string `json:"media_type"` // IMAGE, VIDEO, CAROUSEL_ALBUM
	URL       string `json:"media_url"`
	Alt       string `json:"alt_text"`
	Link      string `json:"permalink"`
	Timestamp string `json:"timestamp"`
	Username  string `json:"username"`
	Owner     named  `json:"owner"`
	Likes     int64  `json:"like_count"`
	Answers   int64  `json:"comments_count"`
	Children  struct {
		Data []igMedia `json:"data"`
	} `json:"children"`
	Comments struct {
		Data []json.RawMessage `json:"data"`
	} `json:"comments"`
}

type igComment struct {
	ID        string `json:"id"`
	Text      string `json:"text"`
	Timestamp string `json:"timestamp"`
	Username  string `json:"username"`
	Likes     int64  `json:"like_count"`
	ParentID  string `json:"parent_id"`
	From      struct {
		ID       string `json:"id"`
		Username string `json:"username"`
	} `json:"from"`
	User    named `json:"user"` // in place of from, where the token may know
	Replies struct {
		Data []igComment `json:"data"`
	} `json:"replies"`
}

func decodeMedia(data []byte) (igMedia, error) {
	var m igMedia
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("decode media: %w", err)
	}
	if m.ID == "" {
		return m, errors.New("the media has no id")
	}
	return m, nil
}

// mark finds what Instagram marks in the text alone.
func mark(p *pipeline.Post) {
	for _, m := range regexp.MustCompile(`#([\p{L}\p{N}_]{1,100})`).FindAllStringSubmatch(p.Text, 100) {
		p.Hashtags = append(p.Hashtags, m[1])
	}
	for _, m := range regexp.MustCompile(`@([A-Za-z0-9._]{1,30})`).FindAllStringSubmatch(p.Text, 100) {
		p.Handles = append(p.Handles, m[1])
	}
}

func (m *igMedia) post(channel string) pipeline.Post {
	p := pipeline.Post{Platform: instagram, ID: m.ID, Op: pipeline.OpCreate, Kind: pipeline.KindPost, Channel: channel,
		Author: pipeline.Author{ID: first(m.Owner.ID, m.Username), Handle: m.Username}, Text: m.Caption, URL: m.Link, CreatedAt: moment(m.Timestamp),
		Metrics: pipeline.Metrics{Likes: max(m.Likes, 0), Replies: max(m.Answers, 0)}}
	mark(&p)
	parts := m.Children.Data
	if len(parts) == 0 {
		parts = []igMedia{*m}
	}
	for i := range parts {
		kind := "image"
		if parts[i].Type == "VIDEO" {
			kind = "video"
		}
		if parts[i].URL != "" {
			p.Media = append(p.Media, pipeline.Media{Kind: kind, URL: parts[i].URL, Alt: parts[i].Alt})
		}
	}
	return p
}

func (c *igComment) post(media, channel string) pipeline.Post {
	name := first(c.From.Username, c.Username)
	p := pipeline.Post{Platform: instagram, ID: c.ID, Op: pipeline.OpCreate, Kind: pipeline.KindComment, Channel: channel,
		Author: pipeline.Author{ID: first(c.From.ID, first(c.User.ID, name)), Handle: name}, Text: c.Text, CreatedAt: moment(c.Timestamp),
		RootID: media, ParentID: first(c.ParentID, media), Metrics: pipeline.Metrics{Likes: max(c.Likes, 0), Replies: int64(len(c.Replies.Data))}}
	mark(&p)
	return p
}

func (g *accounts) targets() []poll.Target {
	list := func(name, path string, q url.Values, own bool) poll.Target {
		return poll.Target{Name: name, Depth: g.cfg.Depth, Page: func(ctx context.Context, after string, _ time.Time) ([]poll.Item, string, error) {
			return g.media(ctx, path, q, after, own)
		}}
	}
	full := url.Values{"fields": {"id,caption,media_type,media_url,permalink,timestamp,username,owner,like_count,comments_count,children{media_type,media_url}"}}
	var all []poll.Target
	if g.account != "" {
		all = append(all, list("media", g.account+"/media", full, true), poll.Target{Name: "comments", Depth: 1, Whole: true,
			Page: func(ctx context.Context, _ string, since time.Time) ([]poll.Item, string, error) {
				items, err := g.comments(ctx, since)
				return items, "", err
			}})
		if g.tags {
			all = append(all, list("tags", g.account+"/tags", full, false))
		}
	}
	for _, tag := range g.hashtags {
		all = append(all, poll.Target{Name: "hashtag " + tag, Depth: g.cfg.Depth, Page: func(ctx context.Context, after string, _ time.Time) ([]poll.Item, string, error) {
			return g.hashtag(ctx, tag, after)
		}})
	}
	return all
}

const mostMedia = 50 // what hashtags allow, and enough elsewhere

func (g *accounts) media(ctx context.Context, path string, query url.Values, after string, own bool) ([]poll.Item, string, error) {
	q := url.Values{"limit": {strconv.Itoa(mostMedia)}}
	maps.Copy(q, query)
	if after != "" {
		q.Set("after", after)
	}
	var list page
	if err := g.get(ctx, path, q, &list); err != nil {
		return nil, "", err
	}
	var items []poll.Item
	for _, raw := range list.Data {
		m, err := decodeMedia(raw)
		if err != nil {
			items = append(items, poll.Unreadable(raw, err))
			continue
		}
		channel, watch := "", ""
		if own {
			channel, watch = m.Username, m.ID
		}
		p := m.post(channel)
		items = append(items, poll.Item{ID: p.ID, Millis: int64(p.CreatedAt), Posts: []pipeline.Post{p}, Watch: watch})
	}
	return items, list.after(), nil
}

// hashtag reads the media of 24 hours; Instagram says neither who nor how to ask again.
func (g *accounts) hashtag(ctx context.Context, tag, after string) ([]poll.Item, string, error) {
	g.mu.Lock()
	node := g.nodes[tag]
	g.mu.Unlock()
	if node == "" {
		var found struct {
			Data []named `json:"data"`
		}
		if err := g.get(ctx, "ig_hashtag_search", url.Values{"user_id": {g.account}, "q": {tag}}, &found); err != nil {
			return nil, "", err
		}
		if len(found.Data) == 0 {
			return nil, "", nil
		}
		node = found.Data[0].ID
		g.mu.Lock()
		g.nodes[tag] = node
		g.mu.Unlock()
	}
	q := url.Values{"user_id": {g.account}, "fields": {"id,caption,media_type,media_url,permalink,timestamp,like_count,comments_count,children{media_type,media_url}"}}
	return g.media(ctx, node+"/recent_media", q, after, false)
}

// comments are the new ones below the newest media of the account.
func (g *accounts) comments(ctx context.Context, since time.Time) ([]poll.Item, error) {
	fields := "id,text,username,from,timestamp,like_count,parent_id"
	q := url.Values{"limit": {"25"}, "fields": {"id,username,comments.limit(50){" + fields + ",replies.limit(50){" + fields + "}}"}}
	var list page
	if err := g.get(ctx, g.account+"/media", q, &list); err != nil {
		return nil, err
	}
	var items []poll.Item
	for _, raw := range list.Data {
		m, err := decodeMedia(raw)
		if err != nil {
			continue // the list of media refuses it
		}
		for _, one := range m.Comments.Data {
			var c igComment
			if err := json.Unmarshal(one, &c); err != nil || c.ID == "" {
				items = append(items, poll.Unreadable(one, errors.Join(err, errors.New("the comment cannot be read"))))
				continue
			}
			for _, each := range append([]igComment{c}, c.Replies.Data...) {
				if each.ID != c.ID && each.ParentID == "" {
					each.ParentID = c.ID
				}
				p := each.post(m.ID, m.Username)
				items = append(items, poll.Item{ID: p.ID, Millis: int64(p.CreatedAt), Posts: []pipeline.Post{p}, Watch: p.ID})
			}
		}
	}
	return newestFirst(items, since.Add(-overlap).UnixMilli()), nil
}

func (g *accounts) again(ctx context.Context, id string) (pipeline.Post, bool, error) {
	var m igMedia
	err := g.get(ctx, id, url.Values{"fields": {"id,like_count"}}, &m)
	if errors.Is(err, errGone) {
		return pipeline.Post{Platform: instagram, ID: id, Op: pipeline.OpDelete, Scope: pipeline.ScopePost}, true, nil
	}
	if err != nil {
		return pipeline.Post{}, false, err
	}
	return pipeline.Post{Platform: instagram, ID: id, Op: pipeline.OpMetrics, Kind: pipeline.KindPost, Metrics: pipeline.Metrics{Likes: max(m.Likes, 0)}}, false, nil
}

func (g *accounts) check(ctx context.Context) (string, error) {
	if g.account == "" {
		return "", errors.New("account: is missing")
	}
	var a struct {
		Username  string `json:"username"`
		Followers int64  `json:"followers_count"`
	}
	if err := g.get(ctx, g.account, url.Values{"fields": {"username,followers_count"}}, &a); err != nil {
		return "", err
	}
	said := fmt.Sprintf("the account %s (%d followers) can be read", a.Username, a.Followers)
	for _, tag := range g.hashtags {
		if _, _, err := g.hashtag(ctx, tag, ""); err != nil {
			return "", fmt.Errorf("the hashtag %s: %w", tag, err)
		}
	}
	return said, nil
}
