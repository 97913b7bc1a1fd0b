package youtube

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/poll"
)

func comments(authors ...string) []poll.Item {
	var all []poll.Item
	for _, id := range authors {
		all = append(all, poll.Item{Posts: []pipeline.Post{{Author: pipeline.Author{ID: id, Handle: "h"}}}})
	}
	return all
}

func TestAuthorsGetTheirSubscribers(t *testing.T) {
	web, platform := serve(t, "")
	s := open(t, web.URL, func(c *Config) { c.Followers = true })
	items := comments("UCa", "UChidden", "UCgone", "a name", "UCa")
	s.fill(t.Context(), items)
	assert.Equal(t, pipeline.Author{ID: "UCa", Handle: "h", Followers: 1230, Posts: 7}, items[0].Posts[0].Author)
	assert.Equal(t, items[0].Posts[0].Author, items[4].Posts[0].Author)
	assert.Equal(t, pipeline.Author{ID: "UChidden", Handle: "h", Posts: 7}, items[1].Posts[0].Author)
	assert.Zero(t, items[2].Posts[0].Author.Followers)
	s.fill(t.Context(), comments("UCa", "UCgone", "UCb"))
	require.Len(t, platform.queries, 2)
	assert.Contains(t, platform.queries[0], "id=UCa%2CUChidden%2CUCgone")
	assert.Contains(t, platform.queries[1], "id=UCb&", "each is asked for once a day, those that are gone too")
}

// A page of comments costs what may be asked for beside it, and no more is asked for.
func TestSubscribersStayWithinTheBudget(t *testing.T) {
	web, platform := serve(t, "")
	s := open(t, web.URL, func(c *Config) { c.Followers = true })
	var many []string
	for range 300 {
		many = append(many, "UC"+strings.Repeat("x", len(many)+1))
	}
	s.fill(t.Context(), comments(many...))
	assert.Len(t, platform.queries, channelsPages)
	targets, err := s.targets(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1+channelsPages, targets[0].Cost)
	s.cfg.Followers = false
	targets, err = s.targets(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, targets[0].Cost)
	s.fill(t.Context(), comments("UCnew"))
	assert.Len(t, platform.queries, channelsPages, "off, nothing is asked for")
}

func TestCommentsComeWithoutSubscribersToo(t *testing.T) {
	web, _ := serve(t, collecttest.SlowDown)
	s := open(t, web.URL, func(c *Config) { c.Followers = true })
	items := comments("UCa")
	s.fill(t.Context(), items)
	assert.Equal(t, pipeline.Author{ID: "UCa", Handle: "h"}, items[0].Posts[0].Author)
}

func FuzzChannel(f *testing.F) {
	f.Add([]byte(`{"id":"UCa","statistics":{"subscriberCount":"-1","videoCount":"x"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, found := decodeChannel(data)
		assert.GreaterOrEqual(t, found.followers, int64(0))
		assert.GreaterOrEqual(t, found.videos, int64(0))
	})
}
