package rss

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	ext "github.com/mmcdole/gofeed/extensions"
	gorss "github.com/mmcdole/gofeed/rss"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/markup"
)

const platform = "blog"

// document is one reading of a feed.
type document struct {
	items []item
	hub   string        // WebSub; empty: none
	self  string        // the topic at the hub
	ttl   time.Duration // the feed wants to be asked no sooner
}

// item is an entry.
type item struct {
	id   uint64 // hash of the post's id
	hash uint32 // of what it says, so that edits are seen
	post pipeline.Post
	bad  []byte // what could not be read; nil: it could
	why  string
}

// read makes entries of a document, newest first as most feeds have them.
func read(address string, body []byte) (document, error) {
	parser := gofeed.NewParser()
	parser.KeepOriginalFeed = true
	feed, err := parser.Parse(bytes.NewReader(body))
	if err != nil {
		return document{}, fmt.Errorf("rss: read the feed: %w", err)
	}
	base, err := url.Parse(address)
	if err != nil {
		return document{}, errors.New("rss: the feed's address cannot be read")
	}
	f := &reader{feed: feed, base: base, source: client.Redact(address)}
	doc := document{}
	doc.hub, doc.self = f.hub(body)
	if original, ok := feed.OriginalFeed().(*gorss.Feed); ok {
		if minutes, err := strconv.Atoi(strings.TrimSpace(original.TTL)); err == nil && minutes > 0 {
			doc.ttl = min(time.Duration(minutes)*time.Minute, 24*time.Hour)
		}
	}
	met := map[uint64]bool{} // two entries under one id would be edits of each other at every reading
	for _, entry := range feed.Items {
		if i := f.item(entry); !met[i.id] {
			met[i.id] = true
			doc.items = append(doc.items, i)
		}
	}
	for _, ref := range tombstones(feed.Extensions) {
		p := pipeline.Post{Platform: platform, ID: f.id(ref), Op: pipeline.OpDelete, Kind: pipeline.KindArticle, Source: f.source}
		doc.items = append(doc.items, entryOf(p))
	}
	return doc, nil
}

