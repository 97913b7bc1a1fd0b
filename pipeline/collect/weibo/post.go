package weibo

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/poll"
)

const platform = "weibo"

// status is a post; a deleted one has little more than its id.
type status struct {
	ID        json.Number `json:"id"`
	MID       string      `json:"mid"`
	Created   string      `json:"created_at"`
	Text      string      `json:"text"`
	Deleted   truth       `json:"deleted"`
	User      user        `json:"user"`
	Geo       geo         `json:"geo"`
	Reposts   int64       `json:"reposts_count"`
	Comments  int64       `json:"comments_count"`
	Likes     int64       `json:"attitudes_count"`
	Picture   string      `json:"original_pic"`
	Thumbnail string      `json:"thumbnail_pic"`
	Pictures  []struct {
		URL string `json:"thumbnail_pic"`
	} `json:"pic_urls"`
	Original *status `json:"retweeted_status"`
}

type comment struct {
	ID      json.Number `json:"id"`
	Created string      `json:"created_at"`
	Text    string      `json:"text"`
	User    user        `json:"user"`
	Status  *status     `json:"status"`
	ReplyTo *comment    `json:"reply_comment"`
}

type user struct {
	ID        json.Number `json:"id"`
	Screen    string      `json:"screen_name"`
	Name      string      `json:"name"`
	Location  string      `json:"location"`
	Created   string      `json:"created_at"`
	Followers int64       `json:"followers_count"`
	Friends   int64       `json:"friends_count"`
	Statuses  int64       `json:"statuses_count"`
	Verified  bool        `json:"verified"`
}

// truth is 1, "1" or true.
type truth bool

func (f *truth) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	*f = text == "1" || text == "true"
	return nil
}

// geo is null, or a point with the latitude first.
type geo struct {
	At []float64 `json:"coordinates"`
}

func (g *geo) UnmarshalJSON(b []byte) error {
	var in struct {
		At []float64 `json:"coordinates"`
	}
	if json.Unmarshal(b, &in) == nil && len(in.At) == 2 {
		g.At = in.At
	}
	return nil
}

// commentPrefix keeps the ids of comments and posts apart.
const commentPrefix = "c"

func decodeStatus(data []byte) (poll.Item, error) {
	var s status
	if err := json.Unmarshal(data, &s); err != nil {
		return poll.Item{}, fmt.Errorf("decode status: %w", err)
	}
	if s.ID == "" || s.ID == "0" {
		return poll.Item{}, errors.New("the status has no id")
	}
	p := s.post()
	out := poll.Item{ID: s.ID.String(), Millis: int64(p.CreatedAt), Watch: s.ID.String()}
	if o := s.Original; o != nil && o.ID != "" {
		out.Posts = append(out.Posts, o.post())
	}
	out.Posts = append(out.Posts, p)
	return out, nil
}

func decodeComment(data []byte) (poll.Item, error) {
	var c comment
	if err := json.Unmarshal(data, &c); err != nil {
		return poll.Item{}, fmt.Errorf("decode comment: %w", err)
	}
	if c.ID == "" || c.ID == "0" {
		return poll.Item{}, errors.New("the comment has no id")
	}
	p := pipeline.Post{Platform: platform, ID: commentPrefix + c.ID.String(), Op: pipeline.OpCreate, Kind: pipeline.KindComment,
		Author: c.User.author(), Text: c.Text, CreatedAt: moment(c.Created)}
	mark(&p)
	if s := c.Status; s != nil && s.ID != "" {
		p.ParentID, p.ParentAuthor = s.ID.String(), s.User.ID.String()
		p.RootID, p.RootAuthor, p.Channel, p.URL = p.ParentID, p.ParentAuthor, s.User.Screen, s.address()
	}
	if c.ReplyTo != nil && c.ReplyTo.ID != "" {
		p.ParentID, p.ParentAuthor = commentPrefix+c.ReplyTo.ID.String(), c.ReplyTo.User.ID.String()
	}
	return poll.Item{ID: p.ID, Millis: int64(p.CreatedAt), Posts: []pipeline.Post{p}}, nil
}

