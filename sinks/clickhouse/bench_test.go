package clickhouse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/sinks"
)

// benchBatch is a batch as a busy stream has it: 1 KB posts, one in ten names a brand.
func benchBatch(first, size int64) *pipeline.Batch {
	b := sinks.NewBatch(first, first+size-1)
	text := strings.Repeat("words of a post ", 30)
	for i := range b.Records {
		r := &b.Records[i]
		r.Post.Text, r.Post.Source, r.Post.URL = text, "instance.example", "https://example.org/"+r.Post.ID
		r.Post.Hashtags, r.Post.Links = []string{"one", "two"}, []string{"https://example.org/x"}
		r.Post.Author.Name = "Some Body"
		if i%10 != 0 {
			r.Mentions = nil
		}
	}
	return b
}

// BenchmarkLedgerEncode is our part of the ledger: rows to a Native block. Per post.
func BenchmarkLedgerEncode(b *testing.B) {
	const size = 5000
	batch := benchBatch(0, size)
	buffers := newBlocks()
	touched := map[bucket]bool{}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += size {
		buffers.posts.reset()
		for i := range batch.Records {
			buffers.posts.append(&batch.Records[i], eventTime(&batch.Records[i]))
		}
		_, err := buffers.posts.encode()
		require.NoError(b, err)
		for _, one := range buffers.derived() {
			one.reset()
		}
		for i := range batch.Records {
			buffers.derive("live", &batch.Records[i], eventTime(&batch.Records[i]), nil, touched)
		}
	}
}

// BenchmarkLedgerWrite is the whole Write against the embedded server. Per post; the
// server's own CPU comes on top of what the profile of this process shows.
func BenchmarkLedgerWrite(b *testing.B) {
	const size = 5000
	db := fresh(b)
	l := openLedger(b, db)
	first := int64(0)
	b.ResetTimer()
	for n := 0; n < b.N; n += size {
		b.StopTimer()
		batch := benchBatch(first, size)
		first += size
		b.StartTimer()
		_, err := l.Write(b.Context(), batch)
		require.NoError(b, err)
	}
}
