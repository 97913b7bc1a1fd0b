package simulate

import "earshot/pipeline"

// Truth is what a simulated post really means. It is not in the post: tests ask for it.
type Truth struct {
	Brands   []string // brands that its own words name, in order of the market
	Decoys   []string // brands whose name occurs as a common word and is not meant
	Channel  string   // brand on whose page it stands, else empty
	Polarity pipeline.Polarity
	Aspect   string // price, quality, shipping, service, design, usability; empty if none
	Language string // ISO 639-1
	Country  string // of the author, ISO 3166-1
	Event    string // rumour or burst, else empty
}

// Truth tells what a post of this source means. ok is false if the post has no words
// (metrics, deletes, reposts) or is not of this simulation, and in real time before Run
// has begun.
func (s *Source) Truth(p *pipeline.Post) (t Truth, ok bool) {
	w := s.world.Load()
	if w == nil || !p.Simulated || p.Op == pipeline.OpDelete || p.Op == pipeline.OpMetrics || p.Kind == pipeline.KindRepost {
		return Truth{}, false
	}
	number, ok := parseID(p.Platform, p.ID)
	if !ok {
		return Truth{}, false
	}
	s.truthLock.Lock()
	defer s.truthLock.Unlock()
	if s.truth == nil || s.truth.world != w {
		s.truth = newGenerator(w)
	}
	return s.truth.truthOf(unpack(w.perma.back(number)), p)
}

func (g *generator) truthOf(r ref, p *pipeline.Post) (t Truth, ok bool) {
	if r.slice < g.first || r.lane >= lanes || int(r.slot) >= g.count(r.slice, r.lane) {
		return Truth{}, false
	}
	n := g.node(r)
	if !n.role.posts() || n.role == repost || g.names[n.platform] != p.Platform || g.id(&n) != p.ID {
		return Truth{}, false
	}
	said := g.say(&n)
	t = Truth{
		Polarity: polarityOf(said.line.polarity), Aspect: said.line.aspect,
		Language: g.places[n.lang].lang, Country: g.places[n.place].code,
		Event: [lanes]string{laneRumour: "rumour", laneBurst: "burst"}[r.lane],
	}
	if n.page >= 0 {
		t.Channel = g.brands[n.page].Name
	}

	for i := range g.brands {
		if i == said.brand || i == said.rival {
			t.Brands = append(t.Brands, g.brands[i].Name)
		}
		if i == said.decoy {
			t.Decoys = append(t.Decoys, g.brands[i].Name)
		}
	}
	return t, true
}
