package oracle

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// The canaries are titles and payloads so short that no file packs them.
const (
	canaryKept    = "kqZ7vJw2xPkept"
	canaryPost    = "pXw9Qzj4Kposts"
	canaryEdit    = "eVb3Xqk8Wedits"
	canaryAccount = "aYk3Vqx8Waccts"
	canaryDead    = "dZq6Jxk1Hletts"
)

// TestACanaryLeavesEveryFile sends words through the whole program (Kafka, tables, totals,
// dead letters), deletes their posts and an account, and then looks for them in every
// table, every view, every topic and every byte of the data directory.
func TestACanaryLeavesEveryFile(t *testing.T) {
	p := newProgram(t, acme+"simulate: off\nkafka: {retention: 1h}\n")
	o := p.start("run")
	p.eventually("earshot runs", o, func() bool { return strings.Contains(o.errs.String(), "earshot runs") })
	rt, ok := p.runtime()
	require.True(t, ok)
	broker := &kafkago.Client{Addr: kafkago.TCP(rt.Kafka)}
	say := func(record string) {
		res, err := broker.Produce(t.Context(), &kafkago.ProduceRequest{
			Topic: pipeline.LiveStream().Topic, RequiredAcks: kafkago.RequireAll,
			Records: kafkago.NewRecordReader(kafkago.Record{Value: kafkago.NewBytes([]byte(record))}),
		})
		require.NoError(t, err)
		require.NoError(t, res.Error)
	}
	for word, record := range map[string]string{
		canaryKept:    `{"platform":"blog","id":"kept","author":{"id":"bob"},"text":"acme","title":%q}`,
		canaryPost:    `{"platform":"blog","id":"regretted","author":{"id":"bob"},"text":"acme","title":%q}`,
		canaryEdit:    `{"op":"update","platform":"blog","id":"regretted","author":{"id":"bob"},"text":"acme","edited_at":"2024-01-01T00:00:00Z","title":%q}`,
		canaryAccount: `{"platform":"blog","id":"hers","author":{"id":"ann"},"text":"acme","title":%q}`,
		canaryDead:    `{"id":"refused","title":%q`,
	} {
		say(fmt.Sprintf(record, word))
		for _, part := range []string{"kafka", "clickhouse"} {
			p.eventually("the search finds what is there: "+word+" in "+part, o, func() bool {
				return len(filesWith(t, p.path("earshot-data/"+part), word)) > 0
			})
		}
	}
	p.eventually("dead letters are there", o, func() bool { return p.ask("SELECT count() FROM dead_letters") != "0" })

	say(`{"op":"delete","scope":"account","platform":"blog","id":"ann","author":{"id":"ann"}}`)
	p.eventually("the tombstone is there", o, func() bool { return p.ask("SELECT count() FROM tombstones") == "1" })
	for _, id := range []string{"regretted", "refused"} {
		code, out, errs := p.run("forget", "--post", "blog/"+id)
		require.Zero(t, code, errs)
		assert.Contains(t, out, "remaining")
	}
	gone := []string{canaryPost, canaryEdit, canaryAccount, canaryDead}
	assertNoTable(t, p, gone)
	assert.Contains(t, p.ask("SELECT title FROM mentions_current"), canaryKept)

	passTime(t, p, broker)
	p.eventually("the topics are empty", o, func() bool { return left(t, broker) == 0 })
	var still []string
	t.Cleanup(func() { t.Logf("words were found last in %q", still) })
	p.eventually("the words leave the bytes", o, func() bool {
		time.Sleep(500 * time.Millisecond)
		still = nil
		for _, word := range gone {
			still = append(still, filesWith(t, p.path("earshot-data"), word)...)
		}
		return len(still) == 0
	})
	assert.NotEmpty(t, filesWith(t, p.path("earshot-data/clickhouse"), canaryKept), "the search still finds what is there")
	code, out, errs := p.run("doctor")
	require.Zero(t, code, errs)
	assert.Contains(t, out, "words of deleted posts leave the tables within 24h0m0s, and Kafka within 1h10m0s")
	o.signal(syscall.SIGTERM)
	assert.Zero(t, o.code(t), o.errs.String())
	for _, word := range gone {
		assert.Empty(t, filesWith(t, p.path("earshot-data"), word), word)
	}
}

// assertNoTable reads all rows of all tables (views have nothing else), and the views
// that show words.
func assertNoTable(t *testing.T, p *program, words []string) {
	t.Helper()
	tables := strings.Fields(p.ask("SELECT concat(database, '.', name) FROM system.tables WHERE startsWith(database, 'earshot')" +
		" AND NOT startsWith(name, '.') AND (engine != 'View' OR endsWith(name, '_current')) ORDER BY database, name"))
	require.Contains(t, tables, "earshot.posts")
	for _, table := range tables {
		rows := p.ask("SELECT * FROM " + table)
		for _, word := range words {
			assert.NotContains(t, rows, word, table)
		}
	}
}

// passTime makes the hours pass after which Kafka's retention and ClickHouse's
// old_parts_lifetime take what is no longer used.
func passTime(t *testing.T, p *program, broker *kafkago.Client) {
	t.Helper()
	for _, topic := range []string{pipeline.LiveStream().Topic, kafka.DeadLetterTopic} {
		res, err := broker.IncrementalAlterConfigs(t.Context(), &kafkago.IncrementalAlterConfigsRequest{
			Resources: []kafkago.IncrementalAlterConfigsRequestResource{{
				ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic,
				Configs: []kafkago.IncrementalAlterConfigsRequestConfig{{
					Name: "retention.ms", Value: "1", ConfigOperation: kafkago.ConfigOperationSet,
				}},
			}},
		})
		require.NoError(t, err)
		require.NoError(t, res.Resources[0].Error)
	}
	rt, ok := p.runtime()
	require.True(t, ok)
	cfg := clickhouse.DefaultConfig()
	cfg.Addr, cfg.User, cfg.Password = rt.ClickHouse, rt.Writer.User, pipeline.Secret(rt.Writer.Password)
	db, err := clickhouse.Open(t.Context(), cfg)
	require.NoError(t, err)
	defer func() { assert.NoError(t, db.Close()) }()
	for _, table := range []string{"posts", "mentions", "authors", "dead_letters", "interactions", "metrics_observed"} {
		require.NoError(t, db.In("").Exec(t.Context(), "ALTER TABLE earshot."+table+
			" MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, max_cleanup_delay_period = 2"))
	}
}

// left is how many records of posts and dead letters Kafka still hands out.
func left(t *testing.T, broker *kafkago.Client) (n int64) {
	t.Helper()
	asked := map[string][]kafkago.OffsetRequest{}
	for topic, partitions := range map[string]int{pipeline.LiveStream().Topic: 4, kafka.DeadLetterTopic: 1} {
		for i := range partitions {
			asked[topic] = append(asked[topic], kafkago.FirstOffsetOf(i), kafkago.LastOffsetOf(i))
		}
	}
	res, err := broker.ListOffsets(t.Context(), &kafkago.ListOffsetsRequest{Topics: asked})
	require.NoError(t, err)
	for _, partitions := range res.Topics {
		for _, p := range partitions {
			require.NoError(t, p.Error)
			n += p.LastOffset - p.FirstOffset
		}
	}
	return n
}

// filesWith are the files of a directory whose bytes hold a word.
func filesWith(t *testing.T, dir, word string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // parts come and go while we look
		}
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(word)) {
			out = append(out, path)
		}
		return nil
	})
	require.NoError(t, err)
	return out
}
