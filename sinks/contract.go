package sinks

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// Subject is a sink under test with an empty store.
type Subject struct {
	Sink pipeline.Sink
	// Stored lists the offsets in the store, raw: an offset that stands twice is listed twice.
	Stored func(t *testing.T) []int64
	// Lose takes rows out of the store but leaves the token, as a crash of the store in
	// the middle of an insert can. Nil if the store has no tokens.
	Lose func(t *testing.T, offsets ...int64)
}

// Contract holds a sink against what a worker relies on: a nil error means durable, a
// batch may be written again at any time with Retry set, nothing is sent before the
// pending commit, and a record that cannot be stored does not take its neighbours down.
func Contract(t *testing.T, fresh func(t *testing.T) Subject) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, Subject){
		"once":                  writeOnce,
		"retry after success":   retryAfterSuccess,
		"retry from nothing":    retryFromNothing,
		"retry over a part":     retryOverPart,
		"token without rows":    tokenWithoutRows,
		"replayed":              replayed,
		"replayed over days":    replayedOverDays,
		"pending comes first":   pendingFirst,
		"pending fails":         pendingFails,
		"pending fails, retry":  pendingFailsOnRetry,
		"dead among the living": deadAmongLiving,
		"empty":                 empty,
		"cancelled":             cancelled,
	} {
		t.Run(name, func(t *testing.T) { check(t, fresh(t)) })
	}
}

// NewBatch makes a batch of plain posts at offsets first to last of one partition, all
// naming the brand Acme.
func NewBatch(first, last int64) *pipeline.Batch {
	const seen = pipeline.Time(1_770_000_000_000)
	b := &pipeline.Batch{
		Topic: "posts", Epoch: pipeline.Epoch{1, 2, 3}, Partition: 1, First: first, Last: last,
		Token: fmt.Sprintf("group/epoch/posts/1/%d-%d", first, last), LabelSet: pipeline.LiveLabels,
		Pending: func(context.Context) error { return nil },
	}
	for offset := first; offset <= last; offset++ {
		at := seen + pipeline.Time(offset*1000)
		b.Records = append(b.Records, pipeline.Record{
			Post: pipeline.Post{
				V: pipeline.PostVersion, Op: pipeline.OpCreate, Platform: "test", ID: fmt.Sprintf("p%d", offset),
				Kind: pipeline.KindPost, Text: "I like Acme", CreatedAt: at - 5000, SeenAt: at,
				Author: pipeline.Author{ID: fmt.Sprintf("a%d", offset%7), Handle: "someone", Followers: offset},
			},
			Position: pipeline.Position{Epoch: b.Epoch, Topic: b.Topic, Partition: b.Partition, Offset: offset, Time: at},
			Language: pipeline.Language{Code: "en", Confidence: 0.9},
			Mentions: []pipeline.Mention{{Brand: "Acme", Via: pipeline.ViaText, Spans: []pipeline.Span{{Field: "text", Begin: 7, End: 11}}}},
		})
	}
	return b
}

func write(t *testing.T, s Subject, b *pipeline.Batch) []pipeline.Reject {
	t.Helper()
	rejected, err := s.Sink.Write(t.Context(), b)
	require.NoError(t, err)
	return rejected
}

// again is the same batch as a worker would rebuild it after a crash.
func again(b *pipeline.Batch) *pipeline.Batch {
	other := *b
	other.Retry = true
	return &other
}

func offsets(first, last int64) []int64 {
	var out []int64
	for o := first; o <= last; o++ {
		out = append(out, o)
	}
	return out
}

func writeOnce(t *testing.T, s Subject) {
	assert.Empty(t, write(t, s, NewBatch(0, 99)))
	assert.Empty(t, write(t, s, NewBatch(100, 149)))
	assert.ElementsMatch(t, offsets(0, 149), s.Stored(t))
}

func retryAfterSuccess(t *testing.T, s Subject) {
	b := NewBatch(0, 99)
	write(t, s, b)
	write(t, s, again(b))
	write(t, s, again(b))
	assert.ElementsMatch(t, offsets(0, 99), s.Stored(t))
}

func retryFromNothing(t *testing.T, s Subject) {
	write(t, s, again(NewBatch(0, 99)))
	assert.ElementsMatch(t, offsets(0, 99), s.Stored(t))
}

func retryOverPart(t *testing.T, s Subject) {
	if s.Lose == nil {
		t.Skip("the sink has no tokens")
	}
	b := NewBatch(0, 99)
	write(t, s, b)
	s.Lose(t, 0, 17, 99)
	write(t, s, again(b))
	assert.ElementsMatch(t, offsets(0, 99), s.Stored(t))
}

func tokenWithoutRows(t *testing.T, s Subject) {
	if s.Lose == nil {
		t.Skip("the sink has no tokens")
	}
	b := NewBatch(0, 99)
	write(t, s, b)
	s.Lose(t, offsets(0, 99)...)
	require.Empty(t, s.Stored(t))
	write(t, s, again(b))
	assert.ElementsMatch(t, offsets(0, 99), s.Stored(t))
	s.Lose(t, 5) // and a second time, under the token of the first repair
	write(t, s, again(b))
	assert.ElementsMatch(t, offsets(0, 99), s.Stored(t))
}

