package clickhouse

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/sinks/clickhouse/graph"
)

// The tests of this file feed a small world with edits, deletes of posts and accounts, and
// doubles, and compute each measure from what is left of it, without SQL.

// world is what was fed, as it stands at the end.
type world struct {
	rng     *rand.Rand
	day     pipeline.Time // on which all of it was said
	records []pipeline.Record
	posts   map[string]pipeline.Record // as last known, by id
}

func newWorld(t *testing.T, db *DB) *world {
	t.Helper()
	w := &world{rng: rand.New(rand.NewPCG(7, 11)), posts: map[string]pipeline.Record{}}
	w.day = pipeline.At(time.Now())/(24*hour)*(24*hour) - 3*24*hour
	for i := range 400 {
		w.say(fmt.Sprintf("p%03d", i))
	}
	for range 40 {
		w.edit()
	}
	for range 60 { // doubles
		w.records = append(w.records, w.posts[w.any()])
	}
	for range 20 {
		id := w.any()
		gone := says(pipeline.OpDelete, id)
		gone.Post.Platform = w.posts[id].Post.Platform
		w.records = append(w.records, gone)
		delete(w.posts, id)
	}
	author := w.posts[w.any()].Post.Author.ID
	for _, platform := range []string{"x", "weibo"} {
		gone := says(pipeline.OpDelete, author)
		gone.Post.Platform, gone.Post.Scope = platform, pipeline.ScopeAccount
		w.records = append(w.records, gone)
	}
	maps.DeleteFunc(w.posts, func(_ string, r pipeline.Record) bool { return r.Post.Author.ID == author })
	l := openLedger(t, db)
	for i := range w.records {
		w.records[i].Post.SeenAt = w.day + 24*hour + pipeline.Time(i)
	}
	for first := 0; first < len(w.records); first += 150 {
		batch := script(int64(first), slices.Clone(w.records[first:min(first+150, len(w.records))])...)
		_, err := l.Write(t.Context(), batch)
		require.NoError(t, err)
	}
	require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
	return w
}

// any returns the id of a living post, the same for the same dice.
func (w *world) any() string {
	ids := slices.Sorted(maps.Keys(w.posts))
	return ids[w.rng.IntN(len(ids))]
}

func (w *world) say(id string) {
	r := says(pipeline.OpCreate, id)
	p := &r.Post
	p.Platform = []string{"x", "weibo"}[w.rng.IntN(2)]
	p.CreatedAt = w.day + pipeline.Time(w.rng.IntN(int(20*hour)))
	p.Author = pipeline.Author{ID: fmt.Sprintf("a%d", w.rng.IntN(60)), Followers: int64(w.rng.IntN(1000))}
	p.Author.Handle, p.Author.Bot = "h-"+p.Author.ID, p.Author.ID < "a12"
	p.Metrics = pipeline.Metrics{Likes: int64(w.rng.IntN(9)), Views: int64(max(w.rng.IntN(900)-500, 0))}
	if w.rng.IntN(3) == 0 {
		p.Links = []string{"https://shop.example/"}
	}
	if w.rng.IntN(3) == 0 {
		p.Hashtags = []string{[]string{"Sale", "sale", "new"}[w.rng.IntN(3)]}
	}
	p.Text = []string{"well", "why?", "嗯？"}[w.rng.IntN(3)]
	if len(w.posts) > 20 && w.rng.IntN(2) == 0 {
		to := w.posts[w.any()].Post
		p.Platform = to.Platform
		switch w.rng.IntN(3) {
		case 0:
			p.ParentID, p.ParentAuthor, p.RootID = to.ID, to.Author.ID, cmp.Or(to.RootID, to.ID)
		case 1:
			p.RepostOf, p.RepostAuthor = to.ID, to.Author.ID
		default:
			p.QuoteOf, p.QuoteAuthor = to.ID, to.Author.ID
		}
	}
	w.label(&r)
	w.records = append(w.records, r)
	w.posts[id] = r
}

