package pipeline

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	for _, tt := range spoilt() {
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

// spoil is one mistake in a post that was right.
type spoil struct {
	field   string
	spoil   func(*Post)
	between bool // it lies between two fields, which a schema cannot say
}

func spoilt() []spoil {
	long := strings.Repeat("a", MaxString+1)
	many := make([]string, MaxList+1)
	rating := func(f float64) *Rating { r := Rating(f); return &r }
	degrees := func(f float64) *float64 { return &f }
	return []spoil{
		{field: "v", spoil: func(p *Post) { p.V = 0 }},
		{field: "v", spoil: func(p *Post) { p.V = -1 }},
		{field: "op", spoil: func(p *Post) { p.Op = "upsert" }},
		{field: "op", spoil: func(p *Post) { p.Op = "" }},
		{field: "scope", spoil: func(p *Post) { p.Scope = "all" }},
		{field: "kind", spoil: func(p *Post) { p.Kind = "tweet" }},
		{field: "platform", spoil: func(p *Post) { p.Platform = "" }},
		{field: "platform", spoil: func(p *Post) { p.Platform = "Bluesky" }},
		{field: "platform", spoil: func(p *Post) { p.Platform = "a/b" }},
		{field: "platform", spoil: func(p *Post) { p.Platform = strings.Repeat("a", MaxPlatform+1) }},
		{field: "id", spoil: func(p *Post) { p.ID = "" }},
		{field: "id", spoil: func(p *Post) { p.ID = strings.Repeat("a", MaxID+1) }},
		{field: "author.id", spoil: func(p *Post) { p.Op, p.Scope = OpDelete, ScopeAccount }, between: true},
		{field: "text", spoil: func(p *Post) { p.Text = strings.Repeat("a", MaxText+1) }},
		{field: "title", spoil: func(p *Post) { p.Title = strings.Repeat("a", MaxTitle+1) }},
		{field: "source", spoil: func(p *Post) { p.Source = long }},
		{field: "channel", spoil: func(p *Post) { p.Channel = long }},
		{field: "lang", spoil: func(p *Post) { p.Lang = long }},
		{field: "url", spoil: func(p *Post) { p.URL = long }},
		{field: "author.id", spoil: func(p *Post) { p.Author.ID = long }},
		{field: "author.handle", spoil: func(p *Post) { p.Author.Handle = long }},
		{field: "author.name", spoil: func(p *Post) { p.Author.Name = long }},
		{field: "author.location", spoil: func(p *Post) { p.Author.Location = long }},
		{field: "parent_id", spoil: func(p *Post) { p.ParentID = long }},
		{field: "parent_author", spoil: func(p *Post) { p.ParentAuthor = long }},
		{field: "root_id", spoil: func(p *Post) { p.RootID = long }},
		{field: "root_author", spoil: func(p *Post) { p.RootAuthor = long }},
		{field: "repost_of", spoil: func(p *Post) { p.RepostOf = long }},
		{field: "repost_author", spoil: func(p *Post) { p.RepostAuthor = long }},
		{field: "quote_of", spoil: func(p *Post) { p.QuoteOf = long }},
		{field: "quote_author", spoil: func(p *Post) { p.QuoteAuthor = long }},
		{field: "geo.region", spoil: func(p *Post) { p.Geo.Region = long }},
		{field: "geo.city", spoil: func(p *Post) { p.Geo.City = long }},
		{field: "hashtags", spoil: func(p *Post) { p.Hashtags = many }},
		{field: "hashtags", spoil: func(p *Post) { p.Hashtags = []string{"a", long} }},
		{field: "handles", spoil: func(p *Post) { p.Handles = []string{long} }},
		{field: "links", spoil: func(p *Post) { p.Links = []string{long} }},
		{field: "media", spoil: func(p *Post) { p.Media = make([]Media, MaxList+1) }},
		{field: "media.kind", spoil: func(p *Post) { p.Media = []Media{{Kind: long}} }},
		{field: "media.url", spoil: func(p *Post) { p.Media = []Media{{}, {URL: long}} }},
		{field: "media.alt", spoil: func(p *Post) { p.Media = []Media{{Alt: strings.Repeat("a", MaxAlt+1)}} }},
		{field: "metrics.likes", spoil: func(p *Post) { p.Metrics.Likes = -1 }},
		{field: "metrics.reposts", spoil: func(p *Post) { p.Metrics.Reposts = -1 }},
		{field: "metrics.replies", spoil: func(p *Post) { p.Metrics.Replies = -1 }},
		{field: "metrics.quotes", spoil: func(p *Post) { p.Metrics.Quotes = -1 }},
		{field: "metrics.views", spoil: func(p *Post) { p.Metrics.Views = -1 }},
		{field: "author.followers", spoil: func(p *Post) { p.Author.Followers = -1 }},
		{field: "author.following", spoil: func(p *Post) { p.Author.Following = -1 }},
		{field: "author.posts", spoil: func(p *Post) { p.Author.Posts = -1 }},
		{field: "rating", spoil: func(p *Post) { p.Rating = rating(1.01) }},
		{field: "rating", spoil: func(p *Post) { p.Rating = rating(-0.01) }},
		{field: "rating", spoil: func(p *Post) { p.Rating = rating(math.NaN()) }},
		{field: "geo.country", spoil: func(p *Post) { p.Geo.Country = "de" }},
		{field: "geo.country", spoil: func(p *Post) { p.Geo.Country = "DEU" }},
		{field: "geo.country", spoil: func(p *Post) { p.Geo.Country = "D3" }},
		{field: "geo.lat", spoil: func(p *Post) { p.Geo.Lat = degrees(90.1) }},
		{field: "geo.lat", spoil: func(p *Post) { p.Geo.Lat = degrees(math.NaN()) }},
		{field: "geo.lon", spoil: func(p *Post) { p.Geo.Lon = degrees(-180.1) }},
		{field: "created_at", spoil: func(p *Post) { p.CreatedAt = maxTime + 1 }},
		{field: "edited_at", spoil: func(p *Post) { p.EditedAt = minTime - 1 }},
		{field: "seen_at", spoil: func(p *Post) { p.SeenAt = maxTime + 1 }},
		{field: "author.created_at", spoil: func(p *Post) { p.Author.CreatedAt = minTime - 1 }},
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
