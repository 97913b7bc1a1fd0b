package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"earshot/pipeline"
	"earshot/pipeline/collect"
)

func TestStatusLine(t *testing.T) {
	start := time.Unix(0, 0)
	from := sample{at: start, streams: []figures{{stream: "live", posts: 100, mentions: 10}}}
	to := sample{
		at:      start.Add(2 * time.Second),
		streams: []figures{{stream: "live", posts: 300, mentions: 30, lag: 1234567, dead: 2, storeFailures: 1}},
		sources: []collect.Status{
			{Name: "tweets", Owned: true, State: pipeline.CoverageOK, Rate: 100, Lag: 1500 * time.Millisecond},
			{Name: "market", Owned: true, State: pipeline.CoverageDown, LastError: "refused"},
			{Name: "elsewhere", State: pipeline.CoverageOK},
		},
	}
	assert.Equal(t, "live: 100 posts/s, 10 mentions/s, 1,234,567 behind, 2 dead, cannot store, retrying"+
		" | tweets 100/s, lag 1.5 s | market down: refused", statusLine(from, to))
}

func TestGrownNamesTheStreamWithNewPosts(t *testing.T) {
	a := sample{streams: []figures{{stream: "live", posts: 5}, {stream: "simulated"}}}
	b := sample{streams: []figures{{stream: "live", posts: 5}, {stream: "simulated", posts: 1}}}
	assert.Empty(t, grown(a, a))
	assert.Equal(t, "simulated", grown(a, b))
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -100: "-100", 1234567: "1,234,567"} {
		assert.Equal(t, want, count(n))
	}
}
