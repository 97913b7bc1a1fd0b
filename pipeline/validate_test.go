package pipeline

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	long := strings.Repeat("a", MaxString+1)
	many := make([]string, MaxList+1)
	rating := func(f float64) *Rating { r := Rating(f); return &r }
	degrees := func(f float64) *float64 { return &f }
	tests := []struct {
		field string
		spoil func(*Post)
	}{
		{"v", func(p *Post) { p.V = 0 }},
		{"v", func(p *Post) { p.V = -1 }},
		{"op", func(p *Post) { p.Op = "upsert" }},
		{"op", func(p *Post) { p.Op = "" }},
		{"scope", func(p *Post) { p.Scope = "all" }},
		{"kind", func(p *Post) { p.Kind = "tweet" }},
		{"platform", func(p *Post) { p.Platform = "" }},
		{"platform", func(p *Post) { p.Platform = "Bluesky" }},
		{"platform", func(p *Post) { p.Platform = "a/b" }},
		{"platform", func(p *Post) { p.Platform = strings.Repeat("a", MaxPlatform+1) }},
		{"id", func(p *Post) { p.ID = "" }},
		{"id", func(p *Post) { p.ID = strings.Repeat("a", MaxID+1) }},
		{"author.id", func(p *Post) { p.Op, p.Scope = OpDelete, ScopeAccount }},
		{"text", func(p *Post) { p.Text = strings.Repeat("a", MaxText+1) }},
		{"title", func(p *Post) { p.Title = strings.Repeat("a", MaxTitle+1) }},
		{"source", func(p *Post) { p.Source = long }},
		{"channel", func(p *Post) { p.Channel = long }},
		{"lang", func(p *Post) { p.Lang = long }},
		{"url", func(p *Post) { p.URL = long }},
		{"author.id", func(p *Post) { p.Author.ID = long }},
		{"author.handle", func(p *Post) { p.Author.Handle = long }},
		{"author.name", func(p *Post) { p.Author.Name = long }},
		{"author.location", func(p *Post) { p.Author.Location = long }},
		{"parent_id", func(p *Post) { p.ParentID = long }},
		{"parent_author", func(p *Post) { p.ParentAuthor = long }},
		{"root_id", func(p *Post) { p.RootID = long }},
		{"root_author", func(p *Post) { p.RootAuthor = long }},
		{"repost_of", func(p *Post) { p.RepostOf = long }},
		{"repost_author", func(p *Post) { p.RepostAuthor = long }},
		{"quote_of", func(p *Post) { p.QuoteOf = long }},
		{"quote_author", func(p *Post) { p.QuoteAuthor = long }},
		{"geo.region", func(p *Post) { p.Geo.Region = long }},
		{"geo.city", func(p *Post) { p.Geo.City = long }},
		{"hashtags", func(p *Post) { p.Hashtags = many }},
		{"hashtags", func(p *Post) { p.Hashtags = []string{"a", long} }},
		{"handles", func(p *Post) { p.Handles = []string{long} }},
		{"links", func(p *Post) { p.Links = []string{long} }},
		{"media", func(p *Post) { p.Media = make([]Media, MaxList+1) }},
		{"media.kind", func(p *Post) { p.Media = []Media{{Kind: long}} }},
		{"media.url", func(p *Post) { p.Media = []Media{{}, {URL: long}} }},
		{"media.alt", func(p *Post) { p.Media = []Media{{Alt: strings.Repeat("a", MaxAlt+1)}} }},
		{"metrics.likes", func(p *Post) { p.Metrics.Likes = -1 }},
		{"metrics.reposts", func(p *Post) { p.Metrics.Reposts = -1 }},
		{"metrics.replies", func(p *Post) { p.Metrics.Replies = -1 }},
		{"metrics.quotes", func(p *Post) { p.Metrics.Quotes = -1 }},
		{"metrics.views", func(p *Post) { p.Metrics.Views = -1 }},
		{"author.followers", func(p *Post) { p.Author.Followers = -1 }},
		{"author.following", func(p *Post) { p.Author.Following = -1 }},
		{"author.posts", func(p *Post) { p.Author.Posts = -1 }},
		{"rating", func(p *Post) { p.Rating = rating(1.01) }},
		{"rating", func(p *Post) { p.Rating = rating(-0.01) }},
		{"rating", func(p *Post) { p.Rating = rating(math.NaN()) }},
		{"geo.country", func(p *Post) { p.Geo.Country = "de" }},
		{"geo.country", func(p *Post) { p.Geo.Country = "DEU" }},
		{"geo.lat", func(p *Post) { p.Geo.Lat = degrees(90.1) }},
		{"geo.lat", func(p *Post) { p.Geo.Lat = degrees(math.NaN()) }},
		{"geo.lon", func(p *Post) { p.Geo.Lon = degrees(-180.1) }},
		{"created_at", func(p *Post) { p.CreatedAt = maxTime + 1 }},
		{"edited_at", func(p *Post) { p.EditedAt = minTime - 1 }},
		{"seen_at", func(p *Post) { p.SeenAt = maxTime + 1 }},
		{"author.created_at", func(p *Post) { p.Author.CreatedAt = minTime - 1 }},
	}
	for _, tt := range tests {
		p := full()
		require.NoError(t, p.Validate())
		tt.spoil(&p)
		var field *FieldError
		require.ErrorAs(t, p.Validate(), &field, tt.field)
		assert.Equal(t, tt.field, field.Field)
		assert.NotEmpty(t, field.Problem)
		assert.NotEmpty(t, field.Mend)
	}
}

// full is a post whose every value is as large as it may be.
func full() Post {
	r, lat, lon := Rating(1), -90.0, 180.0
	s := strings.Repeat("a", MaxString)
	return Post{
		V: 1, Op: OpCreate, Kind: KindPost, Platform: strings.Repeat("a", MaxPlatform), ID: strings.Repeat("é", MaxID/2),
		Text: strings.Repeat("a", MaxText), Title: strings.Repeat("a", MaxTitle), Source: s, URL: s, Links: []string{s},
		Hashtags: make([]string, MaxList), Author: Author{Name: s, CreatedAt: minTime}, SeenAt: maxTime,
		Geo: Geo{Country: "DE", Lat: &lat, Lon: &lon}, Rating: &r, Media: []Media{{Alt: strings.Repeat("a", MaxAlt)}},
	}
}

func TestValidateAccountDelete(t *testing.T) {
	p := Post{V: 1, Op: OpDelete, Scope: ScopeAccount, Kind: KindPost, Platform: "x", ID: "7", Author: Author{ID: "7"}}
	require.NoError(t, p.Validate())
}