// tombstones are the entries that an Atom feed says were deleted (RFC 6721).
func tombstones(all ext.Extensions) []string {
	var refs []string
	for _, elements := range all {
		for _, e := range elements["deleted-entry"] {
			if ref := e.Attrs["ref"]; ref != "" {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

type reader struct {
	feed   *gofeed.Feed
	base   *url.URL
	source string
}

// id of a post: an id that is unique in the world stands for itself, so that an entry in
// two feeds of a site is one post; any other is unique in its feed alone.
func (f *reader) id(guid string) string {
	id := strings.TrimSpace(guid)
	if u, err := url.Parse(id); err != nil || u.Scheme == "" || (u.Host == "" && u.Opaque == "") {
		id = f.source + "#" + id
	}
	if len(id) > pipeline.MaxID {
		sum := sha256.Sum256([]byte(id))
		id = "sha256:" + hex.EncodeToString(sum[:])
	}
	return id
}

func entryOf(p pipeline.Post) item {
	id, content := fnv.New64a(), fnv.New32a()
	_, _ = id.Write([]byte(p.ID)) // hashes cannot fail
	_, _ = content.Write(p.AppendJSON(nil))
	return item{id: id.Sum64(), hash: content.Sum32(), post: p}
}

func (f *reader) item(e *gofeed.Item) item {
	guid := e.GUID
	if guid == "" {
		guid = e.Link
	}
	if strings.TrimSpace(guid) == "" || (e.Title == "" && e.Description == "" && e.Content == "") {
		b, _ := json.Marshal(e) // strings and times
		i := entryOf(pipeline.Post{ID: string(b)})
		i.bad, i.why = b, "the entry has neither id nor link, or no words"
		return i
	}
	p := pipeline.Post{Platform: platform, ID: f.id(guid), Op: pipeline.OpCreate, Kind: pipeline.KindArticle, Source: f.source,
		Title: markup.Text(e.Title), Lang: f.feed.Language, URL: f.link(e.Link), Hashtags: e.Categories}
	body := e.Content
	if strings.TrimSpace(body) == "" {
		body = e.Description
	}
	text := markup.Read(body)
	p.Text = text.Text
	for _, l := range text.Links {
		if href := f.link(l.Href); href != "" {
			p.Links = append(p.Links, href)
		}
	}
	for _, i := range text.Images {
		p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: f.link(i.Src), Alt: i.Alt})
	}
	f.attach(e, &p)
	f.times(e, &p)
	p.Author = f.author(e)
	return entryOf(p)
}

func (f *reader) attach(e *gofeed.Item, p *pipeline.Post) {
	for _, a := range e.Enclosures {
		kind, _, _ := strings.Cut(a.Type, "/")
		if kind != "image" && kind != "video" && kind != "audio" {
			kind = "link"
		}
		p.Media = append(p.Media, pipeline.Media{Kind: kind, URL: f.link(a.URL)})
	}
	if e.Image != nil && e.Image.URL != "" {
		p.Media = append(p.Media, pipeline.Media{Kind: "image", URL: f.link(e.Image.URL), Alt: e.Image.Title})
	}
}

func (f *reader) times(e *gofeed.Item, p *pipeline.Post) {
	switch {
	case e.PublishedParsed != nil:
		p.CreatedAt = pipeline.At(*e.PublishedParsed)
	case e.UpdatedParsed != nil:
		p.CreatedAt = pipeline.At(*e.UpdatedParsed)
	}
	if e.UpdatedParsed != nil && pipeline.At(*e.UpdatedParsed) > p.CreatedAt {
		p.EditedAt = pipeline.At(*e.UpdatedParsed)
	}
}

// author of an entry, else of its feed; a name alone is unique on its site at best.
func (f *reader) author(e *gofeed.Item) pipeline.Author {
	for _, people := range [][]*gofeed.Person{e.Authors, f.feed.Authors} {
		for _, who := range people {
			name := strings.TrimSpace(who.Name)
			if name == "" {
				name, _, _ = strings.Cut(who.Email, "@") // no addresses of people in the archive
			}
			if name != "" {
				return pipeline.Author{ID: f.base.Hostname() + "/" + name, Name: name}
			}
		}
	}
	return pipeline.Author{ID: f.base.Hostname(), Name: f.feed.Title}
}

// link resolves an address against the feed's; anything but http is none.
func (f *reader) link(address string) string {
	u, err := f.base.Parse(strings.TrimSpace(address))
	if address == "" || err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil {
		return ""
	}
	return u.String()
}

// hub finds the WebSub hub and the topic that the document names.
func (f *reader) hub(body []byte) (hub, self string) {
	take := func(rel, href string) {
		switch {
		case rel == "hub" && hub == "":
			hub = f.link(href)
		case rel == "self" && self == "":
			self = f.link(href)
		}
	}
	switch original := f.feed.OriginalFeed().(type) {
	case *atom.Feed:
		for _, l := range original.Links {
			take(l.Rel, l.Href)
		}
	case *gorss.Feed:
		for _, elements := range original.Extensions {
			for _, l := range elements["link"] {
				take(l.Attrs["rel"], l.Attrs["href"])
			}
		}
	default:
		var j struct {
			Hubs []struct {
				Type string `json:"type"`
				URL  string `json:"url"`
			} `json:"hubs"`
			Self string `json:"feed_url"`
		}
		if json.Unmarshal(body, &j) == nil {
			take("self", j.Self)
			for _, h := range j.Hubs {
				if strings.EqualFold(h.Type, "websub") || strings.EqualFold(h.Type, "pubsubhubbub") {
					take("hub", h.URL)
				}
			}
		}
	}
	if self == "" {
		self = f.base.String()
	}
	return hub, self
}
