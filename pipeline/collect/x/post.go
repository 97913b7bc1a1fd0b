package x

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
)

const platform = "x"

// answer is what every endpoint of posts gives; data is one post on the stream and a list
// elsewhere.
type answer struct {
	Data     json.RawMessage `json:"data"`
	Includes includes        `json:"includes"`
	Meta     struct {
		Next string `json:"next_token"`
	} `json:"meta"`
	Errors []problem `json:"errors"`
}

// problem is an error beside or in place of data.
type problem struct {
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	Type       string `json:"type"`
	ResourceID string `json:"resource_id"`
	Value      string `json:"value"`
}

type includes struct {
	Users  []user  `json:"users"`
	Posts  []post  `json:"tweets"`
	Media  []media `json:"media"`
	Places []spot  `json:"places"`
}

type post struct {
	ID           string   `json:"id"`
	Text         string   `json:"text"`
	AuthorID     string   `json:"author_id"`
	Created      string   `json:"created_at"`
	Conversation string   `json:"conversation_id"`
	ReplyTo      string   `json:"in_reply_to_user_id"`
	Lang         string   `json:"lang"`
	Versions     []string `json:"edit_history_tweet_ids"`
	Note         struct {
		Text     string   `json:"text"`
		Entities entities `json:"entities"`
	} `json:"note_tweet"`
	Entities   entities `json:"entities"`
	References []struct {
		Type string `json:"type"` // replied_to, quoted, retweeted
		ID   string `json:"id"`
	} `json:"referenced_tweets"`
	Attached struct {
		Media []string `json:"media_keys"`
	} `json:"attachments"`
	Geo struct {
		Place       string `json:"place_id"`
		Coordinates struct {
			At []float64 `json:"coordinates"` // longitude, latitude
		} `json:"coordinates"`
	} `json:"geo"`
	Metrics struct {
		Reposts int64 `json:"retweet_count"`
		Replies int64 `json:"reply_count"`
		Likes   int64 `json:"like_count"`
		Quotes  int64 `json:"quote_count"`
		Views   int64 `json:"impression_count"`
	} `json:"public_metrics"`
}

type entities struct {
	Hashtags []struct {
		Tag string `json:"tag"`
	} `json:"hashtags"`
	Mentions []struct {
		Username string `json:"username"`
		ID       string `json:"id"`
	} `json:"mentions"`
	URLs []struct {
		URL      string `json:"url"`
		Expanded string `json:"expanded_url"`
		Unwound  string `json:"unwound_url"`
		Media    string `json:"media_key"`
	} `json:"urls"`
}

type user struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Verified bool   `json:"verified"`
	Location string `json:"location"`
	Created  string `json:"created_at"`
	Metrics  struct {
		Followers int64 `json:"followers_count"`
		Following int64 `json:"following_count"`
		Posts     int64 `json:"tweet_count"`
	} `json:"public_metrics"`
}

type media struct {
	Key     string `json:"media_key"`
	Type    string `json:"type"` // photo, video, animated_gif
	URL     string `json:"url"`
	Preview string `json:"preview_image_url"`
	Alt     string `json:"alt_text"`
}

type spot struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Type    string `json:"place_type"` // poi, neighborhood, city, admin, country
	Country string `json:"country_code"`
}

// fields are what is asked for beside id and text.
const fields = "tweet.fields=attachments,author_id,conversation_id,created_at,edit_history_tweet_ids,entities,geo,in_reply_to_user_id,lang,note_tweet,public_metrics,referenced_tweets" +
	"&expansions=author_id,in_reply_to_user_id,referenced_tweets.id,referenced_tweets.id.author_id,attachments.media_keys,geo.place_id" +
	"&user.fields=created_at,location,name,public_metrics,username,verified&media.fields=alt_text,preview_image_url,type,url&place.fields=country_code,name,place_type"

func decode(data []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		return a, fmt.Errorf("decode: %w", err)
	}
	return a, nil
}

func decodePost(data []byte) (post, error) {
	var p post
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("decode post: %w", err)
	}
	if _, err := strconv.ParseUint(p.ID, 10, 64); err != nil {
		return p, errors.New("the post has no id")
	}
	return p, nil
}

// identity is the id of the first version of a post: each edit has an id of its own.
func (p *post) identity() string {
	if len(p.Versions) > 0 && p.Versions[0] != "" {
		return p.Versions[0]
	}
	return p.ID
}

