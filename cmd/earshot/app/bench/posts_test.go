package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/simulate"
	"earshot/pipeline/kafka"
)

// meanBytes is the length of a post's JSON: that of the exploration, and close to what
// public platforms send once it is brought into our form.
const meanBytes = 781

// market are the settings of the simulated posts: new posts, comments and quotes, in all
// languages, of which about one in ten names one of twenty brands.
func market(posts int) simulate.Config {
	cfg := simulate.DefaultConfig()
	cfg.Brands, cfg.Mentions, cfg.Rate = 20, 0.01, 100
	cfg.Platforms = []string{"x", "bluesky", "mastodon", "reddit", "weibo"} // where most posts name no brand
	cfg.From = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)
	cfg.Limit = int64(posts)
	cfg.RumourEvery, cfg.BurstEvery = 0, 0
	cfg.Shares = simulate.Shares{Replies: 0.3, Quotes: 0.03}
	return cfg
}

// session hands the simulation's posts to a function, made as long as real ones.
type session struct {
	emit  func(ctx context.Context, posts []pipeline.Post) error
	bytes int // of all posts so far
	posts int
}

// Emit joins the texts of posts that follow each other until the mean length is right.
func (s *session) Emit(ctx context.Context, posts []pipeline.Post, _ pipeline.Cursor) error {
	if len(posts) == 0 {
		return nil
	}
	texts := make([]string, len(posts))
	for i := range posts {
		texts[i] = posts[i].Text
	}
	for i := range posts {
		p := &posts[i]
		length := len(p.AppendJSON(nil))
		for n := i + 1; s.bytes+length < meanBytes*(s.posts+1) && n < i+len(texts); n++ {
			more := texts[n%len(texts)]
			p.Text += " " + more
			length += 1 + len(more)
		}
		s.bytes += length
		s.posts++
	}
	return s.emit(ctx, posts)
}

func (s *session) Refuse(context.Context, []byte, string, string) error { return nil }
func (s *session) Gap(time.Time, time.Time, string)                     {}
func (s *session) Limited(time.Time, string)                            {}
func (s *session) Alive()                                               {}

// generate calls emit with the posts, batch by batch.
func generate(ctx context.Context, tb testing.TB, posts int, emit func(context.Context, []pipeline.Post) error) *session {
	tb.Helper()
	source, err := simulate.New(market(posts))
	require.NoError(tb, err)
	s := &session{emit: emit}
	require.NoError(tb, source.Run(ctx, nil, s))
	require.Equal(tb, posts, s.posts)
	return s
}

// fill publishes the posts to the simulated stream and returns their mean length.
func fill(ctx context.Context, tb testing.TB, client *kafka.Client, posts int) int {
	tb.Helper()
	producer := kafka.NewProducer(client)
	s := generate(ctx, tb, posts, func(ctx context.Context, list []pipeline.Post) error {
		_, err := producer.Publish(ctx, pipeline.SimulatedStream(), list, pipeline.Handover{})
		return err
	})
	return s.bytes / s.posts
}
