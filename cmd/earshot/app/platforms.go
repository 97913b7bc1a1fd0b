package app

import (
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/bluesky"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/file"
	"earshot/pipeline/collect/hackernews"
	"earshot/pipeline/collect/mastodon"
	"earshot/pipeline/collect/meta"
	"earshot/pipeline/collect/reddit"
	"earshot/pipeline/collect/rss"
	"earshot/pipeline/collect/simulate"
	"earshot/pipeline/collect/webhook"
	"earshot/pipeline/collect/weibo"
	"earshot/pipeline/collect/wikipedia"
	"earshot/pipeline/collect/x"
	"earshot/pipeline/collect/youtube"
)

// Types of sources that more than the table below speaks of.
const (
	typeFile     = "file"
	typeRSS      = "rss"
	typeSimulate = "simulate"
)

// networkDeadline is how long a source of the network may show no life to the runner; its
// own liveness deadline is shorter.
const networkDeadline = 5 * time.Minute

// platform is one type of source.
type platform struct {
	kind     string
	public   bool          // needs no credentials: what a newcomer hears on the first day
	deadline time.Duration // for the runner; 0: none
	defaults func() any    // a pointer to fresh settings
	open     func(settings any, http *client.Client) (pipeline.Source, error)
}

// platforms is the wiring table: one line a type of source.
func platforms() []platform {
	return []platform{
		open(bluesky.DefaultConfig, bluesky.New).of("bluesky", networkDeadline).free(),
		open(wikipedia.DefaultConfig, wikipedia.New).of("wikipedia", networkDeadline).free(),
		open(meta.DefaultFacebook, meta.NewFacebook).of("facebook", networkDeadline),
		open(meta.DefaultInstagram, meta.NewInstagram).of("instagram", networkDeadline),
		open(weibo.DefaultConfig, weibo.New).of("weibo", networkDeadline),
		open(x.DefaultConfig, x.New).of("x", networkDeadline),
		open(reddit.DefaultConfig, reddit.New).of("reddit", networkDeadline),
		open(hackernews.DefaultConfig, hackernews.New).of("hackernews", networkDeadline).free(),
		open(rss.DefaultConfig, rss.New).of(typeRSS, networkDeadline),
		open(mastodon.DefaultConfig, mastodon.New).of("mastodon", networkDeadline),
		open(youtube.DefaultConfig, youtube.New).of("youtube", networkDeadline),
		open(webhook.DefaultConfig, offline(webhook.New)).of("webhook", networkDeadline),
		open(file.DefaultConfig, offline(file.Open)).of(typeFile, 0),
		open(simulate.DefaultConfig, offline(simulate.New)).of(typeSimulate, networkDeadline),
	}
}

// open joins the defaults of a source with what makes it.
func open[C any, S pipeline.Source](defaults func() C, source func(C, *client.Client) (S, error)) platform {
	return platform{
		defaults: func() any { return new(defaults()) },
		open: func(settings any, http *client.Client) (pipeline.Source, error) {
			return source(*settings.(*C), http)
		},
	}
}

// offline is a source that reaches nobody.
func offline[C any, S pipeline.Source](source func(C) (S, error)) func(C, *client.Client) (S, error) {
	return func(c C, _ *client.Client) (S, error) { return source(c) }
}

func (p platform) of(kind string, deadline time.Duration) platform {
	p.kind, p.deadline = kind, deadline
	return p
}

func (p platform) free() platform {
	p.public = true
	return p
}

func platformOf(kind string) (platform, bool) {
	for _, p := range platforms() {
		if p.kind == kind {
			return p, true
		}
	}
	return platform{}, false
}

// Discriminator is the key that decides which settings a source has.
func (s *Source) Discriminator() string { return "type" }

// Kinds are the types of sources.
func (s *Source) Kinds() []string {
	all := make([]string, 0, len(platforms()))
	for _, p := range platforms() {
		all = append(all, p.kind)
	}
	return all
}

// Settings returns those of the type; they are made with their defaults when first asked for.
func (s *Source) Settings(kind string) any {
	if have := s.settings[kind]; have != nil {
		return have
	}
	p, ok := platformOf(kind)
	if !ok {
		return nil
	}
	if s.settings == nil {
		s.settings = map[string]any{}
	}
	made := p.defaults()
	s.settings[kind] = made
	return made
}

// publicSources need no credentials.
func publicSources() []Source {
	var all []Source
	for _, p := range platforms() {
		if p.public {
			all = append(all, Source{Name: p.kind, Type: p.kind})
		}
	}
	news := Source{Name: "news", Type: typeRSS}
	if settings, ok := news.Settings(typeRSS).(*rss.Config); ok {
		settings.Feeds = publicFeeds()
	}
	return append(all, news)
}

// publicFeeds are news in English that anybody may read: enough to see that it works.
func publicFeeds() []rss.Address {
	return []rss.Address{
		"https://feeds.bbci.co.uk/news/rss.xml",
		"https://www.theguardian.com/world/rss",
		"https://rss.dw.com/rdf/rss-en-all",
		"https://www.theverge.com/rss/index.xml",
	}
}
