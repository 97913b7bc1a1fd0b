package simulate

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// aDay is half a day with all that can happen; the tests only read it.
func aDay(t testing.TB) (*Source, []pipeline.Post) {
	t.Helper()
	half.Do(func() {
		c := period(2, 12)
		c.Shares.BadClocks, c.RumourEvery, c.BurstEvery = 0.001, 3*time.Hour, 4*time.Hour
		s, out := simulated(t, c)
		half.source, half.posts = s, out.posts
	})
	return half.source, half.posts
}

var half struct {
	sync.Once
	source *Source
	posts  []pipeline.Post
}

func TestEveryPostIsValid(t *testing.T) {
	_, posts := aDay(t)
	step := 1
	if testing.Short() {
		step = 5
	}
	for i := 0; i < len(posts); i += step {
		p := &posts[i]
		require.NoError(t, p.Validate(), "%+v", p)
		require.True(t, p.Simulated)
		require.True(t, p.SeenAt.Known())
		require.True(t, utf8.ValidString(p.Text))
		if p.Kind != pipeline.KindRepost && (p.Op == pipeline.OpCreate || p.Op == pipeline.OpUpdate) {
			require.NotEmpty(t, p.Text)
			require.NotContains(t, p.Text, "{")
		}
		var back pipeline.Post
		repairs, err := pipeline.DecodePost(p.AppendJSON(nil), &back)
		require.NoError(t, err)
		require.Empty(t, repairs)
		require.Equal(t, *p, back, "codec")
	}
}

func TestIdsAndOrder(t *testing.T) {
	_, posts := aDay(t)
	seen := map[string]int{}
	var duplicates int
	for i := range posts {
		p := &posts[i]
		if i > 0 {
			require.GreaterOrEqual(t, p.SeenAt, posts[i-1].SeenAt)
		}
		if p.Op != pipeline.OpCreate {
			continue
		}
		first, ok := seen[string(p.Key())]
		if !ok {
			seen[string(p.Key())] = i
			continue
		}
		duplicates++
		again := *p
		again.SeenAt = posts[first].SeenAt
		require.Equal(t, posts[first], again, "one id, two posts")
	}
	assert.InEpsilon(t, 0.001, float64(duplicates)/float64(len(posts)), 0.4)
}

func TestAllOpsAndKinds(t *testing.T) {
	c := DefaultConfig()
	_, posts := aDay(t)
	counts := map[string]int{}
	created := map[string]*pipeline.Post{}
	lies := 0
	for i := range posts {
		p := &posts[i]
		counts["op "+string(p.Op)]++
		counts["scope "+string(p.Scope)]++
		counts["platform "+p.Platform]++
		counts["lang "+p.Lang]++
		if p.Op == pipeline.OpCreate {
			counts["kind "+string(p.Kind)]++
			if created[string(p.Key())] == nil {
				created[string(p.Key())] = p
			}
		}
		if p.Op == pipeline.OpCreate && !pipeline.Believable(p.CreatedAt, p.SeenAt) {
			lies++
		}
	}
	for _, want := range []string{
		"op create", "op update", "op metrics", "op delete", "scope post", "scope account", "kind post", "kind comment",
		"kind repost", "kind quote", "kind review", "kind article", "kind edit",
	} {
		assert.Positive(t, counts[want], want)
	}
	for _, p := range platformNames() {
		assert.Positive(t, counts["platform "+p], p)
	}
	for _, l := range languageCodes() {
		assert.Positive(t, counts["lang "+l], l)
	}
	total := float64(len(posts))
	assert.InEpsilon(t, c.Shares.Metrics, float64(counts["op metrics"])/total, 0.2)
	assert.InEpsilon(t, c.Shares.Edits, float64(counts["op update"])/total, 0.3)
	assert.InEpsilon(t, 0.001, float64(lies)/total, 0.4)

	for i := range posts { // news is of posts that were there, deletes of none that is edited
		p := &posts[i]
		if p.Op == pipeline.OpCreate || p.Scope == pipeline.ScopeAccount {
			continue
		}
		of := created[string(p.Key())]
		require.NotNil(t, of, "%s of a post that never was: %s", p.Op, p.Key())
		require.Greater(t, p.SeenAt, of.SeenAt)
		require.Equal(t, of.Kind, p.Kind)
	}
}

func TestMetricsGrow(t *testing.T) {
	_, posts := aDay(t)
	last := map[string]pipeline.Metrics{}
	again := 0
	for i := range posts {
		p := &posts[i]
		if p.Op != pipeline.OpMetrics && p.Op != pipeline.OpUpdate {
			continue
		}
		if before, ok := last[string(p.Key())]; ok {
			again++
			require.GreaterOrEqual(t, p.Metrics.Views, before.Views)
			require.GreaterOrEqual(t, p.Metrics.Likes, before.Likes)
		}
		last[string(p.Key())] = p.Metrics
	}
	assert.Greater(t, again, 200)
}

