package detect

import (
	"time"

	"earshot/pipeline"
)

// What many people do is counted in windows, of so many people at least.
const (
	TopicWindow   = 2 * time.Hour
	TopicVoices   = warningVoices
	CascadeWindow = 30 * time.Minute
	CascadeVoices = 50
)

const (
	topicShare = 0.1 // of the brand's mentions: else it is one hashtag of many
	// peoplePhi is the overdispersion of people who do the same: they see each other.
	peoplePhi = 4
)

// TopicEvidence judges a hashtag. It scores above 1 if it is new, used by many people, and
// a good part of what is said; not before there is a history (Warmup) in which it could stand.
func TopicEvidence(cfg Config, c pipeline.TopicCount, now time.Time) pipeline.Evidence {
	known := min(cfg.History, time.Duration(c.Known*float64(dayLength)))
	if c.Voices < TopicVoices || c.Mentions < topicShare*c.Of || known < cfg.Warmup {
		return pipeline.Evidence{Kind: pipeline.AlertTopic} // in the first days every hashtag is new
	}
	usual := c.Before * float64(TopicWindow) / float64(known)
	e := peopleEvidence(cfg, pipeline.AlertTopic, c.Voices, usual, TopicWindow, now)
	e.Subject = c.Topic
	return e
}

// CascadeEvidence judges a post that is passed on: by more people than half an hour of the
// brand has mentions at all, given its usual mentions a minute and how long it is known.
func CascadeEvidence(cfg Config, c pipeline.CascadeCount, perMinute float64, known time.Duration, now time.Time) pipeline.Evidence {
	if c.Voices < CascadeVoices || known < cfg.Warmup {
		return pipeline.Evidence{Kind: pipeline.AlertCascade} // on the first day nobody knows what is usual
	}
	e := peopleEvidence(cfg, pipeline.AlertCascade, c.Voices, perMinute*CascadeWindow.Minutes(), CascadeWindow, now)
	e.Subject = c.Post
	return e
}

func peopleEvidence(cfg Config, kind pipeline.AlertKind, voices, usual float64, window time.Duration, now time.Time) pipeline.Evidence {
	usual = max(usual, leastUsual)
	m := modelOf(usual, peoplePhi)
	chance := m.atLeast(voices)
	e := pipeline.Evidence{Kind: kind, At: pipeline.At(now.Truncate(time.Minute)), Minutes: int(window / time.Minute), Observed: voices, Expected: usual,
		Chance: chance, Score: rarity(cfg, chance)}
	e.Low, e.High = m.interval()
	return e
}
