package file

import (
	"strings"

	"earshot/pipeline"
)

// talkwalker reads a table of results, whose columns are the paths of the fields of
// Talkwalker's API. Of places the post's and the author's count, not the site's.
func talkwalker() preset {
	article := func(names ...string) []string { return prefixed("article_extended_attributes.", names) }
	place := func(name string) []string {
		return []string{"extra_article_attributes.world_data." + name, "extra_author_attributes.world_data." + name}
	}
	return preset{
		need: [][]string{{"url"}, {"published"}, {"content", "content_snippet", "title", "title_snippet"}},
		rules: []rule{
			{"created_at", []string{"published"}},
			{"url", []string{"url"}},
			{"text", []string{"content", "content_snippet"}},
			{"lang", []string{"lang"}},
			{"source", []string{"extra_source_attributes.name", "domain_url", "host_url"}},
			{"author.id", []string{"extra_author_attributes.id", "extra_creator_attributes.id"}},
			{"author.handle", []string{"extra_author_attributes.short_name", "extra_creator_attributes.short_name"}},
			{"author.name", []string{"extra_author_attributes.name", "extra_creator_attributes.name"}},
			{"author.followers", append(prefixed("source_extended_attributes.", []string{"twitter_followers", "facebook_followers", "instagram_followers", "pinterest_followers"}),
				article("twitter_followers")...)},
			{"metrics.likes", article("twitter_likes", "facebook_likes", "facebook_reactions_total", "instagram_likes", "youtube_likes", "pinterest_likes")},
			{"metrics.reposts", article("twitter_retweets", "twitter_shares", "facebook_shares", "linkedin_shares", "pinterest_repins")},
			{"metrics.replies", article("num_comments", "twitter_replies")},
			{"metrics.quotes", article("twitter_quote_tweets")},
			{"metrics.views", article("twitter_impressions", "youtube_views", "url_views")},
			{"geo.country", append(place("country_code"), place("country")...)},
			{"geo.region", place("region")},
			{"geo.city", place("city")},
			{"geo.lat", place("latitude")},
			{"geo.lon", place("longitude")},
			{"links", []string{"entity_urls"}},
			{"hashtags", []string{"tokens_hashtag"}},
		},
		reads:  []string{"title", "title_snippet", "source_type", "parent_url", "images.url", "videos.url"},
		finish: finishTalkwalker,
	}
}

func prefixed(prefix string, names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = prefix + name
	}
	return all
}

func finishTalkwalker(r *row, p *pipeline.Post) error {
	at, _ := postAt(p.URL)
	if at == "" {
		p.Platform, p.Kind = medium(r.get("source_type"))
	}
	if at != "x" { // of posts of X the title is the text
		p.Title = r.text("title", "title_snippet")
	}
	for _, address := range items(r.get("images.url")) {
		p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: address})
	}
	for _, address := range items(r.get("videos.url")) {
		p.Media = append(p.Media, pipeline.Media{Kind: "video", URL: address})
	}
	if platform, id := postAt(r.get("parent_url")); platform == at && id != "" && r.get("parent_url") != p.URL {
		p.ParentID, p.Kind = id, pipeline.KindComment
	}
	p.Source = strings.TrimSuffix(p.Source, "/")
	return settlePost(p, "")
}