// post makes ours of one, with what stands beside it in the answer.
func (in *includes) post(p *post) pipeline.Post {
	out := pipeline.Post{Platform: platform, ID: p.identity(), Op: pipeline.OpCreate, Kind: pipeline.KindPost,
		Author: in.author(p.AuthorID), Text: unescape(p.Text), Lang: language(p.Lang), CreatedAt: moment(p.Created),
		Metrics: pipeline.Metrics{Likes: max(p.Metrics.Likes, 0), Reposts: max(p.Metrics.Reposts, 0), Replies: max(p.Metrics.Replies, 0),
			Quotes: max(p.Metrics.Quotes, 0), Views: max(p.Metrics.Views, 0)}}
	out.URL = "https://x.com/" + first(out.Author.Handle, "i") + "/status/" + p.ID
	if out.ID != p.ID {
		out.Op, out.EditedAt, out.CreatedAt = pipeline.OpUpdate, out.CreatedAt, pipeline.At(timeOf(number(out.ID)))
	}
	marks := &p.Entities
	if p.Note.Text != "" { // a post of more than 280 characters, whole
		out.Text, marks = unescape(p.Note.Text), &p.Note.Entities
	}
	in.references(p, &out)
	out.Channel = in.user(p.ReplyTo).Username
	if out.Kind == pipeline.KindRepost {
		out.Text = ""                    // "RT @…: " and the beginning of the other one
		out.Metrics = pipeline.Metrics{} // they are the original's, which would count again with each repost
		return out
	}
	for _, h := range marks.Hashtags {
		out.Hashtags = append(out.Hashtags, h.Tag)
	}
	for _, m := range marks.Mentions {
		out.Handles = append(out.Handles, m.Username)
	}
	for _, u := range marks.URLs {
		if u.Media == "" && !strings.Contains(u.Expanded, "/status/"+p.ID+"/") { // the address of its own picture or film
			out.Links = append(out.Links, first(u.Unwound, first(u.Expanded, u.URL)))
		}
	}
	in.attach(p, &out)
	in.locate(p, &out.Geo)
	return out
}

// references fills the thread and the cascade.
func (in *includes) references(p *post, out *pipeline.Post) {
	for _, r := range p.References {
		about := in.byID(r.ID)
		switch r.Type {
		case "replied_to":
			out.ParentID, out.ParentAuthor = about.identityOr(r.ID), p.ReplyTo
			if out.Kind == pipeline.KindPost {
				out.Kind = pipeline.KindComment
			}
		case "quoted":
			out.Kind, out.QuoteOf, out.QuoteAuthor = pipeline.KindQuote, about.identityOr(r.ID), about.AuthorID
		case "retweeted":
			out.Kind, out.RepostOf, out.RepostAuthor = pipeline.KindRepost, about.identityOr(r.ID), about.AuthorID
			if out.RepostAuthor == "" && len(p.Entities.Mentions) > 0 { // RT @them
				out.RepostAuthor = p.Entities.Mentions[0].ID
			}
		}
	}
	if p.Conversation != "" && p.Conversation != p.ID && p.Conversation != out.ID {
		out.RootID = p.Conversation
	}
}

func (p post) identityOr(id string) string {
	if p.ID == "" {
		return id
	}
	return p.identity()
}

func (in *includes) byID(id string) post {
	for i := range in.Posts {
		if in.Posts[i].ID == id {
			return in.Posts[i]
		}
	}
	return post{}
}

func (in *includes) user(id string) user {
	for i := range in.Users {
		if id != "" && in.Users[i].ID == id {
			return in.Users[i]
		}
	}
	return user{}
}

func (in *includes) author(id string) pipeline.Author {
	u := in.user(id)
	return pipeline.Author{ID: id, Handle: u.Username, Name: u.Name, Verified: u.Verified, Location: u.Location, CreatedAt: moment(u.Created),
		Followers: max(u.Metrics.Followers, 0), Following: max(u.Metrics.Following, 0), Posts: max(u.Metrics.Posts, 0)}
}

func (in *includes) attach(p *post, out *pipeline.Post) {
	for _, key := range p.Attached.Media {
		for i := range in.Media {
			m := &in.Media[i]
			if m.Key != key {
				continue
			}
			kind := "video"
			if m.Type == "photo" {
				kind = "image"
			}
			out.Media = append(out.Media, pipeline.Media{Kind: kind, URL: first(m.URL, m.Preview), Alt: m.Alt})
		}
	}
}

func (in *includes) locate(p *post, g *pipeline.Geo) {
	if at := p.Geo.Coordinates.At; len(at) == 2 {
		g.Lon, g.Lat = &at[0], &at[1]
	}
	for i := range in.Places {
		pl := &in.Places[i]
		if pl.ID != p.Geo.Place {
			continue
		}
		if len(pl.Country) == 2 {
			g.Country = strings.ToUpper(pl.Country)
		}
		switch pl.Type {
		case "city":
			g.City = pl.Name
		case "admin":
			g.Region = pl.Name
		}
	}
}

// unescape undoes the three entities that X writes into texts.
func unescape(text string) string {
	if !strings.Contains(text, "&") {
		return text
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// language reads the claim: X has codes of its own for "cannot be told" (und, zxx, qme …)
// and keeps old ones for Hebrew and Indonesian.
func language(code string) string {
	switch code {
	case "iw":
		return "he"
	case "in":
		return "id"
	case "und", "zxx", "qam", "qct", "qht", "qme", "qst", "art":
		return ""
	}
	return code
}

func moment(text string) pipeline.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0
	}
	return pipeline.At(t)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// epoch is that of X's ids: Unix ms at which their clock begins. The time of a post
// stands in the upper bits of its id (https://github.com/twitter-archive/snowflake).
const epoch = 1288834974657

// idAt is the smallest id of that moment.
func idAt(t time.Time) uint64 { return uint64(max(t.UnixMilli()-epoch, 0)) << 22 }

// timeOf is when an id was given.
func timeOf(id uint64) time.Time { return time.UnixMilli(int64(id>>22) + epoch).UTC() }

func number(id string) uint64 {
	n, _ := strconv.ParseUint(id, 10, 64)
	return n
}
