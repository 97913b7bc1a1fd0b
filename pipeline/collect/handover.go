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

// handOver puts posts on Kafka, in parts, and returns once all are acknowledged, with the
// ends to keep beside the cursor.
//
// A deterministic source makes the same posts from the same cursor, so each part has a
// name that survives a crash: the hash of that cursor and the part's number. When it is
// not known what an earlier attempt left behind, Kafka is asked, and only the rest is
// handed over. A source that has grown since (a file that is followed) makes more posts
// from the same cursor, never others, so the names still hold.
func (s *session) handOver(ctx context.Context, posts []pipeline.Post) (pipeline.Ends, error) {
	ends := pipeline.Ends{}
	maps.Copy(ends, s.ends)
	for part := 0; len(posts) > 0; part++ {
		n := partSize(posts)
		var h pipeline.Handover
		if s.deterministic {
			h = pipeline.Handover{Source: s.entry.Name, From: nameOf(s.cursor) + "." + strconv.Itoa(part)}
		}
		err := s.persist(ctx, "hand posts over to Kafka", func(ctx context.Context) error {
			return s.publish(ctx, posts[:n], h, ends)
		})
		if err != nil {
			return nil, err
		}
		posts = posts[n:]
	}
	return ends, nil
}

// publish makes one attempt, after a look at what others left, and raises ends.
func (s *session) publish(ctx context.Context, posts []pipeline.Post, h pipeline.Handover, ends pipeline.Ends) error {
	var have map[int]bool
	if s.ask {
		found, upTo, err := s.parts.Publisher.Published(ctx, s.entry.Stream, h, s.ends)
		if err != nil {
			return err
		}
		raise(ends, upTo)
		have = found
	}
	s.ask = s.deterministic // until the answer is there, nothing is known
	written, err := s.parts.Publisher.PublishRest(ctx, s.entry.Stream, posts, h, have)
	if err != nil {
		return err
	}
	raise(ends, written)
	s.ask = s.first
	return nil
}

// raise moves ends forward, never back.
func raise(ends, by pipeline.Ends) {
	for partition, end := range by {
		ends[partition] = max(ends[partition], end)
	}
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
