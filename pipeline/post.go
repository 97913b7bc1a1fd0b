package pipeline

// PostVersion is the schema version that this program writes. Fields are only ever
// added, so a reader accepts any version and ignores fields that it does not know.
const PostVersion = 1

// Op says what a Post record does to what is known of the post.
type Op string

// The operations. An update is a whole snapshot; metrics carries counts only.
const (
	OpCreate  Op = "create"
	OpUpdate  Op = "update"
	OpMetrics Op = "metrics"
	OpDelete  Op = "delete"
)

// Scope of a delete.
type Scope string

// The scopes. ScopeAccount deletes all posts of Author.ID on Platform, and the
// record's ID is the account's.
const (
	ScopePost    Scope = "post"
	ScopeAccount Scope = "account"
)

// Kind is the sort of utterance.
type Kind string

// The kinds.
const (
	KindPost    Kind = "post"
	KindComment Kind = "comment"
	KindRepost  Kind = "repost"
	KindQuote   Kind = "quote"
	KindReview  Kind = "review"
	KindArticle Kind = "article"
	KindEdit    Kind = "edit"
)

// Post is one public utterance, or news of one: the JSON on the topic `posts`,
// keyed platform/id. Strings are as published; times are the platform's claims
// but for SeenAt, which is our clock.
type Post struct {
	V        int    `json:"v" doc:"schema version; fields are only ever added"`
	Op       Op     `json:"op" doc:"create, update (a whole snapshot), metrics (counts only) or delete" enum:"create,update,metrics,delete"`
	Scope    Scope  `json:"scope,omitempty" doc:"of a delete: post or account" enum:"post,account"`
	Platform string `json:"platform" doc:"platform name, lower case: bluesky, mastodon, x, facebook, weibo, reddit, wikipedia, blog, ..."`
	ID       string `json:"id" doc:"the platform's own id, for ever; of an account's delete the account's id"`
	Kind     Kind   `json:"kind,omitempty" doc:"post, comment, repost, quote, review, article or edit" enum:"post,comment,repost,quote,review,article,edit"`
	Source   string `json:"source,omitempty" doc:"instance, subreddit, feed or page that it came from"`
	Channel  string `json:"channel,omitempty" doc:"owned page or account under which it stands"`

	Author Author `json:"author,omitzero" doc:"who published it"`

	Title string `json:"title,omitempty" doc:"title, as published"`
	Text  string `json:"text,omitempty" doc:"text, as published"`
	Lang  string `json:"lang,omitempty" doc:"the platform's claim of the language, BCP 47; a hint, not the truth"`
	URL   string `json:"url,omitempty" doc:"public address of the original"`

	CreatedAt Time `json:"created_at,omitzero" doc:"the platform's claim of when it was published, UTC"`
	EditedAt  Time `json:"edited_at,omitzero" doc:"the platform's claim of its last edit, UTC"`
	SeenAt    Time `json:"seen_at,omitzero" doc:"our clock when the collector saw it, UTC"`

	ParentID     string `json:"parent_id,omitempty" doc:"post that this one answers"`
	ParentAuthor string `json:"parent_author,omitempty" doc:"author id of the parent"`
	RootID       string `json:"root_id,omitempty" doc:"post that began the thread"`
	RootAuthor   string `json:"root_author,omitempty" doc:"author id of the root"`
	RepostOf     string `json:"repost_of,omitempty" doc:"post that this one reposts without words"`
	RepostAuthor string `json:"repost_author,omitempty" doc:"author id of the reposted post"`
	QuoteOf      string `json:"quote_of,omitempty" doc:"post that this one quotes"`
	QuoteAuthor  string `json:"quote_author,omitempty" doc:"author id of the quoted post"`

	Hashtags []string `json:"hashtags,omitempty" doc:"hashtags as the platform marks them, without #"`
	Handles  []string `json:"handles,omitempty" doc:"accounts named, as the platform marks them, without @"`
	Links    []string `json:"links,omitempty" doc:"addresses linked"`
	Media    []Media  `json:"media,omitempty" doc:"pictures, films and sounds attached"`

	Metrics Metrics `json:"metrics,omitzero" doc:"counts at seen_at"`
	Geo     Geo     `json:"geo,omitzero" doc:"place, only if the platform says so"`
	Rating  *Rating `json:"rating,omitempty" doc:"of a review: 0 to 1" min:"0" max:"1"`

	Simulated bool `json:"simulated,omitempty" doc:"invented by the simulation; never mixed with real posts"`
}

// Rating of a review: 0 (worst) to 1 (best).
type Rating float32

// Author is the account that published a post, as far as the platform says.
type Author struct {
	ID        string `json:"id,omitempty" doc:"the platform's id of the account"`
	Handle    string `json:"handle,omitempty" doc:"handle without @"`
	Name      string `json:"name,omitempty" doc:"display name"`
	Followers int64  `json:"followers,omitempty" doc:"followers at seen_at"`
	Following int64  `json:"following,omitempty" doc:"accounts followed at seen_at"`
	Posts     int64  `json:"posts,omitempty" doc:"posts of the account at seen_at"`
	Verified  bool   `json:"verified,omitempty" doc:"verified by the platform"`
	Bot       bool   `json:"bot,omitempty" doc:"marked as automated by the platform"`
	Location  string `json:"location,omitempty" doc:"place as the profile says it"`
	CreatedAt Time   `json:"created_at,omitzero" doc:"when the account was opened, UTC"`
}

// Media is one attachment.
type Media struct {
	Kind string `json:"kind,omitempty" doc:"image, video, audio or link"`
	URL  string `json:"url,omitempty" doc:"address"`
	Alt  string `json:"alt,omitempty" doc:"description for those who cannot see it"`
}

// Metrics are counts as the platform showed them at SeenAt.
type Metrics struct {
	Likes   int64 `json:"likes,omitempty" doc:"likes or upvotes"`
	Reposts int64 `json:"reposts,omitempty" doc:"reposts or shares"`
	Replies int64 `json:"replies,omitempty" doc:"direct replies"`
	Quotes  int64 `json:"quotes,omitempty" doc:"quotes"`
	Views   int64 `json:"views,omitempty" doc:"views or impressions"`
}

// Geo is a place that the platform states.
type Geo struct {
	Country string   `json:"country,omitempty" doc:"ISO 3166-1 alpha-2, upper case"`
	Region  string   `json:"region,omitempty" doc:"region, as stated"`
	City    string   `json:"city,omitempty" doc:"city, as stated"`
	Lat     *float64 `json:"lat,omitempty" doc:"latitude in degrees" min:"-90" max:"90"`
	Lon     *float64 `json:"lon,omitempty" doc:"longitude in degrees" min:"-180" max:"180"`
}

// Key is the Kafka key of the post, platform/id: updates and deletes of a post
// follow it on one partition.
func (p *Post) Key() []byte {
	k := make([]byte, 0, len(p.Platform)+1+len(p.ID))
	k = append(k, p.Platform...)
	k = append(k, '/')
	return append(k, p.ID...)
}

// EventTime is CreatedAt where it is believable, else SeenAt.
func (p *Post) EventTime() Time {
	if Believable(p.CreatedAt, p.SeenAt) {
		return p.CreatedAt
	}
	return p.SeenAt
}
