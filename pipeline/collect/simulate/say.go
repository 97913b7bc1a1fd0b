package simulate

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"earshot/pipeline"
)

// speech is what a record says: the choice of words, made before they are written.
type speech struct {
	line   *template
	brand  int // index, or -1
	rival  int // index, or -1
	decoy  int // brand whose name is used as a common word, or -1
	edited bool
	rng    rng // from which the spelling is drawn
}

// say decides what a post says. It depends on the node alone.
func (g *generator) say(n *node) speech {
	r := rng(n.hash ^ 0x7e47)
	w := g.words[n.lang]
	s := speech{brand: -1, rival: -1, decoy: -1}
	switch {
	case n.role == repost:
		return s
	case n.ref.lane == laneBurst:
		e, _ := g.event(laneBurst, n.ref.slice*g.slice)
		s.brand = e.brand
		same := rng(hash(g.key, uint64(e.index)))
		s.line = pick(w.lines["burst"], 1, &same)
		s.rng = same // nearly the same words each time
		return s
	case n.ref.lane == laneRumour && n.role == original:
		e, _ := g.event(laneRumour, n.ref.slice*g.slice)
		s.brand = e.brand
		s.line = pick(w.lines["rumour"], -1, &r)
	case n.role == reply || n.role == quote:
		if r.chance(0.06) {
			g.sayBrand(&s, n, w, &r)
		} else {
			s.line = pick(w.reply, g.replyMood(n, &r), &r)
		}
	case n.page >= 0:
		s.brand = int(n.page)
		s.line = pick(w.lines["news"], 0, &r)
	case n.platform == onReviews || r.chance(g.cfg.Mentions):
		g.sayBrand(&s, n, w, &r)
	case n.platform == onWikipedia:
		s.line = pick(w.lines["edit"], 0, &r)
	default:
		g.sayNothing(&s, n, w, &r)
	}
	s.rng = r
	return s
}

// replyMood: answers to a rumour are mostly bad.
func (g *generator) replyMood(n *node, r *rng) int8 {
	if n.ref.lane == laneRumour && r.chance(0.6) {
		return -1
	}
	return int8(r.below(3)) - 1
}

// sayBrand picks words about a brand.
func (g *generator) sayBrand(s *speech, n *node, w *words, r *rng) {
	s.brand = g.pickBrand(r)
	mood := int8(-1)
	if r.chance(g.mood(s.brand, n.created)) {
		mood = 1
	}
	u := r.float()
	switch n.platform {
	case onReviews:
		u = 0
	case onWikipedia:
		u = 0.85
	}
	sale := holidayOn(n.created) == saleDay
	switch {
	case sale && u > 0.6, u > 0.9:
		s.line = pick(w.lines["purchase"], mood, r)
	case u < 0.55:
		if n.platform != onReviews && r.chance(0.15) {
			mood = 0
		}
		s.line = pick(w.opinion, mood, r)
	case u < 0.63:
		s.line = pick(w.lines["question"], 0, r)
	case u < 0.7:
		s.rival = g.rivalOf(s.brand, r)
		s.line = pick(w.lines["compare"], mood, r)
	case u < 0.77:
		s.line = pick(w.lines["recommend"], 1, r)
	case u < 0.83:
		s.line = pick(w.lines["churn"], -1, r)
	default:
		s.line = pick(w.lines["news"], mood, r)
	}
}

// mood is the share of positive opinions of a brand at a moment: its level, a drift
// over the years, and a wave of some weeks.
func (g *generator) mood(brand int, ms int64) float64 {
	b := &g.brands[brand]
	years := float64(ms-g.begin) / float64(365*day)
	phase := float64((ms+int64(brand)*5*day)%(40*day)) / float64(40*day)
	wave := 4*phase - 1 // a triangle: no sine, so that all machines agree
	if phase > 0.5 {
		wave = 3 - 4*phase
	}
	return min(0.95, max(0.05, b.mood+b.drift*years+0.08*wave))
}

// rivalOf draws a rival, or any other brand; the brand itself if there is no other.
func (g *generator) rivalOf(brand int, r *rng) int {
	other := brand
	for range 4 {
		other = g.pickBrand(r)
		if other != brand && g.brands[other].sector == g.brands[brand].sector {
			return other
		}
	}
	if other == brand {
		other = (brand + 1) % len(g.brands)
	}
	return other
}

// sayNothing picks chatter that names no brand.
func (g *generator) sayNothing(s *speech, n *node, w *words, r *rng) {
	u := r.float()
	lines := w.chatter
	switch {
	case u < 0.02 && w.lines["decoy"] != nil && len(g.common) > 0:
		lines, s.decoy = w.lines["decoy"], g.common[r.below(len(g.common))]
	case u < 0.5 && holidayOn(n.created) == quietDay:
		lines = w.lines["greeting"]
	}
	s.line = pick(lines, int8(r.below(3))-1, r)
}

// writer collects a text and what the platform marks in it.
type writer struct {
	buf     []byte
	tags    []string
	handles []string
}

