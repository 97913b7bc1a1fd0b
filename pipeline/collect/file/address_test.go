package file

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAddressesTellPlatformAndID(t *testing.T) {
	for address, want := range map[string][2]string{
		"https://twitter.com/a/status/12?s=20":                       {"x", "12"},
		"http://mobile.twitter.com/a/statuses/12":                    {"x", "12"},
		"https://x.com/a":                                            {"x", ""},
		"https://bsky.app/profile/did:plc:z/post/3k":                 {"bluesky", "at://did:plc:z/app.bsky.feed.post/3k"},
		"https://bsky.app/profile/z.example/post/3k":                 {"bluesky", ""},
		"https://old.reddit.com/r/tea/comments/abc":                  {"reddit", "t3_abc"},
		"https://www.reddit.com/r/tea/comments/abc/words/def/?sort=": {"reddit", "t1_def"},
		"https://www.youtube.com/watch?v=V&lc=C":                     {"youtube", "C"},
		"https://youtube.com/shorts/V":                               {"youtube", "V"},
		"https://youtu.be/V":                                         {"youtube", "V"},
		"https://www.tiktok.com/@a/video/7":                          {"tiktok", "7"},
		"https://news.ycombinator.com/item?id=8":                     {"hackernews", "8"},
		"https://t.me/chat/9":                                        {"telegram", "chat/9"},
		"https://m.facebook.com/1/posts/2":                           {"facebook", ""},
		"https://de.wikipedia.org/wiki/Tee":                          {"wikipedia", ""},
		"https://tea.example/x.com/status/1":                         {"", ""},
		"https://notx.com/a/status/1":                                {"", ""},
		"not an address":                                             {"", ""},
		"":                                                           {"", ""},
	} {
		platform, id := postAt(address)
		assert.Equal(t, want, [2]string{platform, id}, address)
	}
}

func TestNamesBecomeCodes(t *testing.T) {
	n := &names{}
	for name, want := range map[string]string{"": "", "DEU": "DE", "de": "DE", "UK": "GB", "United States of America": "US", "Türkiye": "TR", "Turkey": "TR",
		"South Korea": "KR", "Atlantis": "", "ZZ": ""} {
		assert.Equal(t, want, n.country(name), name)
	}
	for name, want := range map[string]string{"": "", "English": "en", "zh-Hant": "zh-Hant", "Chinese (Simplified)": "zh", "Klingon?": "", "de": "de"} {
		assert.Equal(t, want, n.language(name), name)
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add("https://www.reddit.com/r/tea/comments/abc/words/def/")
	f.Fuzz(func(t *testing.T, address string) {
		if platform, id := postAt(address); platform == "" {
			assert.Empty(t, id)
		}
	})
}
