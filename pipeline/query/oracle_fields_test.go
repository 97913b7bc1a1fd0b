package query

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// The fields of the oracle: what a post may hold in each, and what a query may ask of it.

var (
	countedFields = []string{"followers", "following", "likes", "reposts", "replies", "quotes", "views", "rating"}
	flaggedFields = []string{"verified", "bot"}
	comparisons   = []string{">", ">=", "<", "<=", "="}
)

// addresses of posts, which url: and site: ask.
var addresses = []string{"https://news.acme.com/a", "https://acme.com/Acme/1", "https://notacme.com/acme", "https://x.com/Acme/1", "http://x.com", ""}

// spoken is what a field with words holds, and what is asked of it.
var spoken = map[string]struct{ held, asked []string }{
	"author":     {[]string{"anna", "annabel", "bob", ""}, []string{"anna", "anna*", "BOB", "bo"}},
	"authorname": {[]string{"Anna Lee", "Bob Lee Stone", "Annabel", ""}, []string{"anna", "lee", `"lee stone"`, `"bob lee"`}},
	"platform":   {[]string{"x", "reddit", "blog"}, []string{"x", "REDDIT", "re*"}},
	"source":     {[]string{"r/shoes", "r/shops", "blog", ""}, []string{"r/shoes", "r/sho*", "blog"}},
	"kind":       {[]string{"post", "review", "comment"}, []string{"post", "review"}},
	"country":    {[]string{"DE", "FR", ""}, []string{"de", "FR"}},
	"region":     {[]string{"Lower Saxony", "Saxony", "Upper Austria", ""}, []string{"saxony", `"lower saxony"`, "austria", `"saxony lower"`}},
	"city":       {[]string{"Bad Homburg", "Homburg", "Paris", ""}, []string{"homburg", `"bad homburg"`, "paris"}},
	"site":       {addresses, []string{"acme.com", "news.acme.com", "x.com"}},
	"url":        {addresses, []string{"/acme/", "acme.com", "x.com/acme"}},
	"links":      {[]string{"https://acme.com/shop/x", "https://acme.com/shopping", "https://bob.com/acme.com", ""}, []string{"acme.com/shop", "acme.com", "bob.com"}},
}

