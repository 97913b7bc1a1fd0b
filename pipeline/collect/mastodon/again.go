package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/recount"
	"earshot/pipeline/collect/rules"
)

const (
	// again is how many statuses a request asks for: as many as a page has where nobody says
	// otherwise, which every server allows.
	again = 20
	// againPause is a tenth of the 300 requests in five minutes that servers allow.
	againPause = 10 * time.Second
)

// Follow reads counts and edits of what these brands look for again.
func (s *Source) Follow(brands rules.Brands) { s.brands = brands }

func (s *Source) plan() recount.Plan {
	return recount.Plan{Ages: s.cfg.Reread, Most: s.cfg.Watch, Pause: againPause, Brands: s.brands, Read: s.again,
		ID: func(p *pipeline.Post) string { return strings.TrimPrefix(p.ID, s.names.post("")) },
		Batch: func() int {
			if s.single.Load() {
				return 1
			}
			return again
		}}
}

// again reads statuses again: several at once (methods/statuses, "View multiple statuses",
// Mastodon 4.3), or where the server does not know that, one. Those that do not come were
// deleted, or are not for us to see any more.
func (s *Source) again(ctx context.Context, ids []string) ([]pipeline.Post, error) {
	if !s.single.Load() {
		body, err := s.ask(ctx, "/api/v1/statuses?"+url.Values{"id[]": ids}.Encode())
		if err == nil {
			return s.names.decodeAgain(body)
		}
		if unknown(err) { // the same posts are due again, one by one
			s.single.Store(true)
		}
		return nil, err
	}
	body, err := s.ask(ctx, "/api/v1/statuses/"+url.PathEscape(ids[0]))
	if client.Answered(err, http.StatusNotFound, http.StatusGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.names.decodeAgain(append(append([]byte("["), body...), ']'))
}

func (s *Source) ask(ctx context.Context, path string) ([]byte, error) {
	resp, err := s.http.Do(ctx, client.Request{Address: s.cfg.Server + path, Header: s.header(), Once: true})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// unknown reports whether a server does not know what it was asked.
func unknown(err error) bool {
	status, ok := errors.AsType[*client.StatusError](err)
	return ok && status.Code >= 400 && status.Code < 500 && status.Code != http.StatusUnauthorized && status.Code != http.StatusForbidden
}

// decodeAgain reads a list of statuses: the counts, and the whole post where it was edited,
// since an edit may have come while we were away.
func (n names) decodeAgain(data []byte) ([]pipeline.Post, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("mastodon: decode statuses: %w", err)
	}
	posts := make([]pipeline.Post, 0, len(list))
	for _, item := range list {
		s, err := decode(item)
		if err != nil || !s.public() || s.Reblog != nil { // one that cannot be read spoils no other
			continue
		}
		whole := n.read(s, pipeline.OpUpdate)
		if s.EditedAt == nil {
			whole = pipeline.Post{Platform: whole.Platform, ID: whole.ID, Op: pipeline.OpMetrics, Kind: whole.Kind, Source: whole.Source, Metrics: whole.Metrics,
				Author: pipeline.Author{ID: whole.Author.ID, Handle: whole.Author.Handle, Followers: whole.Author.Followers}}
		}
		posts = append(posts, whole)
	}
	return posts, nil
}