// post is a create, or the delete of what its author took away.
func (s *status) post() pipeline.Post {
	id := s.ID.String()
	if s.Deleted {
		return pipeline.Post{Platform: platform, ID: id, Op: pipeline.OpDelete, Scope: pipeline.ScopePost}
	}
	p := pipeline.Post{Platform: platform, ID: id, Op: pipeline.OpCreate, Kind: pipeline.KindPost, Author: s.User.author(), Text: s.Text,
		CreatedAt: moment(s.Created), URL: s.address(), Metrics: pipeline.Metrics{Likes: max(s.Likes, 0), Reposts: max(s.Reposts, 0), Replies: max(s.Comments, 0)}}
	if at := s.Geo.At; len(at) == 2 && (at[0] != 0 || at[1] != 0) { // two zeros were recorded for no place
		p.Geo.Lat, p.Geo.Lon = &at[0], &at[1]
	}
	mark(&p)
	for _, pic := range s.Pictures {
		p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: pic.URL})
	}
	if len(p.Media) == 0 && (s.Picture != "" || s.Thumbnail != "") {
		p.Media = []pipeline.Media{{Kind: "image", URL: first(s.Picture, s.Thumbnail)}}
	}
	if o := s.Original; o != nil && o.ID != "" {
		p.Kind, p.QuoteOf, p.QuoteAuthor = pipeline.KindQuote, o.ID.String(), o.User.ID.String()
		if wordless(s.Text) {
			p.Kind, p.RepostOf, p.RepostAuthor = pipeline.KindRepost, p.QuoteOf, p.QuoteAuthor
			p.QuoteOf, p.QuoteAuthor = "", ""
			p.Text, p.Hashtags, p.Handles, p.Links = "", nil, nil, nil
		}
	}
	return p
}

// wordless reports whether a repost says nothing of its own: Weibo writes this itself, and
// the words of those through whom it came stand behind //@ and their name.
func wordless(text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	if strings.HasPrefix(text, "//@") {
		return true
	}
	switch text {
	case "", "转发微博", "轉發微博", "转发微博。", "repost", "reposting weibo":
		return true
	}
	return false
}

func (u *user) author() pipeline.Author {
	return pipeline.Author{ID: u.ID.String(), Handle: u.Screen, Name: first(u.Name, u.Screen), Followers: max(u.Followers, 0), Following: max(u.Friends, 0),
		Posts: max(u.Statuses, 0), Verified: u.Verified, Location: u.Location, CreatedAt: moment(u.Created)}
}

// mark finds what Weibo marks in the text alone: #topics# with two signs, @names, and
// addresses that it has shortened.
func mark(p *pipeline.Post) {
	for _, m := range regexp.MustCompile(`#([^#\s][^#\n]{0,99})#`).FindAllStringSubmatch(p.Text, pipeline.MaxList) {
		p.Hashtags = append(p.Hashtags, m[1])
	}
	for _, m := range regexp.MustCompile(`@([\p{Han}\w-]{2,30})`).FindAllStringSubmatch(p.Text, pipeline.MaxList) {
		p.Handles = append(p.Handles, m[1])
	}
	p.Links = regexp.MustCompile(`https?://t\.cn/\w+`).FindAllString(p.Text, pipeline.MaxList)
}

// moment reads times such as "Tue May 31 17:46:55 +0800 2011".
func moment(text string) pipeline.Time {
	t, err := time.Parse(time.RubyDate, text)
	if err != nil {
		return 0
	}
	return pipeline.At(t)
}

// address of a post on the web: its mid in groups of seven digits, each written in base 62.
func (s *status) address() string {
	mid := first(s.MID, s.ID.String())
	if s.User.ID == "" {
		return ""
	}
	short := ""
	for end := len(mid); end > 0; end -= 7 {
		n, err := strconv.ParseUint(mid[max(end-7, 0):end], 10, 64)
		if err != nil {
			return ""
		}
		group := base62(n)
		if end > 7 {
			group = strings.Repeat("0", max(4-len(group), 0)) + group
		}
		short = group + short
	}
	return "https://weibo.com/" + s.User.ID.String() + "/" + short
}

func base62(n uint64) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	out := ""
	for {
		out = digits[n%62:n%62+1] + out
		if n /= 62; n == 0 {
			return out
		}
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
