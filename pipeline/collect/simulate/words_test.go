package simulate

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/query"
)

// Templates about a brand name it, all others do not, and those that need a mood have
// both.
func TestTemplates(t *testing.T) {
	needs := map[string]string{
		"opinion": "b", "purchase": "bp", "compare": "b", "recommend": "b", "churn": "b", "news": "b",
		"question": "bh", "rumour": "b", "burst": "b",
	}
	aspects := []string{"", "price", "quality", "shipping", "service", "design", "usability"}
	for _, lang := range languageCodes() {
		w, err := loadWords(lang)
		require.NoError(t, err, lang)
		for section, lines := range w.lines {
			for polarity := range lines {
				for _, l := range lines[polarity] {
					text := lang + "[" + section + "] " + strings.Join(l.literals, "_")
					require.Equal(t, int8(polarity-1), l.polarity)
					require.Contains(t, aspects, l.aspect, text)
					slots := string(l.slots)
					require.Equal(t, needs[section] != "", strings.ContainsAny(slots, "bpth"), text)
					require.Equal(t, section == "compare", strings.Contains(slots, "r"), text)
					require.Equal(t, section == "decoy", strings.Contains(slots, "w"), text)
					if section == "title" || section == "edit" {
						require.Empty(t, slots, text)
					}
				}
			}
		}
		for _, section := range []string{"opinion", "chatter", "reply"} {
			assert.NotEmpty(t, w.lines[section][0], lang)
			assert.NotEmpty(t, w.lines[section][2], lang)
		}
	}
}

func TestParseWordsNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"[chatter]\nno sign":       "line 2: want a sign",
		"[chatter]\n+ {q} unknown": "line 2: unknown slot",
		"[chatter]\n+ open {b":     "line 2: unknown slot",
		"[chatter]\n= fine":        "no templates in section [opinion]",
	} {
		_, err := parseWords("xx", text)
		require.ErrorContains(t, err, want)
	}
}

func TestBrandsHaveQueriesThatCompile(t *testing.T) {
	c := DefaultConfig()
	c.Brands = maxBrands
	names := map[string]bool{}
	for _, b := range Brands(c) {
		_, err := query.Parse(b.Query)
		require.NoError(t, err, b.Query)
		require.False(t, names[tagOf(b.Name)], "%s stands twice", b.Name)
		names[tagOf(b.Name)] = true
		require.NotEmpty(t, b.Rivals)
	}
	assert.Len(t, names, maxBrands)
	c.BrandNames = []string{"Velmora", "My Own & Co"}
	brands := Brands(c)
	assert.Equal(t, "ヴェルモラ", brands[0].Native["ja"])
	assert.Equal(t, `"My Own & Co" OR @myowncohq OR #myownco OR "My One" OR "My Max"`, brands[1].Query)
	_, err := query.Parse(brands[1].Query)
	require.NoError(t, err)
}

