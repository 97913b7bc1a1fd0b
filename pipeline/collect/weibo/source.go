package weibo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/poll"
)

const (
	pageSize = 50
	mend     = "the access token has ended or was withdrawn: let the account authorise the application anew (https://open.weibo.com/wiki/授权机制说明)"
)

// Source is an account's view.
type Source struct {
	cfg  Config
	http *client.Client
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("weibo: %w", err)
	}
	return &Source{cfg: cfg, http: http}, nil
}

var errNoToken = errors.New("weibo: token is missing: register an application at https://open.weibo.com and let an account authorise it")

// Run polls until the platform refuses.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	if s.cfg.Token == "" {
		return errNoToken
	}
	p := &poll.Poller{Platform: platform, Mend: mend, Every: s.cfg.Every, Targets: s.targets,
		Steps: s.cfg.Reread, Most: s.cfg.Watch, Batch: 100, Reread: s.counts}
	if s.cfg.Budget.Reads > 0 {
		p.Budget = &s.cfg.Budget
	}
	return p.Run(ctx, from, out)
}

func (s *Source) targets(context.Context) ([]poll.Target, error) {
	var all []poll.Target
	add := func(name string, f feed, query url.Values) {
		all = append(all, poll.Target{Name: name, Depth: s.cfg.Depth,
			Page: func(ctx context.Context, after string, _ time.Time) ([]poll.Item, string, error) {
				return s.page(ctx, f, query, after)
			}})
	}
	known := feeds()
	for _, name := range s.cfg.Feeds {
		add(name, known[name], nil)
	}
	for _, word := range s.cfg.Keywords {
		add("search "+word, feed{"search/statuses/limited", "statuses"}, url.Values{"q": {word}})
	}
	return all, nil
}

func (s *Source) page(ctx context.Context, f feed, query url.Values, after string) ([]poll.Item, string, error) {
	number := max(atoi(after), 1)
	q := url.Values{"count": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(number)}}
	maps.Copy(q, query)
	body, err := s.get(ctx, f.path, q)
	if err != nil {
		return nil, "", err
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, "", fmt.Errorf("decode %s: %w", f.path, err)
	}
	var raw []json.RawMessage
	if list, ok := answer[f.list]; ok {
		if err := json.Unmarshal(list, &raw); err != nil {
			return nil, "", fmt.Errorf("decode %s: %w", f.path, err)
		}
	}
	items := make([]poll.Item, 0, len(raw))
	for _, one := range raw {
		decode := decodeStatus
		if f.list == "comments" {
			decode = decodeComment
		}
		item, err := decode(one)
		if err != nil {
			item = poll.Unreadable(one, err)
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return nil, "", nil
	}
	return items, strconv.Itoa(number + 1), nil
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// counts reads the counts of posts. It tells of no deletes.
func (s *Source) counts(ctx context.Context, ids []string) ([]pipeline.Post, map[string]bool, error) {
	body, err := s.get(ctx, "statuses/count", url.Values{"ids": {strings.Join(ids, ",")}})
	if err != nil {
		return nil, nil, err
	}
	var list []struct {
		ID       json.Number `json:"id"`
		Comments json.Number `json:"comments"`
		Reposts  json.Number `json:"reposts"`
		Likes    json.Number `json:"attitudes"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, fmt.Errorf("decode counts: %w", err)
	}
	var posts []pipeline.Post
	for _, c := range list {
		posts = append(posts, pipeline.Post{Platform: platform, ID: c.ID.String(), Op: pipeline.OpMetrics, Kind: pipeline.KindPost,
			Metrics: pipeline.Metrics{Replies: count(c.Comments), Reposts: count(c.Reposts), Likes: count(c.Likes)}})
	}
	return posts, nil, nil
}

func count(n json.Number) int64 {
	i, _ := n.Int64()
	return max(i, 0)
}

// get asks for a path. The token goes in a header, where no log of addresses sees it.
func (s *Source) get(ctx context.Context, path string, q url.Values) ([]byte, error) {
	if s.cfg.Business {
		path += "/biz"
	}
	resp, err := s.http.Get(ctx, s.cfg.Endpoint+"/"+path+".json?"+q.Encode(), http.Header{"Authorization": {"OAuth2 " + s.cfg.Token.Reveal()}})
	if err != nil {
		return nil, explain(err, time.Now())
	}
	return resp.Body, nil
}

// explain reads the platform's own error, which comes with 400 or 403.
func explain(err error, now time.Time) error {
	status, ok := errors.AsType[*client.StatusError](err)
	if !ok {
		return err
	}
	var e struct {
		Code int `json:"error_code"` // the text beside it is not printed: it might echo the token
	}
	if json.Unmarshal(status.Body, &e) != nil || e.Code == 0 {
		return err
	}
	switch e.Code {
	case 10022, 10023, 10024: // of the address, of the account, of the account and interface
		return &client.LimitedError{Address: status.Address, Until: now.Truncate(time.Hour).Add(time.Hour), What: "error " + strconv.Itoa(e.Code)}
	case 21314, 21315, 21316, 21317, 21327, 21332:
		return fmt.Errorf("%w: error %d: %s", err, e.Code, mend)
	case 10014:
		return fmt.Errorf("%w: error %d: the application lacks the permission for this interface", err, e.Code)
	}
	return fmt.Errorf("%w: error %d (https://open.weibo.com/wiki/Error_code)", err, e.Code)
}

// Check asks for what is left of the limits.
func (s *Source) Check(ctx context.Context) (string, error) {
	if s.cfg.Token == "" {
		return "", errNoToken
	}
	body, err := s.get(ctx, "account/rate_limit_status", nil)
	if err != nil {
		return "", fmt.Errorf("weibo: %w", err)
	}
	var a struct {
		User  json.Number `json:"remaining_user_hits"`
		IP    json.Number `json:"remaining_ip_hits"`
		Reset json.Number `json:"reset_time_in_seconds"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return "", fmt.Errorf("weibo: decode limits: %w", err)
	}
	return fmt.Sprintf("the token is accepted; %s requests are left for the account and %s for this address, for %s s", a.User, a.IP, a.Reset), nil
}