// replayed writes ranges that overlap what is stored under other tokens, as a worker does
// after the offsets of its group were reset.
func replayed(t *testing.T, s Subject) {
	write(t, s, NewBatch(0, 99))
	write(t, s, NewBatch(100, 149))
	for _, r := range [][2]int64{{0, 69}, {70, 179}, {180, 199}} {
		b := NewBatch(r[0], r[1])
		b.Replayed = true
		write(t, s, b)
		assert.ElementsMatch(t, offsets(0, max(149, r[1])), s.Stored(t))
		write(t, s, again(b)) // its worker died, and another rebuilt it
		assert.ElementsMatch(t, offsets(0, max(149, r[1])), s.Stored(t))
	}
	if s.Lose == nil {
		return
	}
	for range 3 { // the same rows, again and again: their tokens must not stay in the way
		s.Lose(t, 150, 151)
		b := NewBatch(70, 179)
		b.Replayed = true
		write(t, s, b)
		assert.ElementsMatch(t, offsets(0, 199), s.Stored(t))
	}
}

// replayedOverDays: the store may keep a day of a batch and lose another.
func replayedOverDays(t *testing.T, s Subject) {
	const day = 24 * 60 * 60 * 1000
	days := func(b *pipeline.Batch) *pipeline.Batch {
		for i := range b.Records {
			r := &b.Records[i]
			r.Post.SeenAt += pipeline.Time(r.Position.Offset%5) * day
			r.Position.Time = r.Post.SeenAt
		}
		return b
	}
	write(t, s, days(NewBatch(0, 99)))
	b := days(NewBatch(50, 149))
	b.Replayed = true
	calls := 0
	b.Pending = func(context.Context) error { calls++; return nil }
	write(t, s, b)
	assert.Positive(t, calls)
	assert.ElementsMatch(t, offsets(0, 149), s.Stored(t))
	if s.Lose != nil {
		s.Lose(t, 53, 58, 143) // all of one day and no other
	}
	write(t, s, again(b))
	assert.ElementsMatch(t, offsets(0, 149), s.Stored(t))
	refused := days(NewBatch(140, 159))
	refused.Replayed, refused.Pending = true, func(context.Context) error { return errRefused }
	_, err := s.Sink.Write(t.Context(), refused)
	require.ErrorIs(t, err, errRefused)
	assert.ElementsMatch(t, offsets(0, 149), s.Stored(t))
}

func pendingFirst(t *testing.T, s Subject) {
	for _, retry := range []bool{false, true} {
		b := NewBatch(0, 9)
		if retry {
			b = again(NewBatch(10, 19))
		}
		calls := 0
		b.Pending = func(context.Context) error {
			calls++
			for _, o := range s.Stored(t) {
				assert.NotContains(t, offsets(b.First, b.Last), o, "a row stands before the pending commit")
			}
			return nil
		}
		write(t, s, b)
		assert.Equal(t, 1, calls)
	}
	assert.ElementsMatch(t, offsets(0, 19), s.Stored(t))
}

var errRefused = errors.New("the broker refuses the generation")

func pendingFails(t *testing.T, s Subject) {
	b := NewBatch(0, 9)
	b.Pending = func(context.Context) error { return errRefused }
	_, err := s.Sink.Write(t.Context(), b)
	require.ErrorIs(t, err, errRefused)
	assert.Empty(t, s.Stored(t))
	write(t, s, again(NewBatch(0, 9)))
	assert.ElementsMatch(t, offsets(0, 9), s.Stored(t))
}

func pendingFailsOnRetry(t *testing.T, s Subject) {
	b := again(NewBatch(0, 9))
	b.Pending = func(context.Context) error { return errRefused }
	_, err := s.Sink.Write(t.Context(), b)
	require.ErrorIs(t, err, errRefused)
	assert.Empty(t, s.Stored(t))
}

func deadAmongLiving(t *testing.T, s Subject) {
	b := NewBatch(0, 9)
	b.Records[3].Dead = &pipeline.Reject{Position: b.Records[3].Position, Stage: "decode", Reason: "no id"}
	b.Records[3].Post, b.Records[3].Mentions = pipeline.Post{}, nil
	odd := &b.Records[4].Post
	odd.Text, odd.CreatedAt = "NUL \x00, quote ' and \\", pipeline.Time(1<<62)
	odd.Author.Followers = -1
	b.Records[5].Post.CreatedAt = -(1 << 62)
	b.Records[6].Post.Op = pipeline.OpDelete
	b.Records[7].Post.Op, b.Records[7].Post.ID = pipeline.OpUpdate, "it's \\ odd\n\x00"
	assert.Empty(t, write(t, s, b))
	write(t, s, again(b))
	assert.ElementsMatch(t, offsets(0, 9), s.Stored(t))
}

func empty(t *testing.T, s Subject) {
	b := NewBatch(0, 0)
	b.Records = nil
	assert.Empty(t, write(t, s, b))
	assert.Empty(t, s.Stored(t))
}

func cancelled(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Sink.Write(ctx, NewBatch(0, 9))
	require.Error(t, err)
	write(t, s, again(NewBatch(0, 9)))
	assert.ElementsMatch(t, offsets(0, 9), s.Stored(t))
}
