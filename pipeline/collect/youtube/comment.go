package youtube

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/markup"
)

// thread is a comment on a video with the first of its answers.
type thread struct {
	ID      string `json:"id"`
	Snippet struct {
		Channel string  `json:"channelId"` // whose video it is
		Video   string  `json:"videoId"`
		Top     comment `json:"topLevelComment"`
		Answers int64   `json:"totalReplyCount"`
	} `json:"snippet"`
	Replies struct {
		Comments []comment `json:"comments"`
	} `json:"replies"`
}

type comment struct {
	ID      string `json:"id"`
	Snippet struct {
		Author  string `json:"authorDisplayName"`
		Account struct {
			ID string `json:"value"`
		} `json:"authorChannelId"`
		Text      string    `json:"textDisplay"`
		Parent    string    `json:"parentId"`
		Likes     int64     `json:"likeCount"`
		Published time.Time `json:"publishedAt"`
		Updated   time.Time `json:"updatedAt"`
	} `json:"snippet"`
}

func decodeThread(data []byte) (*thread, error) {
	var t thread
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, fmt.Errorf("youtube: decode thread: %w", err)
	}
	if t.ID == "" || t.Snippet.Top.ID == "" {
		return nil, errors.New("youtube: the thread has no id or no comment")
	}
	return &t, nil
}

// posts are the comment and its answers. A thread that is read again brings counts alone
// where nothing was edited; its answers come whole, since some may be new.
func (t *thread) posts(op pipeline.Op) []pipeline.Post {
	top := t.post(&t.Snippet.Top)
	top.Metrics.Replies = max(t.Snippet.Answers, 0)
	if op == pipeline.OpMetrics {
		if top.EditedAt.Known() {
			top.Op = pipeline.OpUpdate
		} else {
			top = pipeline.Post{Platform: platform, ID: top.ID, Op: op, Kind: top.Kind, Metrics: top.Metrics}
		}
	}
	all := []pipeline.Post{top}
	for i := range t.Replies.Comments {
		if c := &t.Replies.Comments[i]; c.ID != "" {
			p := t.post(c)
			p.ParentID, p.ParentAuthor = t.ID, t.Snippet.Top.account()
			all = append(all, p)
		}
	}
	return all
}

// account is the author's channel, or the name of one without.
func (c *comment) account() string {
	if c.Snippet.Account.ID != "" {
		return c.Snippet.Account.ID
	}
	return c.Snippet.Author
}

func (t *thread) post(c *comment) pipeline.Post {
	s := &c.Snippet
	p := pipeline.Post{Platform: platform, ID: c.ID, Op: pipeline.OpCreate, Kind: pipeline.KindComment, Source: t.Snippet.Channel,
		Channel: t.Snippet.Channel, Author: pipeline.Author{ID: c.account(), Handle: strings.TrimPrefix(s.Author, "@"), Name: s.Author}, Text: s.Text,
		ParentID: t.Snippet.Video, RootID: t.Snippet.Video, RootAuthor: t.Snippet.Channel, ParentAuthor: t.Snippet.Channel,
		Metrics: pipeline.Metrics{Likes: max(s.Likes, 0)}}
	if !s.Published.IsZero() {
		p.CreatedAt = pipeline.At(s.Published)
	}
	if s.Updated.After(s.Published) {
		p.EditedAt = pipeline.At(s.Updated)
	}
	if t.Snippet.Video != "" {
		p.URL = "https://www.youtube.com/watch?v=" + t.Snippet.Video + "&lc=" + c.ID
	}
	return p
}

// video is a result of a search.
type video struct {
	ID struct {
		Video string `json:"videoId"`
	} `json:"id"`
	Snippet struct {
		Published   time.Time `json:"publishedAt"`
		Channel     string    `json:"channelId"`
		ChannelName string    `json:"channelTitle"`
		Title       string    `json:"title"` // HTML entities
		Description string    `json:"description"`
		Thumbnails  map[string]struct {
			URL string `json:"url"`
		} `json:"thumbnails"`
	} `json:"snippet"`
}

func decodeVideo(data []byte) (*video, error) {
	var v video
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("youtube: decode search result: %w", err)
	}
	if v.ID.Video == "" {
		return nil, errors.New("youtube: the search result is no video")
	}
	return &v, nil
}

// post is the video itself: its title and the beginning of its description are words in
// public too.
func (v *video) post() pipeline.Post {
	s := &v.Snippet
	p := pipeline.Post{Platform: platform, ID: v.ID.Video, Op: pipeline.OpCreate, Kind: pipeline.KindPost, Source: s.Channel, Channel: s.Channel,
		Author: pipeline.Author{ID: s.Channel, Name: s.ChannelName}, Title: markup.Text(s.Title), Text: markup.Text(s.Description),
		URL: "https://www.youtube.com/watch?v=" + v.ID.Video}
	if !s.Published.IsZero() {
		p.CreatedAt = pipeline.At(s.Published)
	}
	media := pipeline.Media{Kind: "video", URL: p.URL}
	p.Media = append(p.Media, media)
	return p
}