// write puts a speech into words.
func (g *generator) write(out *writer, n *node, s *speech) {
	if s.line == nil {
		return
	}
	r, w := s.rng, g.words[n.lang]
	u := r.float()
	if u < 0.25 && n.role < reply && n.platform != onWikipedia {
		out.buf = append(out.buf, w.open[r.below(len(w.open))]...)
		if !bytes.HasSuffix(out.buf, []byte("、")) && !bytes.HasSuffix(out.buf, []byte(",")) {
			out.buf = append(out.buf, ' ')
		}
	}
	g.line(out, n, s, s.line, &r)
	if n.ref.lane == laneBurst {
		out.buf = strconv.AppendUint(append(out.buf, ' '), n.hash>>32%100, 10)
		return
	}
	more := w.chatter[1] // neutral
	for i := range articleLines(n) {
		out.buf = append(out.buf, ' ')
		g.line(out, n, s, &more[(int(n.hash>>40)+i)%len(more)], &r)
	}
	if u > 0.75 {
		out.buf = append(append(out.buf, ' '), w.close[r.below(len(w.close))]...)
	}
	if r.chance(0.2) {
		out.buf = append(append(out.buf, ' '), emoji(s.line.polarity, &r)...)
	}
	if s.brand >= 0 && r.chance(0.12) {
		out.buf = append(out.buf, ' ')
		g.fill(out, n, s, 't', &r)
	}
	if s.edited {
		line := pick(w.lines["edit"], 0, &r)
		out.buf = append(append(out.buf, ' '), line.literals[0]...)
	}
}

// articleLines is how many sentences an article has after its first.
func articleLines(n *node) int {
	if n.platform == onBlog && n.role < reply {
		return 3
	}
	return 0
}

// line writes a template. Handles and hashtags stand apart from letters, as platforms
// need to see where they end.
func (g *generator) line(out *writer, n *node, s *speech, t *template, r *rng) {
	for i, literal := range t.literals {
		marked := i > 0 && endsInMark(out.buf)
		if marked && literal != "" && literal[0] >= utf8.RuneSelf {
			out.buf = append(out.buf, ' ')
		}
		out.buf = append(out.buf, literal...)
		if i < len(t.slots) {
			g.fill(out, n, s, t.slots[i], r)
		}
	}
	out.tags = append(out.tags, t.tags...)
}

// endsInMark says whether the last word is a handle or a hashtag.
func endsInMark(b []byte) bool {
	i := bytes.LastIndexAny(b, " @#")
	return i >= 0 && b[i] != ' '
}

// apart puts a blank where the text would run into a handle or a hashtag.
func (w *writer) apart() {
	if n := len(w.buf); n > 0 && w.buf[n-1] >= utf8.RuneSelf {
		w.buf = append(w.buf, ' ')
	}
}

// fill writes what stands in a slot.
func (g *generator) fill(out *writer, n *node, s *speech, slot byte, r *rng) {
	switch slot {
	case 'b':
		g.name(out, n, s.brand, r)
	case 'r':
		g.name(out, n, s.rival, r)
	case 'p':
		p := g.forms[s.brand].products
		out.buf = append(out.buf, p[r.below(len(p))]...)
	case 't':
		out.buf = append(out.buf, g.forms[s.brand].tag...)
		out.tags = append(out.tags, g.brands[s.brand].Hashtag)
	case 'h':
		out.buf = append(out.buf, g.forms[s.brand].handle...)
		out.handles = append(out.handles, g.brands[s.brand].Handle)
	case 'w':
		out.buf = append(out.buf, g.forms[s.decoy].lower...)
	case 'c':
		cities := g.places[n.place].cities
		out.buf = append(out.buf, cities[r.below(len(cities))].name...)
	case 'n':
		out.buf = strconv.AppendInt(out.buf, int64(2+r.below(88)), 10)
	case 'e':
		out.buf = append(out.buf, emoji(s.line.polarity, r)...)
	}
}

// name spells a brand: as it is, in the reader's script, in lower case, as a handle or
// as a hashtag.
func (g *generator) name(out *writer, n *node, brand int, r *rng) {
	f := &g.forms[brand]
	u := r.float()
	if native := f.native[g.places[n.lang].lang]; native != "" && u < 0.45 {
		out.buf = append(out.buf, native...)
		return
	}
	switch {
	case u > 0.93:
		out.apart()
		out.buf = append(out.buf, f.handle...)
		out.handles = append(out.handles, g.brands[brand].Handle)
	case u > 0.87:
		out.apart()
		out.buf = append(out.buf, f.tag...)
		out.tags = append(out.tags, g.brands[brand].Hashtag)
	case u > 0.79:
		out.buf = append(out.buf, f.lower...)
	default:
		out.buf = append(out.buf, f.name...)
	}
}

// emoji draws one that fits the mood.
func emoji(polarity int8, r *rng) string {
	switch polarity {
	case 1:
		return [...]string{"😍", "🎉", "👏", "❤️", "😊", "🔥", "🙌", "👍🏽"}[r.below(8)]
	case -1:
		return [...]string{"😡", "🙄", "💀", "😤", "👎", "🤦‍♀️", "😩", "🤬"}[r.below(8)]
	default:
		return [...]string{"🤔", "👀", "🤷", "📌", "☕", "🌧️", "🚲", "🧵"}[r.below(8)]
	}
}

// polarityOf is the label of a template.
func polarityOf(p int8) pipeline.Polarity {
	return [3]pipeline.Polarity{pipeline.Negative, pipeline.Neutral, pipeline.Positive}[p+1]
}
