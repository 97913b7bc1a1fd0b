package kafka

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/kafka/kafkatest"
)

// devNull stores nothing, but commits as a sink does.
type devNull struct{}

func (devNull) Write(ctx context.Context, b *pipeline.Batch) ([]pipeline.Reject, error) {
	return nil, b.Pending(ctx)
}

type noChain struct{}

func (noChain) Enrich(*pipeline.Record) error { return nil }
func (noChain) Version() string               { return "none" }

// cpu returns the CPU time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkKafka publishes posts of 800 bytes to Apache Kafka and carries them into a
// sink that stores nothing: what is left is Kafka, the codec and the commits.
func BenchmarkKafka(b *testing.B) {
	broker := kafkatest.Start(b, kafkatest.Options{Settings: quick})
	c := ready(b, broker.Addr, func(cfg *Config) { cfg.RetentionBytes = -1 })
	list := posts(0, 10_000)
	for i := range list {
		for len(list[i].Text) < 400 {
			list[i].Text += strconv.FormatUint(rand.Uint64N(1e9), 36) + " " // words that compress as text does
		}
		list[i].Author = pipeline.Author{ID: "did:plc:abcdefghijklmnop", Handle: "someone.example.org", Followers: 321}
	}
	b.Run("publish", func(b *testing.B) {
		p := NewProducer(c)
		begin := cpu()
		for b.Loop() {
			_, err := p.Publish(b.Context(), pipeline.LiveStream(), list, pipeline.Handover{})
			require.NoError(b, err)
		}
		report(b, begin, b.Elapsed(), len(list)*b.N)
	})
	b.Run("carry", func(b *testing.B) {
		total := int64(0)
		ends, err := c.Ends(b.Context(), c.Name("posts"))
		require.NoError(b, err)
		for _, n := range ends {
			total += n
		}
		for b.Loop() {
			w := worker(b, c, devNull{}, &box{})
			w.Stream.Group += time.Now().String()[11:29] // a new group reads all of it
			w.Limits, w.Chain = Limits{}, func() pipeline.Enricher { return noChain{} }
			begin, started := cpu(), time.Now()
			stop := background(b, w.Run)
			peak := uint64(0)
			for w.Stats().Posts < total {
				time.Sleep(10 * time.Millisecond)
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
			report(b, begin, time.Since(started), int(total))
			b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
			stop()
		}
	})
}

func report(b *testing.B, begin, took time.Duration, posts int) {
	b.ReportMetric(float64(posts)/took.Seconds(), "posts/s")
	b.ReportMetric(float64((cpu()-begin).Nanoseconds())/1000/float64(posts), "cpu-µs/post")
}
