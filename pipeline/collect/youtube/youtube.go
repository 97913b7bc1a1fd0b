// Package youtube reads comments on videos, of channels or alone, and finds videos by words,
// through the YouTube Data API v3.
//
// The API is that of https://developers.google.com/youtube/v3/docs: commentThreads.list,
// search.list and channels.list, with the prices of
// https://developers.google.com/youtube/v3/determine_quota_cost (read 2026-11-23).
//
//   - youtube.go  settings, targets, errors
//   - comment.go  threads and videos to posts
//   - followers.go  subscribers of their authors
package youtube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/budget"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/poll"
)

// Config is what an operator may set.
type Config struct {
	Endpoint    string          `yaml:"endpoint" doc:"address of the API"`
	Key         pipeline.Secret `yaml:"key" doc:"API key of a project with the YouTube Data API v3"`
	Channels    []string        `yaml:"channels" doc:"ids of channels (UC...): comments on all of their videos"`
	Videos      []string        `yaml:"videos" doc:"ids of videos"`
	Searches    []string        `yaml:"searches" doc:"words: new videos that the platform finds by them, and their comments; a search costs 100 units"`
	Poll        time.Duration   `yaml:"poll" doc:"how often comments are asked for"`
	SearchEvery time.Duration   `yaml:"search_every" doc:"how often videos are searched for"`
	Followers   bool            `yaml:"followers" doc:"asks how many subscribers the authors of comments have, each once a day; a page of comments then costs 3 units, not 1"`
	Budget      budget.Config   `yaml:"budget" doc:"units of the quota, which Google counts by the day; a page of comments costs 1; reads: 0 leaves the count to Google"`
}

// DefaultConfig stays below the quota of a new project, 10,000 units a day.
func DefaultConfig() Config {
	return Config{Endpoint: "https://www.googleapis.com/youtube/v3", Poll: 15 * time.Minute, SearchEvery: 6 * time.Hour,
		Budget: budget.Config{Reads: 9000, Period: budget.Day}}
}

// Validate names the settings that cannot be used.
func (c *Config) Validate() error {
	var all []error
	wrong := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.User != nil {
		wrong("endpoint: is not an address such as https://www.googleapis.com/youtube/v3")
	}
	if c.Key == "" {
		wrong("key: is missing; make one at https://console.cloud.google.com/apis/credentials")
	}
	if len(c.Channels)+len(c.Videos)+len(c.Searches) == 0 {
		wrong("channels: name a channel, a video or words to search for")
	}
	if slices.ContainsFunc(c.Channels, func(id string) bool { return !strings.HasPrefix(id, "UC") }) {
		wrong("channels: an id begins with UC; a handle is not one")
	}
	if c.Poll < time.Minute {
		wrong("poll: is %s; give at least 1m", c.Poll)
	}
	if c.SearchEvery < time.Hour {
		wrong("search_every: is %s; give at least 1h", c.SearchEvery)
	}
	if err := c.Budget.Validate(); err != nil {
		wrong("budget: %w", err)
	}
	return errors.Join(all...)
}

const (
	platform   = "youtube"
	depth      = 10  // pages of a listing, of 100 threads each
	searchCost = 100 // units
	found      = 50  // videos of searches whose comments are read
	watched    = 10_000
	again      = 50 // threads of one request
	mend       = "the key is not accepted: check that it is whole, that the YouTube Data API v3 is enabled, and its restrictions"
)

// steps are the ages at which a thread is read again, for counts, edits, new answers and
// deletes. Google wants what is kept to be refreshed or deleted within 30 days.
func steps() []time.Duration {
	return append(poll.DefaultAges(), 28*24*time.Hour)
}

// Source is a project's view.
type Source struct {
	cfg      Config
	http     *client.Client
	searched map[string]time.Time // by words: when
	videos   []string             // that searches found, oldest first
	steps    []time.Duration
	known    map[string]subscribers // by channel
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("youtube: %w", err)
	}
	cfg.Endpoint = strings.TrimSuffix(cfg.Endpoint, "/")
	return &Source{cfg: cfg, http: http, searched: map[string]time.Time{}, steps: steps(), known: map[string]subscribers{}}, nil
}

