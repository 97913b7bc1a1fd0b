package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"earshot/pipeline"
)

// Pseudonyms says whose authors are known by keyed hashes alone.
type Pseudonyms struct {
	Platforms []string        `yaml:"platforms" doc:"platforms whose accounts and posts are known by keyed hashes alone, before they reach Kafka; * is all"`
	Key       pipeline.Secret `yaml:"key" doc:"secret of the hashes, at least 32 characters; it is stored nowhere: with another key every author is somebody else"`
}

// shortestKey is the least length of a key, in bytes.
const shortestKey = 32

// Validate names the field that is wrong.
func (p Pseudonyms) Validate() error {
	switch {
	case len(p.Platforms) == 0 && p.Key != "":
		return errors.New("pseudonyms.platforms: is empty, but there is a key; name the platforms, or \"*\"")
	case len(p.Platforms) > 0 && len(p.Key) < shortestKey:
		return fmt.Errorf("pseudonyms.key: is shorter than %d characters; make one with `openssl rand -hex 32`", shortestKey)
	}
	return nil
}

func (p Pseudonyms) covers(platform string) bool {
	return slices.Contains(p.Platforms, platform) || slices.Contains(p.Platforms, "*")
}

// hide replaces what leads to the person behind a post: ids and handles of accounts by
// hashes, which are the same in every post; ids of posts too, since the platform tells
// whose they are; names, places of profiles and addresses go. Text stays as published.
func (p Pseudonyms) hide(post *pipeline.Post) {
	if !p.covers(post.Platform) {
		return
	}
	account := func(s string) string { return p.hash("account", post.Platform, s) }
	entry := func(s string) string { return p.hash("post", post.Platform, s) }
	if post.Op == pipeline.OpDelete && post.Scope == pipeline.ScopeAccount {
		post.ID = account(post.ID) // as the author's, or the delete would find nobody
	} else {
		post.ID = entry(post.ID)
	}
	post.Author.ID = account(post.Author.ID)
	post.Author.Handle = p.hash("handle", post.Platform, post.Author.Handle)
	post.Author.Name, post.Author.Location, post.URL = "", "", ""
	for _, id := range []*string{&post.ParentAuthor, &post.RootAuthor, &post.RepostAuthor, &post.QuoteAuthor} {
		*id = account(*id)
	}
	for _, id := range []*string{&post.ParentID, &post.RootID, &post.RepostOf, &post.QuoteOf} {
		*id = entry(*id)
	}
	handles := make([]string, len(post.Handles))
	for i, h := range post.Handles {
		handles[i] = p.hash("handle", post.Platform, h)
	}
	post.Handles = handles
	if len(handles) == 0 {
		post.Handles = nil
	}
}

// hash is HMAC-SHA256 (RFC 2104) of kind, platform and value, cut to 128 bits. What is
// unknown stays unknown.
func (p Pseudonyms) hash(kind, platform, value string) string {
	if value == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(p.Key.Reveal()))
	for _, part := range []string{kind, platform, value} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// wrap makes a source whose posts are hidden before anything else sees them.
func (p Pseudonyms) wrap(s pipeline.Source) pipeline.Source {
	if len(p.Platforms) == 0 {
		return s
	}
	return pseudonymSource{s, p}
}

type pseudonymSource struct {
	pipeline.Source
	names Pseudonyms
}

// Run runs the source with a session that hides.
func (s pseudonymSource) Run(ctx context.Context, from pipeline.Cursor, to pipeline.Session) error {
	return s.Source.Run(ctx, from, pseudonymSession{to, s.names})
}

// Deterministic is what the source says of itself: hashing changes nothing about it.
func (s pseudonymSource) Deterministic() bool {
	d, ok := s.Source.(pipeline.Deterministic)
	return ok && d.Deterministic()
}

type pseudonymSession struct {
	pipeline.Session
	names Pseudonyms
}

// Emit hands on what is hidden. The source's own posts stay as they are: after an error
// it may emit them again.
func (s pseudonymSession) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	hidden := slices.Clone(posts)
	for i := range hidden {
		s.names.hide(&hidden[i])
	}
	return s.Session.Emit(ctx, hidden, upTo)
}

// Refuse keeps size and time of what could not be read, but not its content, which may
// name anybody.
func (s pseudonymSession) Refuse(ctx context.Context, payload []byte, origin, reason string) error {
	withheld := fmt.Sprintf("%d bytes, withheld: authors of this process are pseudonyms; hash %s",
		len(payload), s.names.hash("payload", "", string(payload)))
	return s.Session.Refuse(ctx, []byte(withheld), origin, reason)
}
