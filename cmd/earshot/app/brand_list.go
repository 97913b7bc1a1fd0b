package app

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"earshot/sinks/clickhouse"
)

// listedBrand is a brand as `brand list --format json` shows it.
type listedBrand struct {
	Name        string           `json:"name"`
	State       string           `json:"state"`
	Origin      string           `json:"origin"`    // configuration or command: who said it last
	LookBack    string           `json:"look_back"` // how far the archive was searched; - is not asked for
	Query       string           `json:"query"`
	Version     string           `json:"query_version"`
	Exclusions  []string         `json:"exclusions"`
	Channels    []string         `json:"channels"`
	Categories  []listedCategory `json:"categories"`
	Competitors []string         `json:"competitors"`
	Market      string           `json:"market"`
	Languages   []string         `json:"languages"`
	Owner       string           `json:"owner"`
	Context     string           `json:"context"` // file that the context model was read from
}

type listedCategory struct {
	Name  string `json:"name"`
	Query string `json:"query"`
}

// ListBrands prints every brand with its state, origin and query, and how far those are
// that look for their past; as JSON all that is said of it.
func ListBrands(ctx context.Context, cfg *Config, c *Console, format string) error {
	if format != "text" && format != "json" {
		return failure(ExitUsage, fmt.Errorf("unknown format %q; known are text, json", format))
	}
	return withArchive(ctx, cfg, c.Log, "brand", false, func(room *archiveRoom) error {
		jobs, err := room.db.Replays(ctx)
		if err != nil {
			return err
		}
		list := []listedBrand{}
		for _, e := range room.brands {
			if !e.Removed && e.Mute == nil {
				list = append(list, e.listed(jobs))
			}
		}
		slices.SortFunc(list, func(x, y listedBrand) int { return strings.Compare(x.Name, y.Name) })
		if format == "json" {
			out := json.NewEncoder(c.Out)
			out.SetIndent("", "  ")
			out.SetEscapeHTML(false)
			return out.Encode(list)
		}
		for _, b := range list {
			c.print(fmt.Sprintf("%-24s %-8s %-14s %-16s %s\n", b.Name, b.State, b.Origin, b.LookBack, b.Query))
		}
		if len(list) == 0 {
			c.print("no brands yet: name them in the configuration, or `brand add NAME QUERY`\n")
		}
		return nil
	})
}

func (e brandEntry) listed(jobs []clickhouse.Replay) listedBrand {
	b := e.Brand
	out := listedBrand{
		Name: b.Name, State: e.state(), Origin: "command", LookBack: lookBackState(&e, jobs), Query: b.Query, Version: b.version(),
		Exclusions: some(b.Exclusions), Channels: some(b.Channels), Categories: []listedCategory{}, Competitors: some(b.Competitors),
		Market: b.Market, Languages: some(b.Languages), Owner: b.Owner, Context: b.Context.File,
	}
	if e.Configured != nil && reflect.DeepEqual(*e.Configured, b) {
		out.Origin = "configuration"
	}
	for _, category := range b.Categories {
		out.Categories = append(out.Categories, listedCategory(category))
	}
	return out
}

// some is a list that JSON writes as [] where it is empty.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// version is the content hash of what counts; empty if this program does not understand it.
func (b Brand) version() string {
	compiled, err := b.Compile()
	if err != nil {
		return ""
	}
	return compiled.Version()
}

// profiles are the brands as boards read them.
func profiles(all map[string]brandEntry) []clickhouse.BrandProfile {
	var out []clickhouse.BrandProfile
	for _, e := range all {
		if e.Mute != nil {
			continue
		}
		b := e.Brand
		p := clickhouse.BrandProfile{Brand: b.Name, State: e.state(), Market: b.Market, Owner: b.Owner, Competitors: b.Competitors,
			Languages: b.Languages, Channels: b.Channels, Version: b.version(), At: e.At}
		for _, category := range b.Categories {
			p.Categories = append(p.Categories, category.Name)
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(x, y clickhouse.BrandProfile) int { return strings.Compare(x.Brand, y.Brand) })
	return out
}
