package oracle

import (
	"fmt"
	"math/rand/v2"

	"earshot/pipeline"
)

// brandNames are the brands of the storm; the model knows by construction which post
// names which, without asking the matcher.
var brandNames = []string{"Zubrola", "Kwentix", "Marolis", "Ostrevo"}

// tally is what every storm draws from and counts.
type tally struct {
	rng    *rand.Rand
	sent   int // records that Kafka must hold
	broken int // of these, undecodable ones
}

func newTally(seed uint64) *tally { return &tally{rng: rand.New(rand.NewPCG(seed, 1))} }

// model is what must be stored: it sees each record that is fed and keeps, by plain
// rules written again here, what the ledger and the mentions should hold.
type model struct {
	*tally
	mentions map[string]map[string]post // brand -> platform/id -> the last post under that id
	previous []post                     // a few earlier posts, to repeat
	next     int
}

// post is the model's own view of a post.
type post struct {
	id     string
	brands []string
	text   string
}

func newModel(seed uint64) *model {
	return &model{tally: newTally(seed), mentions: map[string]map[string]post{}}
}

// feed makes n posts: most are new, some repeat an earlier id word for word, some say
// something else under the same id (the later record wins).
func (m *model) feed(n int) []pipeline.Post {
	posts := make([]pipeline.Post, 0, n)
	for range n {
		p := m.draw()
		m.sent++
		for _, b := range p.brands {
			if m.mentions[b] == nil {
				m.mentions[b] = map[string]post{}
			}
			m.mentions[b][p.id] = p
		}
		posts = append(posts, p.record())
	}
	return posts
}

func (m *model) draw() post {
	if len(m.previous) > 0 && m.rng.IntN(50) == 0 {
		p := m.previous[m.rng.IntN(len(m.previous))]
		if m.rng.IntN(2) == 0 {
			p.text += ", said again"
		}
		return p
	}
	p := post{id: fmt.Sprintf("storm-%08d", m.next)}
	m.next++
	p.text = fmt.Sprintf("post number %d about nothing in particular", m.next)
	for i, b := range brandNames {
		if m.rng.IntN(4+2*i) == 0 {
			p.brands = append(p.brands, b)
			p.text += ", and " + b + " too"
		}
	}
	if len(m.previous) < 500 {
		m.previous = append(m.previous, p)
	} else {
		m.previous[m.rng.IntN(len(m.previous))] = p
	}
	return p
}

func (p post) record() pipeline.Post {
	return pipeline.Post{
		Op: pipeline.OpCreate, Kind: pipeline.KindPost, Platform: "storm", ID: p.id, Text: p.text,
		CreatedAt: pipeline.EarliestBelievable + pipeline.Time(len(p.id))*1000,
		Author:    pipeline.Author{ID: "a" + p.id[len(p.id)-2:]},
	}
}