// Run polls until the platform refuses.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	p := &poll.Poller{Platform: platform, Mend: mend, Every: s.cfg.Poll, Targets: s.targets,
		Steps: s.steps, Most: watched, Batch: again, Reread: s.reread}
	if s.cfg.Budget.Reads > 0 {
		p.Budget = &s.cfg.Budget
	}
	return p.Run(ctx, from, out)
}

// Check asks for one thread, which costs one unit.
func (s *Source) Check(ctx context.Context) (string, error) {
	name, q := "videos", url.Values{"part": {"id"}, "id": {"dQw4w9WgXcQ"}}
	if _, err := s.get(ctx, name, q); err != nil {
		return "", poll.Failed(ctx, platform, mend, err, quiet{})
	}
	return fmt.Sprintf("the key is accepted; the budget is %d units a %s, of which a search takes %d", s.cfg.Budget.Reads, s.cfg.Budget.Period, searchCost), nil
}

// quiet is a session for checks.
type quiet struct{ pipeline.Session }

func (quiet) Limited(time.Time, string) {}

// targets are the listings of this round.
func (s *Source) targets(context.Context) ([]poll.Target, error) {
	var all []poll.Target
	for _, words := range s.cfg.Searches {
		if time.Since(s.searched[words]) >= s.cfg.SearchEvery {
			all = append(all, poll.Target{Name: "search " + words, Depth: 1, Whole: true, Cost: searchCost,
				Page: func(ctx context.Context, _ string, since time.Time) ([]poll.Item, string, error) {
					return s.search(ctx, words, since)
				}})
		}
	}
	threads := func(name string, q url.Values) {
		all = append(all, poll.Target{Name: name, Depth: depth, Cost: s.pageCost(), Page: func(ctx context.Context, after string, _ time.Time) ([]poll.Item, string, error) {
			return s.threads(ctx, q, after)
		}})
	}
	for _, id := range s.cfg.Channels {
		threads("channel "+id, url.Values{"allThreadsRelatedToChannelId": {id}})
	}
	for _, id := range s.cfg.Videos {
		threads("video "+id, url.Values{"videoId": {id}})
	}
	for _, id := range s.videos {
		if !slices.Contains(s.cfg.Videos, id) {
			threads("video "+id, url.Values{"videoId": {id}})
		}
	}
	return all, nil
}

// page is a list of the API.
type page struct {
	Next  string            `json:"nextPageToken"`
	Items []json.RawMessage `json:"items"`
}

