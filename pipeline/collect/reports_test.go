package collect

import (
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func TestOverflowFoldsTheOldestMinutesIntoAGap(t *testing.T) {
	r := newReports(nil, zerolog.Nop())
	r.limit = 10
	minute := func(source string, n int) pipeline.CoverageEvent {
		return pipeline.CoverageEvent{Type: "minute", Source: source, Stream: "live", State: pipeline.CoverageOK,
			From: pipeline.Time(n) * 60_000, Posts: 1}
	}
	r.add(pipeline.CoverageEvent{Type: "expected", Source: "busy", Stream: "live"})
	r.add(minute("quiet", 0))
	for n := range 100 {
		r.add(minute("busy", n))
	}
	require.Len(t, r.queue, 10)
	var posts int64
	var gap pipeline.CoverageEvent
	for _, ev := range r.queue {
		if ev.Source == "busy" {
			posts += ev.Posts
		}
		if ev.Type == "gap" {
			gap = ev
		}
	}
	assert.EqualValues(t, 100, posts, "nothing is forgotten")
	assert.Equal(t, "busy", gap.Source)
	assert.Equal(t, pipeline.Time(0), gap.From)
	assert.Equal(t, pipeline.Time(93*60_000), gap.To, "the newest seven minutes keep their rows")
	assert.Contains(t, gap.Reason, "93 posts were collected")
	assert.Equal(t, "expected", r.queue[0].Type)
	assert.Equal(t, "quiet", r.queue[1].Source)
}

func TestTwoRowsOfAMinuteBecomeTheLaterOne(t *testing.T) {
	r := newReports(nil, zerolog.Nop())
	row := pipeline.CoverageEvent{Type: "minute", Source: "one", Stream: "live", From: 60_000, Posts: 1}
	r.add(row)
	r.add(pipeline.CoverageEvent{Type: "minute", Source: "two", Stream: "live", From: 60_000, Posts: 7})
	row.Posts = 3
	r.add(row)
	require.Len(t, r.queue, 2)
	assert.EqualValues(t, 3, r.queue[0].Posts)
}

func TestDelayStaysWithinItsBounds(t *testing.T) {
	b := DefaultBackoff()
	for n := range 200 {
		d := b.delay(n)
		assert.GreaterOrEqual(t, d, b.Min/2)
		assert.LessOrEqual(t, d, b.Max)
	}
	assert.Positive(t, Backoff{}.delay(3))
	assert.LessOrEqual(t, Backoff{Min: time.Hour, Max: time.Second}.delay(0), time.Second)
}

func TestPartsAreBounded(t *testing.T) {
	small := make([]pipeline.Post, 2500)
	assert.Equal(t, maxHandoverPosts, partSize(small))
	big := make([]pipeline.Post, 10)
	for i := range big {
		big[i].Text = string(make([]byte, 1<<20))
	}
	assert.Equal(t, 4, partSize(big))
	big[0].Text = string(make([]byte, 8<<20))
	assert.Equal(t, 1, partSize(big), "a post is never split")
}
