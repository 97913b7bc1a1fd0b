package hackernews

import (
	"context"
	"strconv"

	"golang.org/x/sync/errgroup"
)

// together is how many items are asked for at once; the client's pace bounds the rate.
const together = 8

// answer is an item as it came.
type answer struct {
	id   int64
	body []byte
}

func (s *Source) get(ctx context.Context, id int64) ([]byte, error) {
	resp, err := s.http.Get(ctx, s.cfg.Endpoint+"/item/"+strconv.FormatInt(id, 10)+".json", nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// fetch asks for items and returns those before the first that cannot be had, in order,
// and why that one cannot.
func (s *Source) fetch(ctx context.Context, ids []int64) ([]answer, error) {
	answers := make([]answer, len(ids))
	failures := make([]error, len(ids))
	var group errgroup.Group
	group.SetLimit(together)
	for n, id := range ids {
		group.Go(func() error {
			body, err := s.get(ctx, id)
			answers[n], failures[n] = answer{id, body}, err
			return nil
		})
	}
	_ = group.Wait() // failures are kept by place
	for n, err := range failures {
		if err != nil {
			return answers[:n], err
		}
	}
	return answers, nil
}
