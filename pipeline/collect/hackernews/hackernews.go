// Package hackernews reads all stories, comments, polls and jobs of Hacker News: items have
// dense ids, so nothing can be missed, and what changed is listed.
//
// The API is that of https://github.com/HackerNews/API (README, commit 042a802, read
// 2026-11-23).
//
//   - hackernews.go  settings, the rounds, the cursor
//   - fetch.go       items by id, a few at a time, in order
//   - thread.go      the story above a comment
//   - item.go        items to posts
package hackernews

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/poll"
)

// Config is what an operator may set.
type Config struct {
	Endpoint string        `yaml:"endpoint" doc:"address of the API"`
	Poll     time.Duration `yaml:"poll" doc:"how often new and changed items are asked for"`
	Backfill int64         `yaml:"backfill" doc:"how many of the last items are read at the first start"`
}

// DefaultConfig begins with about the last two hours.
func DefaultConfig() Config {
	return Config{Endpoint: "https://hacker-news.firebaseio.com/v0", Poll: 30 * time.Second, Backfill: 1000}
}

// Validate names the first setting that cannot be used.
func (c *Config) Validate() error {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.User != nil:
		return errors.New("endpoint: is not an address such as https://hacker-news.firebaseio.com/v0")
	case c.Poll < 5*time.Second:
		return fmt.Errorf("poll: is %s; give at least 5s", c.Poll)
	case c.Backfill < 0 || c.Backfill > 1_000_000:
		return fmt.Errorf("backfill: is %d; give 0 to 1000000", c.Backfill)
	}
	return nil
}

const (
	batch = 100 // items of one Emit
	// lateFor is how long an id of which nothing is shown is asked for again: authors may
	// delay their comments by up to ten minutes.
	lateFor = time.Hour
	maxLate = 1000
	// watched bounds the stories whose counts are read again: a week brings about 10,000.
	watched = 12_000
	// printed bounds the items of which we know what they said.
	printed = 100_000
)

// Source is the API.
type Source struct {
	cfg     Config
	http    *client.Client
	prints  map[int64]uint64 // what items said when they were read last; lost at a restart
	threads threads
}

// New checks the settings.
func New(cfg Config, http *client.Client) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("hackernews: %w", err)
	}
	cfg.Endpoint = strings.TrimSuffix(cfg.Endpoint, "/")
	return &Source{cfg: cfg, http: http, prints: map[int64]uint64{}, threads: threads{}}, nil
}

// place is the cursor.
type place struct {
	Next  int64           `json:"next"`           // first item that was not read
	Late  map[int64]int64 `json:"late,omitempty"` // ids of which nothing was shown: since when, Unix s
	Watch *poll.Watch     `json:"watch"`
}

// run is one Run.
type run struct {
	*Source
	at  place
	out pipeline.Session
}

// Check asks for the newest id.
func (s *Source) Check(ctx context.Context) (string, error) {
	n, err := s.newest(ctx)
	if err != nil {
		return "", fmt.Errorf("hackernews: %w", err)
	}
	return fmt.Sprintf("the API is open; its newest item is %d; it needs no credentials", n), nil
}

func (s *Source) newest(ctx context.Context) (int64, error) {
	resp, err := s.http.Get(ctx, s.cfg.Endpoint+"/maxitem.json", nil)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(resp.Body)), 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("maxitem is %.40q, not an id", resp.Body)
	}
	return n, nil
}

// Run asks again and again until the API refuses.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	r := &run{Source: s, out: out, at: place{Watch: &poll.Watch{}}}
	if from != nil {
		if err := json.Unmarshal(from, &r.at); err != nil {
			return fmt.Errorf("hackernews: cursor: %w", err)
		}
	}
	if r.at.Watch == nil {
		r.at.Watch = &poll.Watch{}
	}
	if r.at.Late == nil {
		r.at.Late = map[int64]int64{}
	}
	r.at.Watch.Steps, r.at.Watch.Most = poll.DefaultAges(), watched
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if err := r.round(ctx); err != nil {
			return poll.Failed(ctx, "hackernews", "the API needs no credentials", err, out)
		}
		timer.Reset(s.cfg.Poll)
	}
}

func (r *run) encode() pipeline.Cursor {
	b, _ := json.Marshal(&r.at) // strings and numbers cannot fail
	return b
}

