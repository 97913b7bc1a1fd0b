package oracle

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// verify compares what is stored with the model, when everything has come to rest.
func (s *storm) verify() {
	s.rest()
	assert.Equal(s.t, s.sent, s.count("SELECT count() AS n FROM earshot.posts"), "posts: one row a record")
	assert.Equal(s.t, s.sent, s.count("SELECT uniqExact(epoch, topic, partition, offset) AS n FROM earshot.posts"), "posts: each offset once")
	assert.Equal(s.t, s.broken, s.count("SELECT count() AS n FROM earshot.posts WHERE op = 'dead'"), "posts: dead records")
	s.verifyTotals()
	for i, w := range s.workers {
		assert.True(s.t, w.alive(), "worker %d came through: nobody has to start it again", i)
	}
	assert.Positive(s.t, s.logged("a token stood without its rows"), "the storm met a token without rows")
}

// verifyTotals compares every total of every label set with its rows.
func (s *storm) verifyTotals() {
	s.eventually(0, "SELECT count() AS n FROM earshot.dirty FINAL WHERE done = 0", "every bucket is totalled")
	for _, rollup := range []string{"mentions_hour", "mentions_minute"} {
		assert.Empty(s.t, s.pairs(differences(rollup)), "buckets of %s that differ from the rows", rollup)
	}
}

// differences are the label sets, brands and hours in which a rollup and the rows disagree.
func differences(rollup string) string {
	hour := map[string]string{"mentions_hour": "hour", "mentions_minute": "toStartOfHour(minute)"}[rollup]
	return "SELECT concat(label_set, ' ', brand, ' ', toString(bucket)) AS k, concat('rows ', toString(sum(raw)), ', total ', toString(sum(total))) AS v FROM (" +
		"SELECT label_set, brand, hour AS bucket, toInt64(count()) AS raw, toInt64(0) AS total FROM earshot.mentions_current GROUP BY label_set, brand, bucket" +
		" UNION ALL SELECT label_set, brand, " + hour + " AS bucket, 0, toInt64(sum(mentions)) FROM earshot." + rollup + " GROUP BY label_set, brand, bucket" +
		") GROUP BY label_set, brand, bucket HAVING sum(raw) != sum(total)"
}

// rest waits until Kafka holds what was sent and all of it is committed.
func (s *storm) rest() {
	deadline := time.Now().Add(patience)
	var held, done int
	for time.Now().Before(deadline) {
		stored, ends, err := s.client.Progress(s.ctx, pipeline.LiveStream())
		require.NoError(s.t, err)
		held, done = 0, 0
		for p, end := range ends {
			held += int(end)
			done += int(stored[p])
		}
		if held == s.sent && done == s.sent && len(s.pendingRanges()) == 0 {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	assert.Equal(s.t, s.sent, held, "records on Kafka: the collector hands each post over once")
	assert.Equal(s.t, s.sent, done, "records committed")
}

// verifyMentions compares every mention with the model, one by one.
func (s *storm) verifyMentions(m *model) {
	for _, brand := range brandNames {
		var rows []struct {
			ID   string `ch:"id"`
			Text string `ch:"text"`
		}
		require.NoError(s.t, s.db.Select(s.ctx, &rows, "SELECT id, text FROM earshot.mentions FINAL WHERE label_set = 'live' AND brand = '"+brand+"'"))
		want := m.mentions[brand]
		assert.Len(s.t, rows, len(want), "mentions of %s", brand)
		wrong := 0
		for _, row := range rows {
			if want[row.ID].text != row.Text {
				wrong++
			}
		}
		assert.Zero(s.t, wrong, "mentions of %s that differ from the model", brand)
	}
}
