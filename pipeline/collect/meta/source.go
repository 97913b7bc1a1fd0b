package meta

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"earshot/pipeline"
	"earshot/pipeline/collect/inbound"
	"earshot/pipeline/collect/poll"
)

// api is what the two platforms differ in.
type api interface {
	targets() []poll.Target
	again(ctx context.Context, id string) (post pipeline.Post, gone bool, err error)
	check(ctx context.Context) (string, error)
}

// Source is one of the two platforms.
type Source struct {
	name  string
	cfg   *Common
	api   api
	ready func(net.Addr) // told where webhooks are heard; nil outside of tests
}

func (s *Source) signedIn() error {
	if s.cfg.Token == "" {
		return fmt.Errorf("%s: token is missing: make an app at https://developers.facebook.com and give its access token", s.name)
	}
	return nil
}

// Run polls, and takes webhooks between the rounds.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	if err := s.signedIn(); err != nil {
		return err
	}
	p := &poll.Poller{Platform: s.name, Mend: mend, Every: s.cfg.Every,
		Targets: func(context.Context) ([]poll.Target, error) { return s.api.targets(), nil },
		Steps:   s.cfg.Reread, Most: s.cfg.Watch, Batch: 1, Reread: s.reread}
	if s.cfg.Listen == "" {
		return p.Run(ctx, from, out)
	}
	listener, err := inbound.Listener(ctx, s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if s.ready != nil {
		s.ready(listener.Addr())
	}
	pushed := make(chan poll.Pushed)
	p.Pushed = pushed
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	var served sync.WaitGroup
	var broke error
	served.Go(func() {
		broke = inbound.Serve(work, listener, s.hook(pushed))
		cancel()
	})
	err = p.Run(work, from, out)
	cancel()
	served.Wait()
	if ctx.Err() == nil && broke != nil && !errors.Is(broke, context.Canceled) {
		return fmt.Errorf("%s: webhooks: %w", s.name, broke)
	}
	return err
}

// reread takes one post at a time, since one that is gone fails a request for many.
func (s *Source) reread(ctx context.Context, ids []string) ([]pipeline.Post, map[string]bool, error) {
	var posts []pipeline.Post
	gone := map[string]bool{}
	for _, id := range ids {
		p, away, err := s.api.again(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		gone[id] = away
		posts = append(posts, p)
	}
	return posts, gone, nil
}

// Check tries the token.
func (s *Source) Check(ctx context.Context) (string, error) {
	if err := s.signedIn(); err != nil {
		return "", err
	}
	said, err := s.api.check(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.name, err)
	}
	return said, nil
}
