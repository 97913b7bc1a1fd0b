package file_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/file"
)

// write puts a file into a folder of the test.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func open(t testing.TB, path string, set ...func(*file.Config)) *file.Source {
	t.Helper()
	c := file.DefaultConfig()
	c.Path = path
	for _, f := range set {
		f(&c)
	}
	src, err := file.Open(c)
	require.NoError(t, err)
	return src
}

func gzipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zstandard(t testing.TB, content []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithWindowSize(1<<20))
	require.NoError(t, err)
	defer w.Close() //nolint:errcheck // in memory
	return w.EncodeAll(content, nil)
}

const contractLines = 3456

// upstream is a file of each format with malformed records between good ones.
func upstream(format string) (content []byte, want map[string]int, refused int) {
	var b strings.Builder
	want = map[string]int{}
	if format != "ndjson" {
		b.WriteString(map[string]string{"csv": "id,text,likes\r\n", "tsv": "id\ttext\tlikes\n"}[format])
	}
	for i := range contractLines {
		id := fmt.Sprint("p", i)
		bad := i%500 == 77
		switch format {
		case "ndjson":
			fmt.Fprintf(&b, `{"platform":"test","id":%q,"text":"post %d"}`, id, i)
			if bad {
				b.WriteString("}")
			}
			b.WriteString("\n")
		case "csv":
			likes := fmt.Sprint(i)
			if bad {
				likes = "many"
			}
			fmt.Fprintf(&b, "%s,\"post\r\n%d, \"\"quoted\"\"\",%s\r\n", id, i, likes)
		case "tsv":
			likes := fmt.Sprint(i)
			if bad {
				likes = "many"
			}
			fmt.Fprintf(&b, "%s\tpost \"%d\t%s\n", id, i, likes)
		}
		if bad {
			refused++
			continue
		}
		want["test/"+id]++
	}
	return []byte(b.String()), want, refused
}

func TestContract(t *testing.T) {
	pack := map[string]func(testing.TB, []byte) []byte{
		"":     func(_ testing.TB, b []byte) []byte { return b },
		".gz":  gzipped,
		".zst": zstandard,
	}
	for _, name := range []string{"posts.ndjson", "posts.csv", "posts.tsv", "posts.ndjson.gz", "posts.csv.zst"} {
		t.Run(name, func(t *testing.T) {
			format := strings.Split(name, ".")[1]
			content, want, refused := upstream(format)
			path := write(t, name, pack[strings.TrimPrefix(name, "posts."+format)](t, content))
			collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, New: func(t testing.TB) pipeline.Source {
				return open(t, path, func(c *file.Config) { c.Platform = "test" })
			}})
		})
	}
}

func TestContractOfAFollowedFile(t *testing.T) {
	content, want, refused := upstream("ndjson")
	path := write(t, "posts.ndjson", content)
	collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, Endless: true, New: func(t testing.TB) pipeline.Source {
		return open(t, path, func(c *file.Config) { c.Follow, c.Poll = true, 1e6 })
	}})
}
