package enrich

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestMutes(t *testing.T) {
	post := pipeline.Post{
		Platform: "x", ID: "1", Source: "feed", URL: "https://blog.spam.example:443/a?b=c",
		Author: pipeline.Author{ID: "A7", Handle: "Bob"}, Links: []string{"http://user@News.Example/x", "naked.example/y"},
	}
	for name, c := range map[string]struct {
		mute Mute
		left []string
	}{
		"author by id":            {Mute{Platform: "x", Author: "a7"}, nil},
		"author by handle":        {Mute{Platform: "x", Author: "bob"}, nil},
		"author elsewhere":        {Mute{Platform: "y", Author: "bob"}, []string{"Acme", "Bolt"}},
		"of one brand":            {Mute{Brand: "acme", Platform: "x", Author: "bob"}, []string{"Bolt"}},
		"source":                  {Mute{Source: "feed"}, nil},
		"another source":          {Mute{Source: "fee"}, []string{"Acme", "Bolt"}},
		"domain of the post":      {Mute{Domain: "spam.example"}, nil},
		"subdomain alone":         {Mute{Domain: "blog.spam.example"}, nil},
		"domain of a link":        {Mute{Domain: "news.example"}, nil},
		"domain without a scheme": {Mute{Domain: "naked.example"}, nil},
		"end of another domain":   {Mute{Domain: "am.example"}, []string{"Acme", "Bolt"}},
		"part of a path":          {Mute{Domain: "y"}, []string{"Acme", "Bolt"}},
		"not my brand":            {Mute{Brand: "Bolt", Platform: "x", Post: "1"}, []string{"Acme"}},
		"another post":            {Mute{Brand: "Bolt", Platform: "x", Post: "11"}, []string{"Acme", "Bolt"}},
		"nothing":                 {Mute{Brand: "Acme", Platform: "x"}, []string{"Acme", "Bolt"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := pipeline.Record{Post: post, Mentions: []pipeline.Mention{{Brand: "Acme"}, {Brand: "Bolt"}}}
			require.NoError(t, NewMutes([]Mute{c.mute}).Enrich(&r))
			var left []string
			for _, m := range r.Mentions {
				left = append(left, m.Brand)
			}
			assert.Equal(t, c.left, left)
		})
	}
	a, b := Mute{Author: "a"}, Mute{Author: "b"}
	assert.Equal(t, NewMutes([]Mute{a, b}).Version(), NewMutes([]Mute{b, a}).Version())
	assert.NotEqual(t, NewMutes([]Mute{a}).Version(), NewMutes([]Mute{b}).Version())
}
