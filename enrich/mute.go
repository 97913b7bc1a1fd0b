package enrich

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"earshot/pipeline"
)

// Mute says what does not count although it names a brand. The fields that are set must
// all fit; none set fits nothing.
type Mute struct {
	Brand    string `json:"brand,omitempty"`    // empty: every brand
	Platform string `json:"platform,omitempty"` // empty: every platform
	Author   string `json:"author,omitempty"`   // id or handle of the account, without @
	Source   string `json:"source,omitempty"`   // instance, subreddit, feed or page
	Domain   string `json:"domain,omitempty"`   // host of the post's address or of an address in it, with its subdomains
	Post     string `json:"post,omitempty"`     // id of one post
}

// Mutes takes mentions away that somebody does not want to be counted. It stands behind
// the stage that finds them.
type Mutes struct {
	all     []Mute
	posts   map[mutedPost][]string // brands, "" for every one
	version string
}

type mutedPost struct{ platform, id string }

// NewMutes returns the stage; the order of the list does not matter.
func NewMutes(list []Mute) *Mutes {
	m := &Mutes{posts: map[mutedPost][]string{}}
	names := make([]string, 0, len(list))
	for _, one := range list {
		names = append(names, fmt.Sprintf("%q", one))
		if one.Post != "" && one.Platform != "" && one.Author == "" && one.Source == "" && one.Domain == "" {
			at := mutedPost{one.Platform, one.Post}
			m.posts[at] = append(m.posts[at], one.Brand)
			continue
		}
		one.Author, one.Domain = strings.ToLower(one.Author), strings.ToLower(one.Domain)
		m.all = append(m.all, one)
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	m.version = "mutes=" + hex.EncodeToString(sum[:6])
	return m
}

// Version changes with the list.
func (m *Mutes) Version() string { return m.version }

// Enrich takes muted mentions away.
func (m *Mutes) Enrich(r *pipeline.Record) error {
	if len(r.Mentions) == 0 {
		return nil
	}
	p := &r.Post
	brands := m.posts[mutedPost{p.Platform, p.ID}]
	if i := slices.IndexFunc(m.all, func(one Mute) bool { return one.fits(p) }); i < 0 && len(brands) == 0 {
		return nil
	}
	r.Mentions = slices.DeleteFunc(r.Mentions, func(mention pipeline.Mention) bool {
		of := func(brand string) bool { return brand == "" || strings.EqualFold(brand, mention.Brand) }
		return slices.ContainsFunc(brands, of) ||
			slices.ContainsFunc(m.all, func(one Mute) bool { return of(one.Brand) && one.fits(p) })
	})
	return nil
}

// fits looks at all fields but the brand.
func (m Mute) fits(p *pipeline.Post) bool {
	if m.Author == "" && m.Source == "" && m.Domain == "" && m.Post == "" {
		return false
	}
	return (m.Platform == "" || m.Platform == p.Platform) &&
		(m.Author == "" || strings.ToLower(p.Author.ID) == m.Author || strings.ToLower(p.Author.Handle) == m.Author) &&
		(m.Source == "" || m.Source == p.Source) &&
		(m.Post == "" || m.Post == p.ID) &&
		(m.Domain == "" || underDomain(p.URL, m.Domain) ||
			slices.ContainsFunc(p.Links, func(link string) bool { return underDomain(link, m.Domain) }))
}

// underDomain reports whether an address is of the domain or of one under it.
func underDomain(address, domain string) bool {
	host := address
	if i := strings.Index(host, "://"); i >= 0 {
		host = host[i+3:]
	}
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	host, _, _ = strings.Cut(host, ":")
	host = strings.ToLower(host)
	return host == domain || strings.HasSuffix(host, "."+domain)
}
