package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"earshot/pipeline/query"
)

// Brands hands over the brands as they are now; edition changes whenever one of them does.
type Brands func(ctx context.Context) (list []query.Brand, edition string, err error)

// Lost is what will not be heard.
type Lost struct {
	Brand string
	Part  string // of its query, as written
	Why   string
}

func (l Lost) String() string { return fmt.Sprintf("%s: %s: %s", l.Brand, l.Part, l.Why) }

// Report is what becomes of the queries.
type Report struct {
	Rules []string // of the platform, joined by OR where they are short
	Lost  []Lost
	Notes []string // what the language of the platform misses by its nature
}

// Derive makes the rules of all brands. own are rules of the platform's language that the
// operator has written: they stand first, as they are.
func Derive(d Dialect, brands []query.Brand, own []string) Report {
	var r Report
	var all []*expression
	var whose []string
	seen := map[string]bool{}
	add := func(brand string, list []*expression) {
		for _, e := range list {
			pieces := d.fit(e)
			if len(pieces) == 0 {
				r.Lost = append(r.Lost, Lost{brand, shortened(e.render(d.and, false)), "it is too long for a rule"})
			}
			for _, piece := range pieces {
				if key := piece.key(); !seen[key] {
					seen[key] = true
					all, whose = append(all, piece), append(whose, brand)
				}
			}
		}
	}
	for i := range brands {
		b := &brands[i]
		if o := b.Query.Outline(); o != nil {
			add(b.Name, d.alternatives(o, func(part string) {
				r.Lost = append(r.Lost, Lost{b.Name, part, "the platform's language cannot say it"})
			}))
		}
		for _, name := range Channels(d.Platform, b) {
			if e := d.channel(name); e != nil {
				add(b.Name, []*expression{e})
			}
		}
	}
	r.Rules = append(slices.Clone(own), d.pack(all)...)
	if len(r.Rules) > d.MaxRules {
		r.Lost = append(r.Lost, Lost{strings.Join(slices.Compact(slices.Clone(whose)), ", "), shortened(strings.Join(r.Rules[d.MaxRules:], " | ")),
			fmt.Sprintf("these are more than the %d rules that are allowed", d.MaxRules)})
		r.Rules = r.Rules[:d.MaxRules]
	}
	if len(all) > 0 {
		r.Notes = d.notes
	}
	return r
}

func shortened(text string) string {
	if len(text) <= 120 {
		return text
	}
	return strings.ToValidUTF8(text[:120], "") + "…"
}

// Channels are a brand's own accounts and places on a platform, without its name: those
// that name the platform, and those that name none.
func Channels(platform string, b *query.Brand) []string {
	var out []string
	for _, c := range b.Channels {
		on, name, ok := strings.Cut(c, "/")
		if !ok {
			name = on
		} else if !strings.EqualFold(on, platform) {
			continue
		}
		if name = strings.TrimPrefix(strings.ToLower(name), "@"); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
