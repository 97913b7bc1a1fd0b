package pipeline

import "fmt"

// Limits of a post. Sizes are bytes of UTF-8.
const (
	MaxPlatform = 32
	MaxID       = 512
	MaxText     = 1 << 20
	MaxTitle    = 64 << 10
	MaxAlt      = 64 << 10 // descriptions of pictures may be as long as a post
	MaxString   = 4 << 10  // any other string
	MaxList     = 1000     // entries of a list
)

// FieldError names the field of a record that is wrong, and how to mend it.
type FieldError struct {
	Field   string // as in JSON, such as author.name
	Problem string // what is wrong: "is longer than 512 bytes"
	Mend    string // what to do about it
}

func (e *FieldError) Error() string {
	return e.Field + " " + e.Problem + "; " + e.Mend
}

// Validate reports the first field of the post that no collector may hand over, as a
// *FieldError. Times that may lie are no mistake; see EventTime.
func (p *Post) Validate() error {
	for _, check := range []func(*Post) *FieldError{
		checkIdentity, checkStrings, checkLists, checkNumbers, checkPlace, checkTimes,
	} {
		if err := check(p); err != nil {
			return err
		}
	}
	return nil
}

func checkIdentity(p *Post) *FieldError {
	switch {
	case p.V < 1:
		return &FieldError{"v", "is below 1", "leave it out or write 1"}
	case p.Platform == "":
		return &FieldError{"platform", "is missing", "name the platform, such as bluesky"}
	case len(p.Platform) > MaxPlatform || !isPlatform(p.Platform):
		return &FieldError{"platform", "is not 1 to 32 of a-z, 0-9, _ and -", "use a short lower-case name"}
	case p.ID == "":
		return &FieldError{"id", "is missing", "write the platform's own id of the post"}
	case len(p.ID) > MaxID:
		return tooLong("id", MaxID, "use the platform's own id, or a hash of it")
	}
	switch p.Op {
	case OpCreate, OpUpdate, OpMetrics, OpDelete:
	default:
		return &FieldError{"op", "is unknown", "write create, update, metrics or delete"}
	}
	switch p.Kind {
	case KindPost, KindComment, KindRepost, KindQuote, KindReview, KindArticle, KindEdit:
	default:
		return &FieldError{"kind", "is unknown", "write post, comment, repost, quote, review, article or edit"}
	}
	switch p.Scope {
	case "", ScopePost:
	case ScopeAccount:
		if p.Op == OpDelete && p.Author.ID != p.ID {
			return &FieldError{"author.id", "differs from the id of an account's delete", "write the account's id in both"}
		}
	default:
		return &FieldError{"scope", "is unknown", "write post or account"}
	}
	return nil
}

func isPlatform(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func tooLong(field string, limit int, mend string) *FieldError {
	return &FieldError{field, fmt.Sprintf("is longer than %d bytes", limit), mend}
}

const cut = "cut it or leave it out"

func checkStrings(p *Post) *FieldError {
	switch {
	case len(p.Text) > MaxText:
		return tooLong("text", MaxText, "cut it")
	case len(p.Title) > MaxTitle:
		return tooLong("title", MaxTitle, "cut it")
	}
	for _, f := range []struct{ name, value string }{
		{"source", p.Source}, {"channel", p.Channel}, {"lang", p.Lang}, {"url", p.URL},
		{"author.id", p.Author.ID}, {"author.handle", p.Author.Handle},
		{"author.name", p.Author.Name}, {"author.location", p.Author.Location},
		{"parent_id", p.ParentID}, {"parent_author", p.ParentAuthor},
		{"root_id", p.RootID}, {"root_author", p.RootAuthor},
		{"repost_of", p.RepostOf}, {"repost_author", p.RepostAuthor},
		{"quote_of", p.QuoteOf}, {"quote_author", p.QuoteAuthor},
		{"geo.region", p.Geo.Region}, {"geo.city", p.Geo.City},
	} {
		if len(f.value) > MaxString {
			return tooLong(f.name, MaxString, cut)
		}
	}
	return nil
}

func checkLists(p *Post) *FieldError {
	for _, f := range []struct {
		name string
		list []string
	}{{"hashtags", p.Hashtags}, {"handles", p.Handles}, {"links", p.Links}} {
		if len(f.list) > MaxList {
			return tooMany(f.name)
		}
		for _, s := range f.list {
			if len(s) > MaxString {
				return tooLong(f.name, MaxString, cut)
			}
		}
	}
	if len(p.Media) > MaxList {
		return tooMany("media")
	}
	for i := range p.Media {
		switch m := &p.Media[i]; {
		case len(m.Kind) > MaxString:
			return tooLong("media.kind", MaxString, cut)
		case len(m.URL) > MaxString:
			return tooLong("media.url", MaxString, cut)
		case len(m.Alt) > MaxAlt:
			return tooLong("media.alt", MaxAlt, cut)
		}
	}
	return nil
}

func tooMany(field string) *FieldError {
	return &FieldError{field, fmt.Sprintf("has more than %d entries", MaxList), "keep the first of them"}
}

func checkNumbers(p *Post) *FieldError {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"metrics.likes", p.Metrics.Likes}, {"metrics.reposts", p.Metrics.Reposts},
		{"metrics.replies", p.Metrics.Replies}, {"metrics.quotes", p.Metrics.Quotes},
		{"metrics.views", p.Metrics.Views}, {"author.followers", p.Author.Followers},
		{"author.following", p.Author.Following}, {"author.posts", p.Author.Posts},
	} {
		if f.value < 0 {
			return &FieldError{f.name, "is negative", "leave out what is not known"}
		}
	}
	if p.Rating != nil && !between(float64(*p.Rating), 0, 1) {
		return &FieldError{"rating", "is not between 0 and 1", "divide it by the best rating possible"}
	}
	return nil
}

// between reports whether f lies in [low, high]; NaN does not.
func between(f, low, high float64) bool { return f >= low && f <= high }

func checkPlace(p *Post) *FieldError {
	g := &p.Geo
	if c := g.Country; c != "" && (len(c) != 2 || c[0]-'A' > 'Z'-'A' || c[1]-'A' > 'Z'-'A') {
		return &FieldError{"geo.country", "is not two upper-case letters", "write ISO 3166-1 alpha-2, such as DE"}
	}
	if g.Lat != nil && !between(*g.Lat, -90, 90) {
		return &FieldError{"geo.lat", "is not between -90 and 90", "write degrees north"}
	}
	if g.Lon != nil && !between(*g.Lon, -180, 180) {
		return &FieldError{"geo.lon", "is not between -180 and 180", "write degrees east"}
	}
	return nil
}

func checkTimes(p *Post) *FieldError {
	for _, f := range []struct {
		name  string
		value Time
	}{
		{"created_at", p.CreatedAt}, {"edited_at", p.EditedAt}, {"seen_at", p.SeenAt},
		{"author.created_at", p.Author.CreatedAt},
	} {
		if f.value.Known() && !f.value.writable() {
			return &FieldError{f.name, "is outside the years 0001 to 9999", "leave out what is not known"}
		}
	}
	return nil
}
