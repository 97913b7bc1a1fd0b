package meta

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/inbound"
	"earshot/pipeline/collect/poll"
)

const (
	maxBody = 1 << 20
	// answerWithin is how long Meta waits for an answer; it sends again what was not
	// answered, for up to 36 hours.
	answerWithin = 15 * time.Second
)

// hook answers the verification, checks signatures, and answers events once Kafka has them.
func (s *Source) hook(pushed chan<- poll.Pushed) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			q := r.URL.Query()
			if q.Get("hub.mode") != "subscribe" || subtle.ConstantTimeCompare([]byte(q.Get("hub.verify_token")), []byte(s.cfg.Verify.Reveal())) != 1 {
				http.Error(w, "wrong verify token", http.StatusForbidden)
				return
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			fmt.Fprint(w, q.Get("hub.challenge")) //nolint:gosec // plain text that no browser takes for a page
		case http.MethodPost:
			body, err := inbound.Body(r.Body, maxBody)
			switch {
			case err != nil:
				http.Error(w, "the body is too large or cut off", http.StatusRequestEntityTooLarge)
			case !inbound.Signed(s.cfg.AppSecret.Reveal(), r.Header.Get("X-Hub-Signature-256"), body):
				http.Error(w, "wrong signature", http.StatusUnauthorized)
			case s.push(r.Context(), body, pushed) != nil:
				http.Error(w, "send it again later", http.StatusServiceUnavailable)
			}
		default:
			http.Error(w, "GET or POST", http.StatusMethodNotAllowed)
		}
	})
}

// push hands the events of a body to the poller and waits until they are on Kafka.
func (s *Source) push(ctx context.Context, body []byte, pushed chan<- poll.Pushed) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	for _, batch := range notifications(s.name, body) {
		done := make(chan error, 1)
		batch.Done = done
		select {
		case pushed <- batch:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case err := <-done:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// notification is the body of a webhook.
type notification struct {
	Object string `json:"object"` // page, instagram
	Entry  []struct {
		ID      string          `json:"id"`
		Time    int64           `json:"time"` // s
		Changes []change        `json:"changes"`
		Field   string          `json:"field"` // some examples have the change in the entry
		Value   json.RawMessage `json:"value"`
	} `json:"entry"`
}

type change struct {
	Field string          `json:"field"`
	Value json.RawMessage `json:"value"`
}

// notifications are the items of a body, an entry each.
func notifications(platform string, body []byte) []poll.Pushed {
	var list []notification
	var one notification
	if err := json.Unmarshal(body, &one); err == nil {
		list = []notification{one}
	} else if err := json.Unmarshal(body, &list); err != nil { // the documents show a list
		return []poll.Pushed{{Target: "webhook", Origin: "webhook", Items: []poll.Item{poll.Unreadable(body, errors.New("the webhook is no JSON of the known form"))}}}
	}
	var all []poll.Pushed
	for _, n := range list {
		for _, e := range n.Entry {
			changes := e.Changes
			if e.Field != "" {
				changes = append(changes, change{Field: e.Field, Value: e.Value})
			}
			for _, c := range changes {
				target, item, ok := c.item(platform, e.ID, e.Time)
				if ok {
					all = append(all, poll.Pushed{Target: target, Items: []poll.Item{item}, Origin: "webhook"})
				}
			}
		}
	}
	return all
}

func (c *change) item(platform, owner string, at int64) (target string, item poll.Item, ok bool) {
	switch {
	case platform == facebook && c.Field == "feed":
		return c.feed(owner)
	case platform == instagram && (c.Field == "comments" || c.Field == "live_comments"):
		var v struct {
			igComment
			Media named `json:"media"`
		}
		if err := json.Unmarshal(c.Value, &v); err != nil || v.ID == "" {
			return "comments", poll.Unreadable(c.Value, errors.New("the comment of the webhook cannot be read")), true
		}
		p := v.post(v.Media.ID, "")
		p.CreatedAt = pipeline.Time(at * 1000)
		return "comments", poll.Item{ID: p.ID, Millis: int64(p.CreatedAt), Posts: []pipeline.Post{p}, Watch: p.ID}, true
	}
	return "", poll.Item{}, false
}

// feedValue is a change of a Page's feed.
type feedValue struct {
	Item       string      `json:"item"`
	Verb       string      `json:"verb"`
	Post       string      `json:"post_id"`
	Comment    string      `json:"comment_id"`
	Parent     string      `json:"parent_id"`
	From       named       `json:"from"`
	Sender     json.Number `json:"sender_id"` // of versions before from
	SenderName string      `json:"sender_name"`
	Message    string      `json:"message"`
	Created    int64       `json:"created_time"` // s
	Link       string      `json:"link"`         // of a link, or of the picture or film that the item is
	Photo      string      `json:"photo"`        // in a comment
	Video      string      `json:"video"`        // in a comment
	Photos     []string    `json:"photos"`       // of a status with several
}

func (v *feedValue) author() pipeline.Author {
	name := first(v.From.Name, v.SenderName)
	return pipeline.Author{ID: first(v.From.ID, v.Sender.String()), Handle: name, Name: name}
}

func (v *feedValue) attach(p *pipeline.Post) {
	show := func(kind, address string) {
		if address != "" {
			p.Media = append(p.Media, pipeline.Media{Kind: kind, URL: address})
		}
	}
	show("image", v.Photo)
	show("video", v.Video)
	for _, address := range v.Photos {
		show("image", address)
	}
	switch {
	case v.Item == "photo":
		show("image", v.Link)
	case v.Item == "video":
		show("video", v.Link)
	case v.Link != "":
		p.Links = []string{v.Link}
	}
}

// feed reads a change of a Page's feed.
func (c *change) feed(page string) (target string, item poll.Item, ok bool) {
	var v feedValue
	if err := json.Unmarshal(c.Value, &v); err != nil {
		return "feed " + page, poll.Unreadable(c.Value, err), true
	}
	id := v.Post
	p := pipeline.Post{Platform: facebook, Kind: pipeline.KindPost, Source: page, Channel: page, Author: v.author(), Text: v.Message, CreatedAt: pipeline.Time(v.Created * 1000)}
	target = "feed " + page
	switch v.Item {
	case "comment":
		id, target = v.Comment, "comments "+page
		p.Kind, p.RootID, p.ParentID = pipeline.KindComment, v.Post, first(v.Parent, v.Post)
	case "post", "status", "photo", "video", "share", "album", "note":
	default:
		return "", poll.Item{}, false // reactions and the like
	}
	if id == "" {
		return target, poll.Unreadable(c.Value, errors.New("the change names neither post nor comment")), true
	}
	v.attach(&p)
	p.ID = id
	item = poll.Item{ID: id, Millis: v.Created * 1000}
	switch v.Verb {
	case "add":
		p.Op, item.Watch = pipeline.OpCreate, id
	case "edit", "edited": // Facebook has sent both
		if v.Message == "" {
			return "", poll.Item{}, false // not its words were changed
		}
		p.Op, item.ID = pipeline.OpUpdate, "edited "+id+" "+strconv.FormatInt(v.Created, 10)+" "+v.Message
	case "remove": // what is hidden may be shown again
		p = pipeline.Post{Platform: facebook, ID: id, Op: pipeline.OpDelete, Scope: pipeline.ScopePost}
		item.ID = "removed " + id
	default:
		return "", poll.Item{}, false
	}
	item.Posts = []pipeline.Post{p}
	return target, item, true
}
