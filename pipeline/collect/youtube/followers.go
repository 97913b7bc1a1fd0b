package youtube

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/poll"
)

// Comments come without the subscribers of their authors' channels. channels.list tells
// them (https://developers.google.com/youtube/v3/docs/channels/list, 1 unit a call, read
// 2026-11-23), for channels whose owners do not hide them.
const (
	channelsAtOnce = 50
	channelsPages  = 2 // calls for one page of comments: the authors of its 100 threads
	channelsFresh  = 24 * time.Hour
	channelsMost   = 50_000 // kept in memory
)

// subscribers of a channel, as they were read.
type subscribers struct {
	followers, videos int64
	read              time.Time
}

// pageCost is what a page of comments costs of the budget. What may be asked for beside it
// is held beforehand and counts as spent, whether it was asked for or not.
func (s *Source) pageCost() int64 {
	if s.cfg.Followers {
		return 1 + channelsPages
	}
	return 1
}

// fill completes the authors of the posts. Each is asked for once a day; a failure leaves
// them as they are, since the comments are there.
func (s *Source) fill(ctx context.Context, items []poll.Item) {
	if !s.cfg.Followers {
		return
	}
	var ask []string
	now := time.Now()
	asked := map[string]bool{}
	each(items, func(p *pipeline.Post) {
		id := p.Author.ID
		if strings.HasPrefix(id, "UC") && !asked[id] && now.Sub(s.known[id].read) >= channelsFresh {
			asked[id] = true
			ask = append(ask, id)
		}
	})
	for range channelsPages {
		if len(ask) == 0 {
			break
		}
		some := ask[:min(len(ask), channelsAtOnce)]
		ask = ask[len(some):]
		p, err := s.get(ctx, "channels", url.Values{"part": {"statistics"}, "maxResults": {strconv.Itoa(channelsAtOnce)}, "id": {strings.Join(some, ",")}})
		if err != nil {
			break
		}
		if len(s.known)+len(some) > channelsMost {
			clear(s.known) // it fills again
		}
		for _, id := range some {
			s.known[id] = subscribers{read: now}
		}
		for _, raw := range p.Items {
			if id, found := decodeChannel(raw); asked[id] {
				found.read = now
				s.known[id] = found
			}
		}
	}
	each(items, func(p *pipeline.Post) {
		known := s.known[p.Author.ID]
		p.Author.Followers, p.Author.Posts = known.followers, known.videos
	})
}

func each(items []poll.Item, do func(*pipeline.Post)) {
	for i := range items {
		for k := range items[i].Posts {
			do(&items[i].Posts[k])
		}
	}
}

// decodeChannel reads a channel's statistics; what cannot be read is nobody's.
func decodeChannel(data []byte) (id string, found subscribers) {
	var c struct {
		ID         string `json:"id"`
		Statistics struct {
			Subscribers string `json:"subscriberCount"` // rounded down to three digits
			Hidden      bool   `json:"hiddenSubscriberCount"`
			Videos      string `json:"videoCount"`
		} `json:"statistics"`
	}
	if json.Unmarshal(data, &c) != nil {
		return "", found
	}
	count := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0
		}
		return max(n, 0)
	}
	found.videos = count(c.Statistics.Videos)
	if !c.Statistics.Hidden {
		found.followers = count(c.Statistics.Subscribers)
	}
	return c.ID, found
}