func TestThreadsAndCascades(t *testing.T) {
	_, posts := aDay(t)
	byKey := map[string]*pipeline.Post{}
	for i := range posts {
		if p := &posts[i]; p.Op == pipeline.OpCreate && byKey[string(p.Key())] == nil {
			byKey[string(p.Key())] = p
		}
	}
	get := func(platform, id string) *pipeline.Post { return byKey[platform+"/"+id] }
	var deepest, deepestRepost, orphans, sameAuthorCountry int
	sizes := map[string]int{}
	for _, p := range byKey {
		depth, reposts := 0, 0
		at := p
		for at.ParentID != "" || at.QuoteOf != "" || at.RepostOf != "" {
			if at.RepostOf != "" {
				reposts++
				require.Empty(t, at.Text)
			}
			up := get(at.Platform, at.ParentID+at.QuoteOf+at.RepostOf)
			require.NotNil(t, up, "the parent is in the stream")
			require.Equal(t, up.Author.ID, at.ParentAuthor+at.QuoteAuthor+at.RepostAuthor)
			if pipeline.Believable(at.CreatedAt, at.SeenAt) && pipeline.Believable(up.CreatedAt, up.SeenAt) {
				require.LessOrEqual(t, up.CreatedAt, at.CreatedAt, "an answer is younger")
			}
			if up.SeenAt > at.SeenAt {
				orphans++
			}
			at = up
			depth++
		}
		if depth > 0 {
			require.Equal(t, at.ID, p.RootID)
			require.Equal(t, at.Author.ID, p.RootAuthor)
			sizes[string(at.Key())]++
			if at.Author.Location == p.Author.Location {
				sameAuthorCountry++
			}
		}
		deepest, deepestRepost = max(deepest, depth), max(deepestRepost, reposts)
	}
	assert.GreaterOrEqual(t, deepest, 6)
	assert.GreaterOrEqual(t, deepestRepost, 4)
	assert.Positive(t, orphans)

	// Sizes of cascades have a heavy tail: the greatest hundredth holds a big part.
	var all []int
	sum := 0
	for _, n := range sizes {
		all = append(all, n)
		sum += n
	}
	slices.SortFunc(all, func(a, b int) int { return b - a })
	top := 0
	for _, n := range all[:len(all)/100] {
		top += n
	}
	assert.Greater(t, float64(top)/float64(sum), 0.15)
	assert.Greater(t, all[0], 100)
}

// Reach follows a power law: the Hill estimate of its exponent is that of the docs.
func TestReachIsPowerLaw(t *testing.T) {
	w, err := newWorld(DefaultConfig(), 1772496000000)
	require.NoError(t, err)
	var reach []float64
	for i := range 20000 {
		reach = append(reach, float64(w.followersOf(onX, authorRef(i))))
	}
	slices.Sort(reach)
	slices.Reverse(reach)
	sum := 0.0
	const k = 2000
	for _, x := range reach[:k] {
		sum += math.Log(x / reach[k])
	}
	assert.InDelta(t, 1.1, k/sum, 0.1)
}

func TestRhythm(t *testing.T) {
	rate, near := 0.4, 0.015
	if testing.Short() {
		rate, near = 0.1, 0.02
	}
	c := period(rate, 24*7)
	c.Languages, c.RumourEvery, c.BurstEvery = []string{"ja"}, 0, 0
	_, out := simulated(t, c)
	assert.InEpsilon(t, rate*7*86400, len(out.posts), near, "rate kept over a week")
	var hours [24]int
	var weekend, weekdays int
	for i := range out.posts {
		local := out.posts[i].SeenAt.Time().Add(9 * time.Hour)
		hours[local.Hour()]++
		if local.Weekday() == time.Saturday || local.Weekday() == time.Sunday {
			weekend++
		} else {
			weekdays++
		}
	}
	assert.Greater(t, hours[20], 6*hours[3], "Japan sleeps at three and talks at eight")
	assert.Less(t, float64(weekend)/2, 0.95*float64(weekdays)/5)
}

func TestHolidays(t *testing.T) {
	at := func(s string) int64 {
		d, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return d.UnixMilli() + 12*3600000
	}
	for year, friday := range map[string]string{"2024": "29", "2025": "28", "2026": "27", "2087": "28"} {
		assert.Equal(t, saleDay, holidayOn(at(year+"-11-"+friday)), year)
		assert.Equal(t, quietDay, holidayOn(at(year+"-12-25")))
		assert.Equal(t, quietDay, holidayOn(at(year+"-01-01")))
		assert.Equal(t, plainDay, holidayOn(at(year+"-12-24")))
		assert.Equal(t, plainDay, holidayOn(at(year+"-07-04")))
	}
}

