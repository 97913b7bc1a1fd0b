package file

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"earshot/pipeline"
)

// postAt tells from the address of a post its platform and its id there, the one that the
// platform's own source uses. The id is empty where the address does not hold it (Facebook,
// Instagram, Weibo, handles of Bluesky); both are empty for a site that is none of these.
func postAt(address string) (platform, id string) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return "", ""
	}
	path := strings.FieldsFunc(u.EscapedPath(), func(r rune) bool { return r == '/' })
	at := func(i int) string {
		if i < len(path) {
			return path[i]
		}
		return ""
	}
	host := strings.ToLower(u.Hostname())
	switch site(host) {
	case "x.com", "twitter.com":
		if at(1) == "status" || at(1) == "statuses" {
			id = at(2)
		}
		return "x", id
	case "bsky.app":
		if at(0) == "profile" && strings.HasPrefix(at(1), "did:") && at(2) == "post" {
			id = "at://" + at(1) + "/app.bsky.feed.post/" + at(3)
		}
		return "bluesky", id
	case "reddit.com":
		return "reddit", redditID(path)
	case "youtube.com":
		if q := u.Query(); q.Get("lc") != "" {
			id = q.Get("lc")
		} else if id = q.Get("v"); id == "" && at(0) == "shorts" {
			id = at(1)
		}
		return "youtube", id
	case "youtu.be":
		return "youtube", at(0)
	case "tiktok.com":
		if at(1) == "video" || at(1) == "photo" {
			id = at(2)
		}
		return "tiktok", id
	case "ycombinator.com":
		if host == "news.ycombinator.com" {
			return "hackernews", u.Query().Get("id")
		}
	case "t.me", "telegram.me":
		if at(1) != "" {
			id = at(0) + "/" + at(1)
		}
		return "telegram", id
	}
	return siteNames()[site(host)], ""
}

// siteNames are the platforms whose addresses hold no id that their source uses.
func siteNames() map[string]string {
	return map[string]string{"facebook.com": "facebook", "fb.com": "facebook", "fb.watch": "facebook", "instagram.com": "instagram", "threads.net": "threads",
		"threads.com": "threads", "weibo.com": "weibo", "weibo.cn": "weibo", "linkedin.com": "linkedin", "wikipedia.org": "wikipedia",
		"pinterest.com": "pinterest", "tumblr.com": "tumblr", "vk.com": "vk", "twitch.tv": "twitch", "quora.com": "quora"}
}

// site is the last two labels of a host.
func site(host string) string {
	labels := strings.Split(host, ".")
	return strings.Join(labels[max(len(labels)-2, 0):], ".")
}

// redditID of /r/SUB/comments/POST/words/COMMENT.
func redditID(path []string) string {
	for i, part := range path {
		if part != "comments" || i+1 >= len(path) {
			continue
		}
		if i+3 < len(path) {
			return "t1_" + path[i+3]
		}
		return "t3_" + path[i+1]
	}
	return ""
}

// medium is what a tool calls the sort of a site, as platform and kind.
func medium(name string) (string, pipeline.Kind) {
	name = strings.ToLower(name)
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(name, part) {
				return true
			}
		}
		return false
	}
	switch {
	case has("review"):
		return "review", pipeline.KindReview
	case has("blog"):
		return "blog", pipeline.KindArticle
	case has("forum", "message", "board", "qna"):
		return "forum", pipeline.KindPost
	case has("comment"):
		return "web", pipeline.KindComment
	case has("news", "magazine", "press", "print"):
		return "news", pipeline.KindArticle
	}
	return "web", pipeline.KindArticle
}

// items are the addresses in a list of them.
func items(v string) []string {
	return list(strings.NewReplacer(",http", " http", ";http", " http").Replace(v), "")
}

// hashed is an id for what has none and a name that is too long for one.
func hashed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:20])
}
