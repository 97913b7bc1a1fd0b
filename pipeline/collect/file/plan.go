package file

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// plan says which field of a post each column fills. It stays with the cursor, so that a
// file is read to its end as it was begun.
type plan struct {
	Columns  []string `json:"columns"`          // by column; empty: none
	Header   int64    `json:"header,omitempty"` // line of the record that names the columns; 0: none
	TweetIDs bool     `json:"tweet_ids,omitempty"`

	Delimiter string   `json:"delimiter,omitempty"` // between columns, where it was found
	Names     []string `json:"names,omitempty"`     // of a preset: what the columns are called
}

// comma is the delimiter that was found.
func (p *plan) comma() byte {
	if p == nil || len(p.Delimiter) != 1 {
		return ','
	}
	return p.Delimiter[0]
}

// sampleRecords is how many records of a file are looked at.
const sampleRecords = 200

// planOf decides by the settings, else by the header, else by a guess. The sentence tells
// the user what was decided; it is empty where the settings said it all. The sample begins
// at the line first.
func planOf(c Config, sample [][]string, first int64) (p plan, sentence string, err error) {
	if len(sample) == 0 {
		return p, "", nil
	}
	named, numbered, err := c.mapping()
	if err != nil {
		return p, "", err
	}
	if c.Header == "yes" || (c.Header == Auto && (len(named) > 0 || headed(sample))) {
		p.Header = first
	}
	p.TweetIDs = c.TweetIDs
	p.Columns = make([]string, width(sample))
	if err := p.place(named, numbered, sample[0]); err != nil {
		return p, "", err
	}
	how, rows := "settings", sample
	if p.Header > 0 {
		rows = sample[1:]
		if p.fillByHeader(sample[0], c.Columns) {
			how = "header"
		}
	}
	rows = rows[:min(len(rows), sampleRecords)]
	if !p.has("text") && !p.has("title") && !c.explicit() {
		if how, err = "guess", p.guess(c, rows); err != nil {
			return p, "", err
		}
	}
	if how == "settings" {
		return p, "", nil
	}
	p.trustTweetIDs(c, rows)
	return p, p.sentence(how, sample[0], len(rows)), nil
}

// mapping splits the columns set into those named by number and by header.
func (c Config) mapping() (named map[string]string, numbered map[string]int, err error) {
	named, numbered = map[string]string{}, map[string]int{}
	for field, column := range c.Columns {
		if column == Ignore {
			continue
		}
		if n, err := strconv.Atoi(column); err == nil {
			numbered[field] = n - 1
		} else {
			named[field] = column
		}
	}
	if len(named) > 0 && c.Header == "no" {
		return nil, nil, fmt.Errorf("file: columns: %q is a header, but header is no; give numbers", named[sortedKeys(named)[0]])
	}
	return named, numbered, nil
}

// place puts the columns set into the plan.
func (p *plan) place(named map[string]string, numbered map[string]int, header []string) error {
	for _, field := range sortedKeys(named) {
		i := slices.IndexFunc(header, func(name string) bool { return sameName(name, named[field]) })
		if i < 0 {
			return fmt.Errorf("file: columns: %s: no column is headed %q; the first record reads %s", field, named[field], cut(strings.Join(header, ", ")))
		}
		numbered[field] = i
	}
	for field, i := range numbered {
		switch {
		case i >= len(p.Columns):
			return fmt.Errorf("file: columns: %s: there is no column %d; the file has %d", field, i+1, len(p.Columns))
		case p.Columns[i] != "" && p.Columns[i] != field:
			return fmt.Errorf("file: columns: column %d cannot be both %s and %s", i+1, p.Columns[i], field)
		}
		p.Columns[i] = field
	}
	return nil
}

// fillByHeader takes columns whose header is a known name, and reports whether any was.
func (p *plan) fillByHeader(header []string, set map[string]string) bool {
	found := false
	for _, alias := range []bool{false, true} { // a field's own name goes before other names of it
		for i, name := range header {
			field := knownName(name, alias)
			if field == "" || i >= len(p.Columns) || p.Columns[i] != "" || p.has(field) || set[field] != "" {
				continue
			}
			p.Columns[i], found = field, true
		}
	}
	return found
}

func (p *plan) has(field string) bool { return slices.Contains(p.Columns, field) }

