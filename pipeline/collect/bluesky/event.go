package bluesky

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"earshot/pipeline"
)

const (
	platform   = "bluesky"
	postType   = "app.bsky.feed.post"
	repostType = "app.bsky.feed.repost"
)

// event is one message of the stream.
type event struct {
	DID     string   `json:"did"`
	TimeUS  int64    `json:"time_us"` // when the Jetstream saw it, µs
	Cursor  int64    `json:"cursor"`  // sequence of a version 2 server; 0: it has none
	Kind    string   `json:"kind"`    // commit, identity, account
	Commit  *commit  `json:"commit"`
	Account *account `json:"account"`
}

// commit is a change of one record.
type commit struct {
	Operation  string  `json:"operation"` // create, update, delete
	Collection string  `json:"collection"`
	RKey       string  `json:"rkey"`
	Record     *record `json:"record"`
}

// account is a change of an account's standing.
type account struct {
	Active bool   `json:"active"`
	Status string `json:"status"`
}

// ref names a record.
type ref struct {
	URI string `json:"uri"`
}

// record is a post or a repost.
type record struct {
	Text      string   `json:"text"`
	CreatedAt string   `json:"createdAt"`
	Langs     []string `json:"langs"`
	Tags      []string `json:"tags"`
	Subject   ref      `json:"subject"` // of a repost
	Reply     *struct {
		Root   ref `json:"root"`
		Parent ref `json:"parent"`
	} `json:"reply"`
	Facets []struct {
		Features []struct {
			Type string `json:"$type"`
			URI  string `json:"uri"`
			Tag  string `json:"tag"`
			DID  string `json:"did"`
		} `json:"features"`
	} `json:"facets"`
	Embed *embed `json:"embed"`
}

type embed struct {
	Type   string `json:"$type"`
	Images []struct {
		Alt string `json:"alt"`
	} `json:"images"`
	Video    json.RawMessage `json:"video"`
	Alt      string          `json:"alt"`
	External *struct {
		URI   string `json:"uri"`
		Title string `json:"title"`
	} `json:"external"`
	Record json.RawMessage `json:"record"` // a ref, or in recordWithMedia an object around one
	Media  *embed          `json:"media"`  // of recordWithMedia
}

// decode reads one message of version 1; it copies what it keeps. The answer to a
// heartbeat is errNotice.
func decode(data []byte) (event, error) {
	var e event
	if err := json.Unmarshal(data, &e); err != nil {
		return e, fmt.Errorf("bluesky: decode event: %w", err)
	}
	if e.Kind == "heartbeat" {
		return e, errNotice
	}
	if e.TimeUS <= 0 || e.DID == "" {
		return e, errors.New("bluesky: the event has no time_us or no did")
	}
	return e, nil
}

// posts are what an event says; most events (likes, follows, handles) say nothing here.
func (e *event) posts() ([]pipeline.Post, error) {
	switch {
	case e.Kind == "account" && e.Account != nil && !e.Account.Active && e.Account.Status == "deleted":
		return []pipeline.Post{{Platform: platform, ID: e.DID, Op: pipeline.OpDelete, Scope: pipeline.ScopeAccount,
			Author: pipeline.Author{ID: e.DID}}}, nil
	case e.Kind != "commit" || e.Commit == nil:
		return nil, nil
	case e.Commit.Collection != postType && e.Commit.Collection != repostType:
		return nil, nil
	case e.Commit.RKey == "":
		return nil, errors.New("bluesky: the commit has no rkey")
	}
	p := pipeline.Post{Platform: platform, ID: "at://" + e.DID + "/" + e.Commit.Collection + "/" + e.Commit.RKey,
		Author: pipeline.Author{ID: e.DID}, Kind: pipeline.KindPost}
	switch e.Commit.Operation {
	case "delete":
		p.Op = pipeline.OpDelete
		return []pipeline.Post{p}, nil
	case "update":
		p.Op, p.EditedAt = pipeline.OpUpdate, pipeline.Time(e.TimeUS/1000)
	case "create":
		p.Op = pipeline.OpCreate
	default:
		return nil, fmt.Errorf("bluesky: unknown operation %.20q", e.Commit.Operation)
	}
	r := e.Commit.Record
	if r == nil {
		return nil, errors.New("bluesky: the commit has no record")
	}
	if t, err := time.Parse(time.RFC3339Nano, r.CreatedAt); err == nil {
		p.CreatedAt = pipeline.At(t)
	}
	if e.Commit.Collection == repostType {
		if r.Subject.URI == "" {
			return nil, errors.New("bluesky: the repost has no subject")
		}
		p.Kind, p.RepostOf, p.RepostAuthor = pipeline.KindRepost, r.Subject.URI, authorOf(r.Subject.URI)
		return []pipeline.Post{p}, nil
	}
	p.URL = "https://bsky.app/profile/" + e.DID + "/post/" + e.Commit.RKey
	r.fill(&p)
	return []pipeline.Post{p}, nil
}

func (r *record) fill(p *pipeline.Post) {
	p.Text, p.Hashtags = r.Text, r.Tags
	if len(r.Langs) > 0 {
		p.Lang = r.Langs[0]
	}
	if r.Embed != nil {
		r.Embed.fill(p)
	}
	for _, facet := range r.Facets {
		for _, f := range facet.Features {
			switch f.Type {
			case "app.bsky.richtext.facet#link":
				p.Links = append(p.Links, f.URI)
			case "app.bsky.richtext.facet#tag":
				p.Hashtags = append(p.Hashtags, f.Tag)
			case "app.bsky.richtext.facet#mention":
				p.Handles = append(p.Handles, f.DID)
			}
		}
	}
	if r.Reply != nil {
		p.Kind = pipeline.KindComment
		p.ParentID, p.ParentAuthor = r.Reply.Parent.URI, authorOf(r.Reply.Parent.URI)
		p.RootID, p.RootAuthor = r.Reply.Root.URI, authorOf(r.Reply.Root.URI)
	}
}

func (e *embed) fill(p *pipeline.Post) {
	for _, i := range e.Images {
		p.Media = append(p.Media, pipeline.Media{Kind: "image", Alt: i.Alt})
	}
	if len(e.Video) > 0 {
		p.Media = append(p.Media, pipeline.Media{Kind: "video", Alt: e.Alt})
	}
	if e.External != nil {
		p.Links = append(p.Links, e.External.URI)
		p.Media = append(p.Media, pipeline.Media{Kind: "link", URL: e.External.URI, Alt: e.External.Title})
	}
	if uri := e.quoted(); strings.Contains(uri, "/"+postType+"/") { // lists and feeds are embedded too
		p.Kind, p.QuoteOf, p.QuoteAuthor = pipeline.KindQuote, uri, authorOf(uri)
	}
	if e.Media != nil && e.Media.Media == nil {
		e.Media.fill(p)
	}
}

// quoted is the record that is embedded, alone or with media.
func (e *embed) quoted() string {
	var r struct {
		ref
		Record ref `json:"record"`
	}
	if len(e.Record) == 0 || json.Unmarshal(e.Record, &r) != nil {
		return ""
	}
	if r.Record.URI != "" {
		return r.Record.URI
	}
	return r.URI
}

// authorOf takes the account out of at://did/collection/rkey.
func authorOf(uri string) string {
	did, _, _ := strings.Cut(strings.TrimPrefix(uri, "at://"), "/")
	return did
}