// threads asks for a page of comments, newest first.
func (s *Source) threads(ctx context.Context, q url.Values, after string) ([]poll.Item, string, error) {
	all := url.Values{"part": {"snippet,replies"}, "maxResults": {"100"}, "order": {"time"}, "textFormat": {"plainText"}}
	maps.Copy(all, q)
	if after != "" {
		all.Set("pageToken", after)
	}
	p, err := s.get(ctx, "commentThreads", all)
	if none(err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	items := make([]poll.Item, 0, len(p.Items))
	for _, raw := range p.Items {
		t, err := decodeThread(raw)
		if err != nil {
			items = append(items, poll.Unreadable(raw, err))
			continue
		}
		posts := t.posts(pipeline.OpCreate)
		items = append(items, poll.Item{ID: t.ID, Millis: int64(posts[0].CreatedAt), Posts: posts, Watch: t.ID})
	}
	s.fill(ctx, items)
	return items, p.Next, nil
}

// search finds new videos by words.
func (s *Source) search(ctx context.Context, words string, since time.Time) ([]poll.Item, string, error) {
	q := url.Values{"part": {"snippet"}, "type": {"video"}, "order": {"date"}, "maxResults": {"50"}, "q": {words}}
	if since.Unix() > 0 {
		q.Set("publishedAfter", since.Add(-time.Hour).UTC().Format(time.RFC3339))
	}
	p, err := s.get(ctx, "search", q)
	if err != nil {
		return nil, "", err
	}
	s.searched[words] = time.Now()
	var items []poll.Item
	for _, raw := range p.Items {
		v, err := decodeVideo(raw)
		if err != nil {
			items = append(items, poll.Unreadable(raw, err))
			continue
		}
		post := v.post()
		items = append(items, poll.Item{ID: post.ID, Millis: int64(post.CreatedAt), Posts: []pipeline.Post{post}})
		if !slices.Contains(s.videos, post.ID) {
			s.videos = append(s.videos, post.ID)
			s.videos = s.videos[max(len(s.videos)-found, 0):]
		}
	}
	return items, "", nil
}

// reread asks for threads again; one that no longer comes was deleted.
func (s *Source) reread(ctx context.Context, ids []string) ([]pipeline.Post, map[string]bool, error) {
	p, err := s.get(ctx, "commentThreads", url.Values{"part": {"snippet,replies"}, "textFormat": {"plainText"},
		"maxResults": {"100"}, "id": {strings.Join(ids, ",")}})
	if err != nil {
		return nil, nil, err
	}
	gone := map[string]bool{}
	for _, id := range ids {
		gone[id] = true
	}
	var posts []pipeline.Post
	for _, raw := range p.Items {
		t, err := decodeThread(raw)
		if err != nil {
			continue // it was read once, and will be again
		}
		delete(gone, t.ID)
		posts = append(posts, t.posts(pipeline.OpMetrics)...)
	}
	for _, id := range ids {
		if gone[id] {
			posts = append(posts, pipeline.Post{Platform: platform, ID: id, Op: pipeline.OpDelete, Kind: pipeline.KindComment})
		}
	}
	return posts, gone, nil
}

// get asks for a list. The key goes in a header, where no log of addresses sees it.
func (s *Source) get(ctx context.Context, name string, q url.Values) (page, error) {
	var p page
	resp, err := s.http.Get(ctx, s.cfg.Endpoint+"/"+name+"?"+q.Encode(), http.Header{"X-Goog-Api-Key": {s.cfg.Key.Reveal()}})
	if err != nil {
		return p, explain(err, time.Now())
	}
	if err := json.Unmarshal(resp.Body, &p); err != nil {
		return p, fmt.Errorf("decode %s: %w", name, err)
	}
	return p, nil
}

// reason is why the API refuses, such as quotaExceeded.
func reason(err error) string {
	status, ok := errors.AsType[*client.StatusError](err)
	if !ok {
		return ""
	}
	var e struct {
		Error struct {
			Errors []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &e) != nil || len(e.Error.Errors) == 0 {
		return ""
	}
	return e.Error.Errors[0].Reason
}

// none reports whether a listing has nothing to read: comments are switched off, or the
// video is gone.
func none(err error) bool {
	return slices.Contains([]string{"commentsDisabled", "videoNotFound", "channelNotFound"}, reason(err))
}

// explain makes a limit of a spent quota, which begins anew at midnight in California.
func explain(err error, now time.Time) error {
	switch why := reason(err); why {
	case "quotaExceeded", "dailyLimitExceeded":
		status, _ := errors.AsType[*client.StatusError](err)
		y, m, d := now.UTC().Add(-8 * time.Hour).Date() // by standard time: an hour late in summer is no harm
		return &client.LimitedError{Address: status.Address, Until: time.Date(y, m, d+1, 8, 0, 0, 0, time.UTC), What: why}
	case "rateLimitExceeded", "userRateLimitExceeded":
		status, _ := errors.AsType[*client.StatusError](err)
		return &client.LimitedError{Address: status.Address, Until: now.Add(time.Minute), What: why}
	case "keyInvalid", "badRequest", "accessNotConfigured":
		return fmt.Errorf("%w: %s: %s", err, why, mend)
	}
	return err
}
