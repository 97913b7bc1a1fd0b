package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/pipeline/collect"
)

const (
	statusEvery = time.Second      // in a terminal
	reportEvery = 10 * time.Second // as log lines, elsewhere
)

// figures are the totals of a stream since the process started.
type figures struct {
	stream        string
	posts         int64 // stored
	mentions      int64
	dead, lost    int64
	lag           int64 // records behind the ends of the partitions that this process owns
	storeFailures int64
}

// idle says that nothing ever came on the stream.
func (f figures) idle() bool { return f.posts == 0 && f.lag == 0 && f.storeFailures == 0 }

// sample is what the running parts say of themselves at a moment.
type sample struct {
	at      time.Time
	streams []figures
	sources []collect.Status
}

// watch shows what goes on until ctx ends: a status line in a terminal, else a log line
// every ten seconds. first is called once, when the first posts are stored.
func watch(ctx context.Context, c *Console, now func() sample, first func(stream string)) {
	s := c.screen
	every := reportEvery
	if s.width() > 0 {
		every = statusEvery
	}
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	defer s.show("")
	begin, last := now(), now()
	told := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		current := now()
		if !told {
			if stream := grown(begin, current); stream != "" {
				told = true
				first(stream)
			}
		}
		if current.at.Sub(last.at) < every-statusEvery/2 {
			continue
		}
		if s.width() > 0 {
			s.show(statusLine(last, current))
		} else {
			report(c.Log, last, current)
		}
		last = current
	}
}

// grown names the first stream with posts that the earlier sample did not have.
func grown(from, to sample) string {
	for i, f := range to.streams {
		if i < len(from.streams) && f.posts > from.streams[i].posts {
			return f.stream
		}
	}
	return ""
}

func perSecond(now, before int64, span time.Duration) float64 {
	if span <= 0 {
		return 0
	}
	return float64(now-before) / span.Seconds()
}

// statusLine is one line: each stream, then each source with its lag.
func statusLine(from, to sample) string {
	var parts []string
	for i, f := range to.streams {
		if f.idle() && len(to.streams) > 1 {
			continue
		}
		var before figures
		if i < len(from.streams) {
			before = from.streams[i]
		}
		span := to.at.Sub(from.at)
		text := fmt.Sprintf("%s: %.0f posts/s, %.0f mentions/s, %s behind", f.stream,
			perSecond(f.posts, before.posts, span), perSecond(f.mentions, before.mentions, span), count(f.lag))
		if f.dead > 0 {
			text += ", " + count(f.dead) + " dead"
		}
		if f.storeFailures > before.storeFailures {
			text += ", cannot store, retrying"
		}
		parts = append(parts, text)
	}
	for _, src := range to.sources {
		if src.Owned {
			parts = append(parts, sourceText(src))
		}
	}
	return strings.Join(parts, " | ")
}

func sourceText(s collect.Status) string {
	switch s.State {
	case pipeline.CoverageOK:
		return fmt.Sprintf("%s %.0f/s, lag %s", s.Name, s.Rate, short(s.Lag))
	case pipeline.CoverageDown:
		if s.LastError != "" {
			return s.Name + " down: " + s.LastError
		}
	}
	return s.Name + " " + string(s.State)
}

func short(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.0f d", d.Hours()/24)
	case d >= time.Minute:
		return d.Round(time.Second).String()
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// count writes a number in groups of three: 1,234,567.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func report(log zerolog.Logger, from, to sample) {
	for i, f := range to.streams {
		if f.idle() && len(to.streams) > 1 {
			continue
		}
		var before figures
		if i < len(from.streams) {
			before = from.streams[i]
		}
		span := to.at.Sub(from.at)
		log.Info().Str("stream", f.stream).
			Float64("posts_per_s", round(perSecond(f.posts, before.posts, span))).
			Float64("mentions_per_s", round(perSecond(f.mentions, before.mentions, span))).
			Int64("posts", f.posts).Int64("mentions", f.mentions).
			Int64("behind", f.lag).Int64("dead", f.dead).Int64("lost", f.lost).Msg("stored")
	}
	for _, s := range to.sources {
		if s.Owned {
			log.Info().Str("source", s.Name).Str("state", string(s.State)).Float64("posts_per_s", round(s.Rate)).
				Int64("posts", s.Posts).Int64("refused", s.Refused).Float64("lag_s", round(s.Lag.Seconds())).Msg("collected")
		}
	}
}

func round(f float64) float64 { return float64(int64(f*10+0.5)) / 10 }
