package file

import (
	"errors"
	"strings"

	"earshot/pipeline"
)

// fourCAT reads the CSV that 4CAT makes of any of its data sources: each has the columns id,
// body, author and timestamp, and others of its own (map_item of
// github.com/digitalmethodsinitiative/4cat, datasources/). Its columns timestamp are in the
// zone of 4CAT's server, so unix_timestamp goes before.
func fourCAT() preset {
	return preset{
		need: [][]string{{"id"}, {"body"}, {"timestamp", "unix_timestamp"}},
		rules: []rule{
			{"id", []string{"id"}},
			{"text", []string{"body"}},
			{"title", []string{"subject"}},
			{"created_at", []string{"unix_timestamp", "created_at", "timestamp"}},
			{"edited_at", []string{"unix_timestamp_edited", "timestamp_edited"}},
			{"url", []string{"link", "tiktok_url", "url"}},
			{"lang", []string{"language_guess"}},
			{"author.id", []string{"author_id"}},
			{"author.handle", []string{"author_username", "author"}},
			{"author.name", []string{"author_fullname", "author_full", "author_display_name", "author_name"}},
			{"author.followers", []string{"author_followers"}},
			{"author.verified", []string{"author_is_verified", "author_verified"}},
			{"author.bot", []string{"author_is_bot"}},
			{"author.created_at", []string{"author_created_at"}},
			{"metrics.likes", []string{"likes", "like_count", "num_likes", "score", "amount_likes"}},
			{"metrics.reposts", []string{"reposts", "repost_count", "retweet_count", "shares", "amount_shares"}},
			{"metrics.replies", []string{"replies", "reply_count", "comments", "num_comments", "amount_comments"}},
			{"metrics.quotes", []string{"quotes", "quote_count"}},
			{"metrics.views", []string{"views", "impression_count", "plays", "amount_plays"}},
			{"geo.country", []string{"country_code"}},
			{"geo.city", []string{"location_city"}},
			{"hashtags", []string{"hashtags", "tags"}},
			{"handles", []string{"mentions", "mentioned", "usertags"}},
			{"links", []string{"urls", "links", "link_url"}},
		},
		reads: []string{"thread_id", "parent", "replied_to_post", "is_retweet", "is_quote_tweet", "is_reply", "subreddit", "chat", "image_md5", "languages",
			"image_url", "images", "video_url", "type", "location_latlong", "author_profile", "is_in_group", "group_name"},
		finish: finishFourCAT,
	}
}

// finishFourCAT tells the platform by the columns or the address, and its kinds of posts.
func finishFourCAT(r *row, p *pipeline.Post) error {
	thread := r.get("thread_id")
	switch {
	case r.has("subreddit"):
		redditOf(r, p, thread)
	case r.has("chat"):
		p.Platform, p.Channel, p.Source = "telegram", r.get("chat"), r.get("chat")
		p.ID = r.get("chat") + "/" + p.ID // ids count up in each chat
		p.Author.ID = r.get("author")
		if p.Author.Handle == p.Author.ID {
			p.Author.Handle = ""
		}
	case r.has("is_retweet"):
		p.Platform = "x"
		threadOf(p, thread)
	case r.has("replied_to_post"):
		p.Platform = "bluesky"
		p.Lang = r.names.language(strings.Split(r.get("languages"), ",")[0])
		threadOf(p, thread)
	case r.has("image_md5"):
		p.Platform = "4chan"
		threadOf(p, thread)
	default:
		p.Platform, _ = postAt(p.URL)
		if r.get("type") == "comment" {
			threadOf(p, thread)
		}
	}
	switch {
	case r.get("is_retweet") == "yes":
		p.Kind = pipeline.KindRepost
	case r.get("is_quote_tweet") == "yes":
		p.Kind = pipeline.KindQuote
	case r.get("is_reply") == "yes":
		p.Kind = pipeline.KindComment
	}
	if group := r.get("group_name"); group != "" {
		p.Channel = group
	}
	for _, address := range items(r.get("images", "image_url")) {
		p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: address})
	}
	for _, address := range items(r.get("video_url")) {
		p.Media = append(p.Media, pipeline.Media{Kind: "video", URL: address})
	}
	if lat, lon, ok := strings.Cut(r.get("location_latlong"), ","); ok {
		return errors.Join(setNumber(&p.Geo.Lat, lat), setNumber(&p.Geo.Lon, lon))
	}
	return nil
}

// threadOf makes a comment of what is not the beginning of its thread.
func threadOf(p *pipeline.Post, thread string) {
	if thread != "" && thread != p.ID {
		p.Kind, p.RootID = pipeline.KindComment, thread
	}
}

// redditOf makes ids of Reddit whole: 4CAT leaves the t1_ and t3_ out.
func redditOf(r *row, p *pipeline.Post, thread string) {
	p.Platform, p.Source = "reddit", "r/"+r.get("subreddit")
	p.Channel = p.Source
	if thread == "" || thread == p.ID {
		p.ID = "t3_" + p.ID
		return
	}
	p.ID, p.Kind, p.RootID, p.ParentID = "t1_"+p.ID, pipeline.KindComment, "t3_"+thread, r.get("parent")
}