// label gives the record a language, brands and sentiments.
func (w *world) label(r *pipeline.Record) {
	r.Language.Code = []string{"en", "de", "sv"}[w.rng.IntN(3)]
	r.Mentions = nil
	for _, brand := range []string{"Acme", "Bolt", "O'Neill"} {
		if w.rng.IntN(3) != 0 {
			continue
		}
		m := pipeline.Mention{Brand: brand, Via: pipeline.ViaText}
		if w.rng.IntN(8) == 0 {
			m.Via = pipeline.ViaChannel
			r.Post.Channel = r.Post.Author.ID
		}
		m.Toward.Label = []pipeline.Polarity{pipeline.Negative, pipeline.Neutral, pipeline.Positive}[w.rng.IntN(3)]
		m.Sentiment.Label = m.Toward.Label
		r.Mentions = append(r.Mentions, m)
	}
}

func (w *world) edit() {
	id := w.any()
	r := w.posts[id]
	r.Post.Op = pipeline.OpUpdate
	r.Post.EditedAt = w.day + 30*hour
	r.Post.Text = "edited?"
	w.label(&r)
	w.records = append(w.records, r)
	w.posts[id] = r
}

// each calls f for every mention that stands.
func (w *world) each(f func(p *pipeline.Post, lang string, m *pipeline.Mention)) {
	for _, id := range slices.Sorted(maps.Keys(w.posts)) {
		r := w.posts[id]
		for i := range r.Mentions {
			f(&r.Post, r.Language.Code, &r.Mentions[i])
		}
	}
}

// answers are the living answers to each living post.
func (w *world) answers() map[string][]pipeline.Post {
	out := map[string][]pipeline.Post{}
	for _, id := range slices.Sorted(maps.Keys(w.posts)) {
		p := w.posts[id].Post
		if target := cmp.Or(p.ParentID, p.RepostOf, p.QuoteOf); target != "" {
			out[target] = append(out[target], p)
		}
	}
	return out
}

const wholeScope = "(label_set='live', brands=[''], platforms=[], langs=[], countries=[], from='2020-01-01 00:00:00', to='2030-01-01 00:00:00')"

func lines(list []string) string {
	slices.Sort(list)
	return strings.Join(list, "\n")
}

