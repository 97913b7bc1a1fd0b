package hackernews

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"

	"earshot/pipeline"
	"earshot/pipeline/collect/markup"
)

const (
	platform = "hackernews"
	site     = "news.ycombinator.com"
)

// item is one item of the API; most fields are missing from most items.
type item struct {
	ID      int64   `json:"id"`
	Deleted bool    `json:"deleted"`
	Dead    bool    `json:"dead"` // killed by moderators or flags: not shown to the public
	Type    string  `json:"type"` // story, comment, job, poll, pollopt
	By      string  `json:"by"`
	Time    int64   `json:"time"` // s
	Text    string  `json:"text"` // HTML
	Parent  int64   `json:"parent"`
	Kids    []int64 `json:"kids"`
	URL     string  `json:"url"`
	Score   int64   `json:"score"`
	Title   string  `json:"title"` // HTML
}

// decode reads an item; nil without an error is an id that nothing is shown of (yet).
func decode(id int64, data []byte) (*item, error) {
	var i *item
	if err := json.Unmarshal(data, &i); err != nil {
		return nil, fmt.Errorf("hackernews: decode item: %w", err)
	}
	switch {
	case i == nil:
		return nil, nil //nolint:nilnil // the API's null
	case i.ID <= 0 || (id > 0 && i.ID != id):
		return nil, errors.New("hackernews: the item has another id than the one asked for")
	case !i.Deleted && i.Type == "":
		return nil, errors.New("hackernews: the item has no type")
	}
	return i, nil
}

// hidden reports whether the public no longer sees the item.
func (i *item) hidden() bool { return i.Deleted || i.Dead }

// post is what an item says; its thread is filled in by the source.
func (i *item) post() pipeline.Post {
	id := strconv.FormatInt(i.ID, 10)
	p := pipeline.Post{Platform: platform, ID: id, Op: pipeline.OpCreate, Kind: pipeline.KindPost, Source: site}
	if i.Parent > 0 {
		p.Kind = pipeline.KindComment
		p.ParentID = strconv.FormatInt(i.Parent, 10)
	}
	if i.hidden() {
		p.Op = pipeline.OpDelete
		return p
	}
	text := markup.Read(i.Text)
	p.Author = pipeline.Author{ID: i.By, Handle: i.By}
	p.Title, p.Text = markup.Text(i.Title), text.Text
	p.URL = "https://" + site + "/item?id=" + id
	p.CreatedAt = pipeline.Time(i.Time * 1000)
	if i.URL != "" {
		p.Links = append(p.Links, i.URL)
	}
	for _, l := range text.Links {
		p.Links = append(p.Links, l.Href)
	}
	p.Metrics = pipeline.Metrics{Likes: max(i.Score, 0), Replies: int64(len(i.Kids))}
	return p
}

// fingerprint is the hash of what a post says, without its counts.
func fingerprint(p pipeline.Post) uint64 {
	p.Metrics = pipeline.Metrics{}
	h := fnv.New64a()
	_, _ = h.Write(p.AppendJSON(nil)) // cannot fail
	return h.Sum64()
}
