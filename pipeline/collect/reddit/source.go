package reddit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/poll"
	"earshot/pipeline/collect/rules"
	"earshot/pipeline/query"
)

const (
	pageSize = 100 // the most that a listing and /api/info give
	// together is how many subreddits stand in one listing: r/a+b+c.
	together = 50
	mend     = "check client_id, client_secret and the application's approval at https://www.reddit.com/prefs/apps"
	// early is how long before its end a token is renewed.
	early = time.Minute
)

// Source is the API.
type Source struct {
	cfg  Config
	http *client.Client

	brands rules.Brands // nil: the settings alone say what is asked for

	mu    sync.Mutex
	token pipeline.Secret
	until time.Time
	scope string
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("reddit: %w", err)
	}
	return &Source{cfg: cfg, http: http}, nil
}

// Run polls until the platform refuses.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	if err := s.cfg.signedIn(); err != nil {
		return fmt.Errorf("reddit: %w", err)
	}
	p := &poll.Poller{Platform: platform, Mend: mend, Every: s.cfg.Every, Targets: s.targets,
		Steps: s.cfg.Reread, Most: s.cfg.Watch, Batch: pageSize, Reread: s.reread}
	return p.Run(ctx, from, out)
}

// Check signs in and asks for one entry.
func (s *Source) Check(ctx context.Context) (string, error) {
	if err := s.cfg.signedIn(); err != nil {
		return "", fmt.Errorf("reddit: %w", err)
	}
	resp, err := s.get(ctx, "/r/all/new", url.Values{"limit": {"1"}})
	if status, ok := errors.AsType[*client.StatusError](err); ok && status.Code < 500 {
		return "", fmt.Errorf("reddit: %w: %s", err, mend)
	}
	if err != nil {
		return "", fmt.Errorf("reddit: %w", err)
	}
	return fmt.Sprintf("signed in as an application with scope %q; %s requests are left for %s s",
		s.scope, first(resp.Header.Get("X-Ratelimit-Remaining"), "?"), first(resp.Header.Get("X-Ratelimit-Reset"), "?")), nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Follow makes the searches follow the brands.
func (s *Source) Follow(brands rules.Brands) { s.brands = brands }

// Rules are the searches that brands come to.
func (s *Source) Rules(brands []query.Brand) rules.Report {
	return rules.Derive(rules.Reddit(), brands, s.cfg.Search)
}

// ask is what the brands ask for now beside the settings: subreddits, accounts, and all
// searches.
func (s *Source) ask(ctx context.Context) (subreddits, accounts, searches []string, err error) {
	var list []query.Brand
	if s.cfg.Brands && s.brands != nil {
		if list, _, err = s.brands(ctx); err != nil {
			return nil, nil, nil, fmt.Errorf("brands: %w", err)
		}
	}
	for i := range list {
		for _, channel := range list[i].Channels {
			on, name, named := strings.Cut(strings.ToLower(channel), "/")
			sub, isSub := strings.CutPrefix(name, "r/")
			switch {
			case !named || on != platform: // a name that names no platform may be anybody here
			case isSub && validName(sub) && !slices.Contains(subreddits, sub) && !slices.ContainsFunc(s.cfg.Subreddits, func(have string) bool { return strings.EqualFold(have, sub) }):
				subreddits = append(subreddits, sub)
			case !isSub && validName(name) && !slices.Contains(accounts, name):
				accounts = append(accounts, name)
			}
		}
	}
	return subreddits, accounts, s.Rules(list).Rules, nil
}

// targets are two listings for each group of subreddits, one an account, and one a search.
func (s *Source) targets(ctx context.Context) ([]poll.Target, error) {
	subreddits, accounts, searches, err := s.ask(ctx)
	if err != nil {
		return nil, err
	}
	var all []poll.Target
	listing := func(name, path string, query url.Values) {
		all = append(all, poll.Target{Name: name, Depth: s.cfg.Depth,
			Page: func(ctx context.Context, after string, _ time.Time) ([]poll.Item, string, error) {
				return s.page(ctx, path, query, after)
			}})
	}
	var groups []string
	for group := range slices.Chunk(s.cfg.Subreddits, together) {
		groups = append(groups, strings.Join(group, "+"))
	}
	for _, name := range append(groups, subreddits...) { // each brand's alone: their names name their places
		listing("new "+name, "/r/"+name+"/new", nil)
		listing("comments "+name, "/r/"+name+"/comments", nil)
	}
	for _, name := range accounts {
		listing("account "+name, "/user/"+name+"/overview", url.Values{"sort": {"new"}})
	}
	for _, q := range searches {
		listing("search "+q, "/search", url.Values{"q": {q}, "sort": {"new"}, "type": {"link"}})
	}
	return all, nil
}

func (s *Source) page(ctx context.Context, path string, query url.Values, after string) ([]poll.Item, string, error) {
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	maps.Copy(q, query)
	if after != "" {
		q.Set("after", after)
	}
	resp, err := s.get(ctx, path, q)
	if client.Answered(err, http.StatusNotFound) {
		return nil, "", nil // an account that is gone, or was never there: no reason to stop the others
	}
	if err != nil {
		return nil, "", err
	}
	l, err := decodeListing(resp.Body)
	if err != nil {
		return nil, "", err
	}
	items := make([]poll.Item, 0, len(l.Data.Children))
	for _, child := range l.Data.Children {
		items = append(items, item(child))
	}
	return items, l.Data.After, nil
}

// reread asks for posts by their names. What Reddit leaves out of the answer may come
// back (a subreddit that is closed for a day), so only what it shows as gone is deleted.
func (s *Source) reread(ctx context.Context, ids []string) ([]pipeline.Post, map[string]bool, error) {
	resp, err := s.get(ctx, "/api/info", url.Values{"id": {strings.Join(ids, ",")}})
	if err != nil {
		return nil, nil, err
	}
	l, err := decodeListing(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	posts, gone := l.changes()
	return posts, gone, nil
}

// get asks the API with a token, and once more with a fresh one if that has ended early.
func (s *Source) get(ctx context.Context, path string, query url.Values) (*client.Response, error) {
	q := url.Values{"raw_json": {"1"}} // else < > & come as entities
	maps.Copy(q, query)
	address := s.cfg.Endpoint + path + "?" + q.Encode()
	for fresh := false; ; fresh = true {
		token, err := s.signIn(ctx, fresh)
		if err != nil {
			return nil, err
		}
		resp, err := s.http.Get(ctx, address, http.Header{"Authorization": {"bearer " + token.Reveal()}})
		if client.Answered(err, http.StatusUnauthorized) && !fresh {
			continue
		}
		return resp, err
	}
}

// signIn returns a token that still lives.
func (s *Source) signIn(ctx context.Context, fresh bool) (pipeline.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !fresh && s.token != "" && time.Now().Before(s.until) {
		return s.token, nil
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {basic(s.cfg.ClientID, s.cfg.Secret)}}
	resp, err := s.http.Do(ctx, client.Request{Method: http.MethodPost, Address: s.cfg.SignIn, Header: header, Body: []byte("grant_type=client_credentials")})
	if err != nil {
		return "", fmt.Errorf("sign-in: %w", err)
	}
	var answer struct {
		Token   pipeline.Secret `json:"access_token"` // none where Reddit answers 200 with an error
		Seconds float64         `json:"expires_in"`
		Scope   string          `json:"scope"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("sign-in: no token came: %s", mend)
	}
	s.token, s.scope = answer.Token, answer.Scope
	s.until = time.Now().Add(time.Duration(answer.Seconds*float64(time.Second)) - early)
	return s.token, nil
}

func basic(user string, password pipeline.Secret) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password.Reveal())
	return r.Header.Get("Authorization")
}