func TestMeasures(t *testing.T) {
	db := fresh(t)
	w := newWorld(t, db)
	_, err := OpenInfluence(db, zerolog.Nop()).Compute(t.Context())
	require.NoError(t, err)
	n, err := OpenFacts(db).Compute(t.Context())
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprint(n), answer(t, db, "SELECT count() FROM mentions_current"))
	t.Run("share of voice", func(t *testing.T) { w.testShareOfVoice(t, db) })
	t.Run("posts heard", func(t *testing.T) {
		heard := map[string]int{}
		for _, r := range w.posts {
			heard[r.Post.Platform]++
		}
		assert.Equal(t, fmt.Sprintf("weibo\t%d\nx\t%d", heard["weibo"], heard["x"]), answer(t, db, "SELECT * FROM posts_heard"+wholeScope+" ORDER BY platform"))
	})
	t.Run("word of mouth", func(t *testing.T) { w.testWordOfMouth(t, db) })
	t.Run("topics", func(t *testing.T) { w.testTopics(t, db) })
	t.Run("half-life", func(t *testing.T) { w.testHalfLife(t, db) })
	t.Run("care", func(t *testing.T) { w.testCare(t, db) })
	t.Run("cascades", func(t *testing.T) { w.testCascades(t, db) })
	t.Run("influence", func(t *testing.T) { w.testInfluence(t, db) })
	t.Run("net sentiment", func(t *testing.T) { w.testNetSentiment(t, db) })
	t.Run("words of the foremost", func(t *testing.T) {
		const first = " ORDER BY engagement DESC, event_time DESC, cityHash64(platform, id), brand LIMIT 50"
		assert.Equal(t, answer(t, db, "SELECT platform, id, text, engagement FROM mentions_current"+first), answer(t, db, "SELECT platform, id, text, engagement FROM strongest"+wholeScope+first))
		const fast = " ORDER BY velocity DESC, answers DESC, cityHash64(platform, id) LIMIT 50"
		assert.Equal(t, answer(t, db, "SELECT h.platform AS platform, h.id AS id, velocity, answers, half_life_s, text FROM post_half_life"+wholeScope+
			" AS h INNER JOIN (SELECT platform, id, any(text) AS text FROM mentions_current GROUP BY platform, id) AS m ON m.platform = h.platform AND m.id = h.id"+fast),
			answer(t, db, "SELECT platform, id, velocity, answers, half_life_s, text FROM fast_posts"+wholeScope+fast))
		assert.Equal(t, "100", answer(t, db, "SELECT count() FROM waiting"+wholeScope))
		assert.Equal(t, answer(t, db, "SELECT min(followers) FROM (SELECT followers FROM care"+wholeScope+" WHERE first_own_reply_s IS NULL ORDER BY followers DESC LIMIT 100)"),
			answer(t, db, "SELECT min(followers) FROM waiting"+wholeScope))
		assert.Equal(t, "100", answer(t, db, "SELECT count() FROM waiting"+wholeScope+" AS w INNER JOIN mentions_current AS m ON m.platform = w.platform AND m.id = w.id AND m.brand = w.brand WHERE m.text = w.text"))
	})
	t.Run("asked from another database", func(t *testing.T) {
		assert.Equal(t, answer(t, db, "SELECT count() FROM share_of_voice"+wholeScope), answer(t, db.In("system"), "SELECT count() FROM "+db.Database()+".share_of_voice"+wholeScope))
		assert.NotEqual(t, "0", answer(t, db.In("system"), "SELECT count() FROM "+db.Database()+".cascades"+wholeScope))
	})
	t.Run("scope", func(t *testing.T) {
		narrow := "(label_set='live', brands=['O''Neill'], platforms=['x'], langs=['de','en'], countries=[], from='2020-01-01 00:00:00', to='2030-01-01 00:00:00')"
		n := 0
		w.each(func(p *pipeline.Post, lang string, m *pipeline.Mention) {
			if m.Brand == "O'Neill" && p.Platform == "x" && lang != "sv" {
				n++
			}
		})
		assert.Equal(t, fmt.Sprint(n), answer(t, db, "SELECT mentions FROM share_of_voice"+narrow))
		assert.Equal(t, fmt.Sprint(n), answer(t, db, "SELECT count() FROM scope_mentions"+narrow))
	})
}

func (w *world) testShareOfVoice(t *testing.T, db *DB) {
	type sums struct{ mentions, reach, engagement, bots int64 }
	by, people, all := map[string]*sums{}, map[string]map[string]bool{}, 0
	w.each(func(p *pipeline.Post, _ string, m *pipeline.Mention) {
		s := by[m.Brand]
		if s == nil {
			s = &sums{}
			by[m.Brand], people[m.Brand] = s, map[string]bool{}
		}
		all++
		s.mentions++
		s.engagement += p.Metrics.Likes
		s.reach += cmp.Or(p.Metrics.Views, p.Author.Followers)
		if p.Author.Bot {
			s.bots++
		}
		people[m.Brand][p.Author.ID] = true
	})
	var want []string
	for brand, s := range by {
		want = append(want, fmt.Sprintf("%s\t%d\t%.6f\t%d\t%d\t%d\t%d", brand, s.mentions, float64(s.mentions)/float64(all), len(people[brand]), s.reach, s.engagement, s.bots))
	}
	got := answer(t, db, "SELECT replaceAll(toString(brand), '''', '_'), mentions, toDecimalString(share, 6), people, reach, engagement, bots FROM share_of_voice"+wholeScope+" ORDER BY brand")
	assert.Equal(t, strings.ReplaceAll(lines(want), "'", "_"), got)
}

