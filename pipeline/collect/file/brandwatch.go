package file

import (
	"strings"

	"earshot/pipeline"
)

// brandwatch reads "Bulk Mentions Download": some lines about the report, an empty one, then
// the header. Names changed with the platforms': Twitter Likes became X Likes. Its sentiment
// is left out, Earshot makes its own; so is Rating, whose scale is not stated.
func brandwatch() preset {
	return preset{
		need: [][]string{{"date"}, {"url", "resource id", "mention id"}, {"full text", "snippet", "title"}},
		rules: []rule{
			{"created_at", []string{"date"}},
			{"url", []string{"url", "original url"}},
			{"text", []string{"full text", "snippet"}},
			{"lang", []string{"language"}},
			{"author.id", []string{"x author id", "twitter author id", "facebook author id", "bluesky author id"}},
			{"author.handle", []string{"author"}},
			{"author.location", []string{"location name"}},
			{"author.followers", []string{"x followers", "twitter followers", "instagram followers"}},
			{"author.following", []string{"x following", "twitter following", "instagram following"}},
			{"author.posts", []string{"x posts", "twitter tweets", "instagram posts"}},
			{"metrics.likes", []string{"x likes", "twitter likes", "facebook likes", "instagram likes", "linkedin likes", "reddit score", "likes"}},
			{"metrics.reposts", []string{"x reposts", "twitter retweets", "facebook shares", "linkedin shares", "shares"}},
			{"metrics.replies", []string{"x replies", "twitter reply count", "facebook comments", "instagram comments", "linkedin comments", "reddit comments", "comments"}},
			{"metrics.views", []string{"impressions", "linkedin impressions", "linkedin video views"}},
			{"geo.country", []string{"country code", "country"}},
			{"geo.region", []string{"region"}},
			{"geo.city", []string{"city"}},
			{"geo.lat", []string{"latitude"}},
			{"geo.lon", []string{"longitude"}},
			{"hashtags", []string{"hashtags"}},
			{"handles", []string{"mentioned authors"}},
			{"links", []string{"expanded urls", "short urls"}},
		},
		reads: []string{"title", "domain", "page type", "resource id", "mention id", "full name", "x verified", "twitter verified", "thread entry type", "thread id",
			"x reply to", "twitter reply to", "x repost of", "twitter retweet of", "subreddit", "media urls"},
		finish: finishBrandwatch,
	}
}

func finishBrandwatch(r *row, p *pipeline.Post) error {
	if at, _ := postAt(p.URL); at == "" {
		p.Platform, p.Kind = medium(r.get("page type"))
		p.Title = r.text("title")
	} else if r.get("page type") == "reddit" { // elsewhere the title repeats the text
		p.Title = r.text("title")
	}
	p.Source = r.get("domain")
	if sub := r.get("subreddit"); sub != "" {
		p.Source = "r/" + strings.TrimPrefix(sub, "r/")
		p.Channel = p.Source
	}
	name := r.get("full name") // "handle (Name)" or Name
	if inner, ok := strings.CutPrefix(name, p.Author.Handle+" ("); ok {
		name = strings.TrimSuffix(inner, ")")
	}
	p.Author.Name = name
	switch strings.ToLower(r.get("x verified", "twitter verified")) {
	case "", "false", "no", "0":
	default: // true, or the colour of the mark
		p.Author.Verified = true
	}
	for _, address := range items(r.get("media urls")) {
		p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: address})
	}
	p.RepostOf = statusOf(r.get("x repost of", "twitter retweet of"))
	p.ParentID = statusOf(r.get("x reply to", "twitter reply to"))
	switch entry := strings.ToLower(r.get("thread entry type")); {
	case p.RepostOf != "" || entry == "share":
		p.Kind, p.ParentID = pipeline.KindRepost, ""
	case p.ParentID != "" || entry == "reply" || entry == "comment":
		p.Kind = pipeline.KindComment
	}
	return settlePost(p, r.get("resource id", "mention id"))
}

// statusOf is the id of the post of X that an address names, or that stands there itself.
func statusOf(address string) string {
	if platform, id := postAt(address); platform == "x" {
		return id
	}
	if _, ok := tweetTime(address); ok {
		return address
	}
	return ""
}