// A rumour multiplies the mentions of its brand, most of them bad, and dies down; a
// burst comes from few accounts and repeats itself.
func TestEvents(t *testing.T) {
	s, posts := aDay(t)
	from := posts[0].SeenAt.Time()
	events := s.Events(from, from.Add(12*time.Hour))
	kinds := map[string]int{}
	for _, e := range events {
		kinds[e.Kind]++
		require.True(t, !e.Peak.Before(e.Start) && e.Peak.Before(e.End))
		authors, texts := map[string]bool{}, map[string]bool{}
		var all, bad, named, before int
		for i := range posts {
			p := &posts[i]
			truth, ok := s.Truth(p)
			seen := p.SeenAt.Time()
			if !ok || p.Op != pipeline.OpCreate || !slices.Contains(truth.Brands, e.Brand) {
				continue
			}
			half := e.Start.Add(e.End.Sub(e.Start) / 4)
			if seen.After(e.Start) && seen.Before(half) {
				named++
			}
			if seen.Before(e.Start) && seen.After(e.Start.Add(-e.End.Sub(e.Start)/4)) {
				before++
			}
			if truth.Event != e.Kind || seen.Before(e.Start) || seen.After(e.End) {
				continue
			}
			all++
			authors[p.Author.ID] = true
			texts[strings.TrimRight(p.Text, "0123456789 ")] = true
			if truth.Polarity == pipeline.Negative {
				bad++
			}
		}
		require.Positive(t, all)
		if e.Kind == "rumour" {
			assert.Greater(t, float64(bad)/float64(all), 0.7)
			assert.Greater(t, named, 2*before+20, "a rumour spikes")
		} else {
			assert.LessOrEqual(t, len(authors), burstBots)
			assert.LessOrEqual(t, len(texts), 2)
		}
	}
	assert.GreaterOrEqual(t, kinds["rumour"], 3)
	assert.GreaterOrEqual(t, kinds["burst"], 2)
}

// The truth agrees with a search for the brands' names that shares no code with it.
func TestTruthAgreesWithWordSearch(t *testing.T) {
	s, posts := aDay(t)
	brands := s.Brands()
	var naming, decoys int
	for i := 0; i < len(posts); i += 3 {
		p := &posts[i]
		truth, ok := s.Truth(p)
		require.Equal(t, p.Text != "", ok)
		if !ok {
			continue
		}
		var found []string
		for _, b := range brands {
			if occurs(p.Text, b) {
				found = append(found, b.Name)
			}
		}
		want := append(slices.Clone(truth.Brands), truth.Decoys...)
		slices.Sort(want)
		slices.Sort(found)
		if !slices.Equal(want, found) {
			t.Fatalf("%s means %v, has the words of %v: %s", p.Key(), want, found, p.Text)
		}
		for _, h := range p.Hashtags {
			require.Contains(t, p.Text, "#"+h)
		}
		for _, h := range p.Handles {
			require.Contains(t, p.Text, "@"+h)
		}
		if truth.Event == "" {
			naming += min(1, len(truth.Brands))
		}
		decoys += len(truth.Decoys)
	}
	assert.InDelta(t, 0.24, 3*float64(naming)/float64(len(posts)), 0.06, "most posts name no brand")
	assert.Positive(t, decoys)
}

// occurs looks for the spellings of a brand as whole words, letter by letter.
func occurs(text string, b Brand) bool {
	spellings := append([]string{b.Name, "@" + b.Handle, "#" + b.Hashtag}, b.Products...)
	for _, n := range b.Native {
		spellings = append(spellings, n)
	}
	lower := strings.ToLower(text)
	for _, s := range spellings {
		s = strings.ToLower(s)
		for from := 0; ; {
			i := strings.Index(lower[from:], s)
			if i < 0 {
				break
			}
			before, _ := utf8.DecodeLastRuneInString(lower[:from+i])
			after, _ := utf8.DecodeRuneInString(lower[from+i+len(s):])
			if !sameScript(before, s) && !sameScript(after, s) {
				return true
			}
			from += i + len(s)
		}
	}
	return false
}

// sameScript says whether a rune continues a word, in scripts that have blanks.
func sameScript(r rune, word string) bool {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(word, "@#"))
	for _, script := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Arabic, unicode.Devanagari} {
		if unicode.Is(script, first) {
			return unicode.Is(script, r) || r >= '0' && r <= '9' || r == '_'
		}
	}
	return false
}

// Brands differ in how they are liked, as they are meant to.
func TestMoodShows(t *testing.T) {
	s, posts := aDay(t)
	good, all := map[string]float64{}, map[string]float64{}
	for i := range posts {
		truth, ok := s.Truth(&posts[i])
		if !ok || len(truth.Brands) != 1 || truth.Event != "" || truth.Polarity == pipeline.Neutral {
			continue
		}
		all[truth.Brands[0]]++
		if truth.Polarity == pipeline.Positive {
			good[truth.Brands[0]]++
		}
	}
	share := func(b string) float64 { return good[b] / all[b] }
	assert.Greater(t, share("Velmora"), share("Pakketo")+0.15)
	assert.Greater(t, all["Velmora"], 2*all["Driftwood"])
}
