package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"earshot/enrich"
	"earshot/pipeline"
	"earshot/pipeline/collect/simulate"
	"earshot/pipeline/kafka"
	"earshot/pipeline/query"
	"earshot/sinks/clickhouse"
)

// partPosts are enough for the parts: they take their time from a few rounds over them.
const partPosts = 20_000

// part is one line of the table of parts.
type part struct {
	name string
	unit string // of what a figure is: post or mention
	cpu  float64
}

// spent runs a function over n things, again and again for about a second, and returns
// the processor time of this process that one thing takes, in microseconds.
func spent(n int, do func()) float64 {
	runtime.GC()
	times, began := 0, ownCPU()
	for ownCPU()-began < time.Second {
		do()
		times++
	}
	return each(ownCPU()-began, n*times)
}

// parts measures the parts of the line one by one.
func (s *servers) parts(b *testing.B) []part {
	var raw [][]byte
	generate(b.Context(), b, partPosts, func(_ context.Context, list []pipeline.Post) error {
		for i := range list {
			raw = append(raw, list[i].AppendJSON(nil))
		}
		return nil
	})
	records := make([]pipeline.Record, len(raw))
	decode := func() {
		for i := range records {
			records[i] = pipeline.Record{}
			_, err := pipeline.DecodePost(raw[i], &records[i].Post)
			require.NoError(b, err)
			require.NoError(b, records[i].Post.Validate())
		}
	}
	out := []part{{"read: fetch from Kafka, decompress, decode, commit", "post", s.read(b)}}
	out = append(out, part{"decode: JSON to a checked post (part of read)", "post", spent(len(raw), decode)})
	out = append(out, enriching(b, records)...)
	return append(out, s.storing(b, records)...)
}

// enriching measures each stage. What the records hold at its end is what brands found.
func enriching(b *testing.B, records []pipeline.Record) []part {
	language, err := enrich.NewLanguage(enrich.DefaultLanguageConfig())
	require.NoError(b, err)
	sentiment, err := enrich.NewSentiment(enrich.DefaultSentimentConfig())
	require.NoError(b, err)
	brands := twentyBrands(b)
	run := func(e pipeline.Enricher, list []pipeline.Record) func() {
		return func() {
			for i := range list {
				if e == pipeline.Enricher(brands) {
					list[i].Mentions = list[i].Mentions[:0]
				}
				require.NoError(b, e.Enrich(&list[i]))
			}
		}
	}
	out := []part{
		{"language: 20 languages", "post", spent(len(records), run(language, records))},
		{"brands: 20 queries", "post", spent(len(records), run(brands, records))},
	}
	mentions := slices.DeleteFunc(slices.Clone(records), func(r pipeline.Record) bool { return len(r.Mentions) == 0 })
	require.NotEmpty(b, mentions)
	name := fmt.Sprintf("sentiment: model, of the post and toward each brand (%d %% of the posts name one)", 100*len(mentions)/len(records))
	return append(out, part{name, "mention", spent(len(mentions), run(sentiment, mentions))})
}

// twentyBrands are those of the simulated market.
func twentyBrands(tb testing.TB) *enrich.Brands {
	tb.Helper()
	var list []query.Brand
	for _, b := range simulate.Brands(market(1)) {
		q, err := query.Parse(b.Query)
		require.NoError(tb, err)
		list = append(list, query.Brand{Name: b.Name, Query: q})
	}
	brands, err := enrich.NewBrands(list)
	require.NoError(tb, err)
	return brands
}

// errEnough ends a Write where the ledger's rows are encoded and none is sent.
var errEnough = errors.New("encoded")

// storing measures the ledger, with and without sending.
func (s *servers) storing(b *testing.B, records []pipeline.Record) []part {
	const database = "parts"
	require.NoError(b, clickhouse.Migrate(b.Context(), s.db, database))
	ledger, err := clickhouse.OpenLedger(b.Context(), s.db.In(database), zerolog.Nop(), nil)
	require.NoError(b, err)
	next := int64(0)
	write := func(pending func(context.Context) error) error {
		for batch := range slices.Chunk(records, 10_000) {
			first := next
			for i := range batch {
				batch[i].Position = pipeline.Position{Topic: "parts", Offset: next, Time: batch[i].Post.SeenAt}
				next++
			}
			_, err := ledger.Write(b.Context(), &pipeline.Batch{
				Topic: "parts", First: first, Last: next - 1, Token: time.Unix(0, first).String(),
				LabelSet: pipeline.LiveLabels, Records: batch, Pending: pending,
			})
			if err != nil && !errors.Is(err, errEnough) {
				return err
			}
		}
		return nil
	}
	refuse := func(context.Context) error { return errEnough }
	agree := func(context.Context) error { return nil }
	encode := spent(len(records), func() { require.NoError(b, write(refuse)) })
	insert := spent(len(records), func() { require.NoError(b, write(agree)) })
	require.NoError(b, s.db.Exec(b.Context(), "DROP DATABASE "+database))
	return []part{
		{"encode: the ledger's rows in ClickHouse's form (part of insert)", "post", encode},
		{"insert: the ledger and all derived tables", "post", insert},
	}
}

// counter is a sink that stores nothing but commits as the ledger does.
type counter struct{ posts chan int }

func (c counter) Write(ctx context.Context, b *pipeline.Batch) ([]pipeline.Reject, error) {
	if err := b.Pending(ctx); err != nil {
		return nil, err
	}
	select {
	case c.posts <- len(b.Records):
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// read carries the topic into nothing. With the embedded broker, its share is counted too.
func (s *servers) read(b *testing.B) float64 {
	ends, err := s.client.Ends(b.Context(), pipeline.SimulatedStream().Topic)
	require.NoError(b, err)
	left, posts := 0, 0
	for _, n := range ends {
		posts += int(n)
	}
	producer, sink := kafka.NewProducer(s.client), counter{make(chan int)}
	chain := enrich.NewChain()
	w := &kafka.Worker{
		Client: s.client, Stream: pipeline.SimulatedStream(), Sink: sink,
		Chain:       func() pipeline.Enricher { return chain },
		DeadLetters: kafka.NewDeadLetters(producer), Losses: kafka.NewCoverage(producer), Log: zerolog.Nop(),
	}
	w.Stream.Group = "bench-read"
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	began := ownCPU()
	go func() { done <- w.Run(ctx) }()
	for left = posts; left > 0; {
		select {
		case n := <-sink.posts:
			left -= n
		case err := <-done:
			require.NoError(b, err)
			b.Fatal("the worker ended early")
		}
	}
	cpu := ownCPU() - began
	stop()
	require.NoError(b, <-done)
	return each(cpu, posts)
}
