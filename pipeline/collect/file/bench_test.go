package file_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/file"
)

// nowhere is a session that takes everything.
type nowhere struct{ collecting }

func (*nowhere) Emit(context.Context, []pipeline.Post, pipeline.Cursor) error { return nil }

func BenchmarkRead(b *testing.B) {
	text := strings.Repeat("a few words of text ", 30)
	for name, line := range map[string]string{
		"posts.ndjson": `{"platform":"x","id":"%d","text":"` + text + `","created_at":"2020-01-02T03:04:05.000Z"}` + "\n",
		"posts.tsv":    "%d\t" + text + "\t2020-01-02T03:04:05.000Z\n",
		"posts.csv":    "%d,\"" + text + "\",2020-01-02T03:04:05.000Z\n",
	} {
		const lines = 20_000
		var content strings.Builder
		for i := range lines {
			fmt.Fprintf(&content, line, i)
		}
		src := open(b, write(b, name, []byte(content.String())), func(c *file.Config) {
			if name != "posts.ndjson" {
				c.Columns = map[string]string{"id": "1", "text": "2", "created_at": "3"}
			}
		})
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(content.Len()))
			for b.Loop() {
				require.NoError(b, src.Run(b.Context(), nil, &nowhere{}))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/post")
		})
	}
}
