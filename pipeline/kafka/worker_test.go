package kafka

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWorkerCarries(t *testing.T) { onBrokers(t, testWorkerCarries) }

func testWorkerCarries(t *testing.T, addr string) {
	c := ready(t, addr, nil)
	sink, letters := newLedger(), &box{}
	w := worker(t, c, sink, letters)
	stop := background(t, w.Run)
	publish(t, c, posts(0, 3000))
	eventually(t, "all stored", func() bool { rows, _, _ := sink.count(); return rows >= 3000 })
	publish(t, c, posts(3000, 10))
	eventually(t, "the trickle too", func() bool { rows, _, _ := sink.count(); return rows >= 3010 })
	eventually(t, "no lag", func() bool {
		s := w.Stats()
		sum := int64(0)
		for _, n := range s.Lag {
			sum += n
		}
		return len(s.Lag) == 4 && sum == 0
	})
	stop()
	rows, doubled, ids := sink.count()
	assert.Equal(t, 3010, rows)
	assert.Zero(t, doubled)
	assert.Equal(t, 3010, ids)
	stats := w.Stats()
	assert.EqualValues(t, 3010, stats.Posts)
	assert.EqualValues(t, 3010, stats.Mentions)
	assert.Positive(t, stats.Bytes)

	topic := c.Name("posts")
	ends, err := c.Ends(t.Context(), topic)
	require.NoError(t, err)
	for p, end := range ends {
		at, err := c.committed(t.Context(), c.Name("earshot-live"), topic, int(p))
		require.NoError(t, err)
		assert.Equal(t, end, at.offset, "partition %d is committed to its end", p)
		assert.Nil(t, at.mark.Pending)
	}
}
