package file

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"earshot/pipeline"
)

// setter puts a value, as it stands in a file, into its field of a post.
type setter func(p *pipeline.Post, value string) error

// fieldNames are the fields that a column can fill. seen_at is ours and not among them.
func fieldNames() []string {
	names := []string{"hashtags", "handles", "links", "author.verified", "author.bot", "geo.lat", "geo.lon", "rating"}
	names = append(names, textFields()...)
	names = append(names, countFields()...)
	names = append(names, timeFields()...)
	slices.Sort(names)
	return names
}

func textFields() []string {
	return []string{
		"id", "text", "title", "lang", "url", "platform", "kind", "op", "scope", "source", "channel",
		"author.id", "author.handle", "author.name", "author.location",
		"parent_id", "parent_author", "root_id", "root_author", "repost_of", "repost_author", "quote_of", "quote_author",
		"geo.country", "geo.region", "geo.city",
	}
}

func countFields() []string {
	return []string{
		"author.followers", "author.following", "author.posts",
		"metrics.likes", "metrics.reposts", "metrics.replies", "metrics.quotes", "metrics.views",
	}
}

func timeFields() []string { return []string{"created_at", "edited_at", "author.created_at"} }

// setterOf finds how a field is set; false if no column can fill it.
func setterOf(field string, times clock) (setter, bool) {
	switch {
	case slices.Contains(textFields(), field):
		return func(p *pipeline.Post, v string) error { return setText(p, field, v) }, true
	case slices.Contains(countFields(), field):
		return func(p *pipeline.Post, v string) error { return setCount(p, field, v) }, true
	case slices.Contains(timeFields(), field):
		return func(p *pipeline.Post, v string) error { return setTime(p, field, v, times) }, true
	}
	switch field {
	case "hashtags":
		return func(p *pipeline.Post, v string) error { p.Hashtags = list(v, "#"); return nil }, true
	case "handles":
		return func(p *pipeline.Post, v string) error { p.Handles = list(v, "@"); return nil }, true
	case "links":
		return func(p *pipeline.Post, v string) error { p.Links = list(v, ""); return nil }, true
	case "author.verified":
		return func(p *pipeline.Post, v string) error { return setBool(&p.Author.Verified, v) }, true
	case "author.bot":
		return func(p *pipeline.Post, v string) error { return setBool(&p.Author.Bot, v) }, true
	case "geo.lat":
		return func(p *pipeline.Post, v string) error { return setNumber(&p.Geo.Lat, v) }, true
	case "geo.lon":
		return func(p *pipeline.Post, v string) error { return setNumber(&p.Geo.Lon, v) }, true
	case "rating":
		return setRating, true
	}
	return nil, false
}

func setText(p *pipeline.Post, field, v string) error {
	switch field { // text and titles are kept as published; names of things have no blanks around them
	case "text":
		p.Text = v
		return nil
	case "title":
		p.Title = v
		return nil
	}
	v = strings.TrimSpace(v)
	switch field {
	case "platform":
		p.Platform = strings.ToLower(v)
	case "kind":
		p.Kind = pipeline.Kind(strings.ToLower(v))
	case "op":
		p.Op = pipeline.Op(strings.ToLower(v))
	case "scope":
		p.Scope = pipeline.Scope(strings.ToLower(v))
	case "author.handle":
		p.Author.Handle = strings.TrimPrefix(v, "@")
	case "geo.country":
		p.Geo.Country = strings.ToUpper(v)
	default:
		*plainField(p, field) = v
	}
	return nil
}

func plainField(p *pipeline.Post, field string) *string {
	switch field {
	case "id":
		return &p.ID
	case "lang":
		return &p.Lang
	case "url":
		return &p.URL
	case "source":
		return &p.Source
	case "channel":
		return &p.Channel
	case "author.id":
		return &p.Author.ID
	case "author.name":
		return &p.Author.Name
	case "author.location":
		return &p.Author.Location
	case "parent_id":
		return &p.ParentID
	case "parent_author":
		return &p.ParentAuthor
	case "root_id":
		return &p.RootID
	case "root_author":
		return &p.RootAuthor
	case "repost_of":
		return &p.RepostOf
	case "repost_author":
		return &p.RepostAuthor
	case "quote_of":
		return &p.QuoteOf
	case "quote_author":
		return &p.QuoteAuthor
	case "geo.region":
		return &p.Geo.Region
	default: // geo.city, the last of textFields
		return &p.Geo.City
	}
}

func setCount(p *pipeline.Post, field, v string) error {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(v, 64) // spreadsheets write 12.0
		if n = int64(f); ferr != nil || float64(n) != f {
			return fmt.Errorf("%q is not a whole number", cut(v))
		}
	}
	switch field {
	case "author.followers":
		p.Author.Followers = n
	case "author.following":
		p.Author.Following = n
	case "author.posts":
		p.Author.Posts = n
	case "metrics.likes":
		p.Metrics.Likes = n
	case "metrics.reposts":
		p.Metrics.Reposts = n
	case "metrics.replies":
		p.Metrics.Replies = n
	case "metrics.quotes":
		p.Metrics.Quotes = n
	case "metrics.views":
		p.Metrics.Views = n
	}
	return nil
}

func setTime(p *pipeline.Post, field, v string, times clock) error {
	t, err := times.moment(v)
	if err != nil {
		return err
	}
	switch field {
	case "created_at":
		p.CreatedAt = t
	case "edited_at":
		p.EditedAt = t
	case "author.created_at":
		p.Author.CreatedAt = t
	}
	return nil
}

func setBool(to *bool, v string) error {
	switch strings.ToLower(v) {
	case "1", "t", "true", "y", "yes":
		*to = true
	case "0", "f", "false", "n", "no":
		*to = false
	default:
		return fmt.Errorf("%q is neither true nor false", cut(v))
	}
	return nil
}

func setNumber(to **float64, v string) error {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return fmt.Errorf("%q is not a number", cut(v))
	}
	*to = &f
	return nil
}

func setRating(p *pipeline.Post, v string) error {
	f, err := strconv.ParseFloat(v, 32)
	if err != nil {
		return fmt.Errorf("%q is not a number from 0 to 1", cut(v))
	}
	rating := pipeline.Rating(f)
	p.Rating = &rating
	return nil
}

// list splits at blanks, bars, brackets and quotes, and sheds commas around the items;
// names (with a prefix) are also split at commas and semicolons within.
func list(v, prefix string) []string {
	separators := "| \t[]'\""
	if prefix != "" {
		separators += ",;"
	}
	var all []string
	for _, item := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if item = strings.TrimPrefix(strings.Trim(item, ",;"), prefix); item != "" {
			all = append(all, item)
		}
	}
	return all
}