func TestConfigMistakes(t *testing.T) {
	valid := DefaultConfig()
	require.NoError(t, valid.Validate())
	for want, spoil := range map[string]func(c *Config){
		"rate is":                  func(c *Config) { c.Rate = -1 },
		"speed is":                 func(c *Config) { c.Speed = -1 },
		"limit is":                 func(c *Config) { c.Limit = -1 },
		"brands is":                func(c *Config) { c.Brands = 0 },
		"mentions is":              func(c *Config) { c.Mentions = 1.5 },
		"shares.edits is":          func(c *Config) { c.Shares.Edits = -0.1 },
		"add up":                   func(c *Config) { c.Shares.Reposts = 0.9 },
		"authors is":               func(c *Config) { c.Authors = 5 },
		"unknown platform":         func(c *Config) { c.Platforms = []string{"myspace"} },
		"unknown language":         func(c *Config) { c.Languages = []string{"tlh"} },
		"is not after from":        func(c *Config) { c.From, c.To = time.Unix(2e9, 0), time.Unix(1.9e9, 0) },
		"from is":                  func(c *Config) { c.From = time.Unix(1, 0) },
		"to is":                    func(c *Config) { c.To = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"rumour_every":             func(c *Config) { c.RumourEvery = time.Second },
		"burst_every":              func(c *Config) { c.BurstEvery = time.Second },
		"catch_up":                 func(c *Config) { c.CatchUp = -1 },
		"stands twice":             func(c *Config) { c.BrandNames = []string{"Acme Q", "acme q"} },
		`brand name "say \"x\""`:   func(c *Config) { c.BrandNames = []string{`say "x"`} },
		"give at most 500":         func(c *Config) { c.BrandNames = make([]string, 501) },
		"nobody speaks [de] on [w": func(c *Config) { c.Languages, c.Platforms = []string{"de"}, []string{"weibo"} },
	} {
		c := DefaultConfig()
		spoil(&c)
		_, err := New(c)
		require.ErrorContains(t, err, want)
	}
}

// What is switched off does not occur.
func TestSwitches(t *testing.T) {
	c := period(5, 1)
	c.Shares, c.Platforms, c.Languages, c.Brands = Shares{}, []string{"bluesky", "mastodon"}, []string{"de", "th"}, 1
	c.Mentions, c.RumourEvery, c.BurstEvery = 1, 0, 0
	s, out := simulated(t, c)
	require.NotEmpty(t, out.posts)
	for i := range out.posts {
		p := &out.posts[i]
		require.Equal(t, pipeline.OpCreate, p.Op)
		require.Equal(t, pipeline.KindPost, p.Kind)
		require.Contains(t, c.Platforms, p.Platform)
		truth, ok := s.Truth(p)
		require.True(t, ok)
		require.Contains(t, c.Languages, truth.Language)
		require.Equal(t, []string{"Velmora"}, truth.Brands)
	}
}

func TestTruthRefusesStrangers(t *testing.T) {
	c := period(5, 1)
	s, out := simulated(t, c)
	c.Seed++
	other, err := New(c)
	require.NoError(t, err)
	for i := range out.posts[:500] {
		_, ok := other.Truth(&out.posts[i])
		require.False(t, ok)
	}
	_, ok := s.Truth(&pipeline.Post{Platform: "x", ID: "12"})
	assert.False(t, ok, "a post that is not simulated")
}

func TestPermutation(t *testing.T) {
	r := rng(9)
	for range 1000 {
		p := newPermutation(r.next())
		x := r.next() & idMask
		require.Equal(t, x, p.back(p.forth(x)))
		require.LessOrEqual(t, p.forth(x), uint64(idMask))
		at := ref{slice: int64(r.next() % (maxMoment / 1000)), lane: uint8(r.below(lanes)), slot: int32(r.below(1 << slotBits))}
		require.Equal(t, at, unpack(at.pack()))
	}
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"v":1,"settings":3,"begin":1772496000000,"slice":295416,"done":4,"count":9,"seen_ms":1772496000300}`))
	f.Add([]byte(`{"v":1,"begin":-1}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeCursor(data)
		if err != nil || len(data) == 0 {
			return
		}
		again, err := decodeCursor(c.encode())
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}

func FuzzParseWords(f *testing.F) {
	f.Add("[open]\nSo,\n[chatter]\n= {n} a #b\n+price {b} x")
	f.Fuzz(func(t *testing.T, data string) {
		w, err := parseWords("xx", data)
		if err != nil {
			return
		}
		for _, lines := range w.lines {
			for _, of := range lines {
				for _, l := range of {
					require.Len(t, l.literals, len(l.slots)+1)
				}
			}
		}
	})
}

func FuzzTruth(f *testing.F) {
	s, err := New(period(5, 1))
	require.NoError(f, err)
	f.Add("x", "123456789")
	f.Add("bluesky", "at://did/app.bsky.feed.post/3k2")
	f.Fuzz(func(t *testing.T, platform, id string) {
		p := &pipeline.Post{Platform: platform, ID: id, Simulated: true}
		if truth, ok := s.Truth(p); ok {
			require.NotEmpty(t, truth.Language)
		}
	})
}