// trustTweetIDs takes times from ids that look like those of tweets, where nothing else
// tells the time.
func (p *plan) trustTweetIDs(c Config, rows [][]string) {
	id := slices.Index(p.Columns, "id")
	if id < 0 || p.has("created_at") || p.has("platform") || (c.Platform != "" && c.Platform != "x") {
		return
	}
	p.TweetIDs = p.TweetIDs || tweetColumn(column(rows, id))
}

// sentence says in words what was decided.
func (p *plan) sentence(how string, first []string, rows int) string {
	var found []string
	for i, field := range p.Columns {
		if field == "" {
			continue
		}
		s := fmt.Sprintf("%d = %s", i+1, field)
		if p.Header > 0 && i < len(first) {
			s = fmt.Sprintf("%s = %s", cut(strings.TrimSpace(first[i])), field)
		}
		if field == "id" && p.TweetIDs {
			s += " (tweet ids: platform x, times from them)"
		}
		found = append(found, s)
	}
	begin := "columns taken from the header"
	if how == "guess" {
		begin = fmt.Sprintf("columns guessed from the first %d rows", rows)
	}
	end := "say --columns to change"
	if !p.has("id") {
		end = "no column is the id, so ids are made of file and line; " + end
	}
	return begin + ": " + strings.Join(found, ", ") + "; " + end
}

// headed reports whether the first record names columns: at least one name is known and
// means a text, an id or a time, and none of the cells is a number or empty.
func headed(sample [][]string) bool {
	known := false
	for _, cell := range sample[0] {
		if numeric(cell) || len(cell) > 64 {
			return false
		}
		for _, alias := range []bool{false, true} {
			switch knownName(cell, alias) {
			case "id", "text", "title", "created_at":
				known = true
			}
		}
	}
	return known && len(sample[0]) > 0
}

func numeric(s string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return err == nil
}

func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// knownName is the field that a header means: by its own name, or by another that exports
// of platforms and tools use. Fields whose values need a common form (rating, country)
// are never taken by header alone.
func knownName(header string, alias bool) string {
	name := strings.ToLower(strings.TrimSpace(header))
	name = strings.NewReplacer(" ", "_", "-", "_").Replace(name)
	if !alias {
		switch {
		case name == "kind" || name == "op" || name == "scope" || strings.HasPrefix(name, "geo."):
			return ""
		case slices.Contains(textFields(), name), slices.Contains(countFields(), name), slices.Contains(timeFields(), name),
			name == "hashtags":
			return name
		}
		return ""
	}
	for field, names := range aliases() {
		if slices.Contains(names, name) {
			return field
		}
	}
	return ""
}

func aliases() map[string][]string {
	return map[string][]string{
		"id":               {"tweet_id", "tweetid", "post_id", "status_id", "comment_id", "review_id", "message_id", "id_str"},
		"text":             {"body", "content", "message", "tweet", "tweet_text", "full_text", "comment", "post", "review", "review_text", "selftext"},
		"title":            {"headline", "subject"},
		"created_at":       {"created", "created_utc", "date", "datetime", "timestamp", "time", "published", "published_at", "posted_at", "created_time"},
		"lang":             {"language"},
		"url":              {"link", "permalink"},
		"channel":          {"subreddit", "page"},
		"author.id":        {"author_id", "user_id", "uid"},
		"author.handle":    {"author", "user", "username", "user_name", "screen_name", "user_screen_name", "handle"},
		"author.name":      {"author_name", "display_name", "name"},
		"author.followers": {"followers", "followers_count", "user_followers"},
		"parent_id":        {"in_reply_to", "in_reply_to_id", "in_reply_to_status_id", "reply_to"},
		"metrics.likes":    {"likes", "like_count", "favorite_count", "favorites", "favourites"},
		"metrics.reposts":  {"reposts", "retweets", "retweet_count", "shares", "share_count"},
		"metrics.replies":  {"replies", "reply_count", "num_comments"},
		"metrics.quotes":   {"quotes", "quote_count"},
		"metrics.views":    {"views", "view_count", "impressions"},
	}
}

// width is the number of columns that most records have room for.
func width(sample [][]string) int {
	most := 0
	for _, record := range sample {
		most = max(most, len(record))
	}
	return most
}

// column returns the values of a column, without the empty ones.
func column(rows [][]string, i int) []string {
	values := make([]string, 0, len(rows))
	for _, row := range rows {
		if i < len(row) && strings.TrimSpace(row[i]) != "" {
			values = append(values, row[i])
		}
	}
	return values
}
