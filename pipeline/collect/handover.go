package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strconv"

	"earshot/pipeline"
)

// Bounds of one hand-over; a bigger Emit is split, always at the same places.
const (
	maxHandoverPosts = 1000
	maxHandoverBytes = 4 << 20 // of text and titles
)

// handOver puts posts on Kafka, in parts, and returns once all are acknowledged.
//
// A deterministic source makes the same posts from the same cursor, so each part has a
// name that survives a crash: the hash of that cursor and the part's number. When it is
// not known what an earlier attempt left behind, Kafka is asked, and only the rest is
// handed over. That rest has a name of its own (its level), since a later question must
// find its posts by their index too. A source that has grown since (a file that is
// followed) makes more posts from the same cursor, never others, so the names still hold.
func (s *session) handOver(ctx context.Context, posts []pipeline.Post) (pipeline.Ends, error) {
	ends := pipeline.Ends{}
	maps.Copy(ends, s.ends)
	for part := 0; len(posts) > 0; part++ {
		n := partSize(posts)
		var err error
		if s.deterministic {
			err = s.handOverOnce(ctx, posts[:n], strconv.Itoa(part), ends)
		} else {
			err = s.persist(ctx, "hand posts over to Kafka", func(ctx context.Context) error {
				return s.publish(ctx, posts[:n], pipeline.Handover{}, ends)
			})
		}
		if err != nil {
			return nil, err
		}
		posts = posts[n:]
	}
	return ends, nil
}

// handOverOnce hands over the posts of one part that are not on Kafka yet.
func (s *session) handOverOnce(ctx context.Context, posts []pipeline.Post, part string, ends pipeline.Ends) error {
	level := 0
	return s.persist(ctx, "hand posts over to Kafka", func(ctx context.Context) error {
		for len(posts) > 0 {
			h := pipeline.Handover{Source: s.entry.Name, From: s.from + "." + part + "." + strconv.Itoa(level)}
			if s.ask {
				done, upTo, err := s.parts.Publisher.Published(ctx, s.entry.Stream, h, s.ends)
				if err != nil {
					return err
				}
				raise(ends, upTo)
				if rest := without(posts, done); len(rest) < len(posts) {
					posts, level = rest, level+1
					continue
				}
			}
			s.ask = true // until this answer is there, nothing is known
			if err := s.publish(ctx, posts, h, ends); err != nil {
				return err
			}
			s.ask = s.first
			return nil
		}
		return nil
	})
}

func (s *session) publish(ctx context.Context, posts []pipeline.Post, h pipeline.Handover, ends pipeline.Ends) error {
	written, err := s.parts.Publisher.Publish(ctx, s.entry.Stream, posts, h)
	if err != nil {
		return err
	}
	raise(ends, written)
	return nil
}

// raise moves ends forward, never back.
func raise(ends, by pipeline.Ends) {
	for partition, end := range by {
		ends[partition] = max(ends[partition], end)
	}
}

// without returns the posts whose index is not in done; the slice given stays as it is.
func without(posts []pipeline.Post, done map[int]bool) []pipeline.Post {
	if len(done) == 0 {
		return posts
	}
	rest := make([]pipeline.Post, 0, len(posts))
	for i := range posts {
		if !done[i] {
			rest = append(rest, posts[i])
		}
	}
	return rest
}

// partSize is how many of the posts go into the next hand-over: at least one.
func partSize(posts []pipeline.Post) int {
	size := 0
	for i := range posts {
		size += len(posts[i].Text) + len(posts[i].Title)
		if i == maxHandoverPosts || (i > 0 && size > maxHandoverBytes) {
			return i
		}
	}
	return len(posts)
}

// nameOf hashes a cursor for the name of a hand-over.
func nameOf(c pipeline.Cursor) string {
	sum := sha256.Sum256(c)
	return hex.EncodeToString(sum[:8])
}