// round reads new items, late ones, changed ones, and counts that are due.
func (r *run) round(ctx context.Context) error {
	newest, err := r.newest(ctx)
	if err != nil {
		return err
	}
	r.out.Alive()
	if r.at.Next == 0 {
		r.at.Next = max(newest+1-r.cfg.Backfill, 1)
	}
	for r.at.Next <= newest {
		ids := make([]int64, 0, batch)
		for id := r.at.Next; id <= newest && len(ids) < batch; id++ {
			ids = append(ids, id)
		}
		if err := r.read(ctx, ids, true); err != nil {
			return err
		}
	}
	if err := r.late(ctx); err != nil {
		return err
	}
	if err := r.changed(ctx); err != nil {
		return err
	}
	return r.again(ctx)
}

// late asks for ids of which nothing was shown.
func (r *run) late(ctx context.Context) error {
	var ids []int64
	for id, since := range r.at.Late {
		if time.Since(time.Unix(since, 0)) > lateFor {
			delete(r.at.Late, id)
			continue
		}
		ids = append(ids, id)
	}
	return r.inBatches(ctx, ids)
}

// changed reads the items that the API lists as changed; new ones come by themselves.
func (r *run) changed(ctx context.Context) error {
	resp, err := r.http.Get(ctx, r.cfg.Endpoint+"/updates.json", nil)
	if err != nil {
		return err
	}
	var list struct {
		Items []int64 `json:"items"`
	}
	if err := json.Unmarshal(resp.Body, &list); err != nil {
		return fmt.Errorf("updates: %w", err)
	}
	var ids []int64
	for _, id := range list.Items {
		if id > 0 && id < r.at.Next {
			ids = append(ids, id)
		}
	}
	return r.inBatches(ctx, ids)
}

// again reads the counts that are due.
func (r *run) again(ctx context.Context) error {
	for {
		due := r.at.Watch.Due(time.Now(), batch)
		if len(due) == 0 {
			return nil
		}
		var ids []int64
		for _, text := range due {
			if id, err := strconv.ParseInt(text, 10, 64); err == nil {
				ids = append(ids, id)
			}
		}
		if err := r.read(ctx, ids, false); err != nil {
			return err
		}
		r.at.Watch.Done(time.Now(), due, nil)
	}
}

func (r *run) inBatches(ctx context.Context, ids []int64) error {
	for len(ids) > 0 {
		n := min(len(ids), batch)
		if err := r.read(ctx, ids[:n], false); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// read hands items over in the order of their ids. Where one cannot be had, those before
// it are handed over first, so that every round gets on.
func (r *run) read(ctx context.Context, ids []int64, fresh bool) error {
	answers, failure := r.fetch(ctx, ids)
	var posts []pipeline.Post
	for _, a := range answers {
		i, err := decode(a.id, a.body)
		if err != nil {
			if err := r.out.Refuse(ctx, a.body, "item "+strconv.FormatInt(a.id, 10), err.Error()); err != nil {
				return err
			}
		}
		switch {
		case err != nil:
		case i == nil && fresh && len(r.at.Late) < maxLate:
			r.at.Late[a.id] = time.Now().Unix()
		case i != nil:
			if p, ok := r.news(ctx, i, fresh); ok {
				posts = append(posts, p)
			}
			delete(r.at.Late, a.id)
		}
		if fresh {
			r.at.Next = a.id + 1
		}
	}
	if len(posts) > 0 || fresh && len(answers) > 0 {
		if err := r.out.Emit(ctx, posts, r.encode()); err != nil {
			return err
		}
	}
	return failure
}

// news is what is new about an item: false for nothing.
func (r *run) news(ctx context.Context, i *item, fresh bool) (pipeline.Post, bool) {
	_, wasLate := r.at.Late[i.ID]
	first := fresh || wasLate
	if first && i.hidden() {
		return pipeline.Post{}, false // never shown: a tombstone would hide it if it is vouched for
	}
	p := i.post()
	if p.Op == pipeline.OpDelete {
		return p, true
	}
	r.climb(ctx, i, &p)
	before, known := r.prints[i.ID]
	now := fingerprint(p)
	if len(r.prints) >= printed {
		clear(r.prints)
	}
	r.prints[i.ID] = now
	switch {
	case first:
		if i.Type == "story" || i.Type == "poll" {
			r.at.Watch.Add(p.ID, time.Now())
		}
	case known && before == now:
		p = pipeline.Post{Platform: p.Platform, ID: p.ID, Op: pipeline.OpMetrics, Kind: p.Kind, Source: p.Source, Metrics: p.Metrics}
	default:
		p.Op = pipeline.OpUpdate
	}
	return p, true
}
