package mastodon

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/markup"
)

const platform = "mastodon"

// status is a post as the API gives it.
type status struct {
	ID             string     `json:"id"`
	CreatedAt      time.Time  `json:"created_at"`
	EditedAt       *time.Time `json:"edited_at"`
	InReplyTo      string     `json:"in_reply_to_id"`
	InReplyAccount string     `json:"in_reply_to_account_id"`
	Visibility     string     `json:"visibility"`
	Spoiler        string     `json:"spoiler_text"`
	Language       string     `json:"language"`
	URL            string     `json:"url"`
	URI            string     `json:"uri"`
	Replies        int64      `json:"replies_count"`
	Reblogs        int64      `json:"reblogs_count"`
	Favourites     int64      `json:"favourites_count"`
	Quotes         int64      `json:"quotes_count"`
	Content        string     `json:"content"`
	Reblog         *status    `json:"reblog"`
	Quote          *struct {
		Status *status `json:"quoted_status"`
	} `json:"quote"`
	Account account `json:"account"`
	Media   []struct {
		Type        string `json:"type"`
		URL         string `json:"url"`
		Description string `json:"description"`
	} `json:"media_attachments"`
	Mentions []account `json:"mentions"`
	Tags     []struct {
		Name string `json:"name"`
	} `json:"tags"`
}

type account struct {
	ID        string    `json:"id"`
	Acct      string    `json:"acct"` // user, or user@host of another server
	Name      string    `json:"display_name"`
	Bot       bool      `json:"bot"`
	CreatedAt time.Time `json:"created_at"`
	Followers int64     `json:"followers_count"`
	Following int64     `json:"following_count"`
	Statuses  int64     `json:"statuses_count"`
}

func decode(data []byte) (*status, error) {
	var s status
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("mastodon: decode status: %w", err)
	}
	if s.ID == "" || s.Account.Acct == "" {
		return nil, errors.New("mastodon: the status has no id or no account")
	}
	return &s, nil
}

// names are those of one server: ids are its own, and it leaves out its own host.
type names struct{ host string }

// post is the identity of a status: the server's own id, since deletes name nothing else.
func (n names) post(id string) string { return n.host + "/" + id }

// author is the whole address of an account, which is the same on all servers.
func (n names) author(a *account) string {
	if a.Acct == "" || strings.Contains(a.Acct, "@") {
		return a.Acct
	}
	return a.Acct + "@" + n.host
}

// public reports whether the status was written for everybody.
func (s *status) public() bool { return s.Visibility == "public" || s.Visibility == "unlisted" }

// read makes a post of a status.
func (n names) read(s *status, op pipeline.Op) pipeline.Post {
	p := pipeline.Post{Platform: platform, ID: n.post(s.ID), Op: op, Kind: pipeline.KindPost, Source: n.host,
		Author: pipeline.Author{ID: n.author(&s.Account), Handle: n.author(&s.Account), Name: s.Account.Name, Bot: s.Account.Bot,
			Followers: max(s.Account.Followers, 0), Following: max(s.Account.Following, 0), Posts: max(s.Account.Statuses, 0), CreatedAt: at(s.Account.CreatedAt)},
		Title: s.Spoiler, Lang: s.Language, URL: s.URL, CreatedAt: at(s.CreatedAt),
		Metrics: pipeline.Metrics{Likes: max(s.Favourites, 0), Reposts: max(s.Reblogs, 0), Replies: max(s.Replies, 0), Quotes: max(s.Quotes, 0)}}
	if s.EditedAt != nil {
		p.EditedAt = at(*s.EditedAt)
	}
	if s.Reblog != nil {
		p.Kind, p.RepostOf, p.RepostAuthor = pipeline.KindRepost, n.post(s.Reblog.ID), n.author(&s.Reblog.Account)
		return p
	}
	n.words(s, &p)
	if s.InReplyTo != "" {
		p.Kind, p.ParentID = pipeline.KindComment, n.post(s.InReplyTo)
		p.ParentAuthor = n.answered(s)
	}
	if s.Quote != nil && s.Quote.Status != nil {
		p.Kind, p.QuoteOf, p.QuoteAuthor = pipeline.KindQuote, n.post(s.Quote.Status.ID), n.author(&s.Quote.Status.Account)
	}
	return p
}

func at(t time.Time) pipeline.Time {
	if t.IsZero() {
		return 0
	}
	return pipeline.At(t)
}

func (n names) words(s *status, p *pipeline.Post) {
	content := markup.Read(s.Content)
	p.Text = content.Text
	for _, l := range content.Links { // names and hashtags are links too, and told below
		if !strings.Contains(l.Class, "mention") && !strings.Contains(l.Class, "hashtag") {
			p.Links = append(p.Links, l.Href)
		}
	}
	for _, t := range s.Tags {
		p.Hashtags = append(p.Hashtags, t.Name)
	}
	for i := range s.Mentions {
		p.Handles = append(p.Handles, n.author(&s.Mentions[i]))
	}
	for _, m := range s.Media {
		kind := m.Type
		if kind == "gifv" {
			kind = "video"
		}
		p.Media = append(p.Media, pipeline.Media{Kind: kind, URL: m.URL, Alt: m.Description})
	}
}

// answered is the author of the parent: the API gives the server's number of it, which the
// mentions translate.
func (n names) answered(s *status) string {
	if s.InReplyAccount == s.Account.ID {
		return n.author(&s.Account)
	}
	for i := range s.Mentions {
		if s.Mentions[i].ID == s.InReplyAccount {
			return n.author(&s.Mentions[i])
		}
	}
	return ""
}
