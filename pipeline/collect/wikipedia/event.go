package wikipedia

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
)

const platform = "wikipedia"

// event is one recent change.
type event struct {
	Meta struct {
		ID     string    `json:"id"`
		Date   time.Time `json:"dt"`
		Domain string    `json:"domain"` // canary: a sign of life, nothing else
		URI    string    `json:"uri"`
	} `json:"meta"`
	Type       string `json:"type"` // edit, new, log, categorize, external
	Namespace  int    `json:"namespace"`
	Title      string `json:"title"`
	Comment    string `json:"comment"`
	Timestamp  int64  `json:"timestamp"` // s
	User       string `json:"user"`
	Bot        bool   `json:"bot"`
	Wiki       string `json:"wiki"`
	ServerName string `json:"server_name"`
	Revision   struct {
		New int64 `json:"new"`
	} `json:"revision"`
	LogType   string          `json:"log_type"`
	LogAction string          `json:"log_action"`
	LogParams json.RawMessage `json:"log_params"` // an object, or an empty list
}

func decode(data []byte) (event, error) {
	var e event
	if err := json.Unmarshal(data, &e); err != nil {
		return e, fmt.Errorf("wikipedia: decode event: %w", err)
	}
	if e.Meta.ID == "" || e.Meta.Date.Unix() <= 0 {
		return e, errors.New("wikipedia: the event has no meta.id or no meta.dt")
	}
	return e, nil
}

// wanted leaves out canaries, sister projects, and what the settings do not ask for.
func (s *Source) wanted(e *event) bool {
	switch {
	case e.Meta.Domain == "canary":
		return false
	case len(s.cfg.Wikis) > 0:
		if !slices.Contains(s.cfg.Wikis, e.Wiki) {
			return false
		}
	case !strings.HasSuffix(e.ServerName, ".wikipedia.org"):
		return false
	}
	return s.cfg.Bots || !e.Bot || e.Type == "log" // a bot's deletion counts
}

// posts are what a change says: an edit or a new page is a post whose text is the
// summary, since the stream carries no text of pages.
func (e *event) posts() ([]pipeline.Post, error) {
	switch e.Type {
	case "edit", "new":
	case "log":
		return e.hidden()
	default:
		return nil, nil
	}
	if e.Revision.New <= 0 || e.Wiki == "" {
		return nil, errors.New("wikipedia: the edit has no revision or no wiki")
	}
	language, _, _ := strings.Cut(e.ServerName, ".")
	p := pipeline.Post{Platform: platform, ID: e.id(strconv.FormatInt(e.Revision.New, 10)), Op: pipeline.OpCreate, Kind: pipeline.KindEdit,
		Source: e.ServerName, Author: pipeline.Author{ID: e.User, Handle: e.User, Bot: e.Bot}, Title: e.Title, Text: e.Comment,
		Lang: language, CreatedAt: pipeline.Time(e.Timestamp * 1000),
		URL: "https://" + e.ServerName + "/w/index.php?diff=" + strconv.FormatInt(e.Revision.New, 10), RootID: e.page()}
	if e.Namespace > 0 && e.Namespace%2 == 1 { // talk pages are the odd ones
		p.Kind = pipeline.KindComment
	}
	return []pipeline.Post{p}, nil
}

func (e *event) id(revision string) string { return e.Wiki + ":" + revision }

// page names the page as the root of its edits.
func (e *event) page() string {
	id := e.Wiki + "/" + url.PathEscape(e.Title)
	return id[:min(len(id), pipeline.MaxID)]
}

// hidden are the revisions whose summary, author or text an administrator has hidden.
func (e *event) hidden() ([]pipeline.Post, error) {
	if e.LogType != "delete" || e.LogAction != "revision" {
		return nil, nil
	}
	var params struct {
		Type string            `json:"type"`
		IDs  []json.RawMessage `json:"ids"`    // strings, or on older servers numbers
		Now  int               `json:"nfield"` // bits of what is hidden now; 0: shown again
	}
	if err := json.Unmarshal(e.LogParams, &params); err != nil {
		return nil, fmt.Errorf("wikipedia: log_params: %w", err)
	}
	if params.Type != "revision" || params.Now == 0 {
		return nil, nil
	}
	var out []pipeline.Post
	for _, raw := range params.IDs {
		if id := strings.Trim(string(raw), `"`); id != "" {
			out = append(out, pipeline.Post{Platform: platform, ID: e.id(id), Op: pipeline.OpDelete, Source: e.ServerName})
		}
	}
	return out, nil
}
