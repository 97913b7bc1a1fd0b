package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
)

// The stream names authors by DID alone. Who they are and how many follow them tells
// app.bsky.actor.getProfiles (github.com/bluesky-social/atproto,
// lexicons/app/bsky/actor/getProfiles.json): 25 accounts a request, without credentials.
const (
	profilesAtOnce = 25
	profilesFresh  = 24 * time.Hour  // a profile is asked for once a day
	profilesMost   = 100_000         // profiles kept, some 200 bytes each
	profilesWait   = 2 * time.Second // that posts wait for them
	profilesRest   = time.Minute     // after a failure
	// Bluesky allows 3,000 requests in five minutes for an address
	// (docs.bsky.app/docs/advanced-guides/rate-limits, read 2026-11-23): half of it is taken,
	// and what a batch of 500 posts may ask for can be saved up.
	profilesPerSecond = 5
	profilesBurst     = 20
)

// profile is what is known of an account; an empty one is known to have none.
type profile struct {
	author pipeline.Author
	read   time.Time
}

// profiles fills in the authors of posts before they are handed over. It never fails and
// never keeps posts waiting for longer than profilesWait: what is not known in time, because
// the service is away or a backlog runs faster than the pace, stays empty.
type profiles struct {
	address string
	http    *client.Client
	now     func() time.Time

	mu      sync.Mutex
	known   map[string]profile // by DID
	allowed float64            // requests saved up
	counted time.Time          // when they were counted last
	rest    time.Time          // nothing is asked before
}

func newProfiles(address string, http *client.Client) *profiles {
	return &profiles{address: address, http: http, now: time.Now, known: map[string]profile{}, allowed: profilesBurst}
}

// profiled is a session whose posts get their authors.
type profiled struct {
	pipeline.Session
	profiles *profiles
}

// Emit fills in and hands over.
func (p profiled) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	p.profiles.fill(ctx, posts)
	return p.Session.Emit(ctx, posts, upTo)
}

// wants reports whether a post's author is looked up: those who say something, not those
// who only pass it on, of whom there are twice as many.
func wants(p *pipeline.Post) bool {
	return p.Author.ID != "" && p.Kind != pipeline.KindRepost && (p.Op == pipeline.OpCreate || p.Op == pipeline.OpUpdate)
}

func (s *profiles) fill(ctx context.Context, posts []pipeline.Post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ask []string
	asked := map[string]bool{}
	for i := range posts {
		p := &posts[i]
		if p.Op == pipeline.OpDelete && p.Scope == pipeline.ScopeAccount {
			delete(s.known, p.Author.ID)
			continue
		}
		if wants(p) && !asked[p.Author.ID] && s.now().Sub(s.known[p.Author.ID].read) >= profilesFresh {
			asked[p.Author.ID] = true
			ask = append(ask, p.Author.ID)
		}
	}
	s.ask(ctx, ask)
	for i := range posts {
		if p := &posts[i]; wants(p) {
			if known := s.known[p.Author.ID]; known.author.ID != "" {
				p.Author = known.author
			}
		}
	}
}

// ask reads profiles within the pace.
func (s *profiles) ask(ctx context.Context, ids []string) {
	ctx, cancel := context.WithTimeout(ctx, profilesWait)
	defer cancel()
	for len(ids) > 0 && s.may() && ctx.Err() == nil {
		some := ids[:min(len(ids), profilesAtOnce)]
		ids = ids[len(some):]
		found, err := s.read(ctx, some)
		if err != nil {
			s.rest = s.now().Add(profilesRest)
			if limited, ok := errors.AsType[*client.LimitedError](err); ok && limited.Until.After(s.rest) {
				s.rest = limited.Until
			}
			return
		}
		s.room(len(some))
		for _, id := range some {
			s.known[id] = profile{author: found[id], read: s.now()}
		}
	}
}

// may takes one request off what the pace allows.
func (s *profiles) may() bool {
	now := s.now()
	if now.Before(s.rest) {
		return false
	}
	s.allowed = min(s.allowed+now.Sub(s.counted).Seconds()*profilesPerSecond, profilesBurst)
	s.counted = now
	if s.allowed < 1 {
		return false
	}
	s.allowed--
	return true
}

// room forgets the profiles that are a day old, and if need be any others.
func (s *profiles) room(n int) {
	if len(s.known)+n <= profilesMost {
		return
	}
	for id, p := range s.known {
		if s.now().Sub(p.read) >= profilesFresh {
			delete(s.known, id)
		}
	}
	for id := range s.known {
		if len(s.known)+n <= profilesMost*9/10 {
			return
		}
		delete(s.known, id)
	}
}

// read asks for at most 25 accounts. Those that are gone are not in the answer.
func (s *profiles) read(ctx context.Context, ids []string) (map[string]pipeline.Author, error) {
	resp, err := s.http.Do(ctx, client.Request{Address: s.address + "/xrpc/app.bsky.actor.getProfiles?" + url.Values{"actors": ids}.Encode(), Once: true})
	if err != nil {
		return nil, err
	}
	return decodeProfiles(resp.Body)
}

// decodeProfiles reads an answer of getProfiles: profileViewDetailed of
// lexicons/app/bsky/actor/defs.json.
func decodeProfiles(data []byte) (map[string]pipeline.Author, error) {
	var answer struct {
		Profiles []struct {
			DID          string `json:"did"`
			Handle       string `json:"handle"`
			Name         string `json:"displayName"`
			Followers    int64  `json:"followersCount"`
			Following    int64  `json:"followsCount"`
			Posts        int64  `json:"postsCount"`
			Created      string `json:"createdAt"`
			Verification struct {
				Status string `json:"verifiedStatus"`
			} `json:"verification"`
		} `json:"profiles"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("bluesky: decode profiles: %w", err)
	}
	found := make(map[string]pipeline.Author, len(answer.Profiles))
	for _, p := range answer.Profiles {
		a := pipeline.Author{ID: strings.Clone(p.DID), Handle: p.Handle, Name: p.Name, Followers: max(p.Followers, 0), Following: max(p.Following, 0),
			Posts: max(p.Posts, 0), Verified: p.Verification.Status == "valid"}
		if a.Handle == "handle.invalid" { // what stands there while a handle points elsewhere
			a.Handle = ""
		}
		if t, err := time.Parse(time.RFC3339Nano, p.Created); err == nil {
			a.CreatedAt = pipeline.At(t)
		}
		found[p.DID] = a
	}
	return found, nil
}
