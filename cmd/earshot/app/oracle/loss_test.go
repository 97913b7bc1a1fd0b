package oracle

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// TestRetentionOvertakesAStoppedWorker: records that Kafka removes while nobody stores
// them are in coverage with their offsets, in the log, in the gaps and among the alerts.
func TestRetentionOvertakesAStoppedWorker(t *testing.T) {
	p := newProgram(t, acme+"simulate: off\nsources:\n- {name: idle, type: file, path: idle.txt, format: text, platform: blog, follow: true}\n")
	p.write("idle.txt")
	begin := func(args ...string) (*outcome, *kafkago.Client) {
		o := p.start(append([]string{"run"}, args...)...)
		p.eventually("earshot runs", o, func() bool { return strings.Contains(o.errs.String(), "earshot runs") })
		rt, ok := p.runtime()
		require.True(t, ok)
		return o, &kafkago.Client{Addr: kafkago.TCP(rt.Kafka), Transport: &kafkago.Transport{IdleTimeout: time.Second}}
	}
	end := func(o *outcome) {
		o.signal(syscall.SIGTERM)
		require.Zero(t, o.code(t), o.errs.String())
	}
	said := 0
	say := func(broker *kafkago.Client, n int) {
		var records []kafkago.Record
		for range n {
			said++
			records = append(records, kafkago.Record{Value: kafkago.NewBytes(fmt.Appendf(nil, `{"platform":"blog","id":"%d","text":"acme"}`, said))})
		}
		res, err := broker.Produce(t.Context(), &kafkago.ProduceRequest{
			Topic: pipeline.LiveStream().Topic, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(records...),
		})
		require.NoError(t, err)
		require.NoError(t, res.Error)
	}
	keep := func(broker *kafkago.Client, millis string) {
		res, err := broker.IncrementalAlterConfigs(t.Context(), &kafkago.IncrementalAlterConfigsRequest{
			Resources: []kafkago.IncrementalAlterConfigsRequestResource{{
				ResourceType: kafkago.ResourceTypeTopic, ResourceName: pipeline.LiveStream().Topic,
				Configs: []kafkago.IncrementalAlterConfigsRequestConfig{{Name: "retention.ms", Value: millis, ConfigOperation: kafkago.ConfigOperationSet}},
			}},
		})
		require.NoError(t, err)
		require.NoError(t, res.Resources[0].Error)
	}

	o, broker := begin()
	say(broker, 10)
	p.eventually("the first are stored", o, func() bool { return p.ask("SELECT count() FROM posts") == "10" })
	end(o)
	o, broker = begin("--roles", "collect") // nobody stores
	say(broker, 20)
	keep(broker, "1")
	p.eventually("retention takes them", o, func() bool { return left(t, broker) == 0 })
	keep(broker, "604800000")
	say(broker, 5)
	end(o)

	o, _ = begin()
	p.eventually("the rest is stored", o, func() bool { return p.ask("SELECT count() FROM posts") == "15" })
	const lost = "offsets 10 to 29 of posts/0: removed by retention before it was stored"
	p.eventually("coverage tells", o, func() bool { return p.ask("SELECT count() FROM coverage WHERE state = 'down'") != "0" })
	assert.Equal(t, "kafka/posts/0\t"+lost, p.ask("SELECT source, reason FROM coverage FINAL WHERE startsWith(source, 'kafka/')"))
	assert.Equal(t, "kafka/posts/0\t"+lost, p.ask("SELECT source, reason FROM gaps FINAL"))
	p.eventually("an alert stands there", o, func() bool { return p.ask("SELECT count() FROM alerts") == "1" })
	assert.Equal(t, "critical\tkafka/posts/0: "+lost, p.ask("SELECT severity, JSONExtractString(evidence, 1, 'subject') FROM alerts"))
	assert.Contains(t, o.errs.String(), `"reason":"`+lost)
	assert.Contains(t, o.errs.String(), `"message":"posts were lost"`)
	end(o)
}