func (w *world) testWordOfMouth(t *testing.T, db *DB) {
	type tally struct{ n, links int }
	by := map[[3]string]*tally{}
	w.each(func(p *pipeline.Post, _ string, m *pipeline.Mention) {
		key := [3]string{m.Brand, p.Platform, p.Author.ID}
		if by[key] == nil {
			by[key] = &tally{}
		}
		by[key].n++
		if len(p.Links) > 0 {
			by[key].links++
		}
	})
	counts := map[string]*[4]int{}
	w.each(func(p *pipeline.Post, _ string, m *pipeline.Mention) {
		c := counts[m.Brand]
		if c == nil {
			c = &[4]int{}
			counts[m.Brand] = c
		}
		c[0]++
		at := by[[3]string{m.Brand, p.Platform, p.Author.ID}]
		switch {
		case p.Author.Bot:
			c[1]++
		case m.Via == pipeline.ViaChannel:
			c[2]++
		case at.n >= 5 && at.links*5 >= at.n*4:
			c[3]++
		}
	})
	var want []string
	for brand, c := range counts {
		want = append(want, fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d", brand[:1], c[0], c[1], c[2], c[3], c[0]-c[1]-c[2]-c[3]))
	}
	assert.Equal(t, lines(want), answer(t, db, "SELECT substring(brand, 1, 1), mentions, by_bots, by_channels, by_shops, by_people FROM word_of_mouth_share"+wholeScope+" ORDER BY brand"))
}

func (w *world) testTopics(t *testing.T, db *DB) {
	times := map[string][]pipeline.Time{}
	w.each(func(p *pipeline.Post, _ string, _ *pipeline.Mention) {
		for _, tag := range p.Hashtags {
			tag = strings.ToLower(tag)
			times[tag] = append(times[tag], p.CreatedAt)
		}
	})
	var want []string
	for tag, list := range times {
		slices.Sort(list)
		half := list[len(list)/2]/1000 - list[0]/1000 // whole seconds are crossed
		want = append(want, fmt.Sprintf("#%s\t%d\t%d", tag, len(list), half))
	}
	assert.Equal(t, lines(want), answer(t, db, "SELECT topic, mentions, half_life_s FROM topics"+wholeScope+" ORDER BY topic"))
}

func (w *world) testHalfLife(t *testing.T, db *DB) {
	answers := w.answers()
	var want []string
	for _, id := range slices.Sorted(maps.Keys(w.posts)) {
		r := w.posts[id]
		if len(r.Mentions) == 0 || len(answers[id]) == 0 {
			continue
		}
		var ages []pipeline.Time
		soon := 0
		for _, a := range answers[id] {
			ages = append(ages, max(0, a.CreatedAt-r.Post.CreatedAt))
			if a.CreatedAt < r.Post.CreatedAt+hour {
				soon++
			}
		}
		slices.Sort(ages)
		want = append(want, fmt.Sprintf("%s\t%d\t%d\t%d\t%d", id, len(ages), ages[len(ages)/2], soon, ages[0]))
	}
	require.Greater(t, len(want), 20)
	assert.Equal(t, lines(want), answer(t, db, "SELECT id, answers, toInt64(round(half_life_s * 1000)), velocity, toInt64(round(first_answer_s * 1000)) FROM post_half_life"+wholeScope+" ORDER BY id"))
}

func (w *world) testCare(t *testing.T, db *DB) {
	own := map[string]bool{}
	w.each(func(p *pipeline.Post, _ string, m *pipeline.Mention) {
		if m.Via == pipeline.ViaChannel {
			own[m.Brand+p.Platform+p.Author.ID] = true
		}
	})
	answers := w.answers()
	var want []string
	w.each(func(p *pipeline.Post, _ string, m *pipeline.Mention) {
		asks := strings.ContainsAny(p.Text, "?？") || m.Toward.Label == pipeline.Negative
		if p.Author.Bot || m.Via == pipeline.ViaChannel || !asks {
			return
		}
		replies, first, firstOwn := 0, "\\N", "\\N"
		earliest, earliestOwn := pipeline.Time(1<<60), pipeline.Time(1<<60)
		for _, a := range answers[p.ID] {
			if a.ParentID != p.ID {
				continue
			}
			replies++
			if a.CreatedAt < p.CreatedAt {
				continue
			}
			earliest = min(earliest, a.CreatedAt)
			if own[m.Brand+p.Platform+a.Author.ID] {
				earliestOwn = min(earliestOwn, a.CreatedAt)
			}
		}
		if earliest < 1<<60 {
			first = fmt.Sprint(int64(earliest/1000 - p.CreatedAt/1000))
		}
		if earliestOwn < 1<<60 {
			firstOwn = fmt.Sprint(int64(earliestOwn/1000 - p.CreatedAt/1000))
		}
		want = append(want, fmt.Sprintf("%s\t%s\t%d\t%s\t%s", p.ID, m.Brand[:1], replies, first, firstOwn))
	})
	require.Greater(t, len(want), 50)
	assert.Equal(t, lines(want), answer(t, db, "SELECT id, substring(brand, 1, 1) AS b, replies, first_reply_s, first_own_reply_s FROM care"+wholeScope+" ORDER BY id, b"))
}

func (w *world) testCascades(t *testing.T, db *DB) {
	answers := w.answers()
	var want []string
	w.each(func(p *pipeline.Post, _ string, m *pipeline.Mention) {
		if p.RepostOf != "" || len(answers[p.ID]) == 0 {
			return
		}
		size, depth, breadth := 1, 0, 0
		for level := answers[p.ID]; len(level) > 0; depth++ {
			size, breadth = size+len(level), max(breadth, len(level))
			var next []pipeline.Post
			for _, a := range level {
				next = append(next, answers[a.ID]...)
			}
			level = next
		}
		want = append(want, fmt.Sprintf("%s\t%s\t%d\t%d\t%d", p.ID, m.Brand[:1], size, depth, breadth))
	})
	require.Greater(t, len(want), 20)
	assert.Equal(t, lines(want), answer(t, db, "SELECT id, substring(brand, 1, 1) AS b, size, depth, breadth FROM cascades"+wholeScope+" ORDER BY id, b"))
}

func (w *world) testInfluence(t *testing.T, db *DB) {
	weights := map[[3]string]float64{}
	for _, r := range w.posts {
		p := r.Post
		to := cmp.Or(p.ParentAuthor, p.RepostAuthor, p.QuoteAuthor)
		if to != "" && to != p.Author.ID {
			weights[[3]string{p.Platform, p.Author.ID, to}]++
		}
	}
	var ties []graph.Tie
	for key, n := range weights {
		ties = append(ties, graph.Tie{From: graph.Person{Platform: key[0], ID: key[1]}, To: graph.Person{Platform: key[0], ID: key[2]}, Weight: n})
	}
	gone := answer(t, db, "SELECT id FROM tombstones WHERE scope = 'account' LIMIT 1")
	var want []string
	for _, s := range graph.Standings(ties) {
		if s.ID != gone { // who answered him is still in a tie with him; he himself is not shown
			want = append(want, fmt.Sprintf("%s\t%s\t%.6f\t%s\t%d", s.Platform, s.ID, s.Rank, s.Circle.Platform+":"+s.Circle.ID, s.Circles))
		}
	}
	require.NotEmpty(t, want)
	assert.Equal(t, lines(want), answer(t, db, "SELECT platform, author_id, toDecimalString(rank, 6), circle, circles FROM influence_current ORDER BY platform, author_id"))
	crossings := 0
	circle := map[string]string{}
	for _, s := range graph.Standings(ties) {
		circle[s.Platform+s.ID] = s.Circle.ID
	}
	for _, r := range w.posts {
		p := r.Post
		to := cmp.Or(p.ParentAuthor, p.RepostAuthor, p.QuoteAuthor)
		if to != "" && to != gone && circle[p.Platform+to] != circle[p.Platform+p.Author.ID] {
			crossings++
		}
	}
	assert.Equal(t, fmt.Sprint(crossings), answer(t, db, "SELECT sum(answers) FROM crossings"+wholeScope))
	people, said := map[string]map[string]bool{}, map[string]int{}
	w.each(func(p *pipeline.Post, _ string, _ *pipeline.Mention) {
		if c := circle[p.Platform+p.Author.ID]; c != "" {
			name := p.Platform + ":" + c
			if people[name] == nil {
				people[name] = map[string]bool{}
			}
			people[name][p.Author.ID] = true
			said[name]++
		}
	})
	var circles []string
	for name, n := range said {
		circles = append(circles, fmt.Sprintf("%s\t%d\t%d", name, len(people[name]), n))
	}
	require.NotEmpty(t, circles)
	assert.Equal(t, lines(circles), answer(t, db, "SELECT circle, people, mentions FROM circles"+wholeScope+" ORDER BY circle"))
	testNamesOfCircles(t, db, gone)
	assert.Equal(t, answer(t, db, "SELECT uniqExact(platform, author_id) FROM mentions_current"), answer(t, db, "SELECT count() FROM influencers"+wholeScope))
	assert.Equal(t, answer(t, db, "SELECT platform, author_id, count(), sum(reach) FROM mentions_current GROUP BY platform, author_id ORDER BY platform, author_id"),
		answer(t, db, "SELECT platform, author_id, mentions, reach FROM influencers"+wholeScope+" ORDER BY platform, author_id"))
	assert.Equal(t, "1", answer(t, db, "SELECT min(standing) = 1 AND uniqExact(standing) = uniqExact(author) AND max(standing) = uniqExact(author) FROM scope_facts"+wholeScope))
	assert.Equal(t, "1", answer(t, db, "SELECT max(rank) = argMin(rank, standing) AND min(standing) = 1 AND max(standing) = count() FROM account_facts"))
}

func (w *world) testNetSentiment(t *testing.T, db *DB) {
	score, variance := [3]float64{-1.3, 0.1, 1.2}, [3]float64{0.001, 0.002, 0.0015}
	inverse := [9]float64{1.4, -0.2, -0.1, -0.3, 1.4, -0.3, -0.1, -0.2, 1.4}
	require.NoError(t, db.PutClassifierErrors(t.Context(), []ClassifierError{
		{Model: "m", Lang: "", Rows: 500, Score: score, Inverse: inverse, Variance: variance},
		{Model: "m", Lang: "en", Rows: 500, Score: [3]float64{-1, 0, 1}, Inverse: [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}},
	}))
	counts := map[string]*[2][3]float64{}
	w.each(func(_ *pipeline.Post, lang string, m *pipeline.Mention) {
		c := counts[m.Brand]
		if c == nil {
			c = &[2][3]float64{}
			counts[m.Brand] = c
		}
		which := 0
		if lang == "en" {
			which = 1
		}
		c[which][map[pipeline.Polarity]int{pipeline.Negative: 0, pipeline.Neutral: 1, pipeline.Positive: 2}[m.Toward.Label]]++
	})
	var want []string
	for brand, c := range counts {
		var sum, raw, net, spread float64
		for which, n := range c {
			total := n[0] + n[1] + n[2]
			a, v, inv := score, variance, inverse
			if which == 1 {
				a, v, inv = [3]float64{-1, 0, 1}, [3]float64{}, [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
			}
			mean, square, error := 0.0, 0.0, 0.0
			for j := range 3 {
				mean += a[j] * n[j] / total
				square += a[j] * a[j] * n[j] / total
				p := (inv[3*j]*n[0] + inv[3*j+1]*n[1] + inv[3*j+2]*n[2]) / total
				p = min(max(p, 0), 1)
				error += p * p * v[j]
			}
			sum, raw, net = sum+total, raw+n[2]-n[0], net+total*mean
			spread += total*(square-mean*mean) + total*total*error
		}
		want = append(want, fmt.Sprintf("%s\t%.0f\t%.6f\t%.6f\t%.6f", brand[:1], sum, raw/sum, net/sum, math.Sqrt(spread)/sum))
	}
	assert.Equal(t, lines(want), answer(t, db, "SELECT substring(brand, 1, 1), labelled, toDecimalString(uncorrected, 6), toDecimalString(net, 6), toDecimalString(standard_error, 6) FROM net_sentiment"+wholeScope+" ORDER BY brand"))
}