// fieldKinds are all kinds of leaves that ask a field, in a fixed order.
func fieldKinds() []string {
	kinds := slices.Concat(countedFields, flaggedFields, []string{"lang"})
	for kind := range spoken {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// fieldLeaf asks a field; nil if the kind is none.
func fieldLeaf(r *rand.Rand, kind string) *expression {
	switch {
	case slices.Contains(countedFields, kind):
		return &expression{kind: kind, n: r.IntN(10), words: []string{comparisons[r.IntN(len(comparisons))]}}
	case slices.Contains(flaggedFields, kind):
		return &expression{kind: kind, words: []string{[]string{"true", "false"}[r.IntN(2)]}}
	case spoken[kind].asked != nil:
		asked := spoken[kind].asked
		return &expression{kind: kind, words: []string{asked[r.IntN(len(asked))]}}
	default:
		return nil
	}
}

// fieldSource writes what fieldLeaf made.
func (e *expression) fieldSource() string {
	if slices.Contains(countedFields, e.kind) {
		number := fmt.Sprint(e.n)
		if e.kind == "rating" {
			number = fmt.Sprintf("0.%d", e.n)
		}
		return e.kind + ":" + e.words[0] + number
	}
	return e.kind + ":" + e.words[0]
}

// profile is what the fields of a post hold: all of it follows from a number.
type profile uint64

// draw is one of n for each kind.
func (p profile) draw(kind string, n int) int {
	h := uint64(p) | 1
	for i := range len(kind) {
		h = (h ^ uint64(kind[i])) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return int(h >> 33 % uint64(n))
}

// number is a count, or a rating in tenths, of which -1 is none.
func (p profile) number(kind string) int {
	if kind == "rating" {
		return p.draw(kind, 11) - 1
	}
	return p.draw(kind, 10)
}

func (p profile) flag(kind string) bool { return p.draw(kind, 2) == 0 }

func (p profile) words(kind string) string {
	if kind == "site" {
		kind = "url"
	}
	held := spoken[kind].held
	return held[p.draw(kind, len(held))]
}

// fill writes the profile into a post.
func (p profile) fill(post *pipeline.Post) {
	count := func(kind string) int64 { return int64(p.number(kind)) }
	post.Author = pipeline.Author{Handle: p.words("author"), Name: p.words("authorname"), Verified: p.flag("verified"), Bot: p.flag("bot"),
		Followers: count("followers"), Following: count("following")}
	post.Metrics = pipeline.Metrics{Likes: count("likes"), Reposts: count("reposts"), Replies: count("replies"), Quotes: count("quotes"), Views: count("views")}
	if n := p.number("rating"); n >= 0 {
		rating := pipeline.Rating(float32(n) / 10)
		post.Rating = &rating
	}
	post.Platform, post.Source, post.Kind, post.URL = p.words("platform"), p.words("source"), pipeline.Kind(p.words("kind")), p.words("url")
	post.Geo = pipeline.Geo{Country: p.words("country"), Region: p.words("region"), City: p.words("city")}
	if link := p.words("links"); link != "" {
		post.Links = []string{link}
	}
}

// fieldHolds says what fieldLeaf should find.
func (e *expression) fieldHolds(p profile) bool {
	w := strings.ToLower(strings.Trim(e.words[0], `"`))
	switch {
	case slices.Contains(countedFields, e.kind):
		n, want := p.number(e.kind), e.n
		return n >= 0 && map[string]bool{">": n > want, ">=": n >= want, "<": n < want, "<=": n <= want, "=": n == want}[w]
	case slices.Contains(flaggedFields, e.kind):
		return fmt.Sprint(p.flag(e.kind)) == w
	}
	held := strings.ToLower(p.words(e.kind))
	_, address, _ := strings.Cut(held, "://")
	switch e.kind {
	case "authorname", "region", "city":
		return strings.Contains(" "+held+" ", " "+w+" ")
	case "url":
		return strings.Contains(held, w)
	case "site":
		host, _, _ := strings.Cut(address, "/")
		return host == w || strings.HasSuffix(host, "."+w)
	case "links":
		return address == w || strings.HasPrefix(address, w+"/")
	default:
		if begin, ok := strings.CutSuffix(w, "*"); ok {
			return strings.HasPrefix(held, begin)
		}
		return held == w
	}
}

// TestFieldsEqualOracle holds every field against the oracle, alone and under AND, OR and NOT.
func TestFieldsEqualOracle(t *testing.T) {
	const pairs = 100_000
	kinds := append(fieldKinds(), "word")
	disagreements, matched, seen := judge(t, 3, pairs, kinds, nil)
	for _, d := range disagreements[:min(10, len(disagreements))] {
		t.Error(d)
	}
	assert.Empty(t, disagreements)
	assert.Greater(t, matched, pairs*30/100)
	assert.Less(t, matched, pairs*70/100)
	for _, kind := range kinds {
		require.NotNil(t, seen[kind], kind)
		assert.GreaterOrEqual(t, seen[kind][0], 5000, "%s false", kind)
		assert.GreaterOrEqual(t, seen[kind][1], 5000, "%s true", kind)
		t.Logf("%-10s true %6d false %6d", kind, seen[kind][1], seen[kind][0])
	}
}

// TestOracleCatchesAPlantedBugInFields makes every condition on numbers strict.
func TestOracleCatchesAPlantedBugInFields(t *testing.T) {
	var strict func(*instruction)
	strict = func(in *instruction) {
		if in.op == opField && len(in.node.cond.compare) == 2 {
			in.node.cond.compare = in.node.cond.compare[:1]
		}
		for i := range in.kids {
			strict(&in.kids[i])
		}
	}
	found, _, _ := judge(t, 4, 3000, append(fieldKinds(), "word"), func(e *Engine) {
		for i := range e.programs {
			strict(&e.programs[i].root)
		}
	})
	assert.NotEmpty(t, found)
}
