package file

import (
	"strings"

	"earshot/pipeline"
)

// meltwater reads exports of a content stream, of both generations: Headline, Influencer and
// Tweet Id, or Title, Author Handle and Document ID. The older one is UTF-16 with tabs.
// Articles come as their beginning (Opening Text) and the sentence that was found.
func meltwater() preset {
	return preset{
		need: [][]string{{"date", "alternate date format"}, {"url", "document id", "tweet id"}, {"hit sentence", "opening text", "headline", "title"}},
		rules: []rule{
			{"url", []string{"url"}},
			{"title", []string{"headline", "title"}},
			{"lang", []string{"language"}},
			{"author.id", []string{"twitter id"}},
			{"author.handle", []string{"author handle", "twitter screen name"}},
			{"author.name", []string{"author name", "influencer"}},
			{"author.followers", []string{"twitter followers"}},
			{"author.following", []string{"twitter following"}},
			{"metrics.likes", []string{"likes", "reactions"}},
			{"metrics.reposts", []string{"reposts", "retweets", "shares"}},
			{"metrics.replies", []string{"replies", "comments"}},
			{"metrics.quotes", []string{"quotes"}},
			{"metrics.views", []string{"views"}},
			{"geo.country", []string{"country"}},
			{"geo.region", []string{"state", "region", "subregion"}},
			{"geo.city", []string{"city"}},
			{"hashtags", []string{"hashtags"}},
			{"links", []string{"links"}},
		},
		reads: []string{"date", "alternate date format", "time", "opening text", "hit sentence", "source", "source name", "source type", "information type",
			"document id", "tweet id", "image", "is verified", "content type"},
		finish: finishMeltwater,
	}
}

func finishMeltwater(r *row, p *pipeline.Post) (err error) {
	if p.CreatedAt, err = momentOf(r, r.get("date", "alternate date format"), r.get("time")); err != nil {
		return err
	}
	p.Text = withSentence(r.text("opening text"), r.text("hit sentence"))
	if handle, ok := strings.CutPrefix(p.Author.Name, "@"); ok { // Influencer; the screen name beside it is the display name
		p.Author.Handle, p.Author.Name = handle, p.Author.Handle
	}
	if strings.HasPrefix(p.Text, "QT @") {
		p.Kind = pipeline.KindQuote
	}
	p.Author.Verified = strings.EqualFold(r.get("is verified"), "true") || strings.EqualFold(r.get("is verified"), "yes")
	p.Source = r.get("source name", "source")
	if at, id := postAt(p.URL); at == "" {
		p.Platform, p.Kind = medium(r.get("source type", "information type", "source"))
	} else if at == "x" && id == "" {
		p.ID = statusOf(r.get("tweet id"))
	}
	switch strings.ToLower(r.get("content type")) {
	case "reply", "comment":
		p.Kind = pipeline.KindComment
	case "repost", "retweet":
		p.Kind = pipeline.KindRepost
	case "quote":
		p.Kind = pipeline.KindQuote
	}
	if image := r.get("image"); strings.HasPrefix(image, "http") {
		p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: image})
	}
	return settlePost(p, r.get("document id"))
}

// momentOf reads a time whose day and clock stand in columns of their own, or in one.
func momentOf(r *row, day, clock string) (pipeline.Time, error) {
	if !strings.Contains(day, ":") && clock != "" {
		day += " " + clock
	}
	if day == "" {
		return 0, nil
	}
	return r.times.moment(day)
}

// withSentence joins the beginning of an article and the sentence that was found in it,
// unless the one holds the other. Both may begin and end with an ellipsis.
func withSentence(beginning, sentence string) string {
	core := strings.Trim(sentence, " \t\r\n.…")
	switch {
	case core == "" || strings.Contains(beginning, core):
		return beginning
	case strings.Contains(sentence, strings.Trim(beginning, " \t\r\n.…")):
		return sentence
	}
	return beginning + "\n" + sentence
}
